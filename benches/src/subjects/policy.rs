//! Policy decisions: publishing, uncached, and the exact check of a subscription.

use std::sync::Arc;

use renata_auth::{Policy, Principal, SessionRights};
use renata_topics::{TopicFilter, TopicName};

use crate::measure::{Cost, Effort, cost};
use crate::row::Row;
use crate::workload;

const SUBJECT: &str = "policy";

/// All rows.
#[must_use]
pub fn rows(effort: Effort) -> Vec<Row> {
    let mut rows = Vec::new();
    for rules in [10, 1_000, 10_000] {
        let Some(rights) = rights(rules) else {
            continue;
        };
        let ours = publish(effort, &rights, rules);
        let row = format!("publish decision at {rules} rules, uncached");
        rows.push(Row::within(SUBJECT, &row, ours, 150.0));
        // Cedar looks at every policy: at ten thousand a quick run would not end.
        if rules < 10_000 || effort.rounds >= Effort::FULL.rounds {
            let peer = peers::publish(effort, rules);
            rows.push(Row::against(
                SUBJECT,
                &format!("the same beside Cedar at {rules} rules"),
                ours,
                peer,
                0.02,
            ));
        }
        let row = format!("exact subscribe check at {rules} rules");
        rows.push(Row::within(
            SUBJECT,
            &row,
            subscribe(effort, &rights, rules),
            5_000.0,
        ));
    }
    rows
}

/// The rights of a client under a policy of so many rules.
#[must_use]
pub fn rights(rules: usize) -> Option<SessionRights> {
    let policy = Policy::from_toml(&workload::policy(rules), "policy.toml").ok()?;
    Arc::new(policy)
        .session(&Principal::anonymous(), "client-1")
        .ok()
}

/// Decides about publishing: every second topic is allowed, every other unknown.
pub fn publish(effort: Effort, rights: &SessionRights, rules: usize) -> Cost {
    let topics = topics(rules);
    let names: Vec<_> = topics
        .iter()
        .filter_map(|topic| TopicName::new(topic).ok())
        .collect();
    let mut next = 0;
    cost(effort, || {
        next = (next + 1) % names.len();
        rights.may_publish(names[next], 1, false)
    })
}

/// Decides about subscriptions with `+` and `#`.
pub fn subscribe(effort: Effort, rights: &SessionRights, rules: usize) -> Cost {
    let texts: Vec<_> = (0..500).map(|n| workload::filter(n * 7 % rules)).collect();
    let filters: Vec<_> = texts
        .iter()
        .filter_map(|text| TopicFilter::new(text).ok())
        .collect();
    let mut next = 0;
    cost(effort, || {
        next = (next + 1) % filters.len();
        rights.may_subscribe(filters[next], 1)
    })
}

fn topics(rules: usize) -> Vec<String> {
    (0..1_000)
        .map(|n| workload::topic(if n % 2 == 0 { n * 7 % rules } else { rules + n }))
        .collect()
}

#[cfg(feature = "peers")]
mod peers {
    use std::str::FromStr as _;

    use cedar_policy::{
        Authorizer, Context, Entities, EntityUid, PolicySet, Request, RestrictedExpression,
    };

    use super::*;

    /// Cedar has no topic filters: a topic's levels are attributes of the context, one comparison for
    /// each literal level of a rule.
    pub(super) fn publish(effort: Effort, rules: usize) -> Option<(Cost, &'static str)> {
        let policies: String = (0..rules)
            .map(|n| {
                let (effect, filter) = match n % 20 {
                    19 => ("forbid", format!("{}/alarm", workload::device(n - 1))),
                    _ => ("permit", workload::filter(n)),
                };
                format!(
                    "{effect}(principal, action, resource) when {{ {} }};\n",
                    condition(&filter)
                )
            })
            .collect();
        let policies = PolicySet::from_str(&policies).ok()?;
        let (authorizer, entities) = (Authorizer::new(), Entities::empty());
        let uid = |text: &str| EntityUid::from_str(text).ok();
        let (principal, action) = (uid("Client::\"c\"")?, uid("Action::\"publish\"")?);
        let resource = uid("Topic::\"t\"")?;
        let topics = topics(rules);
        let mut next = 0;
        let cost = cost(effort, || {
            next = (next + 1) % topics.len();
            let levels = topics[next].split('/').enumerate();
            let mut pairs: Vec<_> = levels
                .map(|(n, level)| {
                    (
                        format!("l{n}"),
                        RestrictedExpression::new_string(level.to_owned()),
                    )
                })
                .collect();
            let count = RestrictedExpression::new_long(pairs.len() as i64);
            pairs.push(("n".to_owned(), count));
            let context = Context::from_pairs(pairs).ok()?;
            let (principal, action) = (principal.clone(), action.clone());
            let request = Request::new(principal, action, resource.clone(), context, None).ok()?;
            Some(
                authorizer
                    .is_authorized(&request, &policies, &entities)
                    .decision(),
            )
        });
        Some((cost, "cedar-policy"))
    }

    fn condition(filter: &str) -> String {
        let levels: Vec<_> = filter.split('/').collect();
        let open = levels.last() == Some(&"#");
        let fixed = levels.len() - usize::from(open);
        let mut all = vec![format!(
            "context.n {} {fixed}",
            if open { ">=" } else { "==" }
        )];
        for (n, level) in levels[..fixed]
            .iter()
            .enumerate()
            .filter(|(_, level)| **level != "+")
        {
            all.push(format!("context.l{n} == \"{level}\""));
        }
        all.join(" && ")
    }
}

#[cfg(not(feature = "peers"))]
mod peers {
    use super::{Cost, Effort};

    pub(super) fn publish(_: Effort, _: usize) -> Option<(Cost, &'static str)> {
        None
    }
}
