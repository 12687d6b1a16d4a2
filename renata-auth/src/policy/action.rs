//! What is decided about, and under which conditions.

use std::fmt;

/// What a client wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Action {
    /// Open a session under its client id.
    Connect,
    /// Replace its own live connection under the same client id.
    Takeover,
    /// Publish to a topic.
    Publish,
    /// Leave a retained message, on top of `publish`.
    Retain,
    /// Leave a will, on top of `publish`.
    Will,
    /// Ask for the messages of a filter.
    Subscribe,
    /// Be given a message; `subscribe` includes it.
    Deliver,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Connect,
        Self::Takeover,
        Self::Publish,
        Self::Retain,
        Self::Will,
        Self::Subscribe,
        Self::Deliver,
    ];

    /// The name, as a policy writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Takeover => "takeover",
            Self::Publish => "publish",
            Self::Retain => "retain",
            Self::Will => "will",
            Self::Subscribe => "subscribe",
            Self::Deliver => "deliver",
        }
    }

    /// Whether the action concerns a topic; the others concern the client id.
    #[must_use]
    pub const fn has_topic(self) -> bool {
        !matches!(self, Self::Connect | Self::Takeover)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a rule does where it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Permits, unless another rule denies.
    Allow,
    /// Forbids, whatever other rules say.
    Deny,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        })
    }
}

/// A set of actions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ActionSet(u8);

impl ActionSet {
    pub(crate) fn of(actions: &[Action]) -> Self {
        Self(
            actions
                .iter()
                .fold(0, |set, &action| set | 1 << action as u8),
        )
    }

    pub(crate) fn insert(&mut self, action: Action) {
        self.0 |= 1 << action as u8;
    }

    pub(crate) fn contains(self, action: Action) -> bool {
        self.0 & 1 << action as u8 != 0
    }

    pub(crate) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Action> {
        Action::ALL
            .into_iter()
            .filter(move |&action| self.contains(action))
    }
}

/// One of the six kinds of message that conditions tell apart: three QoS, retained or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bit(u8);

impl Bit {
    /// `None` for a QoS that does not exist.
    #[inline]
    pub(crate) fn of(qos: u8, retain: bool) -> Option<Self> {
        (qos <= 2).then(|| Self(1 << (qos * 2 + u8::from(retain))))
    }

    /// For actions without a message.
    pub(crate) const PLAIN: Self = Self(1);
}

/// The kinds of message that a rule is about. All rules at one place of a tree melt into one mask
/// for allow and one for deny: a decision never looks at rules one by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mask(u8);

impl Mask {
    pub(crate) const NONE: Self = Self(0);

    pub(crate) fn new(max_qos: u8, retain: Option<bool>) -> Self {
        let mut mask = 0;
        for qos in 0..=max_qos {
            for flag in [false, true] {
                if retain.is_none_or(|wanted| wanted == flag)
                    && let Some(Bit(bit)) = Bit::of(qos, flag)
                {
                    mask |= bit;
                }
            }
        }
        Self(mask)
    }

    #[inline]
    pub(crate) fn has(self, bit: Bit) -> bool {
        self.0 & bit.0 != 0
    }

    #[inline]
    pub(crate) fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }
}
