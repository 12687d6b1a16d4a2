//! What is wrong with a policy file is said with its place and its remedy.

use renata_auth::Policy;

/// The problems of a policy, a line each.
fn problems(text: &str) -> String {
    match Policy::from_toml(text, "p.toml") {
        Ok(_) => panic!("no problem found in\n{text}"),
        Err(error) => error.to_string(),
    }
}

fn rule(rule: &str) -> String {
    format!("[roles.r]\nrules = [\n    {{ {rule} }},\n]\n")
}

#[test]
fn unknown_keys_are_refused_at_every_level() {
    let table = [
        ("roles = 1\n", "p.toml:1:9: "),
        (
            "[rolls.r]\n",
            "p.toml:1:2: unknown field `rolls`, expected `roles` or `bindings`",
        ),
        (
            "[roles.r]\nrule = []\n",
            "p.toml:2:1: unknown field `rule`, expected `rules`",
        ),
        (
            &rule("allow = [\"publish\"], topic = [\"a\"]"),
            "p.toml:3:28: unknown field `topic`, expected one of `allow`, `deny`, `topics`",
        ),
        (
            "[[bindings]]\nroles = []\nuser = \"x\"\n",
            "p.toml:3:1: unknown field `user`, expected one of `roles`, `certificate`, `username`",
        ),
        (
            "[[bindings]]\nroles = []\ncertificate = { san = \"x\" }\n",
            "p.toml:3:17: unknown field `san`, expected one of `cn`, `ou`, `san_uri`",
        ),
    ];
    for (text, expected) in table {
        let found = problems(text);
        assert!(found.starts_with(expected), "{found}\n{text}");
    }
}

#[test]
fn wrong_rules_are_refused_with_a_remedy() {
    let table = [
        (
            "allow = [\"publsh\"], topics = [\"a\"]",
            "3:16: unknown action \"publsh\": use connect, ",
        ),
        (
            "topics = [\"a\"]",
            "3:5: a rule needs either allow or deny: write",
        ),
        (
            "allow = [\"publish\"], deny = [\"publish\"], topics = [\"a\"]",
            "3:5: a rule needs either",
        ),
        (
            "allow = [], topics = [\"a\"]",
            "3:5: a rule without actions decides nothing: ",
        ),
        (
            "allow = [\"publish\"]",
            "3:5: these actions need topics: add topics",
        ),
        (
            "allow = [\"publish\"], topics = []",
            "3:37: an empty list of topics matches nothing: ",
        ),
        (
            "allow = [\"connect\"], topics = [\"a\"]",
            "3:37: connect and takeover concern no topic: ",
        ),
        (
            "allow = [\"publish\"], topics = [\"a\", \"b+\"]",
            "3:43: \"b+\" is no topic filter: wildcard",
        ),
        (
            "allow = [\"publish\"], topics = [\"a/x${client_id}\"]",
            "3:38: a placeholder fills a whole level",
        ),
        (
            "allow = [\"publish\"], topics = [\"${cn}/a\"]",
            "3:38: unknown placeholder ${cn}: use ${client_id}",
        ),
        (
            "allow = [\"publish\"], topics = [\"${attr.}/a\"]",
            "3:38: unknown placeholder ${attr.}: use",
        ),
        (
            "allow = [\"subscribe\"], topics = [\"$share/g/a\"]",
            "3:40: a shared subscription is decided like",
        ),
        (
            "allow = [\"publish\"], topics = [\"a\"], client_ids = [\"x\"]",
            "3:57: client_ids concerns connect",
        ),
        (
            "allow = [\"connect\"], client_ids = [\"${client_id}\"]",
            "3:42: ${client_id} always equals",
        ),
        (
            "allow = [\"connect\"], client_ids = [\"${username\"]",
            "3:42: a placeholder without its '}'",
        ),
        (
            "allow = [\"publish\"], topics = [\"a\"], max_qos = 3",
            "3:54: max_qos is 0, 1 or 2",
        ),
        (
            "deny = [\"publish\"], topics = [\"a\"], max_qos = 1",
            "3:53: max_qos in a deny would leave",
        ),
        (
            "allow = [\"connect\"], max_qos = 1",
            "3:38: connect and takeover have no QoS",
        ),
        (
            "allow = [\"subscribe\"], topics = [\"a\"], retain = true",
            "3:55: retain as a condition concerns",
        ),
    ];
    for (text, expected) in table {
        let found = problems(&rule(text));
        let expected = format!("p.toml:{expected}");
        assert!(
            found.starts_with(&expected),
            "{found}\nexpected {expected}\nin {text}"
        );
    }
}

#[test]
fn wrong_bindings_are_refused_with_a_remedy() {
    let table = [
        (
            "anonymous = true\nroles = [\"x\"]",
            "3:10: unknown role \"x\": the file has none",
        ),
        (
            "roles = []",
            "1:1: a binding needs certificate, username or anonymous: ",
        ),
        (
            "client_id = \"gw-*\"\nroles = []",
            "1:1: a binding needs certificate, username or",
        ),
        (
            "username = \"a\"\nanonymous = true\nroles = []",
            "1:1: a client is known by certificate",
        ),
        (
            "anonymous = false\nroles = []",
            "2:13: anonymous = false says nothing",
        ),
        (
            "anonymous = true\nroles = []\nattributes = { line = \"a/b\" }",
            "4:23: the value of line holds '/': change it",
        ),
    ];
    for (text, expected) in table {
        let found = problems(&format!("[[bindings]]\n{text}\n"));
        let expected = format!("p.toml:{expected}");
        assert!(
            found.starts_with(&expected),
            "{found}\nexpected {expected}\nin {text}"
        );
    }
}

#[test]
fn all_problems_are_named_at_once_in_the_order_of_the_file() {
    let text = "[[bindings]]\nanonymous = true\nroles = [\"x\"]\n\n[roles.r]\nrules = [\n\
        { allow = [\"fly\"], topics = [\"#/a\"] },\n{ deny = [\"publish\"] },\n]\n";
    let found = problems(text);
    let places: Vec<_> = found
        .lines()
        .map(|line| line.split(": ").next().unwrap())
        .collect();
    assert_eq!(
        places,
        ["p.toml:3:10", "p.toml:7:12", "p.toml:7:30", "p.toml:8:1"],
        "{found}"
    );
    assert!(found.contains("the file has r"), "{found}");
}

#[test]
fn broken_toml_is_refused_with_its_place() {
    assert!(problems("[roles.r\n").starts_with("p.toml:1:"));
    assert!(problems("a = \"é\" b").starts_with("p.toml:1:"));
    assert!(problems("[roles.r]\n[roles.r]\n").starts_with("p.toml:2:"));
}

/// Whatever the bytes, an answer and no panic.
#[test]
fn cut_and_twisted_files_never_panic() {
    let good = rule("allow = [\"publish\"], topics = [\"a/${client_id}/#\"], max_qos = 1");
    let good = format!("{good}[[bindings]]\nusername = \"é*\"\nroles = [\"r\"]\n");
    assert!(Policy::from_toml(&good, "p.toml").is_ok());
    for (at, _) in good.char_indices() {
        let _ = Policy::from_toml(&good[..at], "p.toml");
        for twist in ["\"", "]", "${", "\0", "é", "\n"] {
            let _ = Policy::from_toml(&format!("{}{twist}{}", &good[..at], &good[at..]), "p.toml");
        }
    }
}
