//! Bytes that nobody should send: whatever comes, the core lives on and others are served.

use proptest::prelude::*;

use super::{Table, connect, frame, publish, subscribe};
use crate::core::Next;
use crate::engine::Memory;

/// Whole packets of a client, some of them from after its time.
fn corpus() -> Vec<Vec<u8>> {
    vec![
        connect(4, "c", false, &[]),
        connect(
            5,
            "c",
            true,
            b"\x11\x00\x00\x00\x64\x21\x00\x05\x27\x00\x00\x40\x00",
        ),
        publish(0x30, "a/b", 0, b"x"),
        publish(0x33, "a/b", 7, b"x"),
        publish(0x3c, "a/b", 7, b"x"),
        b"\x32\x0d\x00\x01a\x00\x01\x06\x02\x00\x00\x00\x05\x01\x01s".to_vec(),
        b"\x30\x08\x00\x01a\x03\x23\x00\x01x".to_vec(),
        frame(0x40, &[0, 1]),
        frame(0x50, &[0, 1]),
        frame(0x62, &[0, 7]),
        frame(0x70, &[0, 1]),
        subscribe(4, "a/#", 1),
        subscribe(5, "$share/g/a/+", 2),
        frame(0xa2, b"\x00\x01\x00\x03a/#"),
        frame(0xa2, b"\x00\x01\x00\x00\x03a/#"),
        vec![0xc0, 0],
        vec![0xe0, 0],
        frame(0xe0, b"\x04\x05\x11\x00\x00\x00\x0a"),
        frame(0xf0, &[0x19, 0]),
    ]
}

/// Hands `bytes` in as a socket would, in two reads, and then looks whether a new client is served.
fn survives(version: u8, bytes: &[u8], cut: usize) {
    let mut table = Table::new(Memory, |_| {});
    let id = table.connect(version, "hostile", false, &[]);
    table.read(id);
    let mut pending = Vec::new();
    for part in [
        &bytes[..cut.min(bytes.len())],
        &bytes[cut.min(bytes.len())..],
    ] {
        pending.extend_from_slice(part);
        let taken = table.core.receive(table.now, id, &pending);
        assert!(taken.used <= pending.len());
        pending.drain(..taken.used);
        table.core.end_turn(table.now);
        table.read(id);
        if taken.next == Next::Close {
            assert!(table.core.is_closing(id));
            table.core.lost(table.now, id);
            break;
        }
    }
    let other = table.connect(4, "other", true, &[]);
    assert_eq!(table.read(other), [0x20, 2, 0, 0]);
    table.send(other, &[0xc0, 0]);
    assert_eq!(table.read(other), [0xd0, 0]);
}

/// Every packet cut at every byte, with something else behind it.
#[test]
fn a_packet_cut_anywhere_ends_or_waits() {
    for version in [4, 5] {
        for packet in corpus() {
            for cut in 0..packet.len() {
                survives(version, &packet[..cut], cut / 2);
                let mut mixed = packet[..cut].to_vec();
                mixed.extend(&packet);
                survives(version, &mixed, cut);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Packets in any order with any byte changed.
    #[test]
    fn changed_packets_do_no_harm(
        picks in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..12),
        version in 4_u8..6,
        cut in 0_usize..64,
    ) {
        let corpus = corpus();
        let mut bytes = Vec::new();
        for (pick, place, value, change) in picks {
            let mut packet = corpus[pick.index(corpus.len())].clone();
            if change {
                let at = place.index(packet.len());
                packet[at] = value;
            }
            bytes.extend(packet);
        }
        survives(version, &bytes, cut);
    }
}
