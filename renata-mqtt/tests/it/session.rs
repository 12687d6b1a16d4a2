//! The rules of a session, one by one, with bytes written by hand.

use std::time::Duration;

use renata_mqtt::session::{Next, ProtocolError, Refused, Request, Role, StoreSeq, Verdict};
use renata_mqtt::{PacketId, PacketType, QoS, ReasonCode, Version};

use crate::endpoint::{Endpoint, NEED_TWO, publish, publish_3};
use crate::support;

pub(crate) const V5: Version = Version::V5;
pub(crate) const QOS0: u8 = 0x30;
pub(crate) const QOS1: u8 = 0x32;
pub(crate) const QOS1_DUP: u8 = 0x3a;
pub(crate) const QOS2: u8 = 0x34;
pub(crate) const QOS2_DUP: u8 = 0x3c;
pub(crate) const PUBACK: u8 = 0x40;
pub(crate) const PUBREC: u8 = 0x50;
pub(crate) const PUBREL: u8 = 0x62;
pub(crate) const PUBCOMP: u8 = 0x70;
const NOT_FOUND: u8 = 0x92;

fn id(n: u16) -> PacketId {
    PacketId::new(n).expect("not zero")
}

/// [MQTT-4.3.2-4], [MQTT-4.3.3-8], [MQTT-4.3.3-11]
#[test]
fn each_quality_of_service_is_acknowledged_in_its_way() {
    let mut end = Endpoint::new(Role::Client, V5);
    assert_eq!(end.hear(&[QOS0, 4, 0, 1, b't', 0]), Ok(vec![]));
    assert_eq!(end.hear(&publish(QOS1, 7)), Ok(vec![PUBACK, 2, 0, 7]));
    assert_eq!(end.hear(&publish(QOS2, 8)), Ok(vec![PUBREC, 2, 0, 8]));
    assert_eq!(end.hear(&[PUBREL, 2, 0, 8]), Ok(vec![PUBCOMP, 2, 0, 8]));
    assert_eq!(end.diary.arrived.len(), 3);
}

/// [MQTT-4.3.3-10]
#[test]
fn a_qos_2_message_is_handed_over_once_however_often_it_is_sent() {
    let mut end = Endpoint::new(Role::Client, V5);
    for publish in [publish(QOS2, 8), publish(QOS2_DUP, 8), publish(QOS2, 8)] {
        assert_eq!(end.hear(&publish), Ok(vec![PUBREC, 2, 0, 8]));
    }
    end.connect();
    assert_eq!(end.hear(&publish(QOS2_DUP, 8)), Ok(vec![PUBREC, 2, 0, 8]));
    assert_eq!(end.diary.arrived.len(), 1);
    end.hear(&[PUBREL, 2, 0, 8]).expect("released");
    // The identifier is free: the same bytes are a new message.
    end.hear(&publish(QOS2, 8)).expect("accepted");
    assert_eq!(end.diary.arrived.len(), 2);
}

#[test]
fn what_the_peer_remembers_and_we_do_not_is_brought_to_an_end() {
    let mut end = Endpoint::new(Role::Server, V5);
    assert_eq!(
        end.hear(&[PUBREL, 2, 0, 5]),
        Ok(vec![PUBCOMP, 3, 0, 5, NOT_FOUND])
    );
    assert_eq!(
        end.hear(&[PUBREC, 2, 0, 5]),
        Ok(vec![PUBREL, 3, 0, 5, NOT_FOUND])
    );
    assert_eq!(end.hear(&[PUBCOMP, 3, 0, 5, NOT_FOUND]), Ok(vec![]));
    let mut end = Endpoint::new(Role::Server, Version::V3_1_1);
    assert_eq!(end.hear(&[PUBREL, 2, 0, 5]), Ok(vec![PUBCOMP, 2, 0, 5]));
    assert_eq!(end.hear(&[PUBREC, 2, 0, 5]), Ok(vec![PUBREL, 2, 0, 5]));
}

/// [MQTT-4.3.3-4], [MQTT-4.3.3-5]
#[test]
fn a_qos_2_message_of_ours_ends_with_pubcomp() {
    let mut end = Endpoint::new(Role::Client, V5);
    let first = end.send(100) as u8;
    assert_eq!(
        end.hear(&[PUBREC, 2, 0, first]),
        Ok(vec![PUBREL, 2, 0, first])
    );
    assert_eq!(
        end.hear(&[PUBREC, 2, 0, first]),
        Ok(vec![PUBREL, 2, 0, first]),
        "again"
    );
    assert_eq!(end.diary.completed, []);
    assert_eq!(end.hear(&[PUBCOMP, 2, 0, first]), Ok(vec![]));
    assert_eq!(
        end.diary.completed,
        [(first.into(), 100, ReasonCode::SUCCESS)]
    );
}

