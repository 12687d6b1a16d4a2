//! Which stream a message belongs to, and which subscriptions the server has to be asked for.

use std::collections::HashMap;
use std::sync::Arc;

use renata_topics::{FilterTree, TopicName};
use tokio::sync::oneshot;

use super::command::Wish;
use super::inbox::Inbox;
use super::{Message, SubscribeError};
use crate::{PacketId, QoS};

/// The live subscriptions of a client, keyed by their subscription identifier.
///
/// The identifier is a hash of the filter, so that it means the same to every run of a program: a
/// resumed session delivers messages with the identifiers of the run that subscribed.
#[derive(Debug)]
pub(super) struct Router {
    entries: HashMap<u32, Entry>,
    tree: FilterTree<u32>,
    /// For what nobody claims.
    unclaimed: Arc<Inbox>,
    /// Nobody can come back for what was not acknowledged.
    clean: bool,
    /// SUBSCRIBEs without an answer.
    asked: HashMap<PacketId, u32>,
    /// Subscriptions that the server has to be asked for.
    wanted: Vec<u32>,
    scratch: Vec<u32>,
}

#[derive(Debug)]
struct Entry {
    wish: Wish,
    state: State,
    reply: Option<oneshot::Sender<Result<QoS, SubscribeError>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The server has to be asked.
    Wanted,
    /// SUBSCRIBE is out.
    Asked,
    /// The server has said yes.
    Live,
}

