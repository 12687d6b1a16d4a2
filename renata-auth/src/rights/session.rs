//! One client's view of the policy.

use std::sync::Arc;

use renata_topics::{TopicFilter, TopicName};
use smallvec::SmallVec;

use super::request::{Decision, Request};
use crate::identity::{Principal, ValueProblem, check_client_id, check_placeholder};
use crate::policy::{
    Action, Bit, Effect, FilterLevels, Mask, Placeholder, Policy, TopicLevels, Values,
};

/// What one session may do: its roles and the values of its placeholders, looked up once.
///
/// It holds on to the policy it was made from. A decision about a topic allocates nothing, takes
/// no lock and does not depend on the number of rules.
///
/// ```
/// # use std::sync::Arc;
/// # use renata_auth::{Policy, Principal};
/// # use renata_topics::{TopicFilter, TopicName};
/// let policy = Arc::new(Policy::allow_anonymous());
/// let rights = policy.session(&Principal::anonymous(), "browser-1")?;
/// assert!(rights.may_connect());
/// assert!(rights.may_publish(TopicName::new("plant/speed")?, 1, false));
/// assert!(!rights.may_publish(TopicName::new("$SYS/uptime")?, 1, false));
/// assert_eq!(rights.grant(TopicFilter::new("#")?, 2), Some(2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SessionRights {
    policy: Arc<Policy>,
    principal: Principal,
    client_id: Box<str>,
    roles: SmallVec<[u16; 8]>,
    values: Values,
}

/// Why a session cannot be judged, so that its connection must be refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The client id did not pass the gate.
    #[error("the client id {0}")]
    ClientId(ValueProblem),
    /// A rule would put this value into a topic, and it must not stand there.
    #[error("the value of {placeholder} {problem} and cannot stand in a topic")]
    Value {
        /// The placeholder.
        placeholder: Placeholder,
        /// What is wrong with its value.
        problem: ValueProblem,
    },
    /// A deny needs a value that the client does not have: what it forbids cannot be known.
    #[error("a deny in role {role} needs {placeholder}, which this client does not have")]
    Missing {
        /// The placeholder.
        placeholder: Placeholder,
        /// The role whose rule needs it.
        role: Box<str>,
    },
}

impl SessionRights {
    pub(crate) fn resolve(
        policy: &Arc<Policy>,
        principal: &Principal,
        client_id: &str,
    ) -> Result<Self, SessionError> {
        check_client_id(client_id).map_err(SessionError::ClientId)?;
        let bindings = policy.bindings.iter();
        let bindings: Vec<_> = bindings
            .filter(|one| one.applies(principal, client_id))
            .collect();
        let mut roles: SmallVec<[u16; 8]> = bindings
            .iter()
            .flat_map(|one| &one.roles)
            .copied()
            .collect();
        roles.sort_unstable();
        roles.dedup();

        // An attribute from the principal and from every binding: two that differ are none.
        let attribute = |name: &str| {
            let bound = bindings.iter().flat_map(|one| &one.attributes);
            let bound = bound
                .filter(|(known, _)| **known == *name)
                .map(|(_, value)| &**value);
            let mut all = principal.attribute(name).into_iter().chain(bound);
            let first = all.next()?;
            all.all(|other| other == first).then_some(first)
        };
        let mut values: Values = vec![None; policy.placeholders.len()].into();
        for &role in &roles {
            let role = &policy.roles[usize::from(role)];
            for effect in [Effect::Allow, Effect::Deny] {
                for var in role.vars(effect).map(usize::from) {
                    let placeholder = &policy.placeholders[var];
                    let value = placeholder.value(principal, client_id, attribute);
                    let Some(value) = value else {
                        if effect == Effect::Allow {
                            continue;
                        }
                        return Err(SessionError::Missing {
                            placeholder: placeholder.clone(),
                            role: role.name.clone(),
                        });
                    };
                    check_placeholder(value).map_err(|problem| SessionError::Value {
                        placeholder: placeholder.clone(),
                        problem,
                    })?;
                    if values[var].is_none() {
                        values[var] = Some(value.into());
                    }
                }
            }
        }
        Ok(Self {
            policy: Arc::clone(policy),
            principal: principal.clone(),
            client_id: client_id.into(),
            roles,
            values,
        })
    }

    /// Decides about a request; the methods below ask the same in fewer words.
    pub fn decide(&self, request: &Request<'_>) -> Decision {
        Decision::from(match *request {
            Request::Connect => self.may_connect(),
            Request::Takeover => self.may_take_over(),
            Request::Publish { topic, qos, retain } => self.may_publish(topic, qos, retain),
            Request::Will { topic, qos, retain } => self.may_leave_will(topic, qos, retain),
            Request::Subscribe { filter, qos } => self.may_subscribe(filter, qos),
            Request::Deliver { topic, qos } => self.may_be_given(topic, qos),
        })
    }

