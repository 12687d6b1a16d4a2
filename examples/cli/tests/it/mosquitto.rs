//! `renata pub` and `renata sub` with mosquitto's broker and clients.

use std::process::Command;

use renata_peers::{Mosquitto, mosquitto_pub, mosquitto_sub};

use crate::support::{Beside, renata, run, run_with};

pub(crate) fn broker() -> (Mosquitto, String, [String; 4]) {
    let broker = Mosquitto::start().expect("mosquitto starts");
    let (host, port) = (
        broker.addr().ip().to_string(),
        broker.addr().port().to_string(),
    );
    let url = format!("mqtt://{}", broker.addr());
    (broker, url, ["-h".to_owned(), host, "-p".to_owned(), port])
}

fn their_sub(broker: &Mosquitto, to: &[String], version: &str, args: &[&str]) -> Beside {
    let before = subscribed(broker);
    let mut command = mosquitto_sub().expect("mosquitto_sub");
    command.args(to).args(["-V", version]).args(args);
    let theirs = Beside::start(&mut command, None);
    let within = std::time::Duration::from_secs(20);
    assert!(renata_peers::wait_for(within, || subscribed(broker) > before));
    theirs
}

fn subscribed(broker: &Mosquitto) -> usize {
    broker.log().matches("Sending SUBACK").count()
}

pub(crate) fn their_pub(to: &[String], args: &[&str]) {
    let status = mosquitto_pub()
        .expect("mosquitto_pub")
        .args(to)
        .args(args)
        .status();
    assert!(status.unwrap().success());
}

pub(crate) fn our_sub(url: &str, args: &[&str]) -> Beside {
    let mut command: Command = renata();
    command.args(["sub", "-u", url]).args(args);
    Beside::start(&mut command, Some("subscribed"))
}

#[test]
fn what_we_publish_arrives_at_each_qos_and_version() {
    let (broker, url, to) = broker();
    for (ours, theirs) in [("3.1.1", "mqttv311"), ("5", "mqttv5")] {
        let sub = their_sub(
            &broker,
            &to,
            theirs,
            &["-t", "a/#", "-q", "2", "-F", "%t %q %p"],
        );
        for qos in ["0", "1", "2"] {
            let topic = format!("a/{qos}");
            let (code, out, err) = run(&[
                "pub", "-u", &url, "--mqtt", ours, "-t", &topic, "-m", "grüezi", "-q", qos,
            ]);
            assert_eq!((code, out.as_str(), err.as_str()), (0, "", ""), "{ours}");
            sub.wait_for(&format!("{topic} {qos} grüezi"));
        }
    }
}

#[test]
fn what_is_published_to_us_is_printed_at_each_qos_and_version() {
    let (_broker, url, to) = broker();
    for version in ["3.1.1", "5"] {
        let mut sub = our_sub(
            &url,
            &[
                "--mqtt", version, "-t", "a/+", "-t", "b", "-q", "2", "-v", "-C", "4",
            ],
        );
        for (topic, qos) in [("a/0", "0"), ("a/1", "1"), ("a/2", "2"), ("b", "1")] {
            their_pub(&to, &["-t", topic, "-q", qos, "-m", "hello"]);
            assert_eq!(sub.line(), format!("{topic} hello"), "{version}");
        }
        assert_eq!(sub.code(), Some(0), "after four messages");
    }
}

#[test]
fn every_line_of_standard_input_is_a_message_in_order() {
    let (broker, url, to) = broker();
    let sub = their_sub(
        &broker,
        &to,
        "mqttv5",
        &["-t", "lines", "-q", "1", "-F", "got %p"],
    );
    let input: String = (0..3000).map(|n| format!("{n}\n")).collect();
    let (code, _, err) = run_with(&["pub", "-u", &url, "-t", "lines", "-l", "-q", "1"], &input);
    assert_eq!(code, 0, "{err}");
    let mut next = 0;
    while next < 3000 {
        if let Some(line) = sub.line().strip_prefix("got ") {
            assert_eq!(line, next.to_string());
            next += 1;
        }
    }
}

#[test]
fn files_go_whole_and_retained_messages_stay_until_they_are_taken_back() {
    let (_broker, url, to) = broker();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("payload.bin");
    std::fs::write(&file, [0, 1, 2, 0xFF]).unwrap();
    let file = file.to_str().unwrap();
    assert_eq!(
        run(&["pub", "-u", &url, "-t", "kept", "-f", file, "-r", "-q", "1"]).0,
        0
    );
    let theirs = mosquitto_sub()
        .unwrap()
        .args(&to)
        .args(["-t", "kept", "-C", "1", "-W", "10", "-F", "%r %x"])
        .output();
    assert_eq!(
        String::from_utf8_lossy(&theirs.unwrap().stdout),
        "1 000102ff\n"
    );
    let (code, out, _) = run(&[
        "sub", "-u", &url, "-t", "kept", "-C", "1", "-W", "10", "--json",
    ]);
    let message: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, &message["retain"], &message["payload_base64"]),
        (0, &true.into(), &"AAEC/w==".into())
    );

    let without = run(&[
        "sub",
        "-u",
        &url,
        "-t",
        "kept",
        "-C",
        "1",
        "-W",
        "1",
        "--no-retained",
    ]);
    assert_eq!(
        (without.0, without.1.as_str()),
        (4, ""),
        "a time-out with nothing printed"
    );
    for version in ["3.1.1", "5"] {
        let args = [
            "--mqtt",
            version,
            "-t",
            "kept",
            "-q",
            "1",
            "-C",
            "1",
            "-W",
            "10",
            "--no-retained",
        ];
        let mut live = our_sub(&url, &args);
        their_pub(&to, &["-t", "kept", "-m", "new", "-r", "-q", "1"]);
        assert_eq!(
            live.line(),
            "new",
            "retained for others, live for us: {version}"
        );
        assert_eq!(live.code(), Some(0));
    }
    assert_eq!(
        run(&["pub", "-u", &url, "-t", "kept", "-n", "-r", "-q", "1"]).0,
        0
    );
    assert_eq!(
        run(&["sub", "-u", &url, "-t", "kept", "-C", "1", "-W", "1"]).0,
        4
    );
}

