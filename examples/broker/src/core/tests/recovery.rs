//! A session after a restart: the same packet ids, nothing twice that QoS 2 forbids, nothing missing.

use std::sync::Arc;

use bytes::Bytes;

use super::{Slow, Table, publish};
use crate::engine::{MessageId, SubscriptionRecord};
use crate::engine::{
    QueueRecord, Recovered, RecoveredEntry, RecoveredSession, SessionId, SessionRecord,
};
use crate::message::Message;

fn entry(seq: u64, qos: u8, text: Option<&str>) -> RecoveredEntry {
    let message = |text: &str| {
        Arc::new(Message {
            topic: "a".into(),
            payload: Bytes::copy_from_slice(text.as_bytes()),
            properties: Bytes::new(),
            qos,
            expires_at: None,
        })
    };
    RecoveredEntry {
        record: QueueRecord {
            seq,
            message: MessageId(seq),
            qos,
            retain: false,
            identifiers: Default::default(),
        },
        message: text.map(message),
    }
}

/// A broker that finds one session with these entries, and its client connected again.
fn resumed(next_seq: u64, queue: Vec<RecoveredEntry>) -> (Table, Slow, super::LinkId, Vec<u8>) {
    let slow = Slow::default();
    *slow.left.lock().unwrap() = Recovered {
        sessions: vec![RecoveredSession {
            record: SessionRecord {
                id: SessionId(3),
                client_id: "sub".into(),
                principal: "anonymous".into(),
                expiry_secs: 1_000,
                left_at: None,
                will: None,
                subscriptions: vec![SubscriptionRecord {
                    filter: "a".into(),
                    qos: 2,
                    no_local: false,
                    retain_as_published: false,
                    retain_handling: 0,
                    identifier: 0,
                }],
            },
            queue,
            next_seq,
            inbound: vec![9],
        }],
        next_session: 4,
        next_message: 100,
        ..Recovered::default()
    };
    let mut table = Table::new(slow.clone(), |_| {});
    let id = table.connect(4, "sub", false, &[]);
    slow.commit();
    table.core.end_turn(table.now);
    let mut said = table.read(id);
    assert_eq!(
        said.drain(..4).as_slice(),
        [0x20, 2, 1, 0],
        "session present"
    );
    said.extend(table.read(id));
    (table, slow, id, said)
}

#[test]
fn packet_ids_follow_from_sequence_numbers_across_gaps() {
    let queue = vec![entry(65_533, 1, Some("x")), entry(65_536, 2, Some("y"))];
    let (mut table, slow, id, said) = resumed(65_538, queue);
    // 65 533 -> 65 534; 65 536 -> 2 after the wrap; both may have been sent before.
    let expected = [
        publish(0x3a, "a", 65_534, b"x"),
        publish(0x3c, "a", 2, b"y"),
    ]
    .concat();
    assert_eq!(said, expected);
    // The next one gets the id of the next number, 65 538 -> 4: the one in between is done.
    let publisher = table.connect(4, "pub", true, &[]);
    table.send(publisher, &publish(0x32, "a", 1, b"z"));
    slow.commit();
    table.core.end_turn(table.now);
    assert_eq!(table.read(id), publish(0x32, "a", 4, b"z"));
}

#[test]
fn a_received_message_is_released_and_not_sent_again() {
    let queue = vec![
        entry(0, 2, Some("w")),
        entry(1, 2, None),
        entry(2, 2, Some("x")),
    ];
    let (_table, _slow, _id, said) = resumed(3, queue);
    let expected = [
        &b"\x62\x02\x00\x02"[..],
        &publish(0x3c, "a", 1, b"w"),
        &publish(0x3c, "a", 3, b"x"),
    ]
    .concat();
    assert_eq!(said, expected);
}

#[test]
fn a_message_that_was_routed_before_the_crash_is_not_routed_again() {
    let (mut table, slow, id, said) = resumed(0, Vec::new());
    assert!(said.is_empty());
    slow.changes();
    table.send(id, &publish(0x3c, "a", 9, b"again"));
    assert!(slow.changes().is_empty(), "packet id 9 is open");
    assert_eq!(table.read(id), [0x50, 2, 0, 9], "PUBREC all the same");
}
