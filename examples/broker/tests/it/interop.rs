//! Mosquitto's and paho's clients against the broker.

use renata_peers::python_script;

use crate::support::{Broker, Lines, run, run_well};

const VERSIONS: [&str; 2] = ["mqttv311", "mqttv5"];

/// A subscriber that is known to be subscribed: it has printed a retained marker.
fn subscribed(broker: &Broker, args: &[&str]) -> Lines {
    let marker = format!(
        "marker/{}",
        args.join("-").replace(['/', '#', '+', '$'], "_")
    );
    run_well(
        broker
            .publisher()
            .args(["-t", &marker, "-m", "ready", "-r", "-q", "1"]),
    );
    let lines = Lines::of(broker.subscriber().args(args).args(["-t", &marker]));
    assert_eq!(lines.wait(1), ["ready"], "{}", broker.log());
    lines
}

#[test]
fn every_qos_arrives_in_order_at_mosquitto_sub() {
    let broker = Broker::open();
    for version in VERSIONS {
        for qos in ["0", "1", "2"] {
            let topic = format!("order/{version}/{qos}");
            let sub = subscribed(&broker, &["-V", version, "-q", qos, "-t", &topic]);
            let text: String = (0..200).map(|n| format!("{n}\n")).collect();
            let mut publisher = broker.publisher();
            publisher.args(["-V", version, "-q", qos, "-t", &topic, "-l"]);
            publisher.stdin(std::process::Stdio::piped());
            let mut child = publisher.spawn().expect("mosquitto_pub runs");
            let mut stdin = child.stdin.take().expect("piped");
            std::io::Write::write_all(&mut stdin, text.as_bytes()).expect("it reads");
            drop(stdin);
            assert!(child.wait().expect("it ends").success());
            let got = sub.wait(201);
            let want: Vec<String> = (0..200).map(|n| n.to_string()).collect();
            assert_eq!(got[1..], want[..], "{version} QoS {qos}");
        }
    }
}

#[test]
fn a_retained_message_reaches_later_subscribers_until_it_is_cleared() {
    let broker = Broker::open();
    for version in VERSIONS {
        let publish = |args: &[&str]| {
            run_well(
                broker
                    .publisher()
                    .args(["-V", version, "-t", "plant/state", "-r", "-q", "1"])
                    .args(args),
            );
        };
        publish(&["-m", "on"]);
        let sub = |filter: &str| {
            let mut command = broker.subscriber();
            command.args(["-V", version, "-W", "1", "-F", "%t %p %r", "-t", filter]);
            run(&mut command)
        };
        for filter in ["plant/state", "plant/+", "#"] {
            let text = String::from_utf8(sub(filter).stdout).unwrap();
            assert_eq!(text, "plant/state on 1\n", "{version} {filter}");
        }
        publish(&["-n"]);
        assert!(sub("plant/#").stdout.is_empty(), "{version}: cleared");
    }
}

#[test]
fn the_will_of_a_client_that_dies_is_published() {
    let broker = Broker::open();
    for version in VERSIONS {
        let watcher = subscribed(&broker, &["-V", version, "-q", "1", "-t", "will/+"]);
        let topic = format!("will/{version}");
        let will = [
            "--will-topic",
            &topic,
            "--will-payload",
            "gone",
            "--will-qos",
            "1",
        ];
        let mut mortal = subscribed(&broker, &[&["-V", version, "-t", "x"], &will[..]].concat());
        mortal.kill();
        assert_eq!(watcher.wait(2)[1..], ["gone"], "{version}");
    }
}

#[test]
fn a_persistent_session_gets_what_it_missed() {
    let broker = Broker::open();
    for (version, session) in [
        ("mqttv311", vec!["-c"]),
        ("mqttv5", vec!["-c", "-x", "300"]),
    ] {
        let id = format!("keeper-{version}");
        let sub = |more: &[&str]| {
            let mut command = broker.subscriber();
            command.args(["-V", version, "-i", &id, "-q", "2", "-t", "missed/#"]);
            command.args(&session).args(more);
            command
        };
        // -E: subscribes and leaves.
        run_well(sub(&[]).arg("-E"));
        for n in 0..20 {
            let text = n.to_string();
            // QoS 2 takes longer to be handed up, so order is only promised within one QoS.
            let qos = if n < 10 { "1" } else { "2" };
            run_well(
                broker
                    .publisher()
                    .args(["-q", qos, "-t", "missed/a", "-m", &text]),
            );
        }
        let text = run_well(sub(&[]).args(["-C", "20"]));
        let got: Vec<usize> = text.lines().map(|line| line.parse().unwrap()).collect();
        assert_eq!(got, (0..20).collect::<Vec<_>>(), "{version}");
    }
}

#[test]
fn a_second_connection_takes_the_session_over() {
    let broker = Broker::open();
    let script = r"
import sys, time
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
port = int(sys.argv[1])
said = []
first = mqtt.Client(CallbackAPIVersion.VERSION2, client_id='same', protocol=mqtt.MQTTv5)
first.on_disconnect = lambda c, u, flags, reason, props: (said.append(reason.value), c.disconnect())
first.connect('127.0.0.1', port)
first.loop_start()
end = time.time() + 10
while not first.is_connected() and time.time() < end: time.sleep(0.01)
second = mqtt.Client(CallbackAPIVersion.VERSION2, client_id='same', protocol=mqtt.MQTTv5)
second.connect('127.0.0.1', port)
second.loop_start()
while not said and time.time() < end: time.sleep(0.01)
while not second.is_connected() and time.time() < end: time.sleep(0.01)
print(hex(said[0]), second.is_connected())
";
    let said = python_script(script, &[&broker.port()]).expect("paho runs");
    assert_eq!(said.trim(), "0x8e True", "{}", broker.log());
}
