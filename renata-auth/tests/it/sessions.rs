//! Bindings, values, gates and reloads.

use std::sync::Arc;

use renata_auth::{
    LivePolicy, Placeholder, Policy, Principal, SessionError, SessionRights, ValueProblem,
};

use crate::model::t;

const POLICY: &str = r#"
[roles.own]
rules = [
    { allow = ["connect"], client_ids = ["${username}-*"] },
    { allow = ["publish"], topics = ["own/${client_id}/#", "line/${attr.line}/#"] },
]
[roles.free]
rules = [{ allow = ["connect", "publish"], topics = ["free"] }]
[roles.fenced]
rules = [
    { allow = ["connect"] },
    { deny = ["publish"], topics = ["own/${cert.cn}/#"] },
]

[[bindings]]
username = "o*"
client_id = "o*"
roles = ["own"]
attributes = { line = "7" }
[[bindings]]
username = "o2"
roles = ["own"]
attributes = { line = "8" }
[[bindings]]
anonymous = true
roles = ["free"]
[[bindings]]
username = "free"
roles = ["free"]
[[bindings]]
username = "fenced"
roles = ["fenced"]
"#;

fn session(principal: &Principal, client_id: &str) -> Result<SessionRights, SessionError> {
    let policy = Policy::from_toml(POLICY, "policy.toml").unwrap();
    Arc::new(policy).session(principal, client_id)
}

fn user(name: &str) -> Principal {
    Principal::from_username(name).unwrap()
}

#[test]
fn every_condition_of_a_binding_must_hold() {
    let roles = |principal: &Principal, client_id| {
        let rights = session(principal, client_id).unwrap();
        rights.roles().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(roles(&user("o1"), "o1-a"), ["own"]);
    assert!(roles(&user("o1"), "x").is_empty(), "another client id");
    assert!(roles(&user("x"), "o1").is_empty(), "another user");
    assert_eq!(roles(&Principal::anonymous(), "x"), ["free"]);
    assert!(
        roles(&user("anonymous"), "x").is_empty(),
        "a name is not an origin"
    );
}

#[test]
fn client_ids_can_follow_the_principal() {
    assert!(session(&user("o1"), "o1-a").unwrap().may_connect());
    assert!(!session(&user("o1"), "o2-a").unwrap().may_connect());
    assert!(
        !session(&user("o1"), "o1-a").unwrap().may_take_over(),
        "was not allowed"
    );
}

#[test]
fn attributes_come_from_bindings_and_two_that_differ_are_none() {
    let one = session(&user("o1"), "o1-a").unwrap();
    assert!(one.may_publish(t("line/7/x"), 0, false));
    assert!(!one.may_publish(t("line/8/x"), 0, false));
    let two = session(&user("o2"), "o2-a").unwrap();
    assert!(!two.may_publish(t("line/7/x"), 0, false));
    assert!(!two.may_publish(t("line/8/x"), 0, false));
    let same = user("o1").with_attribute("line", "7").unwrap();
    assert!(
        session(&same, "o1-a")
            .unwrap()
            .may_publish(t("line/7/x"), 0, false)
    );
    let other = user("o1").with_attribute("line", "8").unwrap();
    assert!(
        !session(&other, "o1-a")
            .unwrap()
            .may_publish(t("line/7/x"), 0, false)
    );
}

#[test]
fn client_ids_pass_the_gate() {
    let refused = |id: &str| session(&Principal::anonymous(), id).unwrap_err();
    for (id, problem) in [
        ("", ValueProblem::Empty),
        ("+", ValueProblem::Wildcard),
        ("a/#", ValueProblem::Wildcard),
        ("$x", ValueProblem::Dollar),
        ("a\r\nb", ValueProblem::Control),
        ("a\0", ValueProblem::Control),
        (&*"x".repeat(65_536), ValueProblem::TooLong),
    ] {
        assert_eq!(refused(id), SessionError::ClientId(problem), "{id:?}");
    }
}

#[test]
fn a_separator_is_refused_where_it_would_stand_in_a_topic() {
    assert!(session(&Principal::anonymous(), "a/b").is_ok());
    let placeholder = Placeholder::ClientId;
    let problem = ValueProblem::Separator;
    assert_eq!(
        session(&user("o1"), "o1/b").unwrap_err(),
        SessionError::Value {
            placeholder,
            problem
        }
    );
}

#[test]
fn a_deny_that_lacks_its_value_refuses_the_session() {
    let error = session(&user("fenced"), "x").unwrap_err();
    let text = error.to_string();
    assert_eq!(
        text,
        "a deny in role fenced needs ${cert.cn}, which this client does not have"
    );
}

#[test]
fn usernames_pass_the_gate() {
    for bad in ["", "+", "#", "$x", "a\nb", "a\0", &"x".repeat(257)] {
        assert!(Principal::from_username(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_reload_is_a_fresh_policy_or_none() {
    let live = Arc::new(LivePolicy::new(
        Policy::from_toml(POLICY, "policy.toml").unwrap(),
    ));
    let before = live
        .current()
        .session(&Principal::anonymous(), "x")
        .unwrap();
    for bad in [
        "garbage",
        "[roles.x]\nrule = 1\n",
        "[[bindings]]\nroles = [\"nobody\"]\n",
        "\u{0}",
    ] {
        assert!(live.reload(bad, "policy.toml").is_err());
        assert_eq!(live.epoch(), before.epoch());
        assert!(
            live.current()
                .session(&Principal::anonymous(), "x")
                .unwrap()
                .may_connect()
        );
    }
    assert_eq!(live.reload("", "policy.toml"), Ok(2));
    let after = live
        .current()
        .session(&Principal::anonymous(), "x")
        .unwrap();
    assert_eq!((after.epoch(), after.may_connect()), (live.epoch(), false));
    assert!(
        before.may_connect() && before.epoch() != live.epoch(),
        "known to be stale"
    );
}

#[test]
fn rights_are_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>(value: T) -> T {
        value
    }
    let rights = shared(session(&Principal::anonymous(), "x").unwrap());
    let other = rights.clone();
    let thread = std::thread::spawn(move || other.may_publish(t("free"), 0, false));
    assert!(thread.join().unwrap() && rights.may_connect());
    shared(LivePolicy::new(Policy::deny_all()));
}

#[test]
fn principals_of_different_origin_are_different() {
    assert!(user("a").is_same(&user("a").with_attribute("x", "1").unwrap()));
    assert!(!user("anonymous").is_same(&Principal::anonymous()));
}
