//! What ends a command early, with its exit code.

use std::process::Command;

use renata_peers::Mosquitto;

use crate::mosquitto::{broker, our_sub, their_pub};
use crate::support::{renata, run};

#[test]
fn what_cannot_work_says_so_with_its_exit_code() {
    let (broker, url, _to) = broker();
    let nobody = renata_peers::free_addr().unwrap();
    let dead = format!("mqtt://{nobody}");
    for (args, code, part) in [
        (
            &["pub", "-u", &dead, "-t", "a", "-m", "x"][..],
            3,
            "cannot reach",
        ),
        (&["sub", "-u", &dead, "-t", "a"], 3, "cannot reach"),
        (
            &["pub", "-u", "http://x", "-t", "a", "-m", "x"],
            2,
            "neither mqtt nor mqtts",
        ),
        (
            &["pub", "-u", "mqtts://127.0.0.1", "-t", "a", "-m", "x"],
            2,
            "certificate authority",
        ),
        (&["pub", "-u", &url, "-t", "a/+", "-m", "x"], 2, "--topic"),
        (&["sub", "-u", &url, "-t", "a/#/b"], 2, "a/#/b"),
        (&["pub", "-u", &url, "-t", "a"], 2, "--message"),
        (
            &["pub", "-u", &url, "-t", "a", "-m", "x", "-n"],
            2,
            "cannot be used with",
        ),
        (
            &["pub", "-u", &url, "-t", "a", "-f", "no/such/file"],
            2,
            "no/such/file",
        ),
        (
            &["pub", "-u", &url, "-t", "a", "-m", "x", "-q", "3"],
            2,
            "QoS is 0, 1 or 2",
        ),
        (
            &["sub", "-u", &url, "-t", "a", "--session-expiry", "1"],
            2,
            "client-id",
        ),
        (
            &["sub", "-u", &url, "-t", "a", "-C", "1", "-W", "1"],
            4,
            "subscribed",
        ),
    ] {
        let (found, out, err) = run(args);
        assert_eq!((found, out.as_str()), (code, ""), "{args:?}: {err}");
        assert!(err.contains(part), "{args:?}: {err}");
    }
    drop(broker);
}

#[test]
fn a_broker_that_refuses_is_believed() {
    let folder = tempfile::tempdir().unwrap();
    let (acl, passwords) = (folder.path().join("acl"), folder.path().join("passwords"));
    std::fs::write(&acl, "topic read open/#\nuser anna\ntopic readwrite #\n").unwrap();
    let made = Command::new("mosquitto_passwd")
        .args(["-b", "-c"])
        .arg(&passwords)
        .args(["anna", "s3cret"])
        .status();
    assert!(made.expect("mosquitto_passwd: ./.ci/peers").success());
    let config = format!(
        "allow_anonymous true\nacl_file {}\npassword_file {}\n",
        acl.display(),
        passwords.display()
    );
    let broker = Mosquitto::start_with(&config, "").expect("mosquitto starts");
    let url = format!("mqtt://{}", broker.addr());
    let refused = run(&["pub", "-u", &url, "-t", "closed", "-m", "x", "-q", "1"]);
    assert_eq!(refused.0, 1, "{}", refused.2);
    assert!(
        refused.2.contains("message 1: refused by the server"),
        "{}",
        refused.2
    );
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "s3cret\n").unwrap();
    let secret = secret.to_str().unwrap();
    let as_anna = [
        "pub",
        "-u",
        &url,
        "-t",
        "closed",
        "-m",
        "x",
        "-q",
        "1",
        "--username",
        "anna",
        "--password-file",
        secret,
    ];
    assert_eq!(run(&as_anna).0, 0);
    std::fs::write(secret, "wrong\n").unwrap();
    let wrong = run(&as_anna);
    assert_eq!(wrong.0, 3, "{}", wrong.2);
    assert!(
        !wrong.2.contains("wrong"),
        "no password in a message: {}",
        wrong.2
    );
}

#[test]
fn a_refusal_shows_while_standard_input_is_still_open() {
    let folder = tempfile::tempdir().unwrap();
    let acl = folder.path().join("acl");
    std::fs::write(&acl, "topic readwrite open\n").unwrap();
    let config = format!("allow_anonymous true\nacl_file {}\n", acl.display());
    let broker = Mosquitto::start_with(&config, "").expect("mosquitto starts");
    let url = format!("mqtt://{}", broker.addr());
    let mut command = renata();
    command.args(["pub", "-u", &url, "-t", "closed", "-l", "-q", "1"]);
    let mut ours = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let mut stdin = ours.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, b"one line\n").unwrap();
    let ended = renata_peers::wait_for(std::time::Duration::from_secs(20), || {
        ours.try_wait().unwrap().is_some()
    });
    assert!(ended, "it waits for more lines");
    assert_eq!(ours.wait().unwrap().code(), Some(1));
}

#[test]
fn a_reader_that_has_seen_enough_ends_us() {
    let (_broker, url, to) = broker();
    let mut ours = renata();
    ours.args(["sub", "-u", &url, "-t", "flood"])
        .stdout(std::process::Stdio::piped());
    let mut ours = ours.spawn().unwrap();
    drop(ours.stdout.take());
    let ended = renata_peers::wait_for(std::time::Duration::from_secs(20), || {
        their_pub(&to, &["-t", "flood", "-m", "x"]);
        ours.try_wait().unwrap().is_some()
    });
    assert!(ended);
    assert_eq!(ours.wait().unwrap().code(), Some(0));
}

#[test]
fn subscribing_goes_on_after_the_broker_came_back() {
    let (mut broker, url, to) = broker();
    let ours = our_sub(&url, &["-t", "r", "-q", "1"]);
    broker.kill();
    broker.restart().expect("mosquitto comes back");
    let heard = renata_peers::wait_for(std::time::Duration::from_secs(30), || {
        their_pub(&to, &["-t", "r", "-m", "back", "-r", "-q", "1"]);
        ours.try_line().is_some_and(|line| line.contains("back"))
    });
    assert!(heard);
}
