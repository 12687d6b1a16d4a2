//! What the client promises its user, with a server that plays along.

use std::time::Duration;

use renata_mqtt::session::ProtocolError;
use renata_mqtt::{
    Client, ConfigError, ConnectionError, Doubt, Drain, Full, Offline, Outcome, PublishError,
    ReasonCode, Rejection, Session, Status, SubscribeError, TlsConfig, Will,
};

use crate::patience::{killed_at_its_end, soon};
use crate::scripted::{CONNACK, friendly, packet, quick, server};

/// Nobody listens there: the port was free a moment ago, and nothing is bound to it.
fn nowhere() -> String {
    let addr = renata_peers::free_addr().expect("a port");
    format!("mqtt://{addr}")
}

#[tokio::test]
async fn a_full_budget_gives_the_message_back_or_makes_it_wait() {
    let offline = Offline::new().max_bytes(400).when_full(Full::Fail);
    let client = Client::builder(nowhere())
        .offline(offline)
        .start()
        .expect("settings");
    // 128 bytes of book-keeping and two of its own.
    for _ in 0..3 {
        let admitted = client.publish("a", "x").qos1().await;
        drop(admitted.expect("there is room"));
    }
    let full = PublishError::Full { budget: 400 };
    assert_eq!(client.publish("a", "x").qos1().await.map(drop), Err(full));
    let refused = client
        .publish("a", "yz")
        .qos1()
        .try_now()
        .expect_err("full");
    assert_eq!(refused.error, full);
    let again = refused.publish.try_now().expect_err("still full");
    assert!(
        format!("{:?}", again.publish).contains("yz"),
        "nothing of it is lost"
    );
    let large = client.publish("a", vec![0; 1000]).await.map(drop);
    assert_eq!(
        large,
        Err(PublishError::TooLarge {
            needed: 1129,
            budget: 400
        })
    );

    let offline = Offline::new().max_bytes(400);
    let client = Client::builder(nowhere())
        .offline(offline)
        .start()
        .expect("settings");
    for _ in 0..3 {
        drop(client.publish("a", "x").await.expect("there is room"));
    }
    let waiting = tokio::time::timeout(Duration::from_millis(20), client.publish("a", "x"));
    assert!(waiting.await.is_err(), "it waits, and can be given up");
    let handle = client.clone();
    let waiting = tokio::spawn(async move { handle.publish("a", "x").await.map(drop) });
    let drained = client.close(Drain::nothing()).await;
    assert_eq!(
        (drained.unsent, drained.in_flight),
        (3, 0),
        "what was given up was not admitted"
    );
    let answer = soon("an answer", waiting).await.expect("no panic");
    assert_eq!(answer, Err(PublishError::Closed));
}

#[tokio::test]
async fn the_budget_is_free_again_when_messages_are_finished() {
    let (url, _) = server(CONNACK, friendly).await;
    let offline = Offline::new().max_bytes(1_000).when_full(Full::Block);
    let client = Client::builder(url)
        .offline(offline)
        .connect()
        .await
        .expect("accepted");
    for number in 0..200 {
        let publish = client.publish("a", vec![b'x'; 300]);
        let publish = if number % 2 == 0 {
            publish.qos1()
        } else {
            publish
        };
        let receipt = soon("room", publish).await.expect("admitted");
        if number > 190 {
            assert!(soon("the outcome", receipt).await.is_delivered());
        }
    }
}

#[tokio::test]
async fn each_publish_gets_its_outcome_whatever_happens_to_the_client() {
    let client = Client::builder(nowhere()).start().expect("settings");
    let expired = client.publish("a", "x").expiry(Duration::ZERO);
    let expired = expired.await.expect("admitted");
    let unsent = client.publish("a", "x").qos2().await.expect("admitted");
    client.close(Drain::nothing()).await;
    let closed = Outcome::Rejected {
        why: Rejection::Closed,
    };
    assert_eq!(soon("an outcome", unsent).await, closed);
    assert_eq!(soon("an outcome", expired).await, closed);
    assert_eq!(
        client.publish("a", "x").await.map(drop),
        Err(PublishError::Closed)
    );
    assert_eq!(
        client.subscribe("a").await.map(drop),
        Err(SubscribeError::Closed)
    );
    assert_eq!(client.status().get(), Status::Closed);

    // A server that takes messages and never acknowledges.
    let (url, _) = server(CONNACK, |_, _| Vec::new()).await;
    let client = Client::builder(url).connect().await.expect("accepted");
    let in_flight = client.publish("a", "x").qos1().await.expect("admitted");
    let sent = client.publish("a", "x").await.expect("admitted");
    assert!(soon("QoS 0", sent).await.is_delivered());
    let drained = client.close(Drain::within(Duration::from_millis(50))).await;
    assert_eq!((drained.unsent, drained.in_flight), (0, 1));
    let doubt = Outcome::Indeterminate { why: Doubt::Closed };
    assert_eq!(soon("an outcome", in_flight).await, doubt);
}

