//! What has to survive: sessions, their queues, QoS 2 exchanges, retained messages.
//!
//! The broker's state lives in memory; an [`Engine`] is the log behind it. Every change that must
//! outlive the process is [appended](Engine::append) as part of one atomic batch and gives a
//! [`Ticket`]; what may only be said to a client once the change is safe (PUBACK, PUBREC, PUBREL,
//! PUBCOMP, SUBACK, CONNACK) waits until [`Engine::committed`] has reached that ticket. After a restart
//! [`Engine::recover`] gives the state back as of some point at or after the last committed ticket.
//!
//! ```text
//!  PUBLISH -> route -> append [Message, Enqueue, Enqueue, Retain, OpenInbound] -> Ticket
//!                                    |                                              |
//!                          group commit (fsync elsewhere)                  PUBACK waits here
//!                                    '------------- committed() >= Ticket ----------'
//! ```
//!
//! Two engines: [`Memory`] keeps nothing (without `--data-dir`), `local` is the journal.

mod local;
mod memory;

use std::sync::Arc;
use std::time::Instant;

use smallvec::SmallVec;

pub use self::local::Local;
pub use self::memory::Memory;
use crate::config::{Config, Problem};
use crate::message::Message;

/// A log of state changes with group commit. One owner: the worker.
pub trait Engine: Send {
    /// The state that was left; called once, before anything else.
    ///
    /// # Errors
    /// When the log cannot be read. A torn tail is no error: it was never committed.
    fn recover(&mut self) -> Result<Recovered, EngineError>;

    /// Adds one batch of changes, all or nothing. Does not wait for the disk.
    ///
    /// # Errors
    /// [`EngineError::Full`]: nothing of the batch was kept; it may fit again later. Only batches with a
    /// [`Change::Message`] are refused so: the others take little room, and most of them free some.
    fn append(&mut self, now: Instant, changes: &[Change<'_>]) -> Result<Ticket, EngineError>;

    /// Everything up to this ticket survives a power cut.
    fn committed(&self) -> Ticket;

    /// Called once a turn of the worker's loop: takes note of finished fsyncs and starts the next one
    /// when it is due.
    ///
    /// # Errors
    /// [`EngineError::Failed`] once an fsync has failed: what was appended since the last commit may
    /// be gone, so nothing is acknowledged any more.
    fn turn(&mut self, now: Instant) -> Result<(), EngineError>;

    /// When [`turn`](Self::turn) has something to do at the latest.
    fn poll_timeout(&self) -> Option<Instant>;

    /// `wake` is called from whatever thread when an fsync has ended, so that the worker takes a turn.
    fn on_commit(&mut self, wake: Box<dyn Fn() + Send + Sync>);

    /// Whether it keeps anything: `false` spares the caller the work of describing changes.
    fn is_durable(&self) -> bool;

    /// Commits everything that was appended so far, and waits for it; called in a drain.
    ///
    /// # Errors
    /// As [`turn`](Self::turn).
    fn sync(&mut self) -> Result<(), EngineError>;
}

/// A position in the log: grows with each append.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Names a session for as long as it lives; never given out twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// Names a stored message; never given out twice, and grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub u64);

/// One change of the durable state.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// The session is as described from now on: new, or with other terms or subscriptions.
    Session(&'a SessionRecord),
    /// The session is gone, with its queue and its exchanges.
    EndSession(SessionId),
    /// A message that later changes of the same batch refer to. It is needed until no queue and no
    /// retained topic refers to it.
    Message(MessageId, &'a Arc<Message>),
    /// A session has to get a message.
    Enqueue(SessionId, &'a QueueRecord),
    /// QoS 2: the subscriber has the message (PUBREC); only its packet id is needed from now on.
    Received(SessionId, u64),
    /// The entry with this sequence number is done: acknowledged, expired or dropped. One that is not
    /// there is no error.
    Dequeue(SessionId, u64),
    /// QoS 2 from the client: this packet id is taken until it is released. A PUBLISH that repeats it
    /// is not routed again.
    OpenInbound(SessionId, u16),
    /// The client has released the packet id (PUBREL).
    CloseInbound(SessionId, u16),
    /// The message is the retained one of its topic.
    Retain(MessageId),
    /// The topic has no retained message any more.
    ClearRetained(&'a str),
}

/// What is kept of a session beside its queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Its name in the log.
    pub id: SessionId,
    /// The client identifier, unique among live sessions.
    pub client_id: Arc<str>,
    /// The principal that owns it.
    pub principal: Arc<str>,
    /// Seconds after the end of the connection; `u32::MAX` is never (MQTT 5.0 §3.1.2.11.2).
    pub expiry_secs: u32,
    /// Milliseconds since 1970 UTC when the connection ended; `None` while it is up.
    pub left_at: Option<u64>,
    /// In the order in which they were made.
    pub subscriptions: Vec<SubscriptionRecord>,
    /// What is published when the client does not come back (MQTT 5.0 §4.1 counts it as state).
    pub will: Option<WillRecord>,
}

/// The will of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WillRecord {
    /// The message; its expiry begins when it is published.
    pub message: Arc<Message>,
    /// Whether it becomes the retained message of its topic.
    pub retain: bool,
    /// Seconds to wait for the client.
    pub delay_secs: u32,
    /// Lifetime from when it is published, in seconds.
    pub expiry_secs: Option<u32>,
}

/// One subscription of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionRecord {
    /// The filter, with `$share/{group}/` in front if it is shared.
    pub filter: Arc<str>,
    /// Maximum QoS.
    pub qos: u8,
    /// The client's own messages are not sent to it.
    pub no_local: bool,
    /// The RETAIN flag is forwarded as it was published.
    pub retain_as_published: bool,
    /// 0, 1 or 2 (MQTT 5.0 §3.8.3.1).
    pub retain_handling: u8,
    /// Subscription Identifier; 0 is none.
    pub identifier: u32,
}

/// One entry of a session's queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueRecord {
    /// Counts the session's entries from 0 without gaps. The packet id under which the entry is sent
    /// is `seq % 65 535 + 1`, so that it is the same after a restart.
    pub seq: u64,
    /// The message.
    pub message: MessageId,
    /// The QoS of this delivery, 1 or 2.
    pub qos: u8,
    /// The RETAIN flag of this delivery.
    pub retain: bool,
    /// Subscription identifiers of the subscriptions that matched.
    pub identifiers: SmallVec<[u32; 2]>,
}

/// The state as the log has it.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Sessions in any order.
    pub sessions: Vec<RecoveredSession>,
    /// Retained messages in any order.
    pub retained: Vec<(MessageId, Arc<Message>)>,
    /// Greater than any session id in the log.
    pub next_session: u64,
    /// Greater than any message id in the log.
    pub next_message: u64,
}

