//! How often the packet layer allocates: never to read, never to write into a warm queue, and never
//! to own a packet of a buffer that is there.

// The allocator forwards to the system's: the trait itself is unsafe.
#[allow(unsafe_code)]
mod counting;

use std::hint::black_box;

use bytes::Bytes;
use renata_mqtt::packet::{
    Ack, AckKind, PacketRef, Payload, Property, Publish, PublishOut, Subscribe,
    SubscriptionOptions, encode,
};
use renata_mqtt::wire::{Framing, frame_len};
use renata_mqtt::{DecodeError, PacketId, QoS, ReasonCode, Version, WriteQueue};

use counting::allocations_of;

const V3: Version = Version::V3_1_1;
const V5: Version = Version::V5;

/// PUBLISH at QoS 1 with a content type, a response topic, correlation data and two user properties.
const RICH: &[u8] = b"\x32\x2d\x00\x05a/b/c\x00\x0a\x1c\x03\x00\x01j\x08\x00\x01r\x09\x00\x01c\
    \x26\x00\x01k\x00\x01v\x26\x00\x02kk\x00\x02vvpayload";

#[test]
fn the_counter_counts() {
    let one = allocations_of(|| drop(black_box(Box::new(7_u64))));
    assert_eq!(one, 1);
}

#[test]
fn a_borrowed_packet_and_all_that_it_shows_allocates_nothing() {
    let connect = b"\x10\x20\x00\x04MQTT\x05\xc6\x00\x3c\x05\x11\x00\x00\x00\x0a\x00\x01c\
        \x00\x00\x01w\x00\x01x\x00\x01u\x00\x01p";
    let frames: [(Version, &[u8]); 6] = [
        (V5, RICH),
        (V5, connect),
        (V3, b"\x30\x06\x00\x03a/bx"),
        (V3, b"\x82\x08\x00\x01\x00\x03a/+\x01"),
        (V5, b"\x90\x05\x00\x01\x00\x02\x87"),
        (V5, b"\xe0\x07\x8e\x05\x11\x00\x00\x00\x00"),
    ];
    for (version, frame) in frames {
        let mut read = false;
        let count = allocations_of(|| {
            read = matches!(frame_len(frame, 1 << 20), Ok(Framing::Frame { .. }));
            match PacketRef::decode(version, frame) {
                Ok(PacketRef::Publish(publish)) => {
                    black_box(publish.properties().iter().count());
                    black_box((publish.content_type(), publish.correlation_data()));
                }
                Ok(PacketRef::Subscribe(subscribe)) => {
                    black_box(subscribe.filters().count());
                }
                Ok(PacketRef::SubAck(ack)) => {
                    black_box(ack.codes().count());
                }
                Ok(packet) => {
                    black_box(packet);
                }
                Err(_) => read = false,
            }
        });
        assert!(read, "{frame:02x?}");
        assert_eq!(count, 0, "{frame:02x?}");
    }
}

#[test]
fn a_length_that_claims_256_mib_allocates_nothing() {
    let mut refused = Ok(Framing::Need(1));
    let count = allocations_of(|| {
        refused = frame_len(&[0x30, 0xff, 0xff, 0xff, 0x7f], 1 << 20);
    });
    assert!(matches!(refused, Err(DecodeError::TooLarge { .. })));
    assert_eq!(count, 0);
}

#[test]
fn owning_the_packets_of_a_read_buffer_costs_one_allocation_for_the_buffer() {
    const PACKETS: usize = 1_000;
    let wire = RICH.repeat(PACKETS);
    let mut owned = 0;
    let count = allocations_of(|| {
        // Handing a vector to `Bytes` is free until it is shared for the first time.
        let mut rest = Bytes::from(wire);
        while let Ok(Framing::Frame { header, body }) = frame_len(&rest, 1 << 20) {
            let frame = rest.split_to(header + body);
            if let Ok(publish) = Publish::from_frame(V5, frame) {
                let copy = black_box(publish.clone());
                owned += usize::from(copy.payload() == b"payload"[..]);
            }
        }
    });
    assert_eq!(owned, PACKETS);
    assert!(count <= 1, "{count} allocations for {PACKETS} packets");
}

#[test]
fn a_warm_queue_is_written_to_without_allocating() {
    let id = PacketId::MIN;
    let large = Bytes::from(vec![7; 64 << 10]);
    let properties = [
        Property::ContentType("application/cbor"),
        Property::UserProperty("origin", "gw-1"),
    ];
    let options = SubscriptionOptions::default();
    let filters = [("a/+/c", options), ("$share/g/t/#", options)];
    let mut out = WriteQueue::new();
    let mut turn = || -> Result<(), renata_mqtt::EncodeError> {
        for payload in [Payload::Slice(b"21.5"), Payload::Shared(&large)] {
            let publish = PublishOut {
                topic: "renata/biel/press/temperature",
                payload,
                qos: QoS::AtLeastOnce,
                id: Some(id),
                dup: false,
                retain: false,
                properties: &properties,
            };
            encode(&publish, V5, &mut out)?;
            out.advance(out.len());
        }
        let subscribe = Subscribe {
            id,
            filters: &filters,
            properties: &[],
        };
        encode(&subscribe, V5, &mut out)?;
        let ack = Ack {
            kind: AckKind::PubAck,
            id,
            reason: ReasonCode::SUCCESS,
            properties: &[],
        };
        encode(&ack, V3, &mut out)?;
        out.advance(out.len());
        Ok(())
    };
    turn().expect("legal");
    let mut written = Ok(());
    let count = allocations_of(|| written = (0..100).try_for_each(|_| turn()));
    assert_eq!(written, Ok(()));
    assert_eq!(count, 0, "allocations in 100 turns");
}
