//! `kill -9` in the middle of the traffic: what was acknowledged is there afterwards.

use std::process::Stdio;
use std::time::Duration;

use renata_mqtt::{Backoff, Client, Session, Version};
use renata_peers::{python, wait_for};

use crate::support::{Broker, DEADLINE, Lines, run_well};

/// Publishes `sys.argv[3]` numbered messages at QoS `sys.argv[2]` and prints the number of each one
/// that was acknowledged. paho keeps what was not and sends it again after the reconnect.
const PUBLISHER: &str = r"
import sys, threading
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
port, qos, count, version = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
protocol = mqtt.MQTTv5 if version == '5' else mqtt.MQTTv311
kept = {'clean_session': False} if version != '5' else {}
client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id='pub', protocol=protocol, **kept)
client.max_inflight_messages_set(20)
client.reconnect_delay_set(0.05, 0.2)
acked, numbers, done = set(), {}, threading.Event()
def published(c, u, mid, reason, props):
    acked.add(mid)
    if len(acked) == count: done.set()
client.on_publish = published
if version == '5':
    props = mqtt.Properties(mqtt.PacketTypes.CONNECT)
    props.SessionExpiryInterval = 600
    client.connect('127.0.0.1', port, clean_start=False, properties=props)
else:
    client.connect('127.0.0.1', port)
client.loop_start()
for n in range(count):
    client.publish('crash/data', str(n), qos=qos)
ok = done.wait(50)
print('acked', len(acked), flush=True)
client.disconnect()
sys.exit(0 if ok else 1)
";

/// Subscribes at QoS 2 in the session `sub` and prints what arrives.
///
/// `mosquitto_sub` cannot be the judge here. A PUBLISH that is repeated because its PUBREC was lost
/// is a second message to it: the next PUBREL that is repeated delivers that one too, and with 5.0 it
/// counts against the Receive Maximum until the client gives up.
const EXACT_SUBSCRIBER: &str = r"
import sys
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
port, version = int(sys.argv[1]), sys.argv[2]
protocol = mqtt.MQTTv5 if version == '5' else mqtt.MQTTv311
kept = {'clean_session': False} if version != '5' else {}
client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id='sub', protocol=protocol, **kept)
client.reconnect_delay_set(0.05, 0.2)
client.on_connect = lambda c, u, flags, reason, props: c.subscribe('crash/data', 2)
client.on_message = lambda c, u, message: print(message.payload.decode(), flush=True)
if version == '5':
    props = mqtt.Properties(mqtt.PacketTypes.CONNECT)
    props.SessionExpiryInterval = 600
    client.connect('127.0.0.1', port, clean_start=False, properties=props)
else:
    client.connect('127.0.0.1', port)
client.loop_forever(retry_first_connection=True)
";

fn crash(qos: &str, version: &str, count: usize) -> (Vec<usize>, String) {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap().to_owned();
    let mut broker = Broker::start(&[
        "--listen",
        "mqtt://127.0.0.1:0",
        "--allow-anonymous",
        "--data-dir",
        &data,
    ]);
    let protocol = if version == "5" { "mqttv5" } else { "mqttv311" };
    let session: &[&str] = if version == "5" {
        &["-c", "-x", "600"]
    } else {
        &["-c"]
    };
    let subscriber = |broker: &Broker| {
        let mut command = broker.subscriber();
        command.args(["-V", protocol, "-i", "sub", "-q", qos, "-t", "crash/data"]);
        command.args(session);
        command
    };
    run_well(subscriber(&broker).arg("-E"));
    let sub = if qos == "2" {
        let mut paho = python().expect("the Python judges are installed");
        Lines::of(paho.args(["-c", EXACT_SUBSCRIBER, &broker.port(), version]))
    } else {
        Lines::of(subscriber(&broker).args(["-W", "100"]))
    };
    let publisher: Box<dyn FnOnce() -> String> = if qos == "2" {
        publish_exactly(&broker, version, count)
    } else {
        publish_with_paho(&broker, qos, version, count)
    };
    for part in 1..=3 {
        let seen = || sub.now().len() >= part * count / 5;
        assert!(wait_for(DEADLINE, seen), "part {part}: {}", broker.log());
        broker.restart();
    }
    assert_eq!(publisher(), format!("acked {count}"), "{}", broker.log());
    wait_for(DEADLINE, || {
        let mut got = sub.now();
        got.sort_unstable();
        got.dedup();
        got.len() >= count
    });
    let got = sub.now().iter().map(|line| line.parse().unwrap()).collect();
    (got, broker.log())
}