impl Router {
    pub(super) fn new(unclaimed: Arc<Inbox>, clean: bool) -> Self {
        Self {
            entries: HashMap::new(),
            tree: FilterTree::new(),
            unclaimed,
            clean,
            asked: HashMap::new(),
            wanted: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Takes up a subscription. From here on it gets its messages, the ones that waited first.
    pub(super) fn add(&mut self, wish: Wish, reply: oneshot::Sender<Result<QoS, SubscribeError>>) {
        if wish.inbox.is_abandoned() {
            // Whoever asked has given up before it came to us.
            return;
        }
        let mut id = identifier(wish.filter.as_str());
        while let Some(entry) = self.entries.get(&id) {
            if entry.wish.filter == wish.filter {
                if !entry.wish.inbox.is_abandoned() {
                    // Whoever asked may have gone, which is an answer too.
                    let _ = reply.send(Err(SubscribeError::Duplicate));
                    return;
                }
                let left = self.remove(id);
                self.keep_all(left);
                break;
            }
            // Another filter with the same hash: the next number is as good.
            id = id % MAX_IDENTIFIER + 1;
        }
        let filter = wish.filter.as_filter();
        let waiting = self.unclaimed.extract(|message| {
            TopicName::new(message.topic()).is_ok_and(|topic| filter.without_share().matches(topic))
        });
        for message in waiting {
            if let Err(message) = wish.inbox.push(message) {
                self.keep(message);
            }
        }
        self.tree.insert(filter.without_share(), id);
        self.wanted.push(id);
        self.entries.insert(
            id,
            Entry {
                wish,
                state: State::Wanted,
                reply: Some(reply),
            },
        );
    }

    /// Numbers of the subscriptions that the server has to be asked for. The caller asks, or says
    /// [`want`](Self::want) again.
    pub(super) fn take_wanted(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.wanted)
    }

    /// The server has to be asked for a subscription.
    pub(super) fn want(&mut self, id: u32) {
        self.wanted.push(id);
    }

    pub(super) fn wish(&self, id: u32) -> Option<&Wish> {
        self.entries.get(&id).map(|entry| &entry.wish)
    }

    /// SUBSCRIBE for `id` went out.
    pub(super) fn asked(&mut self, id: u32, packet: PacketId) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.state = State::Asked;
            self.asked.insert(packet, id);
        }
    }

    /// The server has answered. A refusal ends the subscription.
    pub(super) fn answered(&mut self, packet: PacketId, answer: Result<QoS, SubscribeError>) {
        let Some(id) = self.asked.remove(&packet) else {
            return;
        };
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        let refused = answer.is_err();
        if let Some(reply) = entry.reply.take() {
            let _ = reply.send(answer);
        }
        if refused {
            self.remove(id);
        } else {
            entry.state = State::Live;
        }
    }

    /// There is a new connection, in the session that was there before or in a new one.
    pub(super) fn reconnected(&self, resumed: bool) {
        let inboxes = self.entries.values().map(|entry| &entry.wish.inbox);
        for inbox in inboxes.chain([&self.unclaimed]) {
            inbox.reconnected(resumed);
        }
    }

    /// No answer can be read before messages are taken: whoever waits for a SUBACK gets its stream
    /// now. A refusal will end it.
    pub(super) fn presume(&mut self) {
        for entry in self.entries.values_mut() {
            if entry.state == State::Asked
                && let Some(reply) = entry.reply.take()
            {
                let _ = reply.send(Ok(entry.wish.options.qos));
            }
        }
    }

    /// The connection is gone. With the session gone too, everything has to be asked for again.
    pub(super) fn lost(&mut self, session: bool) {
        self.asked.clear();
        self.wanted.clear();
        for (id, entry) in &mut self.entries {
            if session || entry.state == State::Asked {
                entry.state = State::Wanted;
            }
            if entry.state == State::Wanted {
                self.wanted.push(*id);
            }
        }
    }

    /// Hands a message to the streams that `ids` name, or, if none of them is known, to those whose
    /// filters match; what nobody takes is kept for later.
    pub(super) fn route(&mut self, mut message: Message, ids: impl Iterator<Item = u32>) {
        let mut targets = std::mem::take(&mut self.scratch);
        targets.clear();
        targets.extend(ids.filter(|id| self.entries.contains_key(id)));
        if targets.is_empty()
            && let Ok(topic) = TopicName::new(message.topic())
        {
            self.tree.for_each_match(topic, |id| targets.push(*id));
        }
        match targets[..] {
            [] => self.keep(message),
            [id] => self.give(id, message),
            ref several => {
                let count = several.len() as u32;
                let mut tokens = message.take_token().map(|token| token.split(count));
                let copies: Vec<_> = several
                    .iter()
                    .map(|id| (*id, message.copy(tokens.as_mut().and_then(Iterator::next))))
                    .collect();
                for (id, copy) in copies {
                    self.give(id, copy);
                }
            }
        }
        self.scratch = targets;
    }

    fn give(&mut self, id: u32, message: Message) {
        let Some(entry) = self.entries.get(&id) else {
            return self.keep(message);
        };
        if let Err(message) = entry.wish.inbox.push(message) {
            // Its stream has just been dropped: what waited there comes first.
            for earlier in entry.wish.inbox.extract(|_| true) {
                self.keep(earlier);
            }
            self.keep(message);
        }
    }

    fn keep(&self, mut message: Message) {
        if message.is_shared() {
            // Claimed by another stream, with whose acknowledgement it is acknowledged.
            message.ack();
            return;
        }
        if self.clean {
            // Holding back the acknowledgement would only use up the Receive Maximum.
            message.ack();
        }
        // Refused only when the client has ended, and every message with it.
        let _ = self.unclaimed.push(message);
    }

    /// Identifiers of subscriptions whose streams were dropped.
    pub(super) fn abandoned(&self) -> Vec<u32> {
        let gone = |(id, entry): (&u32, &Entry)| entry.wish.inbox.is_abandoned().then_some(*id);
        self.entries.iter().filter_map(gone).collect()
    }

    /// The identifier of the subscription that feeds `inbox`.
    pub(super) fn find(&self, inbox: &Arc<Inbox>) -> Option<u32> {
        let found = |(_, entry): &(&u32, &Entry)| Arc::ptr_eq(&entry.wish.inbox, inbox);
        self.entries.iter().find(found).map(|(id, _)| *id)
    }

    /// Whether the server may know the subscription.
    pub(super) fn is_known_to_server(&self, id: u32) -> bool {
        self.entries
            .get(&id)
            .is_some_and(|entry| entry.state != State::Wanted)
    }

    /// Forgets a subscription, ends its stream and gives back what was not taken from a stream that
    /// was dropped.
    pub(super) fn remove(&mut self, id: u32) -> Vec<Message> {
        let Some(entry) = self.entries.remove(&id) else {
            return Vec::new();
        };
        self.tree
            .remove(entry.wish.filter.as_filter().without_share(), &id);
        entry.wish.inbox.end();
        if entry.wish.inbox.is_abandoned() {
            entry.wish.inbox.extract(|_| true)
        } else {
            Vec::new()
        }
    }

    /// Keeps messages for later, unacknowledged.
    pub(super) fn keep_all(&self, messages: Vec<Message>) {
        for message in messages {
            self.keep(message);
        }
    }

    /// Nothing more will come, for anybody.
    pub(super) fn end(&mut self) {
        for entry in self.entries.values_mut() {
            entry.wish.inbox.end();
            if let Some(reply) = entry.reply.take() {
                let _ = reply.send(Err(SubscribeError::Closed));
            }
        }
        self.unclaimed.end();
    }
}

/// The largest subscription identifier (MQTT 5.0 §3.8.2.1.2).
const MAX_IDENTIFIER: u32 = 268_435_455;

/// FNV-1a of the filter, folded into the range of subscription identifiers.
fn identifier(filter: &str) -> u32 {
    let mut hash = 0x811c_9dc5_u32;
    for byte in filter.bytes() {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    (hash ^ (hash >> 28)) % MAX_IDENTIFIER + 1
}
