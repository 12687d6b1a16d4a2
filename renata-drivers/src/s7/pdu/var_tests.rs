use super::super::{Tpdu, TpduSize, put_data, unhex};
use super::*;
use proptest::prelude::*;

fn bytes_item(db: u16, byte: u32, count: u16) -> Item {
    Item {
        area: AreaCode::DATA_BLOCK,
        db,
        address: byte * 8,
        transport: Transport::BYTE,
        count,
    }
}

fn payload(frame: &[u8]) -> &[u8] {
    match Tpdu::parse(frame) {
        Ok(Tpdu::Data { end: true, payload }) => payload,
        other => panic!("a data frame, not {other:?}"),
    }
}

fn read_items(data: &str, count: u8) -> Vec<Result<Vec<u8>, ReturnCode>> {
    let data = unhex(data);
    let pdu = Pdu {
        kind: Kind::Reply,
        reference: 1,
        error: super::super::HeaderError::OK,
        param: &[READ, count],
        data: &data,
    };
    let reply = ReadReply::parse(&pdu).unwrap();
    reply
        .items()
        .map(|i| i.unwrap().map(<[u8]>::to_vec))
        .collect()
}

#[test]
fn the_golden_read() {
    let golden = unhex("0300001f02f080 32010000000200 0e0000 0401 120a1002 0004 0001 84 000000");
    let (mut pdu, mut frame) = (BytesMut::new(), BytesMut::new());
    put_read_request(2, &[bytes_item(1, 0, 4)], &mut pdu);
    put_data(&pdu, TpduSize::B1024, &mut frame);
    assert_eq!(frame, golden);
    let parsed = Pdu::parse(payload(&golden)).unwrap();
    assert_eq!(Function::of(&parsed), Some(Function::Read));
    let items: Vec<_> = VarRequest::parse(&parsed).unwrap().reads().collect();
    assert_eq!(items, [Ok(bytes_item(1, 0, 4))]);

    let reply = unhex("0300001d02f080 3203000000020002000800 00 0401 ff040020 40500000");
    let parsed = Pdu::parse(payload(&reply)).unwrap();
    assert_eq!(parsed.reference, 2);
    let items: Vec<_> = ReadReply::parse(&parsed).unwrap().items().collect();
    assert_eq!(items, [Ok(Ok(&[0x40, 0x50, 0, 0][..]))]);
    pdu.clear();
    put_read_reply(
        2,
        &[Ok((Transport::BYTE, vec![0x40, 0x50, 0, 0]))],
        &mut pdu,
    );
    assert_eq!(pdu, payload(&reply));
}

#[test]
fn the_golden_errors_between_good_items() {
    let native = read_items("0a000004 05000004 ff040020 3fc00000", 3);
    let expected = [
        Err(ReturnCode::MISSING),
        Err(ReturnCode::RANGE),
        Ok(vec![0x3f, 0xc0, 0, 0]),
    ];
    assert_eq!(native, expected);
    assert_eq!(
        read_items("0a000000 05000000 ff040020 3fc00000", 3),
        expected
    );
}

#[test]
fn the_golden_odd_lengths_ignore_the_fill_byte() {
    let items = read_items("ff040008 40 50 ff040018 500000 c5 ff040010 0000", 3);
    assert_eq!(
        items,
        [Ok(vec![0x40]), Ok(vec![0x50, 0, 0]), Ok(vec![0, 0])]
    );
}

#[test]
fn lengths_count_bits_or_bytes_by_their_unit() {
    assert_eq!(read_items("ff030001 01", 1), [Ok(vec![1])]);
    assert_eq!(read_items("ff070004 3f800000", 1), [Ok(unhex("3f800000"))]);
    assert_eq!(read_items("ff090002 0123", 1), [Ok(vec![1, 0x23])]);
    assert_eq!(read_items("ff050010 0123", 1), [Ok(vec![1, 0x23])]);
}

#[test]
fn the_golden_writes() {
    let (mut pdu, one) = (BytesMut::new(), bytes_item(1, 4, 1));
    let two = bytes_item(1, 6, 2);
    let writes = [
        WriteItem {
            item: one,
            bytes: &[0xAA],
        },
        WriteItem {
            item: two,
            bytes: &[0x12, 0x34],
        },
    ];
    put_write_request(3, &writes, &mut pdu);
    let parsed = Pdu::parse(&pdu).unwrap();
    assert_eq!(parsed.data, unhex("00040008aa00 00040010 1234"));
    let request = VarRequest::parse(&parsed).unwrap();
    assert!(request.writes().map(Result::unwrap).eq(writes));

    let reply = unhex("32030000000300020002 0000 0502 ff ff");
    let parsed = Pdu::parse(&reply).unwrap();
    let codes: Vec<_> = WriteReply::parse(&parsed).unwrap().codes().collect();
    assert_eq!(codes, [ReturnCode::OK, ReturnCode::OK]);
    let mut ours = BytesMut::new();
    put_write_reply(3, &codes, &mut ours);
    assert_eq!(ours, reply);
}

#[test]
fn the_golden_bit_write() {
    let bit = Item {
        transport: Transport::BIT,
        address: 0x343,
        ..bytes_item(1, 0, 1)
    };
    let mut pdu = BytesMut::new();
    put_write_request(
        4,
        &[WriteItem {
            item: bit,
            bytes: &[1],
        }],
        &mut pdu,
    );
    let parsed = Pdu::parse(&pdu).unwrap();
    assert_eq!(parsed.param, unhex("0501 120a1001 0001 0001 84 000343"));
    assert_eq!(parsed.data, unhex("00030001 01"));
}

#[test]
fn a_reply_to_something_else_is_unexpected() {
    let write = unhex("32030000000300020001 0000 0501 ff");
    let write = Pdu::parse(&write).unwrap();
    assert!(ReadReply::parse(&write).is_err());
    let short = unhex("32030000000300020001 0000 0502 ff");
    let short = Pdu::parse(&short).unwrap();
    assert_eq!(WriteReply::parse(&short).err(), Some(WireError::Lengths));
}

proptest! {
    /// What the PLC writes, the client reads; every shorter reply is an error, not a panic.
    #[test]
    fn replies_round_trip(
        items in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 1..40).prop_map(Ok),
                (0u8..0xFF).prop_map(|c| Err(ReturnCode(c))),
            ],
            1..20,
        ),
    ) {
        let sent: Vec<ReplyItem> =
            items.iter().cloned().map(|i| i.map(|b| (Transport::BYTE, b))).collect();
        let mut wire = BytesMut::new();
        put_read_reply(9, &sent, &mut wire);
        let pdu = Pdu::parse(&wire).unwrap();
        let read: Result<Vec<_>, _> = ReadReply::parse(&pdu).unwrap().items().collect();
        let read: Vec<_> = read.unwrap().into_iter().map(|i| i.map(<[u8]>::to_vec)).collect();
        prop_assert_eq!(read, items);
        for cut in 0..pdu.data.len() {
            let cut = Pdu { data: &pdu.data[..cut], ..pdu };
            prop_assert!(ReadReply::parse(&cut).unwrap().items().any(|i| i.is_err()));
        }
    }

    #[test]
    fn no_request_panics(
        param in prop::collection::vec(any::<u8>(), 0..60),
        data in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let pdu = Pdu { kind: Kind::Job, reference: 0, error: super::super::HeaderError::OK, param: &param, data: &data };
        if let Ok(request) = VarRequest::parse(&pdu) {
            let _ = request.reads().count();
            let _ = request.writes().count();
        }
    }
}