/// Starts paho's publisher; the result waits for its end and gives what it said.
fn publish_with_paho(
    broker: &Broker,
    qos: &str,
    version: &str,
    count: usize,
) -> Box<dyn FnOnce() -> String> {
    let publisher = python()
        .expect("the Python judges are installed")
        .args(["-c", PUBLISHER, &broker.port(), qos])
        .args([&count.to_string(), version])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python starts");
    Box::new(|| {
        let output = publisher.wait_with_output().expect("python ends");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    })
}

/// Starts our own client as the publisher at QoS 2.
///
/// paho cannot be it: a second attempt to reconnect that fails turns a PUBREL that it owes into a new
/// PUBLISH of the message, without DUP.
fn publish_exactly(broker: &Broker, version: &str, count: usize) -> Box<dyn FnOnce() -> String> {
    let url = broker.urls[0].clone();
    let version = if version == "5" {
        Version::V5
    } else {
        Version::V3_1_1
    };
    let publish = async move {
        let client = Client::builder(url)
            .version(version)
            .client_id("pub")
            .session(Session::persistent(Duration::from_secs(600)))
            .reconnect(Backoff::exponential(
                Duration::from_millis(50)..Duration::from_millis(200),
            ))
            .connect()
            .await
            .expect("the broker takes the client");
        let mut receipts = Vec::new();
        for n in 0..count {
            let publish = client.publish("crash/data", n.to_string()).qos2();
            receipts.push(publish.await.expect("admitted"));
        }
        let mut acked = 0;
        for receipt in receipts {
            acked += usize::from(receipt.outcome().await.is_delivered());
        }
        format!("acked {acked}")
    };
    let thread = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(publish)
    });
    Box::new(|| thread.join().expect("the publisher ends"))
}

#[test]
fn no_acknowledged_qos_1_message_is_lost() {
    for version in ["5", "311"] {
        let (mut got, log) = crash("1", version, 600);
        got.sort_unstable();
        got.dedup();
        assert_eq!(got, (0..600).collect::<Vec<_>>(), "{version}: {log}");
    }
}

#[test]
fn qos_2_arrives_exactly_once_and_in_order() {
    for version in ["5", "311"] {
        let (got, log) = crash("2", version, 600);
        assert_eq!(got, (0..600).collect::<Vec<_>>(), "{version}: {log}");
    }
}

#[test]
fn retained_messages_survive() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let mut broker = Broker::start(&[
        "--listen",
        "mqtt://127.0.0.1:0",
        "--allow-anonymous",
        "--data-dir",
        data,
    ]);
    for n in ["a", "b", "c"] {
        let topic = format!("kept/{n}");
        run_well(
            broker
                .publisher()
                .args(["-q", "1", "-r", "-t", &topic, "-m", n]),
        );
    }
    run_well(
        broker
            .publisher()
            .args(["-q", "1", "-r", "-t", "kept/b", "-n"]),
    );
    broker.restart();
    let mut text: Vec<_> = run_well(broker.subscriber().args(["-C", "2", "-t", "kept/#"]))
        .lines()
        .map(str::to_owned)
        .collect();
    text.sort_unstable();
    assert_eq!(text, ["a", "c"]);
}

#[test]
fn the_will_of_a_client_that_a_crash_cut_off_is_sent_if_it_does_not_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let mut broker = Broker::start(&[
        "--listen",
        "mqtt://127.0.0.1:0",
        "--allow-anonymous",
        "--data-dir",
        data,
    ]);
    let client = |id: &str| {
        let mut command = broker.subscriber();
        command.args(["-i", id, "-c", "-q", "1", "-W", "100", "-t", "ready"]);
        let will = format!("will/{id}");
        command.args([
            "--will-topic",
            &will,
            "--will-payload",
            id,
            "--will-qos",
            "1",
        ]);
        command
    };
    let mut gone = Lines::of(&mut client("gone"));
    let back = Lines::of(&mut client("back"));
    let up = || {
        run_well(
            broker
                .publisher()
                .args(["-q", "1", "-t", "ready", "-m", "up"]),
        );
        !gone.now().is_empty() && !back.now().is_empty()
    };
    assert!(wait_for(DEADLINE, up), "{}", broker.log());
    let watch = |broker: &Broker| {
        let mut command = broker.subscriber();
        command.args(["-i", "watch", "-c", "-q", "1", "-t", "will/#", "-v"]);
        command
    };
    run_well(watch(&broker).arg("-E"));
    broker.kill();
    gone.kill();
    broker.restart();
    let wills = run_well(watch(&broker).args(["-C", "1"]));
    assert_eq!(wills.trim(), "will/gone gone", "{}", broker.log());
}
