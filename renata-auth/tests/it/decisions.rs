//! Decisions that people expect, and the pairs that other brokers get wrong.

use renata_auth::{Decision, Reason, Request};

use crate::model::{f, matches, session, t, topics};

fn reading(allow: &[&str], deny: &[&str]) -> renata_auth::SessionRights {
    let mut text =
        "[[bindings]]\nusername = \"u\"\nroles = [\"r\"]\n[roles.r]\nrules = [\n".to_owned();
    for (effect, filters) in [("allow", allow), ("deny", deny)] {
        if !filters.is_empty() {
            text.push_str(&format!(
                "{{ {effect} = [\"subscribe\"], topics = {filters:?} }},\n"
            ));
        }
    }
    session(&(text + "]\n"))
}

#[test]
fn an_allow_of_one_level_does_not_grant_all_levels() {
    let rights = reading(&["a/+"], &[]);
    assert!(rights.may_subscribe(f("a/+"), 1));
    assert!(rights.may_subscribe(f("a/b"), 1));
    for more in ["a/#", "a", "+/+", "#", "a/+/#", "+/b"] {
        assert!(!rights.may_subscribe(f(more), 1), "{more}");
    }
}

#[test]
fn a_deny_blocks_every_subscription_that_would_receive_it() {
    let rights = reading(&["#", "$SYS/#"], &["a"]);
    for wider in ["#", "+", "a/#", "a", "+/#", "$share/g/#"] {
        assert!(!rights.may_subscribe(f(wider), 0), "{wider}");
    }
    for apart in ["b/#", "a/b", "a/+", "+/+", "$SYS/#"] {
        assert!(rights.may_subscribe(f(apart), 0), "{apart}");
    }
}

#[test]
fn allows_may_cover_together_what_none_covers_alone() {
    let rights = reading(&["a", "a/+", "a/+/+/#"], &[]);
    assert!(rights.may_subscribe(f("a/#"), 2));
    assert!(!reading(&["a", "a/+/+/#"], &[]).may_subscribe(f("a/#"), 2));
}

#[test]
fn wildcards_never_reach_below_dollar() {
    let rights = reading(&["#"], &[]);
    assert!(rights.may_subscribe(f("#"), 1));
    assert!(!rights.may_subscribe(f("$SYS/#"), 1));
    assert!(!rights.may_be_given(t("$SYS/uptime"), 0));
    assert!(
        reading(&["#"], &["$SYS/#"]).may_subscribe(f("#"), 1),
        "# does not match $SYS"
    );
}

/// One rule, one subscription, every pair of filters of up to two levels and `#`.
#[test]
fn every_pair_of_rule_and_subscription_is_decided_exactly() {
    let mut all = vec!["#".to_owned()];
    let mut heads = vec![String::new()];
    for depth in 0..2 {
        let level = |head: &String| {
            ["a", "b", "", "$x", "+"].map(|level| match depth {
                0 => level.to_owned(),
                _ => format!("{head}/{level}"),
            })
        };
        heads = heads.iter().flat_map(level).collect();
        all.extend(heads.iter().filter(|text| !text.is_empty()).cloned());
        all.extend(heads.iter().map(|text| format!("{text}/#")));
    }
    let topics = topics(&all);
    for rule in &all {
        let allow = reading(&[rule], &[]);
        let deny = reading(&["#", "$x/#"], &[rule]);
        for wanted in &all {
            let mut reached = topics.iter().filter(|topic| matches(wanted, topic));
            let inside = reached.clone().all(|topic| matches(rule, topic));
            assert_eq!(
                allow.may_subscribe(f(wanted), 1),
                inside,
                "allow {rule}, {wanted}"
            );
            let common = reached.any(|topic| matches(rule, topic));
            assert_eq!(
                !deny.may_subscribe(f(wanted), 1),
                common,
                "deny {rule}, {wanted}"
            );
        }
    }
}

const PLANT: &str = r#"
[roles.sensor]
rules = [
    { allow = ["connect", "takeover"], client_ids = ["${username}", "b"] },
    { allow = ["publish", "will"], topics = ["plant/${username}/#"], max_qos = 1 },
    { allow = ["retain"], topics = ["plant/+/status"] },
    { deny = ["publish"], topics = ["plant/+/cmd/#"] },
    { deny = ["publish"], topics = ["plant/u/once"], retain = true },
    { allow = ["retain"], topics = ["plant/u/once"] },
]
[[bindings]]
username = "u"
roles = ["sensor"]
"#;

