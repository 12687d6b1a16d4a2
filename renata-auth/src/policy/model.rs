//! A policy as it was written: roles, rules, bindings.

use super::action::{Action, ActionSet, Effect, Mask};
use super::pattern::Pattern;
use super::placeholder::{Values, VarId};
use crate::identity::{Field, Origin, Principal};

/// A name for a list of rules.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) name: Box<str>,
    pub(crate) rules: Vec<Rule>,
}

/// What is allowed or denied where.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) effect: Effect,
    pub(crate) actions: ActionSet,
    /// For the actions with a topic.
    pub(crate) topics: Vec<RuleFilter>,
    /// For `connect` and `takeover`; `None` is any client id.
    pub(crate) client_ids: Option<Vec<Pattern>>,
    pub(crate) mask: Mask,
    pub(crate) line: usize,
}

/// A topic filter with placeholders.
#[derive(Clone, Debug)]
pub(crate) struct RuleFilter {
    pub(crate) text: Box<str>,
    pub(crate) levels: Vec<FilterLevel>,
    pub(crate) line: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FilterLevel {
    Literal(Box<str>),
    Var(VarId),
    Plus,
    Hash,
}

/// Which clients have which roles. Every condition that is there must hold.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    /// Places in the list of roles.
    pub(crate) roles: Vec<u16>,
    pub(crate) origin: Option<Origin>,
    pub(crate) fields: Vec<(Field, Pattern)>,
    pub(crate) client_id: Option<Pattern>,
    /// What `${attr.x}` stands for.
    pub(crate) attributes: Vec<(Box<str>, Box<str>)>,
}

impl Role {
    /// The placeholders of the rules with this effect.
    pub(crate) fn vars(&self, effect: Effect) -> impl Iterator<Item = VarId> {
        let rules = self.rules.iter().filter(move |rule| rule.effect == effect);
        rules.flat_map(|rule| {
            let topics = rule.topics.iter().flat_map(RuleFilter::vars);
            topics.chain(rule.client_ids.iter().flatten().flat_map(Pattern::vars))
        })
    }
}

impl Rule {
    /// Whether a rule about `connect` or `takeover` concerns this client id.
    pub(crate) fn fits_client_id(&self, client_id: &str, values: &Values) -> bool {
        let fits = |ids: &Vec<Pattern>| ids.iter().any(|id| id.matches(client_id, values));
        self.client_ids.as_ref().is_none_or(fits)
    }
}

impl RuleFilter {
    fn vars(&self) -> impl Iterator<Item = VarId> {
        self.levels.iter().filter_map(|level| match level {
            FilterLevel::Var(var) => Some(*var),
            _ => None,
        })
    }

    fn literal(text: &str) -> Self {
        let level = |level| match level {
            "+" => FilterLevel::Plus,
            "#" => FilterLevel::Hash,
            literal => FilterLevel::Literal(literal.into()),
        };
        Self {
            text: text.into(),
            levels: text.split('/').map(level).collect(),
            line: 1,
        }
    }
}

impl Binding {
    pub(crate) fn applies(&self, principal: &Principal, client_id: &str) -> bool {
        let none = Box::default();
        let field = |(field, pattern): &(Field, Pattern)| {
            let value = principal.field(*field);
            value.is_some_and(|value| pattern.matches(value, &none))
        };
        self.origin
            .is_none_or(|origin| origin == principal.origin())
            && self.fields.iter().all(field)
            && self
                .client_id
                .as_ref()
                .is_none_or(|id| id.matches(client_id, &none))
    }
}

/// Everything outside of `$`, and reading `$SYS`, for anonymous clients.
pub(crate) fn allow_anonymous() -> (Role, Binding) {
    let rule = |actions: &[Action], topics: &[&str]| Rule {
        effect: Effect::Allow,
        actions: ActionSet::of(actions),
        topics: topics
            .iter()
            .map(|text| RuleFilter::literal(text))
            .collect(),
        client_ids: None,
        mask: Mask::new(2, None),
        line: 1,
    };
    let role = Role {
        name: "anonymous".into(),
        rules: vec![
            rule(&[Action::Connect, Action::Takeover], &[]),
            rule(&[Action::Publish, Action::Retain, Action::Will], &["#"]),
            rule(&[Action::Subscribe], &["#", "$SYS/#"]),
        ],
    };
    let binding = Binding {
        roles: vec![0],
        origin: Some(Origin::Anonymous),
        fields: Vec::new(),
        client_id: None,
        attributes: Vec::new(),
    };
    (role, binding)
}