#[test]
fn properties_travel_both_ways() {
    let (broker, url, to) = broker();
    let sub = their_sub(&broker, &to, "mqttv5", &["-t", "p", "-F", "%C|%R|%D|%E|%P"]);
    let ours = [
        "pub",
        "-u",
        &url,
        "-t",
        "p",
        "-m",
        "x",
        "--content-type",
        "text/plain",
        "--response-topic",
        "answers",
        "--correlation-data",
        "77",
        "--expiry",
        "60",
        "-D",
        "by=anna",
    ];
    assert_eq!(run(&ours).0, 0);
    sub.wait_for("text/plain|answers|77|60|by:anna");

    let sub = our_sub(&url, &["-t", "q", "--json"]);
    their_pub(
        &to,
        &[
            "-V",
            "mqttv5",
            "-t",
            "q",
            "-m",
            "{\"a\":1}",
            "-D",
            "publish",
            "content-type",
            "application/json",
            "-D",
            "publish",
            "response-topic",
            "r",
            "-D",
            "publish",
            "correlation-data",
            "c",
            "-D",
            "publish",
            "user-property",
            "k",
            "v",
            "-D",
            "publish",
            "user-property",
            "k",
            "w",
        ],
    );
    let message: serde_json::Value = serde_json::from_str(&sub.line()).unwrap();
    let expected = serde_json::json!({
        "topic": "q", "qos": 0, "retain": false, "dup": false, "payload": "{\"a\":1}",
        "content_type": "application/json", "response_topic": "r", "correlation_data": "c",
        "user_properties": [["k", "v"], ["k", "w"]],
    });
    assert_eq!(message, expected);
    let refused = run(&[
        "pub", "-u", &url, "--mqtt", "3.1.1", "-t", "p", "-m", "x", "-D", "a=b",
    ]);
    assert_eq!(refused.0, 2);
    assert!(refused.2.contains("no properties"), "{}", refused.2);
}

#[test]
fn the_will_is_sent_when_we_are_killed_and_not_when_we_are_stopped() {
    let (broker, url, to) = broker();
    let theirs = their_sub(
        &broker,
        &to,
        "mqttv5",
        &["-t", "last/words", "-q", "2", "-F", "%t %q %r %p"],
    );
    let will = [
        "-t",
        "x",
        "--will-topic",
        "last/words",
        "--will-message",
        "gone",
        "--will-qos",
        "1",
        "--will-retain",
    ];
    let mut stopped = our_sub(&url, &will);
    let pid = stopped.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(stopped.code(), Some(0));
    let mut killed = our_sub(&url, &will);
    killed.kill();
    theirs.wait_for("last/words 1 0 gone");
    let kept = run(&["sub", "-u", &url, "-t", "last/words", "-C", "2", "-W", "3"]);
    assert_eq!(kept.1, "gone\n", "once, and retained");
}

#[test]
fn a_session_keeps_messages_while_we_are_away() {
    let (_broker, url, to) = broker();
    let sub = || {
        let args = [
            "sub",
            "-u",
            &url,
            "-t",
            "s",
            "-q",
            "1",
            "-i",
            "archive",
            "--session-expiry",
            "600",
            "-C",
            "1",
            "-W",
            "10",
        ];
        let (code, out, err) = run(&args);
        assert_eq!(code, 0, "{err}");
        out
    };
    their_pub(&to, &["-t", "s", "-m", "first", "-r", "-q", "1"]);
    assert_eq!(sub(), "first\n");
    their_pub(&to, &["-t", "s", "-n", "-r"]);
    their_pub(&to, &["-t", "s", "-m", "meanwhile", "-q", "1"]);
    assert_eq!(sub(), "meanwhile\n");
}

#[test]
fn measurements_are_decoded() {
    use renata_codec::{Codec, Sample, Timestamp};
    let (_broker, url, _to) = broker();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sample");
    let sample = Sample::new(21.5, Timestamp::EPOCH)
        .with_unit("bar".parse().unwrap())
        .at_position(3, 42);
    let topic = "renata/biel/press/l1/s7/plc-1/level";
    for codec in Codec::all() {
        let mut payload = bytes::BytesMut::new();
        codec.encode(&sample, &mut payload).unwrap();
        std::fs::write(&file, &payload).unwrap();
        let (path, mime) = (file.to_str().unwrap(), codec.content_type());
        assert_eq!(
            run(&[
                "pub",
                "-u",
                &url,
                "-t",
                topic,
                "-f",
                path,
                "-r",
                "-q",
                "1",
                "--content-type",
                mime
            ])
            .0,
            0
        );
        let text = run(&[
            "sub", "-u", &url, "-t", "renata/#", "-C", "1", "-W", "10", "-v", "-d",
        ])
        .1;
        assert_eq!(
            text,
            format!("{topic} 21.5 bar good 1970-01-01T00:00:00Z epoch 3 seq 42\n"),
            "{mime}"
        );
        let json = run(&[
            "sub", "-u", &url, "-t", "renata/#", "-C", "1", "-W", "10", "-d", "--json",
        ])
        .1;
        let message: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(message["sample"]["seq"], 42, "{mime}: {json}");
    }
}