/// One session as the log has it.
#[derive(Debug)]
pub struct RecoveredSession {
    /// Its terms and subscriptions.
    pub record: SessionRecord,
    /// Its entries in order of their sequence numbers; gaps are entries that are done.
    pub queue: Vec<RecoveredEntry>,
    /// The sequence number that the next entry gets, even when the queue is empty.
    pub next_seq: u64,
    /// Packet ids of open QoS 2 exchanges from the client.
    pub inbound: Vec<u16>,
}

/// One entry of a recovered queue.
#[derive(Debug)]
pub struct RecoveredEntry {
    /// As it was enqueued.
    pub record: QueueRecord,
    /// The message; `None` if it was [received](Change::Received) and only the id is left.
    pub message: Option<Arc<Message>>,
}

/// Why a change was not kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The journal has reached its size limit, or the disk is full.
    #[error(
        "no room in the journal; free space, raise durability.max_bytes, or let slow clients read"
    )]
    Full,
    /// The disk does not do what it should.
    #[error("the journal failed: {0}; mend the disk and restart")]
    Failed(String),
}

/// The engine that the settings ask for.
pub(crate) fn open(config: &Config) -> Result<Box<dyn Engine>, Vec<Problem>> {
    match &config.data_dir {
        None => {
            tracing::warn!("no data folder: sessions and retained messages end with this process");
            Ok(Box::new(Memory))
        }
        Some(dir) => match Local::open(&dir.join("journal"), &config.durability) {
            Ok(engine) => Ok(Box::new(engine)),
            Err(e) => Err(vec![Problem::general(
                format!("--data-dir {}: {e}", dir.display()),
                "give a folder that this user may write and that no other broker uses",
            )]),
        },
    }
}
