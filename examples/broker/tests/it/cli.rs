//! The command line is an interface.

use std::process::{Command, Output};

use crate::support::{Broker, file};

fn broker(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_renata-broker"))
        .args(args)
        .output()
        .expect("the broker's program is built")
}

fn refused(args: &[&str], code: i32, says: &[&str]) {
    let output = broker(args);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
    for part in says {
        assert!(
            text.contains(part),
            "{args:?} does not say {part:?}: {text}"
        );
    }
}

#[test]
fn every_listener_is_announced_then_ready_and_sigterm_drains() {
    let any = "mqtt://127.0.0.1:0";
    let mut broker = Broker::start(&["--listen", any, "--listen", any, "--allow-anonymous"]);
    assert_eq!(broker.urls.len(), 2);
    assert_ne!(broker.urls[0], broker.urls[1]);
    assert!(broker.is_alive());
    broker.signal("-TERM");
    assert_eq!(broker.wait(), Some(0), "{}", broker.log());
}

#[test]
fn what_is_not_built_is_refused_with_a_plain_message() {
    for url in ["ws://127.0.0.1:0", "wss://127.0.0.1:0"] {
        refused(
            &["--listen", url, "--allow-anonymous"],
            2,
            &["not built", "mqtt://"],
        );
    }
    refused(&["--http", "127.0.0.1:0"], 2, &["--http", "not built"]);
    refused(&["--workers", "4"], 2, &["4 workers", "leave it out"]);
    refused(
        &["--listen", "mqtts://127.0.0.1:0"],
        2,
        &["certificate", "--tls-cert"],
    );
    refused(&["--tls-cert", "a.pem"], 2, &["--tls-key"]);
    refused(&["--no-such-option"], 2, &["--no-such-option"]);
}

#[test]
fn check_reports_every_problem_with_its_place_and_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let text = "listen = [\"http://x:1\"]\nlisten_on = 1\n\n[queue]\nwhen_full = \"explode\"\n";
    let path = file(dir.path(), "broker.toml", text);
    let path = path.to_str().unwrap();
    let at = |place: &str| format!("{path}:{place}: ");
    let says = [
        at("1:11"),
        at("2:1"),
        at("5:13"),
        "known are listen, data_dir".to_owned(),
    ];
    let says: Vec<&str> = says.iter().map(String::as_str).collect();
    refused(&["check", "--config", path], 2, &says);
    refused(&["--config", path], 2, &says);

    // The files that it names are checked as well.
    let rule = "[roles.r]\nrules = [{ allow = [\"publsh\"], topics = [\"a/#/b\"] }]\n";
    file(dir.path(), "policy.toml", rule);
    let text = "policy = \"policy.toml\"\n[tls]\ncert = \"no.pem\"\nkey = \"no.key\"\n";
    let names = file(dir.path(), "names.toml", text);
    refused(
        &["check", "--config", names.to_str().unwrap()],
        2,
        &["policy.toml:2:", "publsh", "no.pem: ", "give a PEM file"],
    );

    let good = file(dir.path(), "good.toml", "allow_anonymous = true\n");
    let output = broker(&["check", "--config", good.to_str().unwrap()]);
    assert!(output.status.success());
}

#[test]
fn without_policy_and_anonymous_nobody_gets_in_and_the_log_says_why() {
    let broker = Broker::start(&["--listen", "mqtt://127.0.0.1:0"]);
    let output = broker
        .publisher()
        .args(["-t", "a", "-m", "x"])
        .output()
        .expect("mosquitto_pub runs");
    assert!(!output.status.success());
    assert!(broker.log().contains("nobody gets in"), "{}", broker.log());
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = Broker::open();
    refused(
        &["--listen", &taken.urls[0], "--allow-anonymous"],
        2,
        &[&taken.urls[0], "another port"],
    );
}
