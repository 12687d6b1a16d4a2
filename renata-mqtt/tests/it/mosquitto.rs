//! The client against a broker that we did not write: mosquitto.

use std::time::Duration;

use renata_mqtt::{
    Client, Drain, Message, Outcome, QoS, ReasonCode, Session, Status, Version, Will,
};
use renata_peers::{Mosquitto, mosquitto_pub, mosquitto_sub};

use crate::patience::{PATIENCE, killed_at_its_end, soon};
use crate::scripted::quick;

const VERSIONS: [Version; 2] = [Version::V3_1_1, Version::V5];

fn url(broker: &Mosquitto) -> String {
    format!("mqtt://{}", broker.addr())
}

fn text(message: &Message) -> String {
    String::from_utf8(message.payload().to_vec()).expect("text")
}

#[tokio::test]
async fn every_quality_of_service_arrives_in_both_versions() {
    let broker = Mosquitto::start().expect("mosquitto starts");
    for version in VERSIONS {
        let client = Client::builder(url(&broker)).version(version).connect();
        let client = soon("connect", client).await.expect("accepted");
        let subscription = client.subscribe("plant/+/temperature").qos2();
        let mut subscription = soon("SUBACK", subscription).await.expect("granted");
        assert_eq!(subscription.granted(), QoS::ExactlyOnce);
        for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
            let payload = format!("{qos:?}");
            let publish = client
                .publish("plant/l1/temperature", payload.clone())
                .qos(qos)
                .content_type("text/plain");
            let receipt = publish.await.expect("admitted");
            let outcome = soon("outcome", receipt).await;
            let delivered = Outcome::Delivered {
                reason: ReasonCode::SUCCESS,
            };
            assert_eq!(outcome, delivered, "{version:?} {qos:?}");
            let message = soon("message", subscription.next()).await.expect("open");
            assert_eq!(text(&message), payload);
            assert_eq!(message.topic(), "plant/l1/temperature");
            assert_eq!(message.qos(), qos);
            let expected = (version == Version::V5).then_some("text/plain");
            assert_eq!(message.content_type(), expected);
        }
        let drained = client.close(Drain::within(PATIENCE)).await;
        assert!(drained.is_complete(), "{drained:?}");
        assert!(subscription.next().await.is_none(), "the stream ends");
    }
}

#[tokio::test]
async fn mosquittos_own_clients_understand_us() {
    let broker = Mosquitto::start().expect("mosquitto starts");
    let port = broker.addr().port().to_string();
    for version in ["mqttv311", "mqttv5"] {
        let client = Client::builder(url(&broker)).connect();
        let client = soon("connect", client).await.expect("accepted");
        let mut subscription = client.subscribe("from/them").qos2().await.expect("granted");
        let sent = mosquitto_pub()
            .expect("installed")
            .args([
                "-p",
                &port,
                "-V",
                version,
                "-t",
                "from/them",
                "-q",
                "2",
                "-m",
                "hello",
            ])
            .status()
            .expect("runs");
        assert!(sent.success());
        let message = soon("message", subscription.next()).await.expect("open");
        assert_eq!(text(&message), "hello");

        let publish = client.publish("from/us", "good morning").qos1().retain();
        let outcome = publish.await.expect("admitted").outcome();
        assert!(soon("outcome", outcome).await.is_delivered());
        let heard = mosquitto_sub()
            .expect("installed")
            .args(["-p", &port, "-V", version, "-t", "from/us", "-q", "2"])
            .args(["-C", "1", "-W", "10"])
            .output()
            .expect("runs");
        assert_eq!(heard.stdout, b"good morning\n");
    }
}

#[tokio::test]
async fn many_messages_arrive_in_order() {
    let broker = Mosquitto::start().expect("mosquitto starts");
    for version in VERSIONS {
        let client = Client::builder(url(&broker)).version(version).connect();
        let client = soon("connect", client).await.expect("accepted");
        let mut subscription = client.subscribe("burst").qos2().await.expect("granted");
        let sender = client.clone();
        let sending = tokio::spawn(async move {
            let mut receipts = Vec::new();
            for number in 0..3_000_u32 {
                let payload = number.to_be_bytes().to_vec();
                let qos = if number.is_multiple_of(2) {
                    QoS::AtLeastOnce
                } else {
                    QoS::ExactlyOnce
                };
                let receipt = sender.publish("burst", payload).qos(qos).await;
                receipts.push(receipt.expect("admitted"));
            }
            for receipt in receipts {
                let outcome = receipt.await;
                assert!(outcome.is_delivered(), "{outcome:?}");
            }
        });
        let mut even = Vec::new();
        let mut odd = Vec::new();
        while even.len() + odd.len() < 3_000 {
            let message = soon("message", subscription.next()).await.expect("open");
            let number = crate::support::number(&message.payload());
            if number.is_multiple_of(2) {
                even.push(number);
            } else {
                odd.push(number);
            }
        }
        soon("receipts", sending).await.expect("no panic");
        assert!(
            even.is_sorted() && odd.is_sorted(),
            "in order per quality of service"
        );
    }
}

