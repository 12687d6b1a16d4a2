//! The small model: generated policies, and brute force over every topic that they tell apart.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use renata_auth::{Policy, Principal, SessionRights};
use renata_topics::{TopicFilter, TopicName};

/// A rule as the tests know it.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) allow: bool,
    pub(crate) action: &'static str,
    pub(crate) filter: String,
    /// In an allow.
    pub(crate) max_qos: u8,
    /// In a rule about `publish` or `will`.
    pub(crate) retain: Option<bool>,
}

/// The client that the generated policies are asked about.
pub(crate) const CLIENT_ID: &str = "b";
pub(crate) const USERNAME: &str = "u";

impl Rule {
    /// The filter with the client's values in it.
    pub(crate) fn resolved(&self) -> String {
        self.filter
            .replace("${client_id}", CLIENT_ID)
            .replace("${username}", USERNAME)
    }

    pub(crate) fn says(&self, action: &str, qos: u8, retain: bool, topic: &str) -> bool {
        self.action == action
            && qos <= self.max_qos
            && self.retain.is_none_or(|wanted| wanted == retain)
            && matches(&self.resolved(), topic)
    }
}

/// What the rules say about a topic, one by one, as the documentation puts it.
pub(crate) fn allowed(
    rules: &[Rule],
    actions: &[&str],
    qos: u8,
    retain: bool,
    topic: &str,
) -> bool {
    let said = |allow| {
        let mut rules = rules.iter().filter(|rule| rule.allow == allow);
        rules.any(|rule| {
            actions
                .iter()
                .any(|action| rule.says(action, qos, retain, topic))
        })
    };
    said(true) && !said(false)
}

pub(crate) fn rule() -> impl Strategy<Value = Rule> {
    let action = prop_oneof![
        3 => Just("publish"), 1 => Just("retain"), 1 => Just("will"), 4 => Just("subscribe"),
        1 => Just("deliver"),
    ];
    (
        prop::bool::weighted(0.7),
        action,
        filter(true),
        0..=4u8,
        prop::option::of(any::<bool>()),
    )
        .prop_map(|(allow, action, filter, qos, retain)| Rule {
            allow,
            action,
            filter,
            max_qos: if allow { qos.min(2) } else { 2 },
            retain: retain.filter(|_| matches!(action, "publish" | "will")),
        })
}

pub(crate) fn rules() -> impl Strategy<Value = Vec<Rule>> {
    vec(rule(), 0..8)
}

/// Filters of up to three levels and a `#`.
pub(crate) fn filter(placeholders: bool) -> impl Strategy<Value = String> {
    let own = if placeholders { 2 } else { 0 };
    let level = prop_oneof![
        3 => Just("a"), 2 => Just("b"), 1 => Just(""), 1 => Just("$x"), 4 => Just("+"),
        own => Just("${client_id}"), own => Just("${username}"),
    ];
    (vec(level, 0..=3), any::<bool>())
        .prop_map(|(mut levels, hash)| {
            if hash {
                levels.push("#");
            }
            levels.join("/")
        })
        .prop_filter("a filter has a character", |text| !text.is_empty())
}

/// The rules spread over two roles of one client.
pub(crate) fn rights(rules: &[Rule]) -> SessionRights {
    let mut text = String::new();
    for role in ["even", "odd"] {
        writeln!(text, "[roles.{role}]\nrules = [").unwrap();
        let own = rules.iter().skip(usize::from(role == "odd")).step_by(2);
        for rule in own {
            let effect = if rule.allow { "allow" } else { "deny" };
            let (action, filter) = (rule.action, &rule.filter);
            write!(text, "{{ {effect} = [{action:?}], topics = [{filter:?}]").unwrap();
            if rule.allow {
                write!(text, ", max_qos = {}", rule.max_qos).unwrap();
            }
            if let Some(retain) = rule.retain {
                write!(text, ", retain = {retain}").unwrap();
            }
            text.push_str(" },\n");
        }
        text.push_str("]\n");
    }
    text.push_str("[[bindings]]\nusername = \"u\"\nroles = [\"even\", \"odd\"]\n");
    session(&text)
}

/// The rights of user `u` with client id `b` under a policy.
pub(crate) fn session(policy: &str) -> SessionRights {
    let policy =
        Policy::from_toml(policy, "policy.toml").unwrap_or_else(|e| panic!("{e}\n{policy}"));
    let principal = Principal::from_username(USERNAME).unwrap();
    Arc::new(policy).session(&principal, CLIENT_ID).unwrap()
}

/// The definition of matching, written as the standard says it, over plain level lists.
pub(crate) fn matches(filter: &str, topic: &str) -> bool {
    fn rest(filter: &[&str], topic: &[&str]) -> bool {
        match (filter, topic) {
            (["#"], _) | ([], []) => true,
            (["+", filter @ ..], [_, topic @ ..]) => rest(filter, topic),
            ([a, filter @ ..], [b, topic @ ..]) => a == b && rest(filter, topic),
            _ => false,
        }
    }
    let wild = filter.starts_with(['+', '#']);
    let filter: Vec<_> = filter.split('/').collect();
    let levels: Vec<_> = topic.split('/').collect();
    !(wild && topic.starts_with('$')) && rest(&filter, &levels)
}

/// All topics over the literals of `filters`, a fresh level and, at the front where alone it means
/// something, a fresh `$` level, one level deeper than the longest filter: no two others are told
/// apart by any of the filters.
pub(crate) fn topics(filters: &[String]) -> Vec<String> {
    let mut alphabet: BTreeSet<&str> = ["fresh", DOLLAR].into();
    let mut depth = 0;
    for filter in filters {
        // `#` stands for levels, it is none.
        depth = depth.max(filter.split('/').filter(|level| *level != "#").count());
        alphabet.extend(
            filter
                .split('/')
                .filter(|level| !matches!(*level, "+" | "#")),
        );
    }
    let mut all = Vec::new();
    let mut longest = vec![String::new()];
    for level in 0..=depth {
        longest = longest
            .iter()
            .flat_map(|head| {
                let here = alphabet
                    .iter()
                    .filter(move |next| level == 0 || **next != DOLLAR);
                here.map(move |next| match level {
                    0 => (*next).to_owned(),
                    _ => format!("{head}/{next}"),
                })
            })
            .collect();
        all.extend(longest.iter().filter(|topic| !topic.is_empty()).cloned());
    }
    all
}

const DOLLAR: &str = "$fresh";

pub(crate) fn f(text: &str) -> TopicFilter<'_> {
    TopicFilter::new(text).expect(text)
}

pub(crate) fn t(text: &str) -> TopicName<'_> {
    TopicName::new(text).expect(text)
}
