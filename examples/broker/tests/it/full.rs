//! A full journal: refused in so many words, nothing lost, and over without a restart.

use renata_peers::python;

use crate::support::{Broker, Lines, run_well};

/// Publishes numbered messages of 1 KiB at QoS 1 from `sys.argv[2]` on, one at a time, until one is
/// refused or `sys.argv[3]` of them are taken. Prints how many were, and the last reason code.
const PUBLISHER: &str = r"
import sys, queue
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
port, first, most = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id='pub', protocol=mqtt.MQTTv5)
reasons = queue.Queue()
client.on_publish = lambda c, u, mid, reason, props: reasons.put(reason.value)
client.connect('127.0.0.1', port)
client.loop_start()
taken, reason = 0, 0
while taken < most:
    client.publish('full/data', '%d:' % (first + taken) + 'x' * 1024, qos=1)
    reason = reasons.get(timeout=20)
    if reason >= 0x80: break
    taken += 1
print(taken, hex(reason))
client.disconnect()
";

fn publish(broker: &Broker, first: usize, most: usize) -> (usize, String) {
    let mut paho = python().expect("the Python judges are installed");
    let (first, most) = (first.to_string(), most.to_string());
    let text = run_well(paho.args(["-c", PUBLISHER, &broker.port(), &first, &most]));
    let (taken, reason) = text.trim().split_once(' ').expect("two words");
    (taken.parse().expect("a number"), reason.to_owned())
}

#[test]
fn a_full_journal_refuses_with_quota_exceeded_and_is_over_when_the_queue_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("broker.toml");
    std::fs::write(
        &config,
        "[durability]\nmax_bytes = 1_048_576\ncommit_interval_ms = 0\n",
    )
    .unwrap();
    let (config, data) = (config.to_str().unwrap(), dir.path().to_str().unwrap());
    let mut broker = Broker::start(&[
        "--config",
        config,
        "--listen",
        "mqtt://127.0.0.1:0",
        "--allow-anonymous",
        "--data-dir",
        data,
    ]);
    let subscriber = |broker: &Broker| {
        let mut command = broker.subscriber();
        command.args(["-V", "mqttv5", "-c", "-x", "600", "-i", "sub"]);
        command.args(["-q", "1", "-t", "full/data", "-W", "100"]);
        command
    };
    run_well(subscriber(&broker).arg("-E"));
    let (taken, reason) = publish(&broker, 0, 5_000);
    assert!((600..1_000).contains(&taken), "{taken}");
    assert_eq!(reason, "0x97", "Quota exceeded");

    // Nothing that was taken is lost, not even by a kill while it is full.
    broker.restart();
    let mut sub = Lines::of(&mut subscriber(&broker));
    let numbers = |lines: &[String]| -> Vec<usize> {
        let number = |line: &String| line.split_once(':').unwrap().0.parse().unwrap();
        lines.iter().map(number).collect()
    };
    let in_order = |got: &[usize], count: usize| {
        let wrong = (0..count).find(|n| got.get(*n) != Some(n));
        assert_eq!(wrong, None, "{} came: {}", got.len(), broker.log());
    };
    in_order(&numbers(&sub.wait(taken)), taken);

    // More than the journal's size goes through it now.
    let (more, reason) = publish(&broker, taken, 1_500);
    assert_eq!((more, reason.as_str()), (1_500, "0x0"), "{}", broker.log());
    in_order(&numbers(&sub.wait(taken + more)), taken + more);
    sub.kill();
    let used: u64 = std::fs::read_dir(dir.path().join("journal"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert!(used <= 1 << 20, "{used}");
}
