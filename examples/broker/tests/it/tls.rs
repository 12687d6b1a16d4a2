//! Mutual TLS 1.3 and the policy: who is not known gets nothing.

use std::path::Path;
use std::process::Command;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use renata_peers::python_script;
use tempfile::TempDir;

use crate::support::{Broker, DEADLINE, Lines, file, run, run_well};

/// A folder with an authority, a server certificate and a few clients.
struct Pki {
    dir: TempDir,
}

impl Pki {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        for name in ["ca", "other"] {
            let (key, params) = authority(name);
            let cert = params.self_signed(&key).unwrap();
            file(dir.path(), &format!("{name}.pem"), &cert.pem());
            let issuer = Issuer::new(params, key);
            if name == "ca" {
                issue(dir.path(), &issuer, "server", None, true);
                for client in ["reader", "writer"] {
                    issue(dir.path(), &issuer, client, Some(client), false);
                }
            } else {
                issue(dir.path(), &issuer, "stranger", Some("reader"), false);
            }
        }
        Self { dir }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    fn broker(&self, policy: &str) -> Broker {
        let policy = file(self.dir.path(), "policy.toml", policy);
        Broker::start(&[
            "--listen",
            "mqtts://127.0.0.1:0",
            "--tls-cert",
            &self.path("server.pem"),
            "--tls-key",
            &self.path("server.key"),
            "--client-ca",
            &self.path("ca.pem"),
            "--policy",
            policy.to_str().unwrap(),
        ])
    }

    /// Adds what a client called `who` needs.
    fn dress<'a>(&self, command: &'a mut Command, who: &str) -> &'a mut Command {
        command.args(["--cafile", &self.path("ca.pem"), "--tls-version", "tlsv1.3"]);
        command.args(["--cert", &self.path(&format!("{who}.pem"))]);
        command.args(["--key", &self.path(&format!("{who}.key"))])
    }
}

fn authority(name: &str) -> (KeyPair, CertificateParams) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (KeyPair::generate().unwrap(), params)
}

fn issue(dir: &Path, issuer: &Issuer<'_, KeyPair>, name: &str, cn: Option<&str>, server: bool) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, cn.unwrap_or(name));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    if server {
        params.subject_alt_names = vec![SanType::IpAddress("127.0.0.1".parse().unwrap())];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    } else {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    }
    let key = KeyPair::generate().unwrap();
    let cert = params.signed_by(&key, issuer).unwrap();
    file(dir, &format!("{name}.pem"), &cert.pem());
    file(dir, &format!("{name}.key"), &key.serialize_pem());
}

const POLICY: &str = r#"
[roles.reader]
rules = [
    { allow = ["connect", "takeover"] },
    { allow = ["subscribe"], topics = ["plant/+", "own/${cert.cn}/#"] },
]

[roles.writer]
rules = [
    { allow = ["connect"] },
    { allow = ["publish", "will"], topics = ["plant/#", "own/+/#"] },
    { allow = ["retain"], topics = ["plant/kept"] },
    { deny = ["publish"], topics = ["plant/secret"] },
]

[[bindings]]
certificate = { cn = "reader" }
roles = ["reader"]

[[bindings]]
certificate = { cn = "writer" }
roles = ["writer"]
"#;

/// A reader whose subscription is known to be there: a marker has come through it.
fn reading(pki: &Pki, broker: &Broker, args: &[&str]) -> Lines {
    let mut command = broker.subscriber();
    pki.dress(&mut command, "reader").args(args);
    let lines = Lines::of(command.args(["-F", "%t %p", "-t", "own/reader/marker"]));
    let marked = renata_peers::wait_for(DEADLINE, || {
        run_well(publish(
            pki,
            &mut broker.publisher(),
            "own/reader/marker",
            "x",
        ));
        !lines.now().is_empty()
    });
    assert!(marked, "{}", broker.log());
    lines
}

fn publish<'a>(pki: &Pki, command: &'a mut Command, topic: &str, text: &str) -> &'a mut Command {
    pki.dress(command, "writer")
        .args(["-V", "mqttv5", "-q", "1", "-t", topic, "-m", text])
}

/// The lines without markers.
fn payload(lines: &Lines) -> Vec<String> {
    let mut lines = lines.now();
    lines.retain(|line| !line.contains("marker"));
    lines
}