#[tokio::test]
async fn a_runtime_that_shuts_down_takes_nobody_with_it() {
    let (client, receipt, mut unclaimed) = killed_at_its_end(async {
        let client = Client::builder(nowhere()).start().expect("settings");
        let receipt = client.publish("a", "x").qos1().await.expect("admitted");
        let unclaimed = client.unclaimed();
        (client, receipt, unclaimed)
    });
    let why = Rejection::Closed;
    assert_eq!(soon("an outcome", receipt).await, Outcome::Rejected { why });
    assert!(soon("the end", unclaimed.next()).await.is_none());
    assert_eq!(
        soon("the end", client.status().changed()).await,
        Status::Closed
    );
    let refused = client.publish("a", "x").await.map(drop);
    assert_eq!(refused, Err(PublishError::Closed));
    let refused = client.subscribe("a").await.map(drop);
    assert_eq!(refused, Err(SubscribeError::Closed));
    assert!(client.close(Drain::nothing()).await.is_complete());
}

#[tokio::test]
async fn a_message_that_expired_offline_is_not_sent() {
    let (url, _) = server(CONNACK, friendly).await;
    let client = Client::builder(url).connect().await.expect("accepted");
    let expired = client.publish("a", "x").qos1().expiry(Duration::ZERO).await;
    let outcome = soon("an outcome", expired.expect("admitted")).await;
    assert_eq!(
        outcome,
        Outcome::Rejected {
            why: Rejection::Expired
        }
    );
    let next = client
        .publish("a", "x")
        .qos1()
        .expiry(Duration::from_secs(9))
        .await;
    assert!(
        soon("an outcome", next.expect("admitted"))
            .await
            .is_delivered()
    );
}

/// Oversize is an error of one message, not of the link.
#[tokio::test]
async fn what_the_server_does_not_take_is_rejected_and_the_connection_stays() {
    // Maximum Packet Size 60, Maximum QoS 1, no retained messages.
    const POOR: &[u8] = &[0x20, 12, 0, 0, 9, 39, 0, 0, 0, 60, 36, 1, 37, 0];
    let (url, connections) = server(POOR, friendly).await;
    let client = Client::builder(url).connect().await.expect("accepted");
    let large = client
        .publish("a", vec![0; 100])
        .qos1()
        .await
        .expect("admitted");
    let size = 2 + 3 + 2 + 1 + 100;
    let why = Rejection::TooLarge { size, limit: 60 };
    assert_eq!(soon("an outcome", large).await, Outcome::Rejected { why });
    for publish in [
        client.publish("a", "x").qos2(),
        client.publish("a", "x").retain(),
    ] {
        let receipt = publish.await.expect("admitted");
        let why = Rejection::Unsupported;
        assert_eq!(soon("an outcome", receipt).await, Outcome::Rejected { why });
    }
    let small = client.publish("a", "x").qos1().await.expect("admitted");
    assert!(soon("an outcome", small).await.is_delivered());
    assert_eq!(*connections.borrow(), 1);
}

#[tokio::test]
async fn a_refusal_of_the_server_is_the_outcome() {
    let quota = |first: u8, body: &[u8]| match first >> 4 {
        3 => vec![0x40, 9, body[3], body[4], 0x97, 5, 31, 0, 2, b'n', b'o'],
        _ => Vec::new(),
    };
    let (url, _) = server(CONNACK, quota).await;
    let client = Client::builder(url).connect().await.expect("accepted");
    let receipt = client.publish("a", "x").qos1().await.expect("admitted");
    let why = Rejection::Server {
        reason: ReasonCode::QUOTA_EXCEEDED,
        reason_string: Some("no".to_owned()),
    };
    assert_eq!(soon("an outcome", receipt).await, Outcome::Rejected { why });
}

