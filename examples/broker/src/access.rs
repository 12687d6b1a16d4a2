//! Who gets in, and what they may do: the policy, or one of the two ways to run without one.

use std::sync::Arc;

use renata_auth::{Extractor, IdentityError, Policy, Principal, SessionError, SessionRights};
use renata_topics::{TopicFilter, TopicName};

use crate::config::{Config, Problem};

/// The policy in force.
#[derive(Debug)]
pub(crate) struct Access {
    policy: Arc<Policy>,
    /// What the log says about it; nothing if it was read from a file that grants something.
    warning: Option<&'static str>,
}

/// A principal under one client identifier: what a session belongs to, with what it may do.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    pub(crate) client_id: Arc<str>,
    /// Names the principal in the engine and in the log: `cert:plc-3`, `anonymous`.
    pub(crate) principal: Arc<str>,
    /// `None` for a session of an earlier process whose client has not come back: it may do nothing.
    rights: Option<SessionRights>,
}

impl Access {
    /// Reads what the settings name.
    pub(crate) fn load(config: &Config) -> Result<Self, Vec<Problem>> {
        let (policy, warning) = match (&config.policy, config.allow_anonymous) {
            (Some(path), _) => {
                let text = std::fs::read_to_string(path).map_err(|e| {
                    let what = format!("cannot be read: {e}");
                    vec![Problem::in_file(
                        path,
                        what,
                        "give --policy a readable file",
                    )]
                })?;
                let policy = Policy::from_toml(&text, &path.display().to_string());
                let problems = |e: renata_auth::PolicyError| {
                    let said = |p: &renata_auth::Problem| {
                        Problem::placed(path, p.line, p.column, &p.message)
                    };
                    e.problems().iter().map(said).collect::<Vec<_>>()
                };
                let policy = policy.map_err(problems)?;
                let empty = policy.roles().next().is_none();
                (policy, empty.then_some(EMPTY))
            }
            (None, true) => (Policy::allow_anonymous(), Some(EVERYBODY)),
            (None, false) => (Policy::deny_all(), Some(NOBODY)),
        };
        Ok(Self {
            policy: Arc::new(policy),
            warning,
        })
    }

    /// Says in the log what is unusual about it.
    pub(crate) fn announce(&self) {
        if let Some(warning) = self.warning {
            tracing::warn!("{warning}");
        }
    }

    /// What the policy says about `principal` under `client_id`.
    ///
    /// # Errors
    /// The client id or a value of the principal cannot be judged: the connection is refused.
    pub(crate) fn who(
        &self,
        principal: &Principal,
        client_id: Arc<str>,
    ) -> Result<Who, SessionError> {
        let rights = self.policy.session(principal, &client_id)?;
        Ok(Who {
            client_id,
            principal: principal.to_string().into(),
            rights: Some(rights),
        })
    }

    /// The same client under this policy; `None` when it is nobody any more.
    pub(crate) fn again(&self, who: &Who) -> Option<Who> {
        match &who.rights {
            None => Some(who.clone()),
            Some(rights) => self
                .who(rights.principal(), Arc::clone(&who.client_id))
                .ok()
                .filter(Who::may_connect),
        }
    }
}

/// The owner of a verified client certificate (DER).
pub(crate) fn principal_of(certificate: &[u8]) -> Result<Principal, IdentityError> {
    Principal::from_certificate(certificate, &Extractor::DEFAULT)
}

impl Who {
    /// As the engine has kept it.
    pub(crate) fn recovered(client_id: &Arc<str>, principal: &Arc<str>) -> Self {
        Self {
            client_id: Arc::clone(client_id),
            principal: Arc::clone(principal),
            rights: None,
        }
    }

    /// Whether a session of `owner` is this one's to go on with: only for the same principal.
    pub(crate) fn owns(&self, owner: &Self) -> bool {
        self.principal == owner.principal
    }

    /// Whether it may open a session.
    pub(crate) fn may_connect(&self) -> bool {
        self.rights.as_ref().is_some_and(SessionRights::may_connect)
    }

    /// Whether it may end its own live connection by a new one.
    pub(crate) fn may_take_over(&self) -> bool {
        let rights = self.rights.as_ref();
        rights.is_some_and(SessionRights::may_take_over)
    }

    /// Whether it may publish so to `topic`. `$` topics belong to the broker, whatever a policy says.
    pub(crate) fn may_publish(&self, topic: TopicName<'_>, qos: u8, retain: bool) -> bool {
        let rights = self.rights.as_ref();
        !topic.is_dollar() && rights.is_some_and(|r| r.may_publish(topic, qos, retain))
    }

    /// Whether it may leave a will there; asked at CONNECT and when the will is published.
    pub(crate) fn may_leave_will(&self, topic: TopicName<'_>, qos: u8, retain: bool) -> bool {
        let rights = self.rights.as_ref();
        !topic.is_dollar() && rights.is_some_and(|r| r.may_leave_will(topic, qos, retain))
    }

    /// The QoS at which it may get everything that `filter` matches, at most `qos`.
    pub(crate) fn grant(&self, filter: TopicFilter<'_>, qos: u8) -> Option<u8> {
        self.rights.as_ref()?.grant(filter, qos)
    }

    /// Whether anything is known about its rights: not before the client of a recovered session is back.
    pub(crate) fn is_known(&self) -> bool {
        self.rights.is_some()
    }
}

const EVERYBODY: &str =
    "no policy: every client may do everything outside $ topics; give --policy FILE";
const NOBODY: &str = "neither a policy nor --allow-anonymous: nobody gets in; give --policy FILE";
const EMPTY: &str =
    "the policy has no role: nobody gets in; add [roles.NAME] and [[bindings]] to it";
