//! The knobs of a client, each with its default.

use std::time::Duration;

/// How long the server keeps what belongs to this client when the connection is gone.
///
/// ```
/// # use std::time::Duration;
/// use renata_mqtt::Session;
///
/// let session = Session::persistent(Duration::from_secs(3600));
/// assert_ne!(session, Session::clean());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    pub(super) expiry: Option<Duration>,
    renewed: bool,
}

impl Session {
    /// Nothing is kept: each connection starts afresh. The default.
    #[must_use]
    pub fn clean() -> Self {
        Self {
            expiry: None,
            renewed: false,
        }
    }

    /// Subscriptions and undelivered QoS 1 and 2 messages are kept for this long (MQTT 5.0
    /// §3.1.2.11.2); more than 136 years means for ever. A 3.1.1 server keeps them as long as it
    /// likes.
    #[must_use]
    pub fn persistent(expiry: Duration) -> Self {
        Self {
            expiry: Some(expiry),
            renewed: false,
        }
    }

    /// The same, begun afresh with the first connection of this client and resumed from then on.
    ///
    /// For who publishes at QoS 2 and keeps no state of its own over a restart: the server may still
    /// hold identifiers of an earlier run, and would take new messages that get them for repetitions.
    /// 3.1.1 knows no such thing: there, the session is kept from the second connection on.
    #[must_use]
    pub fn renewed(mut self) -> Self {
        self.renewed = true;
        self
    }

    /// Whether the server shall forget what it has, in the first connection or a later one.
    pub(super) fn starts_clean(self, resuming: bool) -> bool {
        self.expiry.is_none() || (self.renewed && !resuming)
    }

    pub(super) fn expiry_secs(self) -> u32 {
        let secs = self.expiry.map_or(0, |expiry| expiry.as_secs());
        u32::try_from(secs).unwrap_or(u32::MAX)
    }
}

impl Default for Session {
    fn default() -> Self {
        Self::clean()
    }
}

/// What happens to a publish while there is no connection, or while the server is slow.
///
/// One budget holds everything that is not finished: what waits and what is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offline {
    pub(super) max_bytes: u32,
    pub(super) when_full: Full,
}

/// What a publish does when the budget is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Full {
    /// Wait until there is room. The default.
    Block,
    /// Fail with [`PublishError::Full`](crate::PublishError::Full).
    Fail,
}

impl Offline {
    /// 16 MiB, blocking when full.
    #[must_use]
    pub fn new() -> Self {
        Self {
            max_bytes: 16 << 20,
            when_full: Full::Block,
        }
    }

    /// The budget in bytes: topics, payloads and properties, plus 128 bytes a message.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u32) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// What to do when the budget is used up.
    #[must_use]
    pub fn when_full(mut self, full: Full) -> Self {
        self.when_full = full;
        self
    }
}

impl Default for Offline {
    fn default() -> Self {
        Self::new()
    }
}

/// What this client takes from a server; announced in CONNECT to a 5.0 server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest packet that is accepted, in bytes. Default: 1 MiB.
    pub max_packet: u32,
    /// How many QoS 1 and 2 messages may wait for an acknowledgement, and so how many the
    /// subscriptions hold together. Default: 256. Zero is taken as one.
    pub receive_maximum: u16,
    /// How many topic aliases the server may use. Default: 64.
    pub topic_alias: u16,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_packet: 1 << 20,
            receive_maximum: 256,
            topic_alias: 64,
        }
    }
}

/// How long [`Client::close`](crate::Client::close) waits for what is not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    pub(super) within: Duration,
}

impl Drain {
    /// Finish what can be finished within this time, then close.
    #[must_use]
    pub fn within(time: Duration) -> Self {
        Self { within: time }
    }

    /// Close at once.
    #[must_use]
    pub fn nothing() -> Self {
        Self::within(Duration::ZERO)
    }
}
