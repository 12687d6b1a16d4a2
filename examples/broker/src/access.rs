//! Who gets in, and what they may do: the policy, or the two ways to run without one.

use std::sync::Arc;

use renata_topics::{TopicFilter, TopicName};

use crate::config::{Config, Problem};

/// Decides every request of a client.
#[derive(Debug)]
pub(crate) enum Access {
    /// Neither a policy nor `--allow-anonymous`: nobody gets in.
    Nobody,
    /// No policy, and everybody may do everything outside `$`, and read `$SYS`.
    Everybody,
}

/// Whom the transport has proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Principal {
    id: Arc<str>,
}

impl Principal {
    /// Nobody in particular: a plain connection proves nothing, whatever user name it gives.
    pub(crate) fn anonymous() -> Self {
        Self {
            id: "anonymous".into(),
        }
    }

    /// Reads it out of a verified client certificate (DER).
    pub(crate) fn from_certificate(_certificate: &[u8]) -> Result<Self, String> {
        Err("certificates are not read by this version".to_owned())
    }
}

/// A principal under one client identifier: what a session belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    pub(crate) client_id: Arc<str>,
    pub(crate) principal: Principal,
}

impl Who {
    /// As the engine has kept it.
    pub(crate) fn recovered(client_id: &Arc<str>, principal: &Arc<str>) -> Self {
        Self {
            client_id: Arc::clone(client_id),
            principal: Principal {
                id: Arc::clone(principal),
            },
        }
    }

    /// What names the principal in the engine.
    pub(crate) fn principal_id(&self) -> Arc<str> {
        Arc::clone(&self.principal.id)
    }

    /// Whether a session of `owner` is this one's to take: only for the same principal.
    pub(crate) fn owns(&self, owner: &Self) -> bool {
        self.principal.id == owner.principal.id
    }
}

impl Access {
    /// Reads what the settings name.
    pub(crate) fn load(config: &Config) -> Result<Self, Vec<Problem>> {
        Ok(match (&config.policy, config.allow_anonymous) {
            (Some(path), _) => {
                return Err(vec![Problem::in_file(
                    path,
                    "policies are not read by this version",
                    "leave --policy out",
                )]);
            }
            (None, true) => Self::Everybody,
            (None, false) => Self::Nobody,
        })
    }

    /// Says in the log what is unusual about it.
    pub(crate) fn announce(&self) {
        match self {
            Self::Nobody => tracing::warn!(
                "neither a policy nor --allow-anonymous: nobody gets in; give --policy FILE"
            ),
            Self::Everybody => tracing::warn!(
                "no policy: every client may do everything outside $ topics; give --policy FILE"
            ),
        }
    }

    /// Whether `who` may connect.
    pub(crate) fn may_connect(&self, _who: &Who) -> bool {
        matches!(self, Self::Everybody)
    }

    /// Whether `who` may publish so to `topic`. `$` topics belong to the broker.
    pub(crate) fn may_publish(
        &self,
        _who: &Who,
        topic: TopicName<'_>,
        _qos: u8,
        _retain: bool,
    ) -> bool {
        !topic.is_dollar() && matches!(self, Self::Everybody)
    }

    /// Whether `who` may leave a will there; asked at CONNECT and when it is published.
    pub(crate) fn may_leave_will(
        &self,
        who: &Who,
        topic: TopicName<'_>,
        qos: u8,
        retain: bool,
    ) -> bool {
        self.may_publish(who, topic, qos, retain)
    }

    /// Whether `who` may get everything that `filter` matches.
    pub(crate) fn may_subscribe(&self, _who: &Who, filter: TopicFilter<'_>, _qos: u8) -> bool {
        let first = filter.levels().next().unwrap_or_default();
        matches!(self, Self::Everybody) && (!first.starts_with('$') || first == "$SYS")
    }
}