#[test]
fn who_has_no_certificate_of_our_authority_gets_nothing() {
    let pki = Pki::new();
    let broker = pki.broker(POLICY);
    let watcher = reading(&pki, &broker, &["-t", "plant/+"]);
    // Without a certificate, with one of another authority, in plain text, with TLS 1.2.
    let mut bare = broker.publisher();
    bare.args([
        "--cafile",
        &pki.path("ca.pem"),
        "-t",
        "plant/a",
        "-m",
        "bare",
    ]);
    assert!(!run(&mut bare).status.success());
    let mut stranger = broker.publisher();
    pki.dress(&mut stranger, "stranger")
        .args(["-t", "plant/a", "-m", "stranger"]);
    assert!(!run(&mut stranger).status.success());
    let mut plain = broker.publisher();
    assert!(
        !run(plain.args(["-t", "plant/a", "-m", "plain"]))
            .status
            .success()
    );
    let script = r"
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
context.check_hostname = False
context.load_cert_chain(sys.argv[3], sys.argv[4])
context.maximum_version = ssl.TLSVersion.TLSv1_2
try: context.wrap_socket(socket.create_connection(('127.0.0.1', int(sys.argv[1])))); print('in')
except ssl.SSLError as e: print('refused')
";
    let files = ["ca.pem", "writer.pem", "writer.key"].map(|name| pki.path(name));
    let args = [&broker.port(), &files[0], &files[1], &files[2]];
    let old = python_script(script, &args.map(String::as_str)).expect("Python runs");
    assert_eq!(old.trim(), "refused", "TLS 1.2 is off by default");
    // The one who may.
    run_well(publish(&pki, &mut broker.publisher(), "plant/a", "good"));
    renata_peers::wait_for(DEADLINE, || !payload(&watcher).is_empty());
    assert_eq!(payload(&watcher), ["plant/a good"], "{}", broker.log());
}

#[test]
fn outside_of_the_policy_nothing_is_published_and_nothing_read() {
    let pki = Pki::new();
    let broker = pki.broker(POLICY);
    let watcher = reading(&pki, &broker, &["-t", "plant/+"]);
    let refused = |topic: &str, more: &[&str]| {
        let mut command = broker.publisher();
        let output = run(publish(&pki, &mut command, topic, "bad").args(more));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("Not authorized"), "{topic}: {said}");
    };
    refused("elsewhere", &[]);
    refused("plant/secret", &[]);
    refused("plant/a", &["-r"]);
    // The reader publishes nothing at all.
    let mut reader = broker.publisher();
    pki.dress(&mut reader, "reader");
    let output = run(reader.args(["-V", "mqttv5", "-q", "1", "-t", "plant/a", "-m", "bad"]));
    assert!(String::from_utf8_lossy(&output.stderr).contains("Not authorized"));
    // `plant/+` is allowed: that grants neither more levels nor more topics.
    for filter in [
        "plant/#",
        "#",
        "+/+",
        "own/+/#",
        "own/writer/x",
        "$share/g/plant/#",
        "$SYS/#",
    ] {
        let mut command = broker.subscriber();
        pki.dress(&mut command, "reader");
        let output = run(command.args(["-V", "mqttv5", "-t", filter, "-W", "3"]));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            said.contains("All subscription requests were denied"),
            "{filter}: {said}"
        );
    }
    run_well(publish(&pki, &mut broker.publisher(), "plant/kept", "good").arg("-r"));
    renata_peers::wait_for(DEADLINE, || !payload(&watcher).is_empty());
    assert_eq!(payload(&watcher), ["plant/kept good"], "{}", broker.log());
}

#[test]
fn a_session_belongs_to_its_principal() {
    let pki = Pki::new();
    let broker = pki.broker(POLICY);
    let watcher = reading(&pki, &broker, &["-i", "mine", "-t", "plant/+"]);
    let mut thief = broker.publisher();
    let command = publish(&pki, &mut thief, "plant/a", "stolen");
    let output = run(command.args(["-i", "mine"]));
    assert!(
        !output.status.success(),
        "another principal under the same client id"
    );
    run_well(publish(&pki, &mut broker.publisher(), "plant/a", "good"));
    renata_peers::wait_for(DEADLINE, || !payload(&watcher).is_empty());
    assert_eq!(
        payload(&watcher),
        ["plant/a good"],
        "the owner is untouched: {}",
        broker.log()
    );
}

#[test]
fn a_reload_takes_rights_away_at_once_and_a_bad_one_changes_nothing() {
    let pki = Pki::new();
    let broker = pki.broker(POLICY);
    let watcher = reading(&pki, &broker, &["-t", "plant/+"]);
    let reload = |text: &str, says: &str| {
        file(pki.dir.path(), "policy.toml", text);
        let before = broker.log().matches(says).count();
        broker.signal("-HUP");
        let done = || broker.log().matches(says).count() > before;
        assert!(renata_peers::wait_for(DEADLINE, done), "{}", broker.log());
    };
    reload("this is no policy", "reload refused");
    let send = |text: &str| {
        run_well(publish(&pki, &mut broker.publisher(), "plant/a", text));
    };
    send("before");
    let there = || payload(&watcher) == ["plant/a before"];
    assert!(renata_peers::wait_for(DEADLINE, there), "{}", broker.log());
    reload(&POLICY.replace("\"plant/+\", ", ""), "reloaded");
    assert!(
        broker.log().contains("subscription revoked"),
        "{}",
        broker.log()
    );
    send("after");
    run_well(publish(
        &pki,
        &mut broker.publisher(),
        "own/reader/marker",
        "last",
    ));
    let there = || watcher.now().contains(&"own/reader/marker last".to_owned());
    assert!(renata_peers::wait_for(DEADLINE, there), "{}", broker.log());
    assert_eq!(payload(&watcher), ["plant/a before"]);
}
