//! How a session lives with its connection: goodbyes, pauses, pings, and none at all.

use std::time::Duration;

use renata_mqtt::session::{Next, ProtocolError, Refused, Request, Role};
use renata_mqtt::{QoS, ReasonCode};

use crate::endpoint::{Endpoint, NEED_TWO, publish};
use crate::session::{QOS1, V5};
use crate::support;

#[test]
fn nothing_is_read_behind_a_goodbye() {
    let mut end = Endpoint::new(Role::Server, V5);
    let mut input = vec![0xe0, 1, 0x04];
    input.extend(publish(QOS1, 1));
    let heard = end.hear_some(&input).expect("accepted");
    assert_eq!((heard.used, heard.next), (3, Next::Closed));
    assert_eq!(end.diary.goodbye, Some(ReasonCode::DISCONNECT_WITH_WILL));
    assert_eq!(end.diary.arrived.len(), 0);
}

#[test]
fn an_owner_can_bound_its_work() {
    let mut end = Endpoint::new(Role::Server, V5);
    let input: Vec<u8> = (1..=5).flat_map(|id| publish(QOS1, id)).collect();
    end.diary.budget = 2;
    let heard = end.hear_some(&input).expect("accepted");
    assert_eq!((heard.used, heard.next), (16, Next::Paused));
    end.diary.budget = 9;
    let heard = end.hear_some(&input[16..]).expect("accepted");
    assert_eq!((heard.used, heard.next), (24, NEED_TWO));
    assert_eq!(end.diary.arrived.len(), 5);
}

/// [MQTT-3.12.4-1], [MQTT-3.1.2-22]
#[test]
fn a_server_answers_a_ping_and_leaves_the_silent() {
    let mut end = Endpoint::new(Role::Server, V5);
    end.link.keep_alive = Duration::from_secs(10);
    end.connect();
    assert_eq!(end.hear(&[0xc0, 0]), Ok(vec![0xd0, 0]));
    let deadline = end.now + Duration::from_secs(15);
    assert_eq!(end.session.poll_timeout(), Some(deadline));
    let silent = end.session.handle_timeout(deadline, &mut end.out);
    assert_eq!(silent, Err(ProtocolError::KeepAlive));
    end.session
        .disconnect(ProtocolError::KeepAlive.reason(), &mut end.out);
    assert_eq!(support::take(&mut end.out), [0xe0, 1, 0x8d]);
}

#[test]
fn without_a_connection_nothing_is_taken_or_said() {
    let mut end = Endpoint::new(Role::Client, V5);
    end.session.lost();
    let refused = end.session.open(end.now, QoS::AtLeastOnce, 1);
    assert_eq!(refused, Err((Refused::NotConnected, 1)));
    let request = end.session.request(end.now, Request::Subscribe, 1);
    assert_eq!(request, Err(Refused::NotConnected));
    let heard = end.hear_some(&publish(QOS1, 1)).expect("ignored");
    assert_eq!((heard.used, heard.next), (0, Next::Closed));
    assert_eq!(end.session.poll_timeout(), None);
    end.session.disconnect(ReasonCode::SUCCESS, &mut end.out);
    assert!(end.out.is_empty());
}
