//! `renata policy`.

use std::path::PathBuf;

use crate::support::run;
use crate::tls::Pki;

const POLICY: &str = r#"[roles.operator]
rules = [
    { allow = ["connect"], client_ids = ["hmi-*"] },
    { allow = ["subscribe"], topics = ["renata/biel/+"] },
    { allow = ["publish"], topics = ["renata/biel/+/cmd"], max_qos = 1 },
    { deny = ["publish"], topics = ["renata/biel/safety/cmd"] },
]
[roles.sensor]
rules = [
    { allow = ["connect"] },
    { allow = ["publish"], topics = ["renata/${cert.cn}/#"] },
]

[[bindings]]
username = "anna"
roles = ["operator"]

[[bindings]]
certificate = { cn = "plc-*" }
roles = ["sensor"]
"#;

fn file(folder: &tempfile::TempDir, text: &str) -> String {
    let path: PathBuf = folder.path().join("policy.toml");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn explain_names_the_rule_that_decides_and_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let policy = file(&folder, POLICY);
    for (ask, code, parts) in [
        (
            &["publish", "renata/biel/press/cmd", "-q", "1"][..],
            0,
            vec![
                "allow: publish",
                "policy.toml:5: role operator: allow publish",
            ],
        ),
        (
            &["publish", "renata/biel/press/cmd", "-q", "2"],
            1,
            vec!["deny: publish", "no rule allows publish"],
        ),
        (
            &["publish", "renata/biel/safety/cmd"],
            1,
            vec![
                "deny: publish",
                "by:  ",
                "policy.toml:6: role operator: deny publish",
            ],
        ),
        (
            &["publish", "renata/biel/press/cmd", "-r"],
            1,
            vec!["no rule allows retain"],
        ),
        (&["subscribe", "renata/biel/+"], 0, vec!["policy.toml:4"]),
        (
            &["subscribe", "renata/biel/#"],
            1,
            vec!["or not all of it", "policy.toml:4"],
        ),
        (&["connect"], 0, vec!["policy.toml:3"]),
        (&["takeover"], 1, vec!["no rule allows takeover"]),
    ] {
        let args = [
            &[
                "policy",
                "explain",
                &policy,
                "--username",
                "anna",
                "-i",
                "hmi-1",
            ],
            ask,
        ]
        .concat();
        let (found, out, err) = run(&args);
        assert_eq!(found, code, "{ask:?}: {out}{err}");
        for part in parts {
            assert!(out.contains(part), "{ask:?}: {out}");
        }
    }
    let stranger = run(&[
        "policy",
        "explain",
        &policy,
        "--anonymous",
        "-i",
        "x",
        "connect",
    ]);
    assert_eq!(stranger.0, 1);
    assert!(
        stranger.1.contains("no binding gives this client a role"),
        "{}",
        stranger.1
    );
}

#[test]
fn explain_takes_the_values_of_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let policy = file(&folder, POLICY);
    let pki = Pki::new();
    let (cert, _) = pki.client("plc-7");
    let ask = |action: &str, topic: &str| {
        run(&[
            "policy", "explain", &policy, "--cert", &cert, "-i", "plc-7", action, topic,
        ])
    };
    let (code, out, err) = ask("publish", "renata/plc-7/level");
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("policy.toml:11") && out.contains("renata/plc-7/#"),
        "{out}"
    );
    assert_eq!(ask("publish", "renata/plc-8/level").0, 1);
    let server = pki.server();
    let (code, out, _) = run(&[
        "policy", "explain", &policy, "--cert", &server.0, "-i", "x", "connect",
    ]);
    assert_eq!(code, 1);
    assert!(out.contains("client authentication"), "{out}");
}

#[test]
fn answers_come_as_json_too() {
    let folder = tempfile::tempdir().unwrap();
    let policy = file(&folder, POLICY);
    let args = [
        "policy",
        "explain",
        &policy,
        "--username",
        "anna",
        "-i",
        "hmi-1",
        "publish",
        "renata/biel/safety/cmd",
        "--json",
    ];
    let (code, out, _) = run(&args);
    let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &answer["decision"]), (1, &"deny".into()));
    assert_eq!(answer["decided_by"][0]["line"], 6);
    assert!(answer["trace"].as_array().unwrap().len() >= 2);
    let refused = run(&[
        "policy",
        "explain",
        &policy,
        "--username",
        "a+b",
        "-i",
        "x",
        "connect",
        "--json",
    ]);
    let answer: serde_json::Value = serde_json::from_str(&refused.1).unwrap();
    assert_eq!((refused.0, &answer["decision"]), (1, &"deny".into()));
}

#[test]
fn check_lists_every_problem_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, _) = run(&["policy", "check", &file(&folder, POLICY)]);
    assert_eq!(code, 0);
    assert!(out.contains("sound, roles: operator, sensor"), "{out}");
    let wrong = file(
        &folder,
        &POLICY
            .replace("\"connect\"], client_ids", "\"conect\"], client_ids")
            .replace("roles = [\"sensor\"]", "roles = [\"senser\"]"),
    );
    let (code, out, _) = run(&["policy", "check", &wrong]);
    assert_eq!(code, 1, "{out}");
    assert!(
        out.contains("policy.toml:3:") && out.contains("conect"),
        "{out}"
    );
    assert!(out.contains("senser"), "{out}");
    let (code, out, _) = run(&["policy", "check", &wrong, "--json"]);
    let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &answer["sound"]), (1, &false.into()));
    assert_eq!(answer["problems"][0]["line"], 3);
    assert_eq!(
        run(&[
            "policy",
            "explain",
            &wrong,
            "--anonymous",
            "-i",
            "x",
            "connect"
        ])
        .0,
        2
    );
    assert_eq!(run(&["policy", "check", "no/such/file"]).0, 2);
}

#[test]
fn what_does_not_go_together_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let policy = file(&folder, POLICY);
    for ask in [
        &["connect", "a"][..],
        &["publish"],
        &["publish", "a/+"],
        &["subscribe", "a#"],
        &["fly", "a"],
    ] {
        let args = [
            &["policy", "explain", &policy, "--anonymous", "-i", "x"],
            ask,
        ]
        .concat();
        assert_eq!(run(&args).0, 2, "{ask:?}");
    }
    assert_eq!(
        run(&["policy", "explain", &policy, "-i", "x", "connect"]).0,
        2,
        "nobody named"
    );
}