/// [MQTT-4.4.0-2]
#[test]
fn a_refused_message_is_over_and_its_identifier_is_closed() {
    let mut end = Endpoint::new(Role::Client, V5);
    let (first, second) = (end.send(1), end.send(100));
    end.hear(&[PUBACK, 3, 0, first as u8, 0x97])
        .expect("accepted");
    end.hear(&[PUBREC, 3, 0, second as u8, 0x97])
        .expect("accepted");
    let quota = ReasonCode::QUOTA_EXCEEDED;
    assert_eq!(
        end.diary.completed,
        [(first, 1, quota), (second, 100, quota)]
    );
    assert_eq!(end.session.messages().count(), 0);
}

/// [MQTT-4.6.0-2], [MQTT-4.6.0-3]
#[test]
fn acknowledgements_leave_in_the_order_of_arrival() {
    let mut end = Endpoint::new(Role::Client, V5);
    end.diary.verdict = Verdict::Hold;
    for message in [publish(QOS1, 1), publish(QOS2, 2), publish(QOS1, 3)] {
        assert_eq!(end.hear(&message), Ok(vec![]));
    }
    let acks: Vec<_> = end
        .diary
        .arrived
        .iter()
        .filter_map(|(_, ack)| *ack)
        .collect();
    assert_eq!(
        end.ack(acks[2]),
        (true, vec![]),
        "waits for the two before it"
    );
    assert_eq!(end.ack(acks[0]), (true, vec![PUBACK, 2, 0, 1]));
    let rest = vec![PUBREC, 2, 0, 2, PUBACK, 2, 0, 3];
    assert_eq!(end.ack(acks[1]), (true, rest));
    assert_eq!(end.ack(acks[1]), (false, vec![]), "once");
}

/// [MQTT-4.3.3-9]
#[test]
fn a_message_that_we_refused_may_come_again_as_a_new_one() {
    let mut end = Endpoint::new(Role::Server, V5);
    end.diary.verdict = Verdict::Ack(ReasonCode::QUOTA_EXCEEDED);
    for _ in 0..2 {
        assert_eq!(end.hear(&publish(QOS2, 3)), Ok(vec![PUBREC, 3, 0, 3, 0x97]));
    }
    assert_eq!(end.diary.arrived.len(), 2);
    end.diary.verdict = Verdict::Close(ReasonCode::TOPIC_NAME_INVALID);
    let closed = ProtocolError::Closed(ReasonCode::TOPIC_NAME_INVALID);
    assert_eq!(end.hear(&publish(QOS0 | 0b10, 4)), Err(closed));
}

#[test]
fn acknowledgements_wait_for_the_store() {
    let mut end = Endpoint::new(Role::Server, V5);
    end.diary.verdict = Verdict::AckAfter(StoreSeq(5), ReasonCode::SUCCESS);
    end.hear(&publish(QOS1, 1)).expect("accepted");
    end.diary.verdict = Verdict::AckAfter(StoreSeq(9), ReasonCode::NO_MATCHING_SUBSCRIBERS);
    end.hear(&publish(QOS1, 2)).expect("accepted");
    end.diary.verdict = Verdict::Ack(ReasonCode::SUCCESS);
    assert_eq!(end.hear(&publish(QOS1, 3)), Ok(vec![]));
    end.session.committed(StoreSeq(8), &mut end.out);
    assert_eq!(support::take(&mut end.out), [PUBACK, 2, 0, 1]);
    end.session.committed(StoreSeq(9), &mut end.out);
    assert_eq!(
        support::take(&mut end.out),
        [PUBACK, 3, 0, 2, 0x10, PUBACK, 2, 0, 3]
    );
}

#[test]
fn an_acknowledgement_of_qos_1_is_void_with_its_connection_and_one_of_qos_2_is_not() {
    let mut end = Endpoint::new(Role::Client, V5);
    end.diary.verdict = Verdict::Hold;
    end.hear(&publish(QOS1, 1)).expect("accepted");
    let first = end.last_ack();
    end.hear(&publish(QOS2, 2)).expect("accepted");
    let second = end.last_ack();
    end.session.lost();
    assert_eq!(end.ack(first), (false, vec![]));
    assert_eq!(
        end.ack(second),
        (true, vec![]),
        "remembered until it is sent again"
    );
    end.connect();
    end.hear(&publish(QOS1_DUP, 1)).expect("accepted");
    assert_eq!(end.diary.arrived.len(), 3, "QoS 1 is handed over again");
    let third = end.last_ack();
    assert_eq!(end.hear(&publish(QOS2_DUP, 2)), Ok(vec![]), "in its turn");
    assert_eq!(end.diary.arrived.len(), 3, "QoS 2 is not");
    assert_eq!(
        end.ack(third),
        (true, vec![PUBACK, 2, 0, 1, PUBREC, 2, 0, 2])
    );
}

