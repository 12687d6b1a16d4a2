//! The durable state in memory: what the log says, change by change.
//!
//! The same code applies a change when it is made and when it is read back, so that recovery and
//! life cannot drift apart. It also tells what of the log is still needed.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::super::{
    Change, EngineError, MessageId, QueueRecord, Recovered, RecoveredEntry, RecoveredSession,
    SessionId, SessionRecord,
};
use crate::message::Message;

/// Everything that has to survive.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) sessions: FxHashMap<SessionId, SessionState>,
    pub(super) messages: FxHashMap<MessageId, Stored>,
    pub(super) retained: FxHashMap<Arc<str>, MessageId>,
    pub(super) next_session: u64,
    pub(super) next_message: u64,
    /// Roughly how many bytes of the log are needed.
    pub(super) live_bytes: u64,
    /// Messages of the batch that is being applied.
    fresh: SmallVec<[MessageId; 2]>,
}

/// A session, its queue and its exchanges.
#[derive(Debug, Default)]
pub(super) struct SessionState {
    /// `None` while only later parts of the log have been read that speak of it.
    pub(super) record: Option<SessionRecord>,
    /// Where in the log its newest record stands.
    pub(super) at: u64,
    pub(super) next_seq: u64,
    /// By `seq`. Copies are read back in between others, so this is no plain queue.
    queue: BTreeMap<u64, Entry>,
    inbound: Vec<u16>,
    weight: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) record: QueueRecord,
    /// QoS 2: only the number is needed.
    pub(super) received: bool,
}

/// A message and how many queues and topics need it.
#[derive(Debug, Default)]
pub(super) struct Stored {
    /// `None` while only references to it have been read: its copy comes later in the log.
    pub(super) message: Option<Arc<Message>>,
    refs: u32,
}

impl State {
    /// Applies one change that stands at `at` in the log.
    pub(super) fn apply(&mut self, at: u64, change: &Change<'_>) {
        match *change {
            Change::Session(record) => self.session(at, record, 0),
            Change::EndSession(id) => self.end_session(id),
            Change::Message(id, message) => self.message(id, message),
            Change::Enqueue(session, record) => self.enqueue(session, record, false),
            Change::Received(session, seq) => {
                let entry = self.entry(session, seq).filter(|e| !e.received);
                if let Some(entry) = entry {
                    entry.received = true;
                    let message = entry.record.message;
                    self.release(message);
                }
            }
            Change::Dequeue(session, seq) => self.dequeue(session, seq),
            Change::OpenInbound(session, id) => {
                let inbound = &mut self.sessions.entry(session).or_default().inbound;
                if !inbound.contains(&id) {
                    inbound.push(id);
                    self.live_bytes += ENTRY_BYTES;
                }
            }
            Change::CloseInbound(session, id) => {
                if let Some(session) = self.sessions.get_mut(&session)
                    && let Some(i) = session.inbound.iter().position(|&open| open == id)
                {
                    session.inbound.swap_remove(i);
                    self.live_bytes -= ENTRY_BYTES;
                }
            }
            Change::Retain(id) => self.retain(id),
            Change::ClearRetained(topic) => {
                if let Some(id) = self.retained.remove(topic) {
                    self.release(id);
                }
            }
        }
    }

    /// All changes of one batch are applied: messages that none of them refers to are not needed.
    pub(super) fn end_batch(&mut self) {
        for id in std::mem::take(&mut self.fresh) {
            if self.messages.get(&id).is_some_and(|m| m.refs == 0) {
                self.forget(id);
            }
        }
    }

    /// A session is as described; `next_seq` is at least what the next entry of its queue gets.
    pub(super) fn session(&mut self, at: u64, record: &SessionRecord, next_seq: u64) {
        self.next_session = self.next_session.max(record.id.0 + 1);
        let session = self.sessions.entry(record.id).or_default();
        self.live_bytes -= session.weight;
        session.weight = session_weight(record);
        self.live_bytes += session.weight;
        session.at = at;
        session.next_seq = session.next_seq.max(next_seq);
        session.record = Some(record.clone());
    }

    /// A session has to get a message, or has got it and only the number is needed.
    pub(super) fn enqueue(&mut self, id: SessionId, record: &QueueRecord, received: bool) {
        let entry = Entry {
            record: record.clone(),
            received,
        };
        let session = self.sessions.entry(id).or_default();
        session.next_seq = session.next_seq.max(record.seq + 1);
        let replaced = session.queue.insert(record.seq, entry);
        if !received {
            self.messages.entry(record.message).or_default().refs += 1;
        }
        match replaced {
            // Read a second time, from a copy.
            Some(old) if !old.received => self.release(old.record.message),
            Some(_) => {}
            None => self.live_bytes += ENTRY_BYTES,
        }
    }