    /// Whether the session may be opened.
    #[must_use]
    pub fn may_connect(&self) -> bool {
        self.may_use_client_id(Action::Connect)
    }

    /// Whether the session may replace its own live connection.
    #[must_use]
    pub fn may_take_over(&self) -> bool {
        self.may_use_client_id(Action::Takeover)
    }

    /// Whether a message may be published: `publish`, and `retain` if it is retained.
    #[inline]
    #[must_use]
    pub fn may_publish(&self, topic: TopicName<'_>, qos: u8, retain: bool) -> bool {
        self.about_topic(topic, Bit::of(qos, retain), &[&[Action::Publish]], retain)
    }

    /// Whether a will may be left, and later published: `publish`, `will`, and `retain` if it is
    /// retained.
    #[must_use]
    pub fn may_leave_will(&self, topic: TopicName<'_>, qos: u8, retain: bool) -> bool {
        let questions: &[&[Action]] = &[&[Action::Publish], &[Action::Will]];
        self.about_topic(topic, Bit::of(qos, retain), questions, retain)
    }

    /// Whether a message may be handed to the session.
    #[inline]
    #[must_use]
    pub fn may_be_given(&self, topic: TopicName<'_>, qos: u8) -> bool {
        let reading: &[Action] = &[Action::Subscribe, Action::Deliver];
        self.about_topic(topic, Bit::of(qos, false), &[reading], false)
    }

    /// Whether a subscription may be made, at this quality of service.
    ///
    /// Exact: the allows together cover every topic that the filter matches, and no deny matches
    /// one of them.
    #[must_use]
    pub fn may_subscribe(&self, filter: TopicFilter<'_>, qos: u8) -> bool {
        let Some(bit) = Bit::of(qos, false) else {
            return false;
        };
        let forest = &self.policy.forest;
        let levels = FilterLevels::new(forest, filter);
        let roots = |action| {
            self.roles
                .iter()
                .map(move |&role| forest.root(role, action))
        };
        let denies = roots(Action::Subscribe).chain(roots(Action::Deliver));
        forest.covered(roots(Action::Subscribe), &levels, &self.values, bit)
            && !forest.denied(denies, &levels, &self.values, bit)
    }

    /// The quality of service to grant a subscription: the one asked for, or the next lower one
    /// that is allowed; `None` to refuse it.
    #[must_use]
    pub fn grant(&self, filter: TopicFilter<'_>, qos: u8) -> Option<u8> {
        (0..=qos.min(2))
            .rev()
            .find(|&qos| self.may_subscribe(filter, qos))
    }

    /// The policy that this was made from.
    #[must_use]
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// The epoch of the policy: make new rights when [`LivePolicy::epoch`](crate::LivePolicy::epoch)
    /// says another.
    #[inline]
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.policy.epoch()
    }

    /// Whose session it is.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The client id of the session.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The names of the session's roles.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        let roles = self.roles.iter();
        roles.map(|&role| &*self.policy.roles[usize::from(role)].name)
    }

    pub(crate) fn role_ids(&self) -> &[u16] {
        &self.roles
    }

    pub(crate) fn values(&self) -> &Values {
        &self.values
    }

    fn may_use_client_id(&self, action: Action) -> bool {
        let roles = self
            .roles
            .iter()
            .map(|&role| &self.policy.roles[usize::from(role)]);
        let mut allowed = false;
        for rule in roles.flat_map(|role| &role.rules) {
            if rule.actions.contains(action) && rule.fits_client_id(&self.client_id, &self.values) {
                match rule.effect {
                    Effect::Allow => allowed = true,
                    Effect::Deny => return false,
                }
            }
        }
        allowed
    }

    /// Each question is a list of actions whose rules decide it together; all must be allowed.
    #[inline]
    fn about_topic(
        &self,
        topic: TopicName<'_>,
        bit: Option<Bit>,
        questions: &[&[Action]],
        retain: bool,
    ) -> bool {
        let Some(bit) = bit else { return false };
        let topic = TopicLevels::new(&self.policy.forest, topic);
        let allowed = |actions: &[Action]| self.allowed(&topic, bit, actions);
        questions.iter().all(|actions| allowed(actions)) && (!retain || allowed(&[Action::Retain]))
    }

    #[inline]
    fn allowed(&self, topic: &TopicLevels<'_>, bit: Bit, actions: &[Action]) -> bool {
        let forest = &self.policy.forest;
        let mut allow = Mask::NONE;
        for &role in &self.roles {
            for &action in actions {
                let masks = forest.masks(forest.root(role, action), topic, &self.values, bit);
                if masks.deny.has(bit) {
                    return false;
                }
                allow.add(masks.allow);
            }
        }
        allow.has(bit)
    }
}