#[tokio::test]
async fn retained_messages_and_wills_are_kept_and_sent() {
    let broker = Mosquitto::start().expect("mosquitto starts");
    let address = url(&broker);
    let client = Client::builder(&address).connect().await.expect("accepted");
    let birth = client.publish("gateway/status", "online").qos1().retain();
    assert!(birth.await.expect("admitted").await.is_delivered());
    let mut status = client
        .subscribe("gateway/status")
        .qos1()
        .await
        .expect("granted");
    let message = soon("retained", status.next()).await.expect("open");
    assert!(message.retain() && text(&message) == "online");

    killed_at_its_end(async move {
        let will = Will::new("gateway/status", "offline").qos1().retain();
        let client = Client::builder(address).will(will).connect().await;
        assert!(client.expect("accepted").status().get().is_up());
    });
    let message = soon("will", status.next()).await.expect("open");
    assert_eq!(text(&message), "offline");
}

#[tokio::test]
async fn what_was_published_while_the_broker_was_away_arrives() {
    let mut broker = Mosquitto::start().expect("mosquitto starts");
    let builder = Client::builder(url(&broker))
        .client_id("gw")
        .reconnect(quick());
    let client = builder.connect().await.expect("accepted");
    let mut subscription = client.subscribe("a/#").qos1().await.expect("granted");
    let mut status = client.status();
    broker.kill();
    soon("down", status.wait_for(|status| !status.is_up()))
        .await
        .expect("open");
    let mut receipts = Vec::new();
    for number in 0..10 {
        let publish = client.publish(format!("a/{number}"), "x").qos1();
        receipts.push(publish.await.expect("admitted while offline"));
    }
    broker.restart().expect("mosquitto starts again");
    let up = soon("up again", status.wait_for(Status::is_up)).await;
    assert_eq!(
        up,
        Some(Status::SessionLost),
        "a clean session is never there"
    );
    for receipt in receipts {
        assert!(soon("outcome", receipt).await.is_delivered());
    }
    // The subscription was made again before the messages were sent.
    for number in 0..10 {
        let message = soon("message", subscription.next()).await.expect("open");
        assert_eq!(message.topic(), format!("a/{number}"));
    }
}

#[tokio::test]
async fn a_killed_broker_with_a_session_goes_on_with_it() {
    let keep = "allow_anonymous true\nautosave_on_changes true\nautosave_interval 1\n";
    let mut broker = Mosquitto::start_with(keep, "").expect("mosquitto starts");
    for version in VERSIONS {
        let persistent = Session::persistent(Duration::from_secs(3600));
        let builder = Client::builder(url(&broker))
            .version(version)
            .client_id(format!("lake-{version:?}"))
            .session(persistent)
            .reconnect(quick());
        let client = builder.connect().await.expect("accepted");
        let mut subscription = client.subscribe("b/#").qos2().await.expect("granted");
        let mut status = client.status();
        let publish = |number: u32| client.publish(format!("b/{number}"), "x").qos2();
        assert!(publish(0).await.expect("admitted").await.is_delivered());
        broker.kill();
        soon("down", status.wait_for(|status| !status.is_up()))
            .await
            .expect("open");
        let receipt = publish(1).await.expect("admitted");
        broker.restart().expect("mosquitto starts again");
        let up = soon("up again", status.wait_for(Status::is_up)).await;
        assert_eq!(
            up,
            Some(Status::Up),
            "{version:?}: the session is still there"
        );
        assert!(soon("outcome", receipt).await.is_delivered());
        for number in 0..2 {
            let message = soon("message", subscription.next()).await.expect("open");
            assert_eq!(message.topic(), format!("b/{number}"));
        }
        client.close(Drain::within(PATIENCE)).await;
    }
}