    pub(super) fn entry(&mut self, session: SessionId, seq: u64) -> Option<&mut Entry> {
        self.sessions.get_mut(&session)?.queue.get_mut(&seq)
    }

    pub(super) fn is_open_inbound(&self, session: SessionId, id: u16) -> bool {
        let session = self.sessions.get(&session);
        session.is_some_and(|s| s.inbound.contains(&id))
    }

    /// What the broker is given at its start.
    pub(super) fn recovered(&mut self) -> Result<Recovered, EngineError> {
        // Only traces are left of a session whose end is behind the part that was read.
        let ended: Vec<SessionId> = self.sessions_without_record();
        for id in ended {
            self.end_session(id);
        }
        let missing = |what: &str, id: MessageId| {
            EngineError::Failed(format!(
                "{what} refers to message {}, which is missing",
                id.0
            ))
        };
        let mut recovered = Recovered {
            next_session: self.next_session,
            next_message: self.next_message,
            ..Recovered::default()
        };
        for (topic, &id) in &self.retained {
            let message = self.messages.get(&id).and_then(|m| m.message.clone());
            let message = message.ok_or_else(|| missing(&format!("retained {topic}"), id))?;
            recovered.retained.push((id, message));
        }
        for session in self.sessions.values() {
            let Some(record) = session.record.clone() else {
                continue;
            };
            let mut queue = Vec::with_capacity(session.queue.len());
            for entry in session.queue.values() {
                let id = entry.record.message;
                let message = if entry.received {
                    None
                } else {
                    let found = self.messages.get(&id).and_then(|m| m.message.clone());
                    Some(found.ok_or_else(|| missing(&record.client_id, id))?)
                };
                queue.push(RecoveredEntry {
                    record: entry.record.clone(),
                    message,
                });
            }
            recovered.sessions.push(RecoveredSession {
                record,
                queue,
                next_seq: session.next_seq,
                inbound: session.inbound.clone(),
            });
        }
        Ok(recovered)
    }

    fn sessions_without_record(&self) -> Vec<SessionId> {
        let traces = self.sessions.iter().filter(|(_, s)| s.record.is_none());
        traces.map(|(&id, _)| id).collect()
    }

    fn end_session(&mut self, id: SessionId) {
        self.next_session = self.next_session.max(id.0 + 1);
        let Some(session) = self.sessions.remove(&id) else {
            return;
        };
        self.live_bytes -= session.weight + session.inbound.len() as u64 * ENTRY_BYTES;
        for entry in session.queue.into_values() {
            self.live_bytes -= ENTRY_BYTES;
            if !entry.received {
                self.release(entry.record.message);
            }
        }
    }

    fn message(&mut self, id: MessageId, message: &Arc<Message>) {
        self.next_message = self.next_message.max(id.0 + 1);
        let stored = self.messages.entry(id).or_default();
        if stored.message.is_none() {
            stored.message = Some(message.clone());
            self.live_bytes += message_weight(message);
            self.fresh.push(id);
        }
    }

    fn retain(&mut self, id: MessageId) {
        let Some(stored) = self.messages.get_mut(&id) else {
            return;
        };
        let Some(message) = &stored.message else {
            return;
        };
        let topic = message.topic.clone();
        stored.refs += 1;
        if let Some(old) = self.retained.insert(topic, id) {
            self.release(old);
        }
    }

    fn dequeue(&mut self, id: SessionId, seq: u64) {
        let session = self.sessions.get_mut(&id);
        let Some(entry) = session.and_then(|s| s.queue.remove(&seq)) else {
            return;
        };
        self.live_bytes -= ENTRY_BYTES;
        if !entry.received {
            self.release(entry.record.message);
        }
    }

    /// One reference less.
    fn release(&mut self, id: MessageId) {
        if let Some(stored) = self.messages.get_mut(&id) {
            stored.refs = stored.refs.saturating_sub(1);
            if stored.refs == 0 {
                self.forget(id);
            }
        }
    }

    fn forget(&mut self, id: MessageId) {
        if let Some(message) = self.messages.remove(&id).and_then(|m| m.message) {
            self.live_bytes -= message_weight(&message);
        }
    }
}

/// A queue entry or an open exchange in the log, roughly. Too little is better than too much: what
/// is taken for needed is not cleaned.
const ENTRY_BYTES: u64 = 10;

fn message_weight(message: &Message) -> u64 {
    (message.topic.len() + message.payload.len() + message.properties.len() + 28) as u64
}

fn session_weight(record: &SessionRecord) -> u64 {
    let filters = record.subscriptions.iter().map(|s| s.filter.len() + 8);
    let names = record.client_id.len() + record.principal.len();
    let will = record
        .will
        .as_ref()
        .map_or(0, |w| message_weight(&w.message));
    (filters.sum::<usize>() + names + 48) as u64 + will
}
