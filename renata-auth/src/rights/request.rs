//! What a session asks for, and the answer.

use std::fmt;

use renata_topics::{TopicFilter, TopicName};
use smallvec::{SmallVec, smallvec};

use crate::policy::{Action, ActionSet, Bit};

/// What a session asks for. QoS is 0, 1 or 2; anything else is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Request<'a> {
    /// Open the session.
    Connect,
    /// Replace its own live connection.
    Takeover,
    /// Publish a message. A retained one needs `publish` and `retain`.
    Publish {
        /// Where to.
        topic: TopicName<'a>,
        /// Quality of service.
        qos: u8,
        /// The retain flag.
        retain: bool,
    },
    /// Leave a will: `publish` and `will`, and `retain` if it is retained. Ask at CONNECT, and
    /// again when the will is about to be published.
    Will {
        /// Where to.
        topic: TopicName<'a>,
        /// Quality of service.
        qos: u8,
        /// The retain flag.
        retain: bool,
    },
    /// Ask for the messages of a filter; `$share/{group}/` is left aside.
    Subscribe {
        /// Which messages.
        filter: TopicFilter<'a>,
        /// The highest quality of service.
        qos: u8,
    },
    /// Be given a message. What a session may subscribe to may be delivered to it: ask this for
    /// subscriptions that the client did not ask for itself.
    Deliver {
        /// Where the message was published.
        topic: TopicName<'a>,
        /// Quality of service.
        qos: u8,
    },
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum Decision {
    /// Yes.
    Allow,
    /// No.
    Deny,
}

impl Decision {
    /// Whether it is a yes.
    #[inline]
    #[must_use]
    pub fn is_allowed(self) -> bool {
        self == Self::Allow
    }
}

impl From<bool> for Decision {
    fn from(allowed: bool) -> Self {
        if allowed { Self::Allow } else { Self::Deny }
    }
}

/// One question that a request comes to; all of them must be answered with yes.
#[derive(Clone, Copy)]
pub(crate) struct Question {
    /// Rules about one of these can allow it.
    pub(crate) allowed_by: ActionSet,
    /// Rules about one of these deny it.
    pub(crate) denied_by: ActionSet,
}

impl Request<'_> {
    /// The questions that the request comes to.
    pub(crate) fn questions(&self) -> SmallVec<[Question; 3]> {
        let single = |action| Question {
            allowed_by: ActionSet::of(&[action]),
            denied_by: ActionSet::of(&[action]),
        };
        let message = |actions: &[Action], retain: bool| {
            let retain = retain.then_some(Action::Retain);
            actions.iter().copied().chain(retain).map(single).collect()
        };
        let reading = ActionSet::of(&[Action::Subscribe, Action::Deliver]);
        match *self {
            Self::Connect => smallvec![single(Action::Connect)],
            Self::Takeover => smallvec![single(Action::Takeover)],
            Self::Publish { retain, .. } => message(&[Action::Publish], retain),
            Self::Will { retain, .. } => message(&[Action::Publish, Action::Will], retain),
            Self::Subscribe { .. } => smallvec![Question {
                allowed_by: ActionSet::of(&[Action::Subscribe]),
                denied_by: reading,
            }],
            Self::Deliver { .. } => smallvec![Question {
                allowed_by: reading,
                denied_by: reading,
            }],
        }
    }

    /// The kind of message; `None` for a QoS that does not exist.
    pub(crate) fn bit(&self) -> Option<Bit> {
        match *self {
            Self::Connect | Self::Takeover => Some(Bit::PLAIN),
            Self::Publish { qos, retain, .. } | Self::Will { qos, retain, .. } => {
                Bit::of(qos, retain)
            }
            Self::Subscribe { qos, .. } | Self::Deliver { qos, .. } => Bit::of(qos, false),
        }
    }
}

impl fmt::Display for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let retained = |retain: bool| if retain { ", retained" } else { "" };
        match *self {
            Self::Connect => f.write_str("connect"),
            Self::Takeover => f.write_str("take over its own connection"),
            Self::Publish { topic, qos, retain } => {
                write!(f, "publish {topic} (QoS {qos}{})", retained(retain))
            }
            Self::Will { topic, qos, retain } => {
                write!(f, "leave a will on {topic} (QoS {qos}{})", retained(retain))
            }
            Self::Subscribe { filter, qos } => write!(f, "subscribe {filter} (QoS {qos})"),
            Self::Deliver { topic, qos } => write!(f, "be given {topic} (QoS {qos})"),
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        })
    }
}
