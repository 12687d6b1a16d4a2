//! Frames that are not MQTT, or not at this place: each ends its connection with the right reason and
//! leaves the broker alive.

use crate::support::{Broker, Raw, connect_v3, connect_v5, framed};

/// What the broker says before it closes a 5.0 connection that was up.
fn v5_ends_with(broker: &Broker, frame: &[u8], reason: u8) {
    let mut raw = Raw::v5(broker.addr(), "bad");
    raw.send(frame);
    let said = raw.read_to_end();
    assert!(
        said.len() >= 3 && said[0] == 0xe0 && said[2] == reason,
        "{frame:02x?}: wanted DISCONNECT {reason:#04x}, got {said:02x?}"
    );
}

/// The table of the packet layer, each line over a connection of its own.
#[test]
fn every_frame_of_the_table_ends_its_connection_with_the_right_reason() {
    let broker = Broker::open();
    let table = include_str!("../../../../renata-mqtt/tests/fixtures/malformed.txt");
    let lines = table
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let mut count = 0;
    for line in lines {
        let fields: Vec<&str> = line.split(" | ").map(str::trim).collect();
        let [name, when, version, frame, reason] = fields[..] else {
            panic!("five fields a line: {line}");
        };
        let frame: Vec<u8> = (0..frame.len() / 2)
            .map(|at| u8::from_str_radix(&frame[at * 2..at * 2 + 2], 16).unwrap())
            .collect();
        let reason = reason
            .strip_prefix("0x")
            .map(|hex| u8::from_str_radix(hex, 16).unwrap());
        let mut raw = match (when, version) {
            ("first", _) => Raw::connect(broker.addr()),
            (_, "4") => Raw::v3(broker.addr(), "m"),
            _ => Raw::v5(broker.addr(), "m"),
        };
        raw.send(&frame);
        let said = raw.read_to_end();
        let told = match (when, version, reason) {
            (_, _, None) => said.is_empty(),
            // A 3.1.1 client hears one of five return codes, or nothing.
            ("first", "4", _) => said.is_empty() || said[..2] == [0x20, 2],
            (_, "4", _) => said.is_empty(),
            ("first", _, Some(code)) => said.len() > 3 && said[0] == 0x20 && said[3] == code,
            (_, _, Some(code)) => said.len() > 2 && said[0] == 0xe0 && said[2] == code,
        };
        assert!(told, "{name}: wanted {reason:02x?}, got {said:02x?}");
        count += 1;
    }
    assert!(count >= 60, "only {count} frames");
    assert!(broker.is_alive());
}

#[test]
fn a_connection_that_does_not_begin_with_connect_is_closed_at_its_first_byte() {
    let broker = Broker::open();
    for first in (0..=255).filter(|byte| byte >> 4 != 1) {
        let mut raw = Raw::connect(broker.addr());
        raw.send(&[first]);
        assert_eq!(raw.read_to_end(), [], "{first:#04x}");
    }
    assert!(broker.is_alive());
}

#[test]
fn a_second_connect_and_packets_of_servers_are_protocol_errors() {
    let broker = Broker::open();
    v5_ends_with(&broker, &connect_v5("again", true, &[]), 0x82);
    for frame in [
        &b"\x20\x03\x00\x00\x00"[..],
        b"\x90\x04\x00\x01\x00\x00",
        b"\xb0\x04\x00\x01\x00\x00",
        b"\xd0\x00",
    ] {
        v5_ends_with(&broker, frame, 0x82);
    }
    let mut raw = Raw::v3(broker.addr(), "old");
    raw.send(&connect_v3("old", true));
    assert_eq!(
        raw.read_to_end(),
        [],
        "3.1.1 has no DISCONNECT from a server"
    );
    assert!(broker.is_alive());
}

#[test]
fn topic_aliases_and_names_are_checked() {
    let broker = Broker::open();
    // Alias 0; alias above the maximum; an alias that was never set; neither topic nor alias.
    v5_ends_with(&broker, &framed(0x30, b"\x00\x01a\x03\x23\x00\x00"), 0x94);
    v5_ends_with(&broker, &framed(0x30, b"\x00\x01a\x03\x23\xff\xff"), 0x94);
    v5_ends_with(&broker, &framed(0x30, b"\x00\x00\x03\x23\x00\x01"), 0x82);
    v5_ends_with(&broker, &framed(0x30, b"\x00\x00\x00"), 0x82);
    v5_ends_with(&broker, &framed(0x30, b"\x00\x03a/#\x00"), 0x90);
    assert!(broker.is_alive());
}

#[test]
fn a_packet_longer_than_the_limit_is_refused_on_its_header() {
    let broker = Broker::open();
    v5_ends_with(&broker, b"\x30\xff\xff\xff\x7f", 0x95);
    // Before CONNECT is taken, its own limit holds.
    let mut raw = Raw::connect(broker.addr());
    raw.send(b"\x10\xff\xff\xff\x7f");
    assert!(raw.read_to_end().first().is_none_or(|first| *first == 0x20));
    assert!(broker.is_alive());
}

#[test]
fn topics_that_belong_to_the_broker_are_not_published_to() {
    let broker = Broker::open();
    let mut raw = Raw::v5(broker.addr(), "dollar");
    for topic in ["$SYS/x", "$foo", "$", "$share/x"] {
        let mut body = vec![0, topic.len() as u8];
        body.extend(topic.as_bytes());
        body.extend([0, 1, 0]);
        raw.send(&framed(0x32, &body));
        let puback = raw.read_packet().expect("the connection stays");
        assert_eq!((puback[0], puback[4]), (0x40, 0x87), "{topic}");
    }
}

#[test]
fn shared_filters_are_parsed_exactly() {
    let broker = Broker::open();
    let mut raw = Raw::v5(broker.addr(), "shares");
    for (filter, code) in [
        ("$share/g/t", 0x00),
        ("$share", 0x8f),
        ("$share/", 0x8f),
        ("$share/g", 0x8f),
        ("$share//t", 0x8f),
        ("$share/+/t", 0x8f),
        ("$share/g#/t", 0x8f),
        ("a/#/b", 0x8f),
        ("a+", 0x8f),
    ] {
        let mut body = vec![0, 1, 0, 0, filter.len() as u8];
        body.extend(filter.as_bytes());
        body.push(0);
        raw.send(&framed(0x82, &body));
        let suback = raw.read_packet().expect("the connection stays");
        assert_eq!(
            (suback[0], *suback.last().unwrap()),
            (0x90, code),
            "{filter}"
        );
    }
}
