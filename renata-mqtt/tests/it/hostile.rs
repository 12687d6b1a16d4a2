//! The client against servers that break the protocol: each time the connection ends with an error
//! that says what happened, and the client lives on.

use std::sync::Arc;
use std::time::Duration;

use renata_mqtt::session::ProtocolError;
use renata_mqtt::{
    Client, ConnectError, ConnectionError, DecodeError, Limits, PacketType, ReasonCode,
    SubscribeError, Version,
};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::patience::soon;
use crate::scripted::{CONNACK, packet, quick, server};

async fn first_error(client: &Client) -> Arc<ConnectionError> {
    let mut status = client.status();
    let error = async {
        loop {
            if let Some(error) = client.last_error() {
                return error;
            }
            status.changed().await;
        }
    };
    soon("an error", error).await
}

fn protocol_error(error: &ConnectionError) -> ProtocolError {
    match error {
        ConnectionError::Protocol(error) => *error,
        other => panic!("not a protocol error: {other}"),
    }
}

#[tokio::test]
async fn packets_that_a_server_must_not_send_end_the_connection() {
    let unexpected = |packet| ProtocolError::Unexpected(packet);
    let ack = |packet, id| {
        let id = renata_mqtt::PacketId::new(id).expect("not zero");
        ProtocolError::UnexpectedAck { packet, id }
    };
    let size = 5 + 268_435_455;
    let cases: &[(&'static [u8], ProtocolError)] = &[
        (&[0x40, 2, 0x12, 0x34], ack(PacketType::PubAck, 0x1234)),
        (&[0x90, 4, 0, 9, 0, 0], ack(PacketType::SubAck, 9)),
        (&[0xb0, 4, 0, 9, 0, 0], ack(PacketType::UnsubAck, 9)),
        (&[0xc0, 0], unexpected(PacketType::PingReq)),
        (&[0x20, 3, 0, 0, 0], unexpected(PacketType::ConnAck)),
        (
            &[0x82, 7, 0, 1, 0, 0, 1, b'a', 0],
            unexpected(PacketType::Subscribe),
        ),
        (
            &[0xa2, 6, 0, 1, 0, 0, 1, b'a'],
            unexpected(PacketType::Unsubscribe),
        ),
        (
            &[0xf0, 6, 0x18, 4, 21, 0, 1, b'm'],
            unexpected(PacketType::Auth),
        ),
        (&[0x40, 1, 0], DecodeError::Truncated.into()),
        (&[0x40, 2, 0, 0], DecodeError::PacketId.into()),
        (&[0x36, 6, 0, 1, b'a', 0, 1, 0], DecodeError::QoS.into()),
        (&[0x30, 4, 0, 1, b'#', 0], DecodeError::Topic.into()),
        (&[0x30, 3, 0, 0, 0], ProtocolError::NoTopic),
        (&[0x30, 4, 0, 9, b'a', 0], DecodeError::Truncated.into()),
        (&[0x30, 5, 0, 2, 0xc3, 0x28, 0], DecodeError::Utf8.into()),
        (
            &[0x30, 6, 0, 0, 3, 35, 0, 0],
            ProtocolError::TopicAlias { alias: 0 },
        ),
        (
            &[0x30, 6, 0, 0, 3, 35, 0, 65],
            ProtocolError::TopicAlias { alias: 65 },
        ),
        (
            &[0x30, 6, 0, 0, 3, 35, 0, 5],
            ProtocolError::UnknownAlias { alias: 5 },
        ),
        (
            &[0x30, 0xff, 0xff, 0xff, 0xff, 1],
            DecodeError::VarInt.into(),
        ),
        (
            &[0x30, 0xff, 0xff, 0xff, 0x7f],
            DecodeError::TooLarge {
                size,
                limit: 1 << 20,
            }
            .into(),
        ),
        (&[0x00, 0], DecodeError::PacketType(0).into()),
        (
            &[0xd1, 0],
            DecodeError::Flags {
                packet_type: 13,
                flags: 1,
            }
            .into(),
        ),
    ];
    for (bytes, expected) in cases {
        // They come in one piece with CONNACK, which a client has to be ready for.
        let greeting: &'static [u8] = [CONNACK, bytes].concat().leak();
        let (url, mut connections) = server(greeting, |_, _| Vec::new()).await;
        let client = Client::builder(url)
            .reconnect(quick())
            .start()
            .expect("settings");
        let error = first_error(&client).await;
        assert_eq!(protocol_error(&error), *expected, "{bytes:02x?}");
        let again = connections.wait_for(|count| *count > 1);
        soon("the next connection", again).await.expect("served");
    }
}

#[tokio::test]
async fn a_server_that_exceeds_the_receive_maximum_is_left() {
    let publish = [0x32, 6, 0, 1, b'a', 0, 0, 0];
    let many = (1..=4_u8).flat_map(|id| {
        let mut publish = publish;
        publish[6] = id;
        publish
    });
    let greeting: Vec<u8> = CONNACK.iter().copied().chain(many).collect();
    let (url, _) = server(greeting.leak(), |_, _| Vec::new()).await;
    let limits = Limits {
        receive_maximum: 3,
        ..Limits::default()
    };
    let client = Client::builder(url).limits(limits).reconnect(quick());
    let client = client.start().expect("settings");
    let error = first_error(&client).await;
    let exceeded = ProtocolError::ReceiveMaximum { maximum: 3 };
    assert_eq!(protocol_error(&error), exceeded);
    assert_eq!(exceeded.reason(), ReasonCode::RECEIVE_MAXIMUM_EXCEEDED);
}

/// CVE-2024-10525: a SUBACK without reason codes.
#[tokio::test]
async fn a_suback_has_one_code_for_each_filter() {
    let none = |_, body: &[u8]| vec![0x90, 3, body[0], body[1], 0];
    let two = |_, body: &[u8]| vec![0x90, 5, body[0], body[1], 0, 0, 0];
    let expected = ProtocolError::ReasonCodes {
        packet: PacketType::SubAck,
        expected: 1,
        found: 2,
    };
    let urls = [server(CONNACK, none).await.0, server(CONNACK, two).await.0];
    for (url, expected) in urls.into_iter().zip([DecodeError::Empty.into(), expected]) {
        let client = Client::builder(url).reconnect(quick()).connect();
        let client = client.await.expect("accepted");
        let handle = client.clone();
        let subscribing = tokio::spawn(async move { handle.subscribe("a").await.map(|_| ()) });
        let error = first_error(&client).await;
        assert_eq!(protocol_error(&error), expected);
        client.close(renata_mqtt::Drain::nothing()).await;
        let answer = soon("the end", subscribing).await.expect("no panic");
        assert_eq!(answer, Err(SubscribeError::Closed));
    }
}

#[tokio::test]
async fn a_refused_subscription_says_why_and_nothing_else_happens() {
    let refuse = |first: u8, body: &[u8]| match first >> 4 {
        8 => vec![
            0x90, 10, body[0], body[1], 6, 31, 0, 3, b'n', b'o', b'!', 0x87,
        ],
        _ => vec![0x40, 2, body[3], body[4]],
    };
    let (url, _) = server(CONNACK, refuse).await;
    let client = Client::builder(url).connect().await.expect("accepted");
    let refused = client.subscribe("a").await.expect_err("refused");
    let expected = SubscribeError::Refused {
        reason: ReasonCode::NOT_AUTHORIZED,
        reason_string: Some("no!".to_owned()),
    };
    assert_eq!(refused, expected);
    assert_eq!(
        refused.to_string(),
        "refused by the server: not authorized (0x87) (no!)"
    );
    assert!(client.status().get().is_up());
}

#[tokio::test]
async fn acknowledgements_out_of_turn_end_the_connection() {
    let id = |body: &[u8]| [body[3], body[4]];
    // To a QoS 2 message: PUBACK, or PUBCOMP before PUBREL.
    for (kind, packet) in [(0x40, PacketType::PubAck), (0x70, PacketType::PubComp)] {
        let answer = move |first: u8, body: &[u8]| match first >> 4 {
            3 => [&[kind, 2][..], &id(body)].concat(),
            _ => Vec::new(),
        };
        let (url, _) = server(CONNACK, answer).await;
        let client = Client::builder(url).reconnect(quick()).connect();
        let client = client.await.expect("accepted");
        let receipt = client.publish("a", "x").qos2().await.expect("admitted");
        let error = first_error(&client).await;
        let error = protocol_error(&error);
        assert!(
            matches!(error, ProtocolError::UnexpectedAck { packet: found, .. } if found == packet),
            "{error}"
        );
        let outcome = soon("outcome", receipt).await;
        assert!(!outcome.is_delivered(), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_bad_answer_to_connect_is_an_error_of_connect() {
    let cases: &[(&[u8], &str)] = &[
        (
            &[0x20, 3, 0, 0x86, 0],
            "refused by the server: bad user name or password",
        ),
        (&[0x20, 2, 0, 1], "unsupported protocol version"),
        (&[0x20, 3, 1, 0, 0], "unexpected ConnAck"),
        (&[0x20, 3, 2, 0, 0], "malformed packet"),
        (&[0x20, 1, 0], "malformed packet"),
        (&[0x30, 4, 0, 1, b'a', 0], "unexpected Publish"),
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            "the server broke the protocol",
        ),
        (&[0x20, 6, 0, 0, 3, 33, 0, 0], "malformed packet"),
        (&[0x21, 3, 0, 0, 0], "malformed packet"),
    ];
    for (greeting, why) in cases {
        let (url, _) = server(greeting, |_, _| Vec::new()).await;
        let connect = Client::builder(url).connect_timeout(Duration::from_secs(5));
        let error = soon("an answer", connect.connect()).await.expect_err(why);
        assert!(error.to_string().contains(why), "{greeting:02x?}: {error}");
    }
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("mqtt://{}", listener.local_addr().expect("bound"));
    let connect = Client::builder(url).connect_timeout(Duration::from_millis(100));
    let error = soon("an answer", connect.connect())
        .await
        .expect_err("nobody answers");
    assert!(matches!(error, ConnectError::Timeout { .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_closes_in_the_middle_of_a_packet_is_connected_to_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("mqtt://{}", listener.local_addr().expect("bound"));
    let client = Client::builder(url)
        .version(Version::V3_1_1)
        .reconnect(quick());
    let client = client.start().expect("settings");
    let publish = [0x30, 200, 1, 0, 1, b'a'];
    for cut in 0..publish.len() {
        let (mut stream, _) = soon("a connection", listener.accept())
            .await
            .expect("accepted");
        packet(&mut stream).await.expect("CONNECT");
        stream.write_all(&[0x20, 2, 0, 0]).await.expect("CONNACK");
        stream.write_all(&publish[..cut]).await.expect("a part");
        stream.shutdown().await.expect("closed");
    }
    let (_stream, _) = soon("a connection", listener.accept())
        .await
        .expect("accepted");
    let error = client.last_error().expect("it was cut off");
    assert!(matches!(*error, ConnectionError::Io(_)), "{error}");
}
