//! What a session does with bytes that make no sense, and what it costs.

use proptest::prelude::*;
use renata_mqtt::session::{Role, Session};
use renata_mqtt::{DecodeError, Version};

use crate::endpoint::Endpoint;
use crate::session::{PUBACK, PUBCOMP, PUBREC, PUBREL, QOS0, QOS1, QOS1_DUP, QOS2, QOS2_DUP};
use crate::support;

#[test]
fn a_session_takes_little_and_grows_with_what_it_holds() {
    // A million idle sessions have to fit in a machine.
    assert!(
        size_of::<Session<u64>>() <= 400,
        "{}",
        size_of::<Session<u64>>()
    );
}

fn any_packet() -> impl Strategy<Value = Vec<u8>> {
    let first = prop::sample::select(vec![
        QOS0, QOS1, QOS1_DUP, QOS2, QOS2_DUP, PUBACK, PUBREC, PUBREL, PUBCOMP, 0x82, 0x90, 0xa2,
        0xb0, 0xc0, 0xd0, 0xe0, 0xf0, 0x10, 0x20, 0x00,
    ]);
    let body = prop_oneof![
        // Mostly identifiers that are open or close to it.
        4 => (0_u8..6).prop_map(|id| vec![0, id]),
        3 => (0_u8..6).prop_map(|id| vec![0, 1, b't', 0, id, 0]),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ];
    (first, body).prop_map(|(first, body)| {
        let mut packet = vec![first, body.len() as u8];
        packet.extend(body);
        packet
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    /// Whatever arrives is handled or refused: no panic, and cut into pieces it is the same.
    #[test]
    fn any_bytes_are_handled_or_refused(
        packets in prop::collection::vec(any_packet(), 0..30),
        noise in prop::collection::vec(any::<u8>(), 0..10),
        server in any::<bool>(),
        old in any::<bool>(),
        piece in 1_usize..9,
    ) {
        let role = if server { Role::Server } else { Role::Client };
        let version = if old { Version::V3_1_1 } else { Version::V5 };
        let mut input: Vec<u8> = packets.concat();
        input.extend(noise);
        let hear = |piece: usize| {
            let mut end = Endpoint::new(role, version);
            end.send(1);
            end.send(102);
            let mut pending = Vec::new();
            let mut result = Ok(());
            for bytes in input.chunks(piece) {
                pending.extend(bytes);
                match end.hear_some(&pending) {
                    Ok(heard) => drop(pending.drain(..heard.used)),
                    Err(error) => {
                        result = Err(error);
                        break;
                    }
                }
            }
            (result, end.diary.arrived, end.diary.completed, support::take(&mut end.out))
        };
        let (whole, pieces) = (hear(input.len().max(1)), hear(piece));
        // A packet that is too long is refused by its header, which a piece may not hold yet.
        prop_assert_eq!(whole, pieces);
    }
}

#[test]
fn an_oversized_packet_is_refused_by_its_header() {
    let mut end = Endpoint::new(Role::Server, Version::V5);
    end.link.max_packet = 1_000;
    end.connect();
    let error = end.hear(&[QOS0, 0xff, 0xff, 0xff, 0x7f]);
    let too_large = DecodeError::TooLarge {
        size: 268_435_460,
        limit: 1_000,
    };
    assert_eq!(error, Err(too_large.into()));
}
