//! From one message to its receivers: match, make durable, hand over.

use renata_topics::TopicName;

use super::client::{ClientKey, Held};
use super::parcel::Parcel;
use super::router::Match;
use super::{Core, retained};
use crate::clock::Now;
use crate::config::WhenFull;
use crate::engine::{Change, EngineError, MessageId, QueueRecord, SessionId, Ticket};

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Routed {
    /// What has to be committed before it is acknowledged.
    pub(super) ticket: Ticket,
    /// Somebody subscribes to it.
    pub(super) matched: bool,
}

/// Why a message was not taken. Nobody has got it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotTaken {
    /// A session that must not miss it has a full queue, or the retained store is full.
    Quota,
    /// The journal does not take it.
    Engine,
}

impl Core {
    /// Routes `parcel` to everybody who subscribes to it. `inbound` is the QoS 2 exchange that it
    /// came in, if that has to survive.
    ///
    /// Durable changes go into one batch: after a crash either all of it has happened or nothing.
    pub(super) fn route(
        &mut self,
        now: Now,
        topic: TopicName<'_>,
        parcel: &mut Parcel<'_>,
        inbound: Option<(ClientKey, u16)>,
    ) -> Result<Routed, NotTaken> {
        let mut matches = std::mem::take(&mut self.matches);
        let clients = &self.clients;
        self.router.matches(
            topic,
            parcel.publisher,
            |client| {
                clients
                    .get(client.0 as usize)
                    .is_some_and(|c| c.link.is_some())
            },
            &mut matches,
        );
        let result = self.route_to(now, topic, parcel, inbound, &mut matches);
        matches.clear();
        self.matches = matches;
        result
    }

    pub(super) fn route_to(
        &mut self,
        now: Now,
        topic: TopicName<'_>,
        parcel: &mut Parcel<'_>,
        inbound: Option<(ClientKey, u16)>,
        matches: &mut Vec<Match>,
    ) -> Result<Routed, NotTaken> {
        let limits = &self.settings.config.limits;
        let sets = parcel.retain && !parcel.payload.is_empty();
        if sets && self.retained.len() >= limits.retained && !self.retained.contains(topic) {
            return Err(NotTaken::Quota);
        }
        let matched = !matches.is_empty();
        self.drop_full(parcel, matches)?;
        let (ticket, id) = self
            .append(now, topic, parcel, inbound, matches)
            .map_err(|e| {
                self.complain(now, &e);
                NotTaken::Engine
            })?;
        if parcel.retain {
            if sets {
                let message = parcel.keep().clone();
                self.retained.set(topic, retained::Entry { id, message });
            } else {
                self.retained.clear(topic);
            }
        }
        for m in matches.iter() {
            self.deliver(now, parcel, m, ticket);
        }
        Ok(Routed { ticket, matched })
    }

    /// Full queues take nothing above QoS 0: the message is refused as a whole or dropped for them.
    fn drop_full(&mut self, parcel: &Parcel<'_>, matches: &mut Vec<Match>) -> Result<(), NotTaken> {
        let full = |m: &Match| m.qos.min(parcel.qos) > 0 && self.is_full(m.client);
        if !matches.iter().any(full) {
            return Ok(());
        }
        if self.settings.config.queue.when_full == WhenFull::Refuse {
            return Err(NotTaken::Quota);
        }
        let before = matches.len();
        matches.retain(|m| !full(m));
        self.stats.dropped.full += (before - matches.len()) as u64;
        Ok(())
    }

