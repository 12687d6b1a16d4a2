//! What subscriptions promise.

use std::future::IntoFuture;
use std::time::Duration;

use renata_mqtt::{Client, Limits, Session, SubscribeError, Version};
use renata_peers::Mosquitto;

use crate::patience::soon;
use crate::scripted::{CONNACK, friendly, server};

#[tokio::test]
async fn topic_aliases_of_the_server_are_resolved() {
    let aliased: &'static [u8] = &[
        0x20, 3, 0, 0, 0, // CONNACK
        0x30, 8, 0, 1, b'a', 3, 35, 0, 1, b'x', // a is 1 from here on
        0x30, 7, 0, 0, 3, 35, 0, 1, b'y',
    ];
    let (url, _) = server(aliased, friendly).await;
    let client = Client::builder(url).connect().await.expect("accepted");
    let mut unclaimed = client.unclaimed();
    for payload in ["x", "y"] {
        let message = soon("a message", unclaimed.next()).await.expect("open");
        assert_eq!(
            (message.topic(), &*message.payload()),
            ("a", payload.as_bytes())
        );
    }
}

/// A 3.1.1 server that has more for us than we hold cannot answer SUBSCRIBE before we take some.
#[tokio::test]
async fn a_backlog_at_a_3_1_1_server_does_not_lock_out_the_subscription() {
    let mut greeting = vec![0x20, 2, 1, 0];
    for id in 1..=8 {
        greeting.extend([0x32, 6, 0, 1, b'a', 0, id, id]);
    }
    let suback = |first: u8, body: &[u8]| match first >> 4 {
        8 => vec![0x90, 3, body[0], body[1], 1],
        _ => Vec::new(),
    };
    let (url, _) = server(greeting.leak(), suback).await;
    let limits = Limits {
        receive_maximum: 3,
        ..Limits::default()
    };
    let client = Client::builder(url)
        .version(Version::V3_1_1)
        .client_id("lake")
        .session(Session::persistent(Duration::from_secs(60)))
        .limits(limits)
        .connect();
    let client = client.await.expect("accepted");
    let mut subscription = soon("a stream", client.subscribe("a").qos1())
        .await
        .expect("granted");
    for id in 1..=8 {
        let message = soon("a message", subscription.next()).await.expect("open");
        assert_eq!(*message.payload(), [id]);
        assert!(subscription.waiting() <= 3);
    }
}

/// Subscriptions and unclaimed messages combine like any stream.
#[tokio::test]
async fn streams_are_streams() {
    use futures_util::StreamExt as _;
    let greeting: &'static [u8] = &[
        0x20, 3, 0, 0, 0, // CONNACK
        0x30, 5, 0, 1, b'a', 0, b'x', //
        0x30, 5, 0, 1, b'b', 0, b'y',
    ];
    let (url, _) = server(greeting, friendly).await;
    let client = Client::builder(url).connect().await.expect("accepted");
    let subscription = client.subscribe("a").qos1().await.expect("granted");
    let messages = futures_util::stream::select(subscription, client.unclaimed());
    let topics = messages.take(2).map(|message| message.topic().to_owned());
    let mut topics: Vec<_> = soon("two messages", topics.collect::<Vec<_>>()).await;
    topics.sort();
    assert_eq!(topics, ["a", "b"]);
}

#[tokio::test]
async fn a_filter_has_one_live_stream() {
    let (url, _) = server(CONNACK, friendly).await;
    let client = Client::builder(url).connect().await.expect("accepted");
    let mut first = client.subscribe("a/+").qos1().await.expect("granted");
    let second = client.subscribe("a/+").qos1().await.map(drop);
    assert_eq!(second, Err(SubscribeError::Duplicate));
    soon("UNSUBACK", first.unsubscribe())
        .await
        .expect("granted");
    assert!(first.next().await.is_none());
    let third = client.subscribe("a/+").qos1().await.expect("granted");
    drop(third);
    client
        .subscribe("a/+")
        .qos1()
        .await
        .expect("a dropped stream is no hindrance");
    assert!(matches!(
        client.subscribe("a/#/b").await,
        Err(SubscribeError::Filter(_))
    ));
}

#[tokio::test]
async fn a_dropped_stream_of_a_clean_session_does_not_stall_the_others() {
    let broker = Mosquitto::start().expect("mosquitto starts");
    let url = format!("mqtt://{}", broker.addr());
    let client = Client::builder(url).connect().await.expect("accepted");
    for round in 0..3 {
        let dropped = client.subscribe("flood").qos1().await.expect("granted");
        let receipts = (0..400).map(|_| client.publish("flood", "x").qos1().into_future());
        for receipt in receipts.collect::<Vec<_>>() {
            drop(receipt.await.expect("admitted"));
        }
        drop(dropped);
        let topic = format!("calm/{round}");
        let mut calm = client.subscribe(&topic).qos1().await.expect("granted");
        let admitted = client.publish(topic, "x").qos1().await;
        drop(admitted.expect("admitted"));
        soon("a message", calm.next()).await.expect("open");
    }
}

#[tokio::test]
async fn what_a_dropped_stream_of_a_session_did_not_take_goes_to_the_next() {
    let broker = Mosquitto::start().expect("mosquitto starts");
    let client = Client::builder(format!("mqtt://{}", broker.addr()))
        .client_id("lake")
        .session(Session::persistent(Duration::from_secs(60)))
        .connect();
    let client = client.await.expect("accepted");
    let mut first = client.subscribe("a/#").qos1().await.expect("granted");
    for number in 0..4 {
        let publish = client.publish(format!("a/{number}"), "x").qos1();
        assert!(publish.await.expect("admitted").await.is_delivered());
    }
    let message = soon("a message", first.next()).await.expect("open");
    assert_eq!(message.topic(), "a/0");
    drop(first);
    let mut second = client.subscribe("a/+").qos1().await.expect("granted");
    for number in 1..4 {
        let message = soon("a message", second.next()).await.expect("open");
        assert_eq!(message.topic(), format!("a/{number}"));
    }
}
