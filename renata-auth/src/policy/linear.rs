//! The policy read as the list that it is: slow, plain, and what an explanation shows.
//!
//! The trees must decide as this does; the tests hold them to it.

use renata_topics::{TopicFilter, TopicFilterBuf, TopicName, meets, union_covers};

use super::action::{Action, ActionSet, Bit, Effect};
use super::model::{FilterLevel, Rule, RuleFilter};
use super::placeholder::Values;
use super::{Policy, Role};

/// A rule's filter for one session: what it says, and what it comes to with the session's values.
pub(crate) struct Candidate<'p> {
    pub(crate) role: &'p Role,
    pub(crate) rule: &'p Rule,
    /// The one of the rule's actions that the request is about.
    pub(crate) action: Action,
    pub(crate) filter: &'p RuleFilter,
    /// `None` if the session lacks a value.
    pub(crate) resolved: Option<TopicFilterBuf>,
}

impl Policy {
    /// The rules of these roles that speak about these actions and this kind of message, a filter
    /// each, in the order of the file.
    pub(crate) fn candidates<'p>(
        &'p self,
        roles: &'p [u16],
        values: &'p Values,
        actions: ActionSet,
        bit: Bit,
    ) -> impl Iterator<Item = Candidate<'p>> {
        let roles = roles.iter().map(|&role| &self.roles[usize::from(role)]);
        roles.flat_map(move |role| {
            let rules = role.rules.iter().filter(move |rule| rule.mask.has(bit));
            rules.flat_map(move |rule| {
                let action = rule.actions.iter().find(|&action| actions.contains(action));
                let filters = action
                    .into_iter()
                    .flat_map(|action| rule.topics.iter().map(move |filter| (action, filter)));
                filters.map(move |(action, filter)| Candidate {
                    role,
                    rule,
                    action,
                    filter,
                    resolved: resolve(filter, values),
                })
            })
        })
    }
}

impl Candidate<'_> {
    pub(crate) fn is(&self, effect: Effect) -> bool {
        self.rule.effect == effect
    }

    pub(crate) fn matches(&self, topic: TopicName<'_>) -> bool {
        self.filter().is_some_and(|filter| filter.matches(topic))
    }

    pub(crate) fn meets(&self, other: TopicFilter<'_>) -> bool {
        self.filter().is_some_and(|filter| meets(filter, other))
    }

    fn filter(&self) -> Option<TopicFilter<'_>> {
        self.resolved.as_ref().map(TopicFilterBuf::as_filter)
    }
}

/// Whether the allows among the candidates cover a filter together.
pub(crate) fn covered(candidates: &[Candidate<'_>], filter: TopicFilter<'_>) -> bool {
    let allows = candidates.iter().filter(|one| one.is(Effect::Allow));
    let allows: Vec<_> = allows.filter_map(Candidate::filter).collect();
    union_covers(&allows, filter)
}

fn resolve(filter: &RuleFilter, values: &Values) -> Option<TopicFilterBuf> {
    let level = |level: &'_ FilterLevel| match level {
        FilterLevel::Literal(text) => Some(text.to_string()),
        FilterLevel::Plus => Some("+".to_owned()),
        FilterLevel::Hash => Some("#".to_owned()),
        FilterLevel::Var(var) => values[usize::from(*var)].as_deref().map(str::to_owned),
    };
    let levels: Vec<String> = filter.levels.iter().map(level).collect::<Option<_>>()?;
    TopicFilterBuf::new(&levels.join("/")).ok()
}
