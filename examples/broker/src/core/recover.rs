//! The state that the engine has kept, put back in place at the start.

use std::sync::Arc;

use renata_auth::Principal;
use renata_mqtt::PacketId;
use renata_mqtt::session::{Restore, Role, Session, Stage};
use renata_topics::{TopicFilter, TopicName};

use super::client::{Client, ClientKey, Held, Queue, Subscription, Will};
use super::{Core, retained};
use crate::access::Who;
use crate::clock::Now;
use crate::engine::{EngineError, RecoveredEntry, RecoveredSession, SessionRecord, Ticket};

impl Core {
    /// Puts everything back; sessions whose time is over end here.
    pub(super) fn recover(&mut self, now: Now) -> Result<(), EngineError> {
        let state = self.engine.recover()?;
        self.committed = self.engine.committed();
        self.next_session = state.next_session;
        self.next_message = state.next_message;
        for (id, message) in state.retained {
            if let Ok(topic) = TopicName::new(&message.topic) {
                let entry = retained::Entry {
                    id: Some(id),
                    message: Arc::clone(&message),
                };
                self.retained.set(topic, entry);
            }
        }
        let count = state.sessions.len();
        for session in state.sessions {
            self.recover_session(now, &session)?;
        }
        if self.engine.is_durable() {
            tracing::info!(
                sessions = count,
                retained = self.retained.len(),
                "recovered"
            );
        }
        Ok(())
    }

    fn recover_session(&mut self, now: Now, state: &RecoveredSession) -> Result<(), EngineError> {
        let record = &state.record;
        let (session, queue) = exchanges(state)?;
        let mut client = Client {
            id: record.id,
            who: Arc::new(self.who_was(record)),
            link: None,
            session: Some(Box::new(session)),
            queue,
            subscriptions: record
                .subscriptions
                .iter()
                .map(Subscription::from_record)
                .collect(),
            expiry_secs: record.expiry_secs,
            // One that was connected when the process ended left now.
            left_at: Some(record.left_at.unwrap_or(now.unix_ms)),
            will: record.will.as_ref().map(Will::from_record),
            will_at: None,
            look_at: None,
            next_seq: state.next_seq,
            recorded: true,
            pending: false,
            waiting: false,
        };
        // Without rights it would be denied: then it waits for the client or the end of the session.
        let will = client.will.as_ref().filter(|_| client.who.is_known());
        let will_at = will.map(|will| {
            // The end of the process ended connections too. Clients get a while to come back before
            // the whole plant is told that they are gone (MQTT 5.0 §3.1.2.5 allows a delay).
            let (left, least) = match record.left_at {
                Some(at) => (at, 0),
                None => (now.unix_ms, COME_BACK_MS),
            };
            let delay = u64::from(will.delay_secs.min(client.expiry_secs)) * 1_000;
            now.when(left + delay.max(least))
        });
        client.will_at = will_at;
        let subscriptions = client.subscriptions.clone();
        let key = ClientKey(self.clients.insert(client) as u32);
        self.by_id.insert(Arc::clone(&record.client_id), key);
        for subscription in &subscriptions {
            if let Ok(filter) = TopicFilter::new(&subscription.filter) {
                self.router.insert(filter, key, subscription.options);
            }
        }
        self.look_later(now, key);
        Ok(())
    }
}

impl Core {
    /// The owner of a recovered session. What nobody proved can be judged again at once; the owner
    /// of a certificate is when it shows that again.
    fn who_was(&self, record: &SessionRecord) -> Who {
        let anonymous = Principal::anonymous();
        if *record.principal == *anonymous.to_string() {
            let access = &self.settings.access;
            if let Ok(who) = access.who(&anonymous, Arc::clone(&record.client_id)) {
                return who;
            }
        }
        Who::recovered(&record.client_id, &record.principal)
    }
}

/// How long the wills of clients that were connected wait at least after a restart.
const COME_BACK_MS: u64 = 5_000;

/// Splits what was kept: up to the last QoS 2 exchange that got as far as PUBREC the entries are open,
/// the others are queued. All of them may have been sent; the packet ids follow from the numbers.
fn exchanges(state: &RecoveredSession) -> Result<(Session<Held>, Queue), EngineError> {
    let received = |entry: &RecoveredEntry| entry.message.is_none();
    let open = state
        .queue
        .iter()
        .rposition(received)
        .map_or(0, |last| last + 1);
    let mut messages = Vec::new();
    let mut queue = Queue::default();
    let mut next = state
        .queue
        .get(open)
        .map_or(state.next_seq, |entry| entry.record.seq);
    for (order, entry) in state.queue.iter().enumerate() {
        let held = held(entry);
        if order < open {
            let stage = match (&entry.message, entry.record.qos) {
                (None, _) => Stage::Received {
                    order: order as u64,
                },
                (Some(_), 2) => Stage::Published2,
                (Some(_), _) => Stage::Published1,
            };
            messages.push((packet_id(entry.record.seq), stage, held));
        } else {
            // Entries that are done leave gaps, and packet ids count them.
            while next < entry.record.seq {
                queue.push(hollow(next), Ticket::default());
                next += 1;
            }
            next = entry.record.seq + 1;
            queue.push(held, Ticket::default());
        }
    }
    while next < state.next_seq && !queue.is_empty() {
        queue.push(hollow(next), Ticket::default());
        next += 1;
    }
    let first = queue
        .front()
        .map_or(state.next_seq, |queued| queued.held.seq);
    let restore = Restore {
        next: packet_id(first),
        messages,
        recorded: state
            .inbound
            .iter()
            .filter_map(|id| PacketId::new(*id))
            .collect(),
    };
    let session = Session::restore(Role::Server, restore)
        .map_err(|e| EngineError::Failed(format!("{}: {e}", state.record.client_id)))?;
    Ok((session, queue))
}

fn held(entry: &RecoveredEntry) -> Held {
    Held {
        message: entry.message.clone(),
        seq: entry.record.seq,
        qos: entry.record.qos,
        retain: entry.record.retain,
        dup: true,
        identifiers: entry.record.identifiers.clone(),
        group: None,
    }
}

/// An entry of which only the number is left.
fn hollow(seq: u64) -> Held {
    Held {
        message: None,
        seq,
        qos: 1,
        retain: false,
        dup: false,
        identifiers: Default::default(),
        group: None,
    }
}

fn packet_id(seq: u64) -> PacketId {
    PacketId::new((seq % 65_535) as u16 + 1).unwrap_or(PacketId::MIN)
}