#[tokio::test]
async fn a_server_that_takes_the_session_over_is_not_fought_with() {
    let taken: &'static [u8] = &[0x20, 3, 0, 0, 0, 0xe0, 1, 0x8e];
    let (url, connections) = server(taken, |_, _| Vec::new()).await;
    let client = Client::builder(url)
        .reconnect(quick())
        .start()
        .expect("settings");
    let mut status = client.status();
    let down = status.wait_for(|status| status == Status::Down);
    soon("the loss", down).await.expect("open");
    let error = client.last_error().expect("told");
    let ConnectionError::Server { reason, .. } = &*error else {
        panic!("{error}");
    };
    assert_eq!(*reason, ReasonCode::SESSION_TAKEN_OVER);
    assert!(error.is_permanent());
    assert_eq!(*connections.borrow(), 1);
}

#[tokio::test]
async fn a_silent_server_is_given_up_after_the_keep_alive() {
    let (url, _) = server(CONNACK, |_, _| Vec::new()).await;
    let client = Client::builder(url)
        .keep_alive(Duration::from_secs(1))
        .reconnect(quick());
    let client = client.connect().await.expect("accepted");
    let mut status = client.status();
    soon("the loss", status.wait_for(|status| !status.is_up()))
        .await
        .expect("open");
    let error = client.last_error().expect("told");
    assert!(
        matches!(&*error, ConnectionError::Protocol(ProtocolError::KeepAlive)),
        "{error}"
    );
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_before_anything_is_sent() {
    let error = |builder: renata_mqtt::Builder| builder.start().map(drop).expect_err("refused");
    let plain = || Client::builder("mqtt://broker");
    let ca = rcgen::generate_simple_self_signed(vec!["a".to_owned()]).expect("a certificate");
    let tls = TlsConfig::ca_pem(ca.cert.pem().as_bytes()).expect("an authority");
    assert!(matches!(
        error(Client::builder("broker:1883")),
        ConfigError::Url { .. }
    ));
    assert!(matches!(
        error(Client::builder("mqtts://broker")),
        ConfigError::TlsMissing
    ));
    assert!(matches!(error(plain().tls(tls)), ConfigError::TlsUnused));
    let nameless = plain().session(Session::persistent(Duration::from_secs(1)));
    assert!(matches!(error(nameless), ConfigError::ClientIdMissing));
    assert!(matches!(
        error(plain().will(Will::new("a/#", ""))),
        ConfigError::WillTopic(_)
    ));
    let long = plain().will(Will::new("a", vec![0; 70_000]));
    assert!(matches!(error(long), ConfigError::Will(_)));
}

#[tokio::test]
async fn a_message_that_cannot_be_sent_is_refused_at_once() {
    let client = Client::builder(nowhere()).start().expect("settings");
    for topic in ["", "a/#", "+", "a\0b"] {
        let error = client.publish(topic, "x").await.map(drop);
        assert!(
            matches!(error, Err(PublishError::Topic(_))),
            "{topic:?}: {error:?}"
        );
    }
    let long = client
        .publish("a", "x")
        .user_property("k", "v".repeat(70_000))
        .await;
    assert!(matches!(long.map(drop), Err(PublishError::Encode(_))));
    let answer = client.publish("a", "x").response_topic("b/+").await;
    assert!(matches!(answer.map(drop), Err(PublishError::Topic(_))));
}

/// The flags of CONNECT: clean start is bit 1 (MQTT 5.0 §3.1.2.3).
#[tokio::test]
async fn a_renewed_session_begins_afresh_once_and_is_resumed_from_then_on() {
    use tokio::io::AsyncWriteExt;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("mqtt://{}", listener.local_addr().expect("bound"));
    let session = Session::persistent(Duration::from_secs(60)).renewed();
    let client = Client::builder(url)
        .client_id("c")
        .session(session)
        .reconnect(quick());
    let _client = client.start().expect("settings");
    // The first attempt is not answered, so the second is still the first connection.
    for (answer, clean) in [
        (&b""[..], true),
        (CONNACK, true),
        (CONNACK, false),
        (CONNACK, false),
    ] {
        let (mut stream, _) = soon("a connection", listener.accept())
            .await
            .expect("accepted");
        let (_, body) = soon("CONNECT", packet(&mut stream))
            .await
            .expect("a packet");
        assert_eq!(body[7] & 2 != 0, clean, "{body:?}");
        stream.write_all(answer).await.expect("written");
        // Whatever follows is for the next connection to answer.
        drop(stream);
    }
}