/// [MQTT-3.3.1-1]: what is sent again has DUP, so this is another message.
#[test]
fn an_identifier_that_was_given_up_can_carry_another_message() {
    let mut end = Endpoint::new(Role::Client, V5);
    end.diary.verdict = Verdict::Hold;
    end.hear(&publish(QOS2, 2)).expect("accepted");
    let old = end.last_ack();
    end.connect();
    end.hear(&publish(QOS2, 2)).expect("accepted");
    assert_eq!(end.diary.arrived.len(), 2);
    assert_eq!(end.ack(old), (false, vec![]));
    let new = end.last_ack();
    assert_eq!(end.ack(new), (true, vec![PUBREC, 2, 0, 2]));
}

/// MQTT 5.0 §3.3.4 and §4.9.
#[test]
fn the_receive_maximum_counts_until_the_exchange_is_over() {
    let mut end = Endpoint::new(Role::Server, V5);
    end.link.receive_maximum = 2;
    end.connect();
    end.hear(&publish(QOS2, 1)).expect("one");
    end.hear(&publish(QOS2, 2)).expect("two");
    end.hear(&publish(QOS2_DUP, 2)).expect("again");
    end.hear(&[PUBREL, 2, 0, 1]).expect("one is over");
    end.hear(&publish(QOS2, 3)).expect("two");
    let exceeded = ProtocolError::ReceiveMaximum { maximum: 2 };
    assert_eq!(end.hear(&publish(QOS2, 4)), Err(exceeded));
    end.connect();
    end.diary.verdict = Verdict::Hold;
    end.hear(&publish(QOS1, 5))
        .expect("a new connection counts anew");
    end.hear(&publish(QOS1, 6)).expect("two");
    assert_eq!(end.hear(&publish(QOS1, 7)), Err(exceeded));
}

#[test]
fn a_3_1_1_peer_is_not_read_while_its_messages_wait() {
    let mut end = Endpoint::new(Role::Client, Version::V3_1_1);
    end.link.receive_maximum = 2;
    end.link.keep_alive = Duration::from_secs(10);
    end.connect();
    end.diary.verdict = Verdict::Hold;
    let mut input = Vec::new();
    for packet in [publish_3(QOS1, 1), publish_3(QOS1, 2), publish_3(QOS1, 3)] {
        input.extend(packet);
    }
    let heard = end.hear_some(&input).expect("accepted");
    assert_eq!((heard.used, heard.next), (14, Next::Paused));
    assert!(end.session.is_paused());
    // The silence is our own doing.
    for _ in 0..5 {
        end.now += Duration::from_secs(10);
        let passed = end.session.handle_timeout(end.now, &mut end.out);
        assert_eq!(passed, Ok(()));
    }
    support::take(&mut end.out);
    let first = end.diary.arrived[0].1.expect("QoS 1");
    assert_eq!(end.ack(first).1, [PUBACK, 2, 0, 1]);
    let heard = end.hear_some(&input[14..]).expect("accepted");
    assert_eq!((heard.used, heard.next), (7, NEED_TWO));
}

/// What mosquitto 2.0 does with a backlog: to hang up would be to hang up for ever.
#[test]
fn a_server_that_resumes_with_too_much_is_read_no_faster_than_it_is_acknowledged() {
    for (present, strict) in [(true, false), (false, true)] {
        let mut end = Endpoint::new(Role::Client, V5);
        end.link.receive_maximum = 2;
        end.link.session_present = present;
        end.connect();
        end.diary.verdict = Verdict::Hold;
        let input = [publish(QOS1, 1), publish(QOS1, 2), publish(QOS1, 3)].concat();
        let heard = end.hear_some(&input);
        if strict {
            assert_eq!(
                heard.err(),
                Some(ProtocolError::ReceiveMaximum { maximum: 2 })
            );
            continue;
        }
        let heard = heard.expect("accepted");
        let two = input.len() / 3 * 2;
        assert_eq!((heard.used, heard.next), (two, Next::Paused));
        support::take(&mut end.out);
        let first = end.diary.arrived[0].1.expect("QoS 1");
        end.ack(first);
        let heard = end.hear_some(&input[two..]).expect("accepted");
        assert_eq!((heard.used, heard.next), (input.len() - two, NEED_TWO));
    }
}