#[test]
fn retain_and_will_are_rights_on_top_of_publish() {
    let rights = session(PLANT);
    assert!(rights.may_publish(t("plant/u/status"), 1, true));
    assert!(rights.may_leave_will(t("plant/u/status"), 1, true));
    assert!(rights.may_publish(t("plant/u/speed"), 1, false));
    assert!(
        !rights.may_publish(t("plant/u/speed"), 1, true),
        "no right to retain"
    );
    assert!(
        !rights.may_publish(t("plant/x/status"), 1, true),
        "retain alone is not enough"
    );
    assert!(
        !rights.may_leave_will(t("plant/u/cmd/stop"), 1, false),
        "a will is a publish"
    );
    assert!(rights.may_publish(t("plant/u/once"), 1, false));
    assert!(
        !rights.may_publish(t("plant/u/once"), 1, true),
        "the condition decides"
    );
}

#[test]
fn the_highest_quality_of_service_is_a_condition() {
    let rights = session(PLANT);
    assert!(!rights.may_publish(t("plant/u/speed"), 2, false));
    assert!(
        !rights.may_publish(t("plant/u/speed"), 3, false),
        "no such quality"
    );
    let reading = session(
        "[roles.r]\nrules = [{ allow = [\"subscribe\"], topics = [\"a/#\"], max_qos = 1 }]\n\
         [[bindings]]\nusername = \"u\"\nroles = [\"r\"]\n",
    );
    assert_eq!(reading.grant(f("a/#"), 2), Some(1));
    assert_eq!(reading.grant(f("a/#"), 0), Some(0));
    assert_eq!(reading.grant(f("#"), 2), None);
}

#[test]
fn an_explanation_names_the_rule_and_its_line() {
    let rights = session(PLANT);
    let topic = t("plant/u/cmd/stop");
    let why = rights.explain(&Request::Publish {
        topic,
        qos: 1,
        retain: false,
    });
    assert_eq!((why.decision, why.reason), (Decision::Deny, Reason::Denied));
    let [rule] = &why.decided_by[..] else {
        panic!("one rule decides: {why}");
    };
    assert_eq!(
        rule.to_string(),
        "policy.toml:7: role sensor: deny publish plant/+/cmd/#"
    );
    let text = why.to_string();
    assert!(
        text.starts_with("deny: publish plant/u/cmd/stop (QoS 1)\n"),
        "{text}"
    );
    assert!(
        text.contains("who: user:u, client id b, roles: sensor"),
        "{text}"
    );
    assert!(
        text.contains("plant/${username}/# = plant/u/#: matches"),
        "{text}"
    );

    let why = rights.explain(&Request::Connect);
    assert_eq!(why.decision, Decision::Allow);
    assert_eq!(why.decided_by[0].line, 4);
    let filter = f("plant/#");
    let why = rights.explain(&Request::Subscribe { filter, qos: 0 });
    assert_eq!(
        why.reason,
        Reason::NotAllowed(renata_auth::Action::Subscribe)
    );
    let why = rights.explain(&Request::Publish {
        topic,
        qos: 7,
        retain: false,
    });
    assert_eq!(why.reason, Reason::NoSuchQos);
}

#[test]
fn an_empty_policy_denies_everything() {
    for text in ["", "\n\n", "# nothing here\n"] {
        let rights = session(text);
        assert!(!rights.may_connect() && !rights.may_take_over());
        assert!(!rights.may_publish(t("a"), 0, false));
        assert_eq!(rights.grant(f("a"), 0), None);
        assert_eq!(rights.explain(&Request::Connect).reason, Reason::NoRole);
    }
}

#[test]
fn a_topic_of_many_levels_is_decided_without_recursion() {
    let deep = "a/".repeat(127) + "a";
    let rights = reading(&["a/#", "+/+/#"], &[&deep]);
    assert!(!rights.may_be_given(t(&deep), 0));
    assert!(rights.may_be_given(t(&deep[2..]), 0));
}