/// The lake writer's case: whatever was not acknowledged when the process was killed comes again,
/// whether or not the application has subscribed by then.
#[tokio::test]
async fn a_killed_client_gets_again_what_it_did_not_acknowledge() {
    let broker = Mosquitto::start().expect("mosquitto starts");
    for version in VERSIONS {
        let address = url(&broker);
        let connect = move |address: String| {
            Client::builder(address)
                .version(version)
                .client_id(format!("lake-{version:?}"))
                .session(Session::persistent(Duration::from_secs(3600)))
                .connect()
        };
        let first = address.clone();
        killed_at_its_end(async move {
            let client = connect(first).await.expect("accepted");
            let subscription = client.subscribe("c/#").qos1().manual_ack();
            let mut subscription = subscription.await.expect("granted");
            for number in 0..6 {
                let publish = client.publish(format!("c/{number}"), "x").qos1();
                assert!(publish.await.expect("admitted").await.is_delivered());
            }
            for number in 0..6 {
                let mut message = soon("message", subscription.next()).await.expect("open");
                assert_eq!(message.topic(), format!("c/{number}"));
                if number < 3 {
                    message.ack();
                }
                // A token that is dropped is no acknowledgement.
            }
            // Acknowledgements leave when the driver has its turn: wait for one that comes after.
            let last = client.publish("other", "x").qos1().await.expect("admitted");
            assert!(last.await.is_delivered());
        });

        let client = soon("connect", connect(address)).await.expect("accepted");
        let mut unclaimed = client.unclaimed().manual_ack();
        let early = soon("a message that nobody claims", unclaimed.next())
            .await
            .expect("open");
        assert_eq!(
            early.topic(),
            "c/3",
            "{version:?}: the first one without acknowledgement"
        );
        // The others wait for whoever subscribes.
        let subscription = client.subscribe("c/#").qos1().manual_ack();
        let mut subscription = soon("SUBACK", subscription).await.expect("granted");
        for number in 4..6 {
            let mut message = soon("message", subscription.next()).await.expect("open");
            assert_eq!(message.topic(), format!("c/{number}"));
            message.ack();
        }
        client.close(Drain::within(PATIENCE)).await;
    }
}

#[tokio::test]
async fn overlapping_subscriptions_each_get_a_message_once() {
    let broker = Mosquitto::start().expect("mosquitto starts");
    let client = Client::builder(url(&broker))
        .connect()
        .await
        .expect("accepted");
    let mut wide = client.subscribe("d/#").qos1().await.expect("granted");
    let mut narrow = client.subscribe("d/1").qos1().await.expect("granted");
    for number in [0, 1, 2] {
        let publish = client.publish(format!("d/{number}"), "x").qos1();
        assert!(publish.await.expect("admitted").await.is_delivered());
    }
    for number in [0, 1, 2] {
        let message = soon("message", wide.next()).await.expect("open");
        assert_eq!(message.topic(), format!("d/{number}"));
    }
    let message = soon("message", narrow.next()).await.expect("open");
    assert_eq!(message.topic(), "d/1");
    soon("UNSUBACK", narrow.unsubscribe())
        .await
        .expect("granted");
    assert!(narrow.next().await.is_none(), "one copy, and then the end");
    assert_eq!(wide.waiting(), 0);
}

#[tokio::test]
async fn a_stalled_consumer_stops_neither_publishing_nor_other_streams() {
    let broker = Mosquitto::start().expect("mosquitto starts");
    let client = Client::builder(url(&broker))
        .connect()
        .await
        .expect("accepted");
    let stalled = client.subscribe("e/stalled").qos1().await.expect("granted");
    let mut lively = client.subscribe("e/lively").await.expect("granted");
    let mut receipts = Vec::new();
    for _ in 0..1_000 {
        let publish = client.publish("e/stalled", "x").qos1();
        receipts.push(soon("room", publish).await.expect("admitted"));
    }
    for receipt in receipts {
        assert!(soon("outcome", receipt).await.is_delivered());
    }
    client
        .publish("e/lively", "x")
        .await
        .expect("admitted")
        .await;
    assert!(soon("message", lively.next()).await.is_some());
    assert!(
        stalled.waiting() <= 256,
        "the Receive Maximum bounds what waits"
    );
}