/// [MQTT-4.4.0-1], [MQTT-4.6.0-1], [MQTT-4.6.0-4]
#[test]
fn a_resumed_session_sends_again_in_order_and_within_the_window() {
    let mut end = Endpoint::new(Role::Client, V5);
    let ids: Vec<u8> = [100, 101, 2, 103, 4].map(|n| end.send(n) as u8).to_vec();
    end.hear(&[PUBREC, 2, 0, ids[1]]).expect("received");
    end.hear(&[PUBREC, 2, 0, ids[0]]).expect("received");
    end.link.send_maximum = 3;
    let again = end.connect();
    // PUBRELs in the order of their PUBRECs, then what the window has room for.
    assert_eq!(again[..8], [PUBREL, 2, 0, ids[1], PUBREL, 2, 0, ids[0]]);
    assert_eq!(again[8], QOS1_DUP);
    assert_eq!(count(&again), 3);
    assert_eq!(end.session.window(), 0);
    let refused = end.session.open(end.now, QoS::AtLeastOnce, 9);
    assert_eq!(
        refused,
        Err((Refused::WindowFull, 9)),
        "what is new goes behind"
    );
    let more = end.hear(&[PUBCOMP, 2, 0, ids[1]]).expect("room");
    assert_eq!((more[0], count(&more)), (QOS2_DUP, 1));
    let more = end.hear(&[PUBACK, 2, 0, ids[2]]).expect("room");
    assert_eq!((more[0], count(&more)), (QOS1_DUP, 1));
    assert_eq!(end.hear(&[PUBCOMP, 2, 0, ids[0]]), Ok(vec![]));
    assert_eq!(end.session.window(), 1);
}

/// How many packets there are; all of them short.
fn count(mut bytes: &[u8]) -> usize {
    let mut packets = 0;
    while let [_, len, rest @ ..] = bytes {
        bytes = &rest[usize::from(*len)..];
        packets += 1;
    }
    packets
}

#[test]
fn a_session_that_the_peer_forgot_starts_anew_with_later_identifiers() {
    let mut end = Endpoint::new(Role::Client, V5);
    end.send(1);
    end.send(100);
    end.hear(&publish(QOS2, 9)).expect("accepted");
    end.link.session_present = false;
    assert_eq!(end.connect(), []);
    assert_eq!(end.diary.abandoned, [1, 100]);
    assert_eq!(end.send(3), 3);
    end.hear(&publish(QOS2, 9)).expect("accepted");
    assert_eq!(end.diary.arrived.len(), 2, "nothing is remembered");
}

#[test]
fn requests_and_messages_share_the_identifiers() {
    let mut end = Endpoint::new(Role::Client, V5);
    let subscribe = end.session.request(end.now, Request::Subscribe, 2);
    assert_eq!(subscribe, Ok(id(1)));
    assert_eq!(end.send(7), 2);
    let unsubscribe = end.session.request(end.now, Request::Unsubscribe, 1);
    assert_eq!(unsubscribe, Ok(id(3)));
    let wrong = |packet, n| Err(ProtocolError::UnexpectedAck { packet, id: id(n) });
    assert_eq!(end.hear(&[PUBACK, 2, 0, 1]), wrong(PacketType::PubAck, 1));
    assert_eq!(
        end.hear(&[0x90, 4, 0, 2, 0, 0]),
        wrong(PacketType::SubAck, 2)
    );
    assert_eq!(
        end.hear(&[0x90, 4, 0, 3, 0, 0]),
        wrong(PacketType::SubAck, 3)
    );
    let codes = ProtocolError::ReasonCodes {
        packet: PacketType::SubAck,
        expected: 2,
        found: 1,
    };
    assert_eq!(end.hear(&[0x90, 4, 0, 1, 0, 0]), Err(codes));
    assert_eq!(end.hear(&[0x90, 5, 0, 1, 0, 0, 0]), Ok(vec![]));
    assert_eq!(end.hear(&[0xb0, 4, 0, 3, 0, 0]), Ok(vec![]));
    // An answer is part of the connection, not of the session.
    let lost = end.session.request(end.now, Request::Subscribe, 1);
    end.connect();
    let lost = lost.expect("connected").get();
    assert_eq!(
        end.hear(&[0x90, 4, 0, lost as u8, 0, 0]),
        wrong(PacketType::SubAck, lost)
    );
}
