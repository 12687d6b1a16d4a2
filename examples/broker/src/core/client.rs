//! One client's session as the broker keeps it: around the protocol's state, the queue and the terms.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use renata_mqtt::session::Session;
use smallvec::SmallVec;

use super::link::LinkId;
use super::router::{GroupKey, Options};
use crate::access::Who;
use crate::engine::{SessionId, SessionRecord, SubscriptionRecord, Ticket, WillRecord};
use crate::message::Message;

/// Names a session of this worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ClientKey(pub(super) u32);

/// One session.
#[derive(Debug)]
pub(super) struct Client {
    /// Its name in the engine; also tells it from a later one under the same key.
    pub(super) id: SessionId,
    pub(super) who: Arc<Who>,
    pub(super) link: Option<LinkId>,
    /// The protocol's state; away while its own input is being handled.
    pub(super) session: Option<Box<Session<Held>>>,
    pub(super) queue: Queue,
    pub(super) subscriptions: Vec<Subscription>,
    /// Seconds that it outlives its connection; `u32::MAX` is for ever.
    pub(super) expiry_secs: u32,
    /// When its connection ended, in milliseconds since 1970.
    pub(super) left_at: Option<u64>,
    pub(super) will: Option<Will>,
    /// While it is away: when its will is due.
    pub(super) will_at: Option<Instant>,
    /// When the next look at an away session is set, so that one that comes and goes sets few.
    pub(super) look_at: Option<Instant>,
    /// Sequence number of the next QoS 1 or 2 entry. Its packet id follows from it.
    pub(super) next_seq: u64,
    /// The engine knows it.
    pub(super) recorded: bool,
    /// It is in the list of those with something to send.
    pub(super) pending: bool,
    /// It is in the list of those that wait for the engine.
    pub(super) waiting: bool,
}

/// One subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Subscription {
    /// With `$share/{group}/` in front if it is shared.
    pub(super) filter: Arc<str>,
    pub(super) options: Options,
    pub(super) retain_handling: u8,
}

/// A message to publish when the client is gone without a goodbye.
#[derive(Clone, Debug)]
pub(super) struct Will {
    pub(super) message: Arc<Message>,
    pub(super) retain: bool,
    pub(super) delay_secs: u32,
    /// Lifetime from when it is published, in seconds.
    pub(super) expiry_secs: Option<u32>,
}

/// One delivery at QoS 1 or 2, from the queue to the acknowledgement; at QoS 0 to the socket.
#[derive(Clone, Debug)]
pub(super) struct Held {
    /// `None` when it will not be needed again.
    pub(super) message: Option<Arc<Message>>,
    pub(super) seq: u64,
    pub(super) qos: u8,
    pub(super) retain: bool,
    /// It may have been sent before the last restart.
    pub(super) dup: bool,
    pub(super) identifiers: SmallVec<[u32; 2]>,
    pub(super) group: Option<GroupKey>,
}

/// Deliveries that wait for their turn, in order.
#[derive(Debug, Default)]
pub(super) struct Queue {
    entries: VecDeque<Queued>,
    bytes: usize,
    at_most_once: usize,
}

/// A delivery with the ticket that has to be committed before it leaves.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) held: Held,
    pub(super) ticket: Ticket,
}

impl Queue {
    pub(super) fn push(&mut self, held: Held, ticket: Ticket) {
        self.bytes += weight(&held);
        self.at_most_once += usize::from(held.qos == 0);
        self.entries.push_back(Queued { held, ticket });
    }

    pub(super) fn front(&self) -> Option<&Queued> {
        self.entries.front()
    }

    pub(super) fn pop(&mut self) -> Option<Held> {
        let held = self.entries.pop_front()?.held;
        self.bytes -= weight(&held);
        self.at_most_once -= usize::from(held.qos == 0);
        if self.entries.is_empty() {
            self.entries = VecDeque::new();
        }
        Some(held)
    }

    /// Takes the QoS 0 entries out; says how many there were.
    pub(super) fn drop_at_most_once(&mut self) -> usize {
        let before = self.entries.len();
        let bytes = &mut self.bytes;
        self.entries.retain(|queued| {
            let keep = queued.held.qos > 0;
            if !keep {
                *bytes -= weight(&queued.held);
            }
            keep
        });
        self.at_most_once = 0;
        before - self.entries.len()
    }

    /// Takes away the messages that `keep` does not want. Their entries stay, because packet ids
    /// count them; they are dropped when their turn comes.
    pub(super) fn revoke(&mut self, keep: impl Fn(&Message) -> bool) {
        for queued in &mut self.entries {
            let held = &mut queued.held;
            if held.message.as_ref().is_some_and(|message| !keep(message)) {
                self.bytes -= weight(held);
                held.message = None;
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of the messages in it; each counts in every queue that refers to it.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// A QoS 0 entry waits, so that later ones have to wait behind it.
    pub(super) fn holds_at_most_once(&self) -> bool {
        self.at_most_once > 0
    }
}

fn weight(held: &Held) -> usize {
    held.message.as_ref().map_or(0, |message| message.weight())
}

impl Client {
    /// It outlives its connection.
    pub(super) fn is_persistent(&self) -> bool {
        self.expiry_secs > 0
    }

    /// When it expires, if its connection has ended.
    pub(super) fn expires_at(&self) -> Option<u64> {
        let left_at = self.left_at?;
        (self.expiry_secs != u32::MAX).then(|| left_at + u64::from(self.expiry_secs) * 1_000)
    }

    /// What the engine keeps of it.
    pub(super) fn record(&self) -> SessionRecord {
        SessionRecord {
            id: self.id,
            client_id: Arc::clone(&self.who.client_id),
            principal: Arc::clone(&self.who.principal),
            expiry_secs: self.expiry_secs,
            left_at: self.left_at,
            subscriptions: self
                .subscriptions
                .iter()
                .map(Subscription::record)
                .collect(),
            will: self.will.as_ref().map(Will::record),
        }
    }
}

impl Will {
    fn record(&self) -> WillRecord {
        WillRecord {
            message: Arc::clone(&self.message),
            retain: self.retain,
            delay_secs: self.delay_secs,
            expiry_secs: self.expiry_secs,
        }
    }

    pub(super) fn from_record(record: &WillRecord) -> Self {
        Self {
            message: Arc::clone(&record.message),
            retain: record.retain,
            delay_secs: record.delay_secs,
            expiry_secs: record.expiry_secs,
        }
    }
}

impl Subscription {
    fn record(&self) -> SubscriptionRecord {
        SubscriptionRecord {
            filter: Arc::clone(&self.filter),
            qos: self.options.qos,
            no_local: self.options.no_local,
            retain_as_published: self.options.retain_as_published,
            retain_handling: self.retain_handling,
            identifier: self.options.identifier,
        }
    }

    pub(super) fn from_record(record: &SubscriptionRecord) -> Self {
        Self {
            filter: Arc::clone(&record.filter),
            options: Options {
                qos: record.qos,
                no_local: record.no_local,
                retain_as_published: record.retain_as_published,
                identifier: record.identifier,
            },
            retain_handling: record.retain_handling,
        }
    }
}