    /// Writes down what must survive of this message, if anything must.
    fn append(
        &mut self,
        now: Now,
        topic: TopicName<'_>,
        parcel: &mut Parcel<'_>,
        inbound: Option<(ClientKey, u16)>,
        matches: &[Match],
    ) -> Result<(Ticket, Option<MessageId>), EngineError> {
        if !self.engine.is_durable() || (parcel.retain && topic.as_str().starts_with('$')) {
            return Ok((Ticket::default(), None));
        }
        let id = MessageId(self.next_message);
        let mut records: Vec<(SessionId, QueueRecord)> = Vec::new();
        for m in matches.iter().filter(|m| m.qos.min(parcel.qos) > 0) {
            let client = &self.clients[m.client.0 as usize];
            if client.is_persistent() {
                // A client can be in a group beside its own subscription: then it gets two.
                let earlier = records.iter().filter(|(id, _)| *id == client.id);
                let earlier = m.group.map_or(0, |_| earlier.count() as u64);
                let record = QueueRecord {
                    seq: client.next_seq + earlier,
                    message: id,
                    qos: m.qos.min(parcel.qos),
                    retain: parcel.retain && m.retain_as_published,
                    identifiers: m.identifiers.clone(),
                };
                records.push((client.id, record));
            }
        }
        let clears = parcel.retain && parcel.payload.is_empty() && self.retained.contains(topic);
        let sets = parcel.retain && !parcel.payload.is_empty();
        let mut changes = Vec::with_capacity(records.len() + 3);
        if !records.is_empty() || sets {
            self.next_message += 1;
            changes.push(Change::Message(id, parcel.keep()));
        }
        for (session, record) in &records {
            changes.push(Change::Enqueue(*session, record));
        }
        if sets {
            changes.push(Change::Retain(id));
        } else if clears {
            changes.push(Change::ClearRetained(topic.as_str()));
        }
        if let Some((client, packet_id)) = inbound {
            let session = self.clients[client.0 as usize].id;
            changes.push(Change::OpenInbound(session, packet_id));
        }
        if changes.is_empty() {
            return Ok((Ticket::default(), None));
        }
        let ticket = self.engine.append(now.mono, &changes)?;
        Ok((ticket, sets.then_some(id)))
    }

    /// Hands one message to one receiver: straight to the socket's buffer when nothing is before it,
    /// else into the queue.
    pub(super) fn deliver(&mut self, now: Now, parcel: &mut Parcel<'_>, m: &Match, ticket: Ticket) {
        let qos = m.qos.min(parcel.qos);
        let slow = qos == 0 && self.is_full(m.client);
        let committed = self.engine.committed();
        let Some(client) = self.clients.get_mut(m.client.0 as usize) else {
            return;
        };
        if qos == 0 && client.link.is_none() {
            self.stats.dropped.away += 1;
            return;
        }
        if slow {
            self.stats.dropped.slow += 1;
            return;
        }
        let mut held = Held {
            message: None,
            seq: client.next_seq,
            qos,
            retain: parcel.retain && m.retain_as_published,
            dup: false,
            identifiers: m.identifiers.clone(),
            group: m.group,
        };
        if qos > 0 {
            client.next_seq += 1;
        }
        // A session that ends with its connection needs the ticket for nothing.
        let ticket = if client.is_persistent() && qos > 0 {
            ticket
        } else {
            Ticket::default()
        };
        let ordered = client.queue.is_empty() || (qos == 0 && !client.queue.holds_at_most_once());
        if ordered && ticket <= committed && self.send_now(now, m.client, parcel, &mut held) {
            return;
        }
        held.message = Some(parcel.keep().clone());
        let client = &mut self.clients[m.client.0 as usize];
        client.queue.push(held, ticket);
        if ticket > committed {
            self.wait_for_commit(m.client);
        } else {
            self.set_pending(m.client);
        }
    }

    /// Whether the queue of `client` takes nothing more.
    fn is_full(&self, client: ClientKey) -> bool {
        let limits = &self.settings.config.queue;
        let Some(client) = self.clients.get(client.0 as usize) else {
            return false;
        };
        let unsent = client
            .link
            .and_then(|link| self.links.get(link))
            .map_or(0, |link| link.out.len());
        client.queue.len() >= limits.messages || client.queue.bytes() + unsent >= limits.bytes
    }
}
