//! All packets against frames written by hand from the specification, and against hostile bytes.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::{PacketId, QoS, ReasonCode};

/// Frames by hand: the version, the bytes, and how the view shows them.
const GOLDEN: &[(Version, &[u8], PacketType)] = &[
    // MQTT 5.0 §3.1: clean start, keep-alive 10 s, session expiry 10, client "m".
    (V5, b"\x10\x13\x00\x04MQTT\x05\x02\x00\x0a\x05\x11\x00\x00\x00\x0a\x00\x01m", PacketType::Connect),
    // With a will (QoS 1, retained, delay 3), user name and password.
    (
        V5,
        b"\x10\x22\x00\x04MQTT\x05\xee\x00\x3c\x00\x00\x01m\x05\x18\x00\x00\x00\x03\x00\x01w\x00\x02by\x00\x01u\x00\x02pw",
        PacketType::Connect,
    ),
    (V3, b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01m", PacketType::Connect),
    (V3, b"\x20\x02\x01\x00", PacketType::ConnAck),
    (V5, b"\x20\x06\x00\x00\x03\x21\x00\x14", PacketType::ConnAck),
    (V5, b"\x30\x06\x00\x01t\x0021", PacketType::Publish),
    (V5, b"\x3d\x0d\x00\x01t\x00\x07\x05\x03\x00\x02ab21", PacketType::Publish),
    (V3, b"\x32\x07\x00\x01t\x00\x0721", PacketType::Publish),
    (V3, b"\x40\x02\x00\x07", PacketType::PubAck),
    (V5, b"\x40\x03\x00\x07\x10", PacketType::PubAck),
    (V5, b"\x50\x08\x00\x07\x97\x04\x1f\x00\x01f", PacketType::PubRec),
    (V5, b"\x62\x03\x00\x07\x92", PacketType::PubRel),
    (V5, b"\x70\x02\x00\x07", PacketType::PubComp),
    (V3, b"\x82\x08\x00\x01\x00\x03a/+\x01", PacketType::Subscribe),
    (V5, b"\x82\x0b\x00\x01\x02\x0b\x09\x00\x03a/+\x1d", PacketType::Subscribe),
    (V3, b"\x90\x04\x00\x01\x02\x80", PacketType::SubAck),
    (V5, b"\x90\x05\x00\x01\x00\x02\x87", PacketType::SubAck),
    (V3, b"\xa2\x07\x00\x01\x00\x03a/+", PacketType::Unsubscribe),
    (V5, b"\xa2\x08\x00\x01\x00\x00\x03a/+", PacketType::Unsubscribe),
    (V3, b"\xb0\x02\x00\x01", PacketType::UnsubAck),
    (V5, b"\xb0\x04\x00\x01\x00\x11", PacketType::UnsubAck),
    (V3, b"\xc0\x00", PacketType::PingReq),
    (V5, b"\xd0\x00", PacketType::PingResp),
    (V3, b"\xe0\x00", PacketType::Disconnect),
    (V5, b"\xe0\x07\x8e\x05\x11\x00\x00\x00\x00", PacketType::Disconnect),
    (V5, b"\xf0\x06\x18\x04\x15\x00\x01s", PacketType::Auth),
];

const V3: Version = Version::V3_1_1;
const V5: Version = Version::V5;

#[test]
fn frames_of_the_specification_are_read() {
    for (version, frame, packet_type) in GOLDEN {
        match PacketRef::decode(*version, frame) {
            Ok(packet) => assert_eq!(packet.packet_type(), *packet_type),
            Err(error) => panic!("{frame:02x?}: {error}"),
        }
    }
}

fn all(properties: Properties<'_>) -> Vec<Property<'_>> {
    properties.iter().collect()
}

/// Writes what a view shows, with the writers of this crate.
fn rewrite(version: Version, packet: &PacketRef<'_>) -> Vec<u8> {
    let mut out = WriteQueue::new();
    match packet {
        PacketRef::Connect(p) => {
            let wills: Vec<_> = p
                .will()
                .map(|will| all(will.properties))
                .unwrap_or_default();
            let will = p.will().map(|will| LastWill {
                topic: will.topic,
                payload: will.payload,
                qos: will.qos,
                retain: will.retain,
                properties: &wills,
            });
            let connect = Connect {
                clean_start: p.clean_start(),
                keep_alive: p.keep_alive(),
                properties: &all(p.properties()),
                client_id: p.client_id(),
                will,
                username: p.username(),
                password: p.password(),
            };
            encode(&connect, p.version(), &mut out)
        }
        PacketRef::ConnAck(p) => {
            let (session_present, reason) = (p.session_present(), p.reason());
            let ack = ConnAck {
                session_present,
                reason,
                properties: &all(p.properties()),
            };
            encode(&ack, version, &mut out)
        }
        PacketRef::Publish(p) => {
            let publish = PublishOut {
                topic: p.topic(),
                payload: Payload::Slice(p.payload()),
                qos: p.qos(),
                id: p.id(),
                dup: p.dup(),
                retain: p.retain(),
                properties: &all(p.properties()),
            };
            encode(&publish, version, &mut out)
        }
        PacketRef::PubAck(p) => rewrite_ack(version, AckKind::PubAck, p, &mut out),
        PacketRef::PubRec(p) => rewrite_ack(version, AckKind::PubRec, p, &mut out),
        PacketRef::PubRel(p) => rewrite_ack(version, AckKind::PubRel, p, &mut out),
        PacketRef::PubComp(p) => rewrite_ack(version, AckKind::PubComp, p, &mut out),
        PacketRef::Subscribe(p) => {
            let filters: Vec<_> = p.filters().collect();
            let subscribe = Subscribe {
                id: p.id(),
                filters: &filters,
                properties: &all(p.properties()),
            };
            encode(&subscribe, version, &mut out)
        }
        PacketRef::SubAck(p) => {
            let codes: Vec<_> = p.codes().collect();
            let ack = SubAck {
                id: p.id(),
                codes: &codes,
                properties: &all(p.properties()),
            };
            encode(&ack, version, &mut out)
        }
        PacketRef::Unsubscribe(p) => {
            let filters: Vec<_> = p.filters().collect();
            let unsubscribe = Unsubscribe {
                id: p.id(),
                filters: &filters,
                properties: &all(p.properties()),
            };
            encode(&unsubscribe, version, &mut out)
        }
        PacketRef::UnsubAck(p) => {
            let codes: Vec<_> = p.codes().collect();
            let ack = UnsubAck {
                id: p.id(),
                codes: &codes,
                properties: &all(p.properties()),
            };
            encode(&ack, version, &mut out)
        }
        PacketRef::PingReq => encode(&PingReq, version, &mut out),
        PacketRef::PingResp => encode(&PingResp, version, &mut out),
        PacketRef::Disconnect(p) => {
            let disconnect = Disconnect {
                reason: p.reason(),
                properties: &all(p.properties()),
            };
            encode(&disconnect, version, &mut out)
        }
        PacketRef::Auth(p) => {
            let auth = Auth {
                reason: p.reason(),
                properties: &all(p.properties()),
            };
            encode(&auth, version, &mut out)
        }
    }
    .expect("what was read can be written");
    content(&out)
}

fn rewrite_ack(
    version: Version,
    kind: AckKind,
    p: &AckRef<'_>,
    out: &mut WriteQueue,
) -> Result<(), EncodeError> {
    let properties: Vec<_> = p.properties().iter().collect();
    encode(
        &Ack {
            kind,
            id: p.id(),
            reason: p.reason(),
            properties: &properties,
        },
        version,
        out,
    )
}

fn content(queue: &WriteQueue) -> Vec<u8> {
    let mut slices = [std::io::IoSlice::new(&[]); 16];
    let used = queue.chunks(&mut slices);
    slices[..used]
        .iter()
        .flat_map(|slice| slice.to_vec())
        .collect()
}

#[test]
fn what_is_read_is_written_byte_for_byte() {
    for (version, frame, _) in GOLDEN {
        let packet = PacketRef::decode(*version, frame).expect("golden");
        assert_eq!(rewrite(*version, &packet), *frame, "{packet:?}");
    }
}

#[test]
fn the_fields_of_a_connect_are_where_they_belong() {
    let Ok(PacketRef::Connect(connect)) = PacketRef::decode(V5, GOLDEN[1].1) else {
        panic!("golden");
    };
    assert_eq!(
        (connect.username(), connect.password()),
        (Some("u"), Some(&b"pw"[..]))
    );
    let will = connect.will().expect("it has a will");
    assert_eq!(
        (will.topic, will.payload, will.retain),
        ("w", &b"by"[..], true)
    );
    assert_eq!(will.qos, QoS::AtLeastOnce);
    let shown = format!("{connect:?}");
    assert!(
        !shown.contains("pw") && !shown.contains("112"),
        "no secret is shown: {shown}"
    );
}

#[test]
fn every_prefix_of_a_packet_is_incomplete_and_every_shorter_body_malformed() {
    for (version, frame, packet_type) in GOLDEN {
        for cut in 0..frame.len() {
            assert!(matches!(
                frame_len(&frame[..cut], u32::MAX),
                Ok(Framing::Need(_))
            ));
        }
        // The same with an honest length: a field is missing, or the packet is a shorter one.
        for body in 0..frame.len() - 2 {
            let mut short = vec![frame[0], u8::try_from(body).expect("short frames")];
            short.extend_from_slice(&frame[2..2 + body]);
            if let Ok(packet) = PacketRef::decode(*version, &short) {
                assert_eq!(packet.packet_type(), *packet_type);
                check_again(*version, &short);
            }
        }
    }
}

#[test]
fn no_length_inside_a_packet_is_believed() {
    for (version, frame, _) in GOLDEN {
        for at in 2..frame.len().saturating_sub(1) {
            let rest = u16::try_from(frame.len() - at).expect("short frames");
            for lie in [0, 0xffff, rest + 1] {
                let mut bytes = frame.to_vec();
                bytes[at..at + 2].copy_from_slice(&lie.to_be_bytes());
                // Whatever it says, it says it without a panic.
                let _ = PacketRef::decode(*version, &bytes);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Any bytes: no panic, and what is accepted can be written again and read as the same.
    #[test]
    fn any_bytes_are_refused_or_read_for_good(
        first in any::<u8>(),
        body in proptest::collection::vec(any::<u8>(), 0..100),
        five in any::<bool>(),
    ) {
        let version = if five { V5 } else { V3 };
        let mut frame = vec![first, body.len() as u8];
        frame.extend(&body);
        check_again(version, &frame);
    }

    /// The same, close to real packets: one byte of a golden frame changed.
    #[test]
    fn a_changed_byte_is_refused_or_read_for_good(
        index in 0..GOLDEN.len(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let (version, frame, _) = GOLDEN[index];
        let mut frame = frame.to_vec();
        let at = at.index(frame.len());
        frame[at] = byte;
        check_again(version, &frame);
    }
}

fn check_again(version: Version, frame: &[u8]) {
    let Ok(packet) = PacketRef::decode(version, frame) else {
        return;
    };
    // 3.1.1 return codes of CONNACK, and topic filters that a server answers with a code, are read
    // more generously than they are written.
    let filters = matches!(packet, PacketRef::Subscribe(_) | PacketRef::Unsubscribe(_));
    // An empty topic waits for the aliases of a session.
    let nameless = matches!(packet, PacketRef::Publish(publish) if publish.topic().is_empty());
    if filters || nameless || matches!(packet, PacketRef::ConnAck(_)) {
        return;
    }
    let version = match packet {
        PacketRef::Connect(connect) => connect.version(),
        _ => version,
    };
    let written = rewrite(version, &packet);
    let again = PacketRef::decode(version, &written).expect("we read what we write");
    assert_eq!(rewrite(version, &again), written);
}

/// The rows of the table that only the state of a session tells to be wrong.
const BY_STATE: &[&str] = &[
    "first packet:",
    "second CONNECT",
    "CONNACK from a client",
    "SUBACK from a client",
    "UNSUBACK from a client",
    "PINGRESP from a client",
    "packet longer than the limit",
    "PUBLISH without topic or alias",
    "PUBLISH with topic alias 0",
    "PUBLISH with an unknown topic alias",
    "PUBLISH with a subscription identifier from a client",
];

#[test]
fn malformed_frames_are_refused_with_their_reason() {
    let table = include_str!("../../tests/fixtures/malformed.txt");
    let mut rows = 0;
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let row: Vec<_> = line.split(" | ").collect();
        let [name, _, version, hex, reason] = row[..] else {
            panic!("{line}")
        };
        if BY_STATE.iter().any(|state| name.starts_with(state)) {
            continue;
        }
        rows += 1;
        let version = if version == "5" { V5 } else { V3 };
        let frame: Vec<u8> = (0..hex.len() / 2)
            .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hex"))
            .collect();
        let error = match frame_len(&frame, u32::MAX) {
            Err(error) => error,
            Ok(_) => match PacketRef::decode(version, &frame) {
                Err(error) => error,
                Ok(packet) => panic!("{name}: accepted as {packet:?}"),
            },
        };
        assert_eq!(
            format!("{:#04x}", error.reason().get()),
            reason,
            "{name}: {error}"
        );
    }
    assert!(rows >= 60, "{rows} rows");
}

#[test]
fn what_must_not_be_said_is_not_written() {
    let mut out = WriteQueue::new();
    let payload = Payload::Slice(b"x");
    let publish = PublishOut {
        topic: "t",
        payload,
        qos: QoS::AtMostOnce,
        id: None,
        dup: false,
        retain: false,
        properties: &[],
    };
    let twice = [Property::ContentType("a"), Property::ContentType("b")];
    let long = "x".repeat(65_536);
    for (packet, error) in [
        (
            PublishOut {
                topic: "a/+",
                ..publish
            },
            EncodeError::Topic,
        ),
        (
            PublishOut {
                topic: "",
                ..publish
            },
            EncodeError::Topic,
        ),
        (
            PublishOut {
                topic: "a\0",
                ..publish
            },
            EncodeError::Nul,
        ),
        (
            PublishOut {
                topic: &long,
                ..publish
            },
            EncodeError::StringTooLong,
        ),
        (
            PublishOut {
                qos: QoS::AtLeastOnce,
                ..publish
            },
            EncodeError::PacketId,
        ),
        (
            PublishOut {
                properties: &twice,
                ..publish
            },
            EncodeError::Property(3),
        ),
        (
            PublishOut {
                properties: &[Property::ReceiveMaximum(1)],
                ..publish
            },
            EncodeError::Property(33),
        ),
        (
            PublishOut {
                properties: &[Property::TopicAlias(0)],
                ..publish
            },
            EncodeError::Property(35),
        ),
    ] {
        assert_eq!(encode(&packet, V5, &mut out), Err(error));
    }
    let id = PacketId::new(1).expect("1 is not zero");
    let options = SubscriptionOptions::default();
    let subscribe = Subscribe {
        id,
        filters: &[("a/#/b", options)],
        properties: &[],
    };
    assert_eq!(encode(&subscribe, V5, &mut out), Err(EncodeError::Filter));
    let nothing = Subscribe {
        id,
        filters: &[],
        properties: &[],
    };
    assert_eq!(encode(&nothing, V5, &mut out), Err(EncodeError::Empty));
    let auth = Auth {
        reason: ReasonCode::SUCCESS,
        properties: &[],
    };
    assert_eq!(encode(&auth, V3, &mut out), Err(EncodeError::Version));
    assert!(out.is_empty(), "nothing was written");
}

#[test]
fn a_large_payload_is_written_by_reference() {
    let payload = Bytes::from(vec![7; 64 << 10]);
    let publish = PublishOut {
        topic: "t",
        payload: Payload::Shared(&payload),
        qos: QoS::AtMostOnce,
        id: None,
        dup: false,
        retain: false,
        properties: &[],
    };
    let mut out = WriteQueue::new();
    encode(&publish, V5, &mut out).expect("legal");
    let mut slices = [std::io::IoSlice::new(&[]); 4];
    assert_eq!(out.chunks(&mut slices), 2);
    assert_eq!(slices[1].as_ptr(), payload.as_ptr());
}
