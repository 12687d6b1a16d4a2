//! What holds for every policy.

use proptest::prelude::*;
use renata_auth::{Request, SessionRights};

use crate::model::{Rule, allowed, f, filter, matches, rights, rule, rules, t, topics};

/// Every topic that the rules and the filter tell apart.
fn topics_of(rules: &[Rule], filter: &str) -> Vec<String> {
    let mut filters: Vec<String> = rules.iter().map(Rule::resolved).collect();
    filters.push(filter.to_owned());
    topics(&filters)
}

/// Whether a subscription may be made, by brute force: every topic that it matches is allowed.
fn subscription_allowed(rules: &[Rule], filter: &str, qos: u8) -> bool {
    let each = |topic: &String| {
        let denied = |rule: &Rule| !rule.allow && rule.says("deliver", qos, false, topic);
        allowed(rules, &["subscribe"], qos, false, topic) && !rules.iter().any(denied)
    };
    topics_of(rules, filter)
        .iter()
        .filter(|topic| matches(filter, topic))
        .all(each)
}

/// Every answer of the rights about these topics and filters, in one list.
fn answers(rights: &SessionRights, topics: &[String], filters: &[String]) -> Vec<bool> {
    let mut answers = Vec::new();
    for qos in 0..=2 {
        for topic in topics {
            for retain in [false, true] {
                answers.push(rights.may_publish(t(topic), qos, retain));
                answers.push(rights.may_leave_will(t(topic), qos, retain));
            }
            answers.push(rights.may_be_given(t(topic), qos));
        }
        answers.extend(
            filters
                .iter()
                .map(|filter| rights.may_subscribe(f(filter), qos)),
        );
    }
    answers
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// The trees decide about every topic as the list of rules does.
    #[test]
    fn topics_are_decided_as_the_list_says(rules in rules(), qos in 0..=2u8, retain: bool) {
        let rights = rights(&rules);
        for topic in topics_of(&rules, "a") {
            let name = t(&topic);
            let kept = !retain || allowed(&rules, &["retain"], qos, true, &topic);
            let publish = allowed(&rules, &["publish"], qos, retain, &topic) && kept;
            prop_assert_eq!(rights.may_publish(name, qos, retain), publish, "publish {}", topic);
            let will = publish && allowed(&rules, &["will"], qos, retain, &topic);
            prop_assert_eq!(rights.may_leave_will(name, qos, retain), will, "will {}", topic);
            let deliver = allowed(&rules, &["subscribe", "deliver"], qos, false, &topic);
            prop_assert_eq!(rights.may_be_given(name, qos), deliver, "deliver {}", topic);
        }
    }

    /// The explanation comes from the list, the decision from the trees: they agree.
    #[test]
    fn explanations_agree_with_decisions(rules in rules(), filter in filter(false), qos in 0..=2u8) {
        let rights = rights(&rules);
        for topic in topics_of(&rules, &filter).iter().step_by(5) {
            let topic = t(topic);
            for request in [
                Request::Publish { topic, qos, retain: false },
                Request::Publish { topic, qos, retain: true },
                Request::Will { topic, qos, retain: true },
                Request::Deliver { topic, qos },
            ] {
                let why = rights.explain(&request);
                prop_assert_eq!(why.decision, rights.decide(&request), "{}", why);
            }
        }
        let request = Request::Subscribe { filter: f(&filter), qos };
        let why = rights.explain(&request);
        prop_assert_eq!(why.decision, rights.decide(&request), "{}", why);
    }

    /// What a session may subscribe to may be delivered to it, message by message.
    #[test]
    fn granted_topics_are_deliverable(rules in rules(), filter in filter(false), qos in 0..=2u8) {
        let rights = rights(&rules);
        if rights.may_subscribe(f(&filter), qos) {
            for topic in topics_of(&rules, &filter).iter().filter(|topic| matches(&filter, topic)) {
                prop_assert!(rights.may_be_given(t(topic), qos), "{} through {}", topic, filter);
            }
        }
    }

    #[test]
    fn another_deny_never_grants_and_another_allow_never_revokes(
        rules in rules(), extra in rule(), filter in filter(false)
    ) {
        let mut more = rules.clone();
        more.push(extra.clone());
        let topics = topics_of(&more, &filter);
        let before = answers(&rights(&rules), &topics, std::slice::from_ref(&filter));
        let after = answers(&rights(&more), &topics, &[filter]);
        for (before, after) in before.into_iter().zip(after) {
            if extra.allow {
                prop_assert!(!before || after, "an allow revoked");
            } else {
                prop_assert!(before || !after, "a deny granted");
            }
        }
    }

    /// A policy with placeholders is the policy with the values written out.
    #[test]
    fn a_placeholder_is_its_value(rules in rules(), filter in filter(false)) {
        let written: Vec<Rule> = rules
            .iter()
            .map(|rule| Rule { filter: rule.resolved(), ..rule.clone() })
            .collect();
        let topics = topics_of(&rules, &filter);
        let filters = [filter];
        prop_assert_eq!(
            answers(&rights(&rules), &topics, &filters),
            answers(&rights(&written), &topics, &filters)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Sound and complete: granted exactly if every topic of the filter is allowed.
    #[test]
    fn subscriptions_are_decided_exactly(rules in rules(), filter in filter(false), qos in 0..=2u8) {
        let truth = subscription_allowed(&rules, &filter, qos);
        let rights = rights(&rules);
        prop_assert_eq!(rights.may_subscribe(f(&filter), qos), truth);
        let shared = format!("$share/group/{filter}");
        prop_assert_eq!(rights.may_subscribe(f(&shared), qos), truth, "a share changes nothing");
        let best = (0..=qos).rev().find(|&qos| subscription_allowed(&rules, &filter, qos));
        prop_assert_eq!(rights.grant(f(&filter), qos), best);
    }

    /// The same with nothing but reading rules, so that unions and cuts are met often.
    #[test]
    fn unions_of_allows_and_cuts_of_denies_are_decided_exactly(
        allows in prop::collection::vec(filter(true), 1..7),
        denies in prop::collection::vec(filter(true), 0..2),
        filter in filter(false),
    ) {
        let rule = |allow| move |filter| Rule {
            allow, action: "subscribe", filter, max_qos: 2, retain: None,
        };
        let allows = allows.into_iter().map(rule(true));
        let rules: Vec<Rule> = allows.chain(denies.into_iter().map(rule(false))).collect();
        let truth = subscription_allowed(&rules, &filter, 1);
        prop_assert_eq!(rights(&rules).may_subscribe(f(&filter), 1), truth);
    }
}
