//! A broker of a few lines: it changes its state as brokers do and remembers each one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use renata_journal::SyncJob;
use renata_journal::sim::SimDisk;
use smallvec::smallvec;

use super::super::super::{
    Change, MessageId, QueueRecord, Recovered, SessionId, SessionRecord, SubscriptionRecord,
    Ticket, WillRecord,
};
use super::super::log::{Limits, Log};
use crate::message::Message;

/// Files of a few records, so that much is cleaned and deleted in a short life.
pub(super) fn limits() -> Limits {
    Limits {
        commit_interval: Duration::ZERO,
        commit_records: 1,
        max_bytes: 1 << 20,
        segment_bytes: 600,
    }
}

/// The state as a client would notice it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct View {
    pub(super) sessions: BTreeMap<SessionId, SessionView>,
    pub(super) retained: BTreeMap<String, Bytes>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SessionView {
    record: SessionRecord,
    next_seq: u64,
    /// What was enqueued and what of the message is left, by number.
    pub(super) queue: BTreeMap<u64, (QueueRecord, Option<Bytes>)>,
    inbound: BTreeSet<u16>,
}

impl View {
    pub(super) fn of(recovered: Recovered) -> Self {
        let mut view = Self::default();
        for (_, message) in recovered.retained {
            let text = message.topic.to_string();
            view.retained.insert(text, message.payload.clone());
        }
        for s in recovered.sessions {
            let numbers: Vec<u64> = s.queue.iter().map(|e| e.record.seq).collect();
            assert!(numbers.is_sorted(), "in order: {numbers:?}");
            let entry = |e: super::super::super::RecoveredEntry| {
                let payload = e.message.map(|m| m.payload.clone());
                (e.record.seq, (e.record, payload))
            };
            let session = SessionView {
                next_seq: s.next_seq,
                queue: s.queue.into_iter().map(entry).collect(),
                inbound: s.inbound.into_iter().collect(),
                record: s.record,
            };
            view.sessions.insert(session.record.id, session);
        }
        view
    }
}

pub(super) struct Model {
    dice: u64,
    now: Instant,
    pub(super) view: View,
    /// The view after each batch.
    history: BTreeMap<Ticket, View>,
    pub(super) committed: Ticket,
    job: Option<SyncJob<SimDisk>>,
    untold: bool,
    next_session: u64,
    next_message: u64,
    /// Messages that are retained, by topic.
    retained: BTreeMap<String, (MessageId, Arc<Message>)>,
}

impl Model {
    pub(super) fn new(seed: u64) -> Self {
        Self::resume(seed, View::default(), Ticket(0))
    }

    /// Goes on from a state that was recovered. Names begin far away from those that may be used.
    pub(super) fn resume(seed: u64, view: View, at: Ticket) -> Self {
        let base = if at == Ticket(0) { 0 } else { 1000 };
        Self {
            dice: seed,
            now: Instant::now(),
            history: BTreeMap::from([(Ticket(0), view.clone())]),
            view,
            committed: at,
            job: None,
            untold: false,
            next_session: base,
            next_message: base,
            retained: BTreeMap::new(),
        }
    }

    pub(super) fn next_message(&self) -> MessageId {
        MessageId(self.next_message)
    }

    pub(super) fn view_at(&self, ticket: Ticket) -> View {
        let (_, view) = self.history.range(..=ticket).next_back().unwrap();
        view.clone()
    }

    fn below(&mut self, n: u64) -> u64 {
        self.dice = self
            .dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 33) % n
    }

    fn any_session(&mut self) -> Option<SessionId> {
        let ids: Vec<SessionId> = self.view.sessions.keys().copied().collect();
        if ids.is_empty() {
            return None;
        }
        Some(ids[self.below(ids.len() as u64) as usize])
    }

    /// Does this and that, until something has happened that the log did not take.
    pub(super) fn live(&mut self, log: &mut Log<SimDisk>, steps: u32) {
        for _ in 0..steps {
            if self.untold {
                break;
            }
            let (what, session) = (self.below(16), self.any_session());
            let Some(s) = session.filter(|_| what > 0) else {
                if self.view.sessions.len() < 6 {
                    self.try_add_session(log);
                }
                continue;
            };
            match what {
                1..=6 => {
                    let other = self.any_session().filter(|&o| o != s);
                    let to: Vec<SessionId> = [s].into_iter().chain(other).collect();
                    let retain = self.below(3) == 0;
                    publish(self, log, &to, retain);
                }
                7..=9 => drop(self.acknowledge(log, s)),
                10 => self.receive(log, s),
                11 => self.release(log, s),
                12 => self.resubscribe(log, s),
                13 => self.subscribe_retained(log, s),
                14 if self.below(3) == 0 => self.end_session(log, s),
                14 => self.clear_retained(log),
                _ => self.slow_turn(log),
            }
        }
    }

    /// One turn of the worker: a sync that is due runs to its end.
    pub(super) fn turn(&mut self, log: &mut Log<SimDisk>) {
        self.slow_turn(log);
        self.end_sync(log);
    }

    /// One turn of the worker: a sync that is due begins, the one before it ends.
    fn slow_turn(&mut self, log: &mut Log<SimDisk>) {
        self.now += Duration::from_secs(1);
        if self.job.is_some() {
            // Turns are taken while it runs.
            let another = log.turn(self.now);
            assert!(!matches!(another, Ok(Some(_))), "one at a time");
        }
        self.end_sync(log);
        self.job = log.turn(self.now).unwrap_or_default();
    }

    fn end_sync(&mut self, log: &mut Log<SimDisk>) {
        if let Some(job) = self.job.take()
            && log.finish_sync(self.now, job.run()).is_ok()
        {
            self.committed = log.committed();
        }
    }

    /// Appends; the view is as `change` makes it if the batch was taken.
    fn append(
        &mut self,
        log: &mut Log<SimDisk>,
        changes: &[Change<'_>],
        change: impl FnOnce(&mut View),
    ) -> bool {
        let Ok(ticket) = log.append(self.now, changes) else {
            self.untold |= !matches!(changes[0], Change::Message(..));
            return false;
        };
        change(&mut self.view);
        self.history.insert(ticket, self.view.clone());
        true
    }

    pub(super) fn add_session(&mut self, log: &mut Log<SimDisk>) -> SessionId {
        self.try_add_session(log).unwrap()
    }

    fn try_add_session(&mut self, log: &mut Log<SimDisk>) -> Option<SessionId> {
        let id = SessionId(self.next_session);
        self.next_session += 1;
        let record = SessionRecord {
            id,
            client_id: format!("client-{}", id.0).into(),
            principal: "plant".into(),
            expiry_secs: u32::MAX,
            left_at: None,
            subscriptions: Vec::new(),
            will: None,
        };
        let view = SessionView {
            record: record.clone(),
            next_seq: 0,
            queue: BTreeMap::new(),
            inbound: BTreeSet::new(),
        };
        let taken = self.append(log, &[Change::Session(&record)], |v| {
            v.sessions.insert(id, view);
        });
        taken.then_some(id)
    }

    pub(super) fn end_session(&mut self, log: &mut Log<SimDisk>, id: SessionId) {
        self.append(log, &[Change::EndSession(id)], |v| {
            v.sessions.remove(&id);
        });
    }

    fn resubscribe(&mut self, log: &mut Log<SimDisk>, id: SessionId) {
        let n = self.below(100);
        let mut record = self.view.sessions[&id].record.clone();
        record.left_at = n.is_multiple_of(2).then_some(1_000 + n);
        record.will = n.is_multiple_of(3).then(|| WillRecord {
            message: Arc::new(Message {
                topic: "plant/will".into(),
                payload: Bytes::from(n.to_string()),
                properties: Bytes::new(),
                qos: 1,
                expires_at: None,
            }),
            retain: n.is_multiple_of(2),
            delay_secs: n as u32,
            expiry_secs: n.is_multiple_of(6).then_some(n as u32),
        });
        record.subscriptions.truncate(2);
        record.subscriptions.push(SubscriptionRecord {
            filter: format!("$share/g{n}/plant/+/{n}/#").into(),
            qos: (n % 3) as u8,
            no_local: n.is_multiple_of(2),
            retain_as_published: n.is_multiple_of(5),
            retain_handling: (n % 3) as u8,
            identifier: n as u32 * 3_000_000 % 268_435_455,
        });
        self.append(log, &[Change::Session(&record)], |v| {
            v.sessions.get_mut(&id).unwrap().record = record.clone();
        });
    }

    /// The oldest entry is done.
    pub(super) fn acknowledge(&mut self, log: &mut Log<SimDisk>, id: SessionId) -> bool {
        let queue = &self.view.sessions[&id].queue;
        // Mostly the first one; sometimes one behind it, as expiry does.
        let skip = usize::from(self.dice.is_multiple_of(5));
        let Some(&seq) = queue.keys().nth(skip).or(queue.keys().next()) else {
            return true;
        };
        self.append(log, &[Change::Dequeue(id, seq)], |v| {
            v.sessions.get_mut(&id).unwrap().queue.remove(&seq);
        })
    }

    /// The subscriber has a QoS 2 message.
    fn receive(&mut self, log: &mut Log<SimDisk>, id: SessionId) {
        let queue = &self.view.sessions[&id].queue;
        let open = queue.iter().find(|(_, (r, m))| r.qos == 2 && m.is_some());
        let Some((&seq, _)) = open else { return };
        self.append(log, &[Change::Received(id, seq)], |v| {
            v.sessions
                .get_mut(&id)
                .unwrap()
                .queue
                .get_mut(&seq)
                .unwrap()
                .1 = None;
        });
    }

    fn release(&mut self, log: &mut Log<SimDisk>, id: SessionId) {
        let Some(&packet) = self.view.sessions[&id].inbound.first() else {
            return;
        };
        self.append(log, &[Change::CloseInbound(id, packet)], |v| {
            v.sessions.get_mut(&id).unwrap().inbound.remove(&packet);
        });
    }

    /// A new subscription gets a message that is retained since long.
    fn subscribe_retained(&mut self, log: &mut Log<SimDisk>, id: SessionId) {
        let Some((message, kept)) = self.retained.values().next().cloned() else {
            return;
        };
        let record = QueueRecord {
            seq: self.view.sessions[&id].next_seq,
            message,
            qos: 1,
            retain: true,
            identifiers: smallvec![7],
        };
        self.append(log, &[Change::Enqueue(id, &record)], |v| {
            let session = v.sessions.get_mut(&id).unwrap();
            session.next_seq += 1;
            let payload = Some(kept.payload.clone());
            session.queue.insert(record.seq, (record.clone(), payload));
        });
    }

    fn clear_retained(&mut self, log: &mut Log<SimDisk>) {
        let Some(topic) = self.view.retained.keys().next().cloned() else {
            return;
        };
        self.retained.remove(&topic);
        self.append(log, &[Change::ClearRetained(&topic)], |v| {
            v.retained.remove(&topic);
        });
    }
}

/// Publishes at QoS 1 or 2 to some sessions, perhaps retained, perhaps from one of them.
pub(super) fn publish(
    model: &mut Model,
    log: &mut Log<SimDisk>,
    to: &[SessionId],
    retain: bool,
) -> bool {
    let id = MessageId(model.next_message);
    model.next_message += 1;
    let n = model.below(60) as usize;
    let qos = 1 + (n % 2) as u8;
    let topic = format!("plant/{}", n % 4);
    let message = Arc::new(Message {
        topic: topic.as_str().into(),
        payload: Bytes::from(format!("{}:{}", id.0, "x".repeat(n))),
        properties: Bytes::copy_from_slice(&b"properties"[..n % 10]),
        qos,
        expires_at: n.is_multiple_of(3).then_some(n as u64 + 1),
    });
    let records: Vec<(SessionId, QueueRecord)> = to
        .iter()
        .map(|&session| {
            let record = QueueRecord {
                seq: model.view.sessions[&session].next_seq,
                message: id,
                qos,
                retain: false,
                identifiers: smallvec![n as u32; n % 3],
            };
            (session, record)
        })
        .collect();
    let mut changes = vec![Change::Message(id, &message)];
    changes.extend(records.iter().map(|(s, r)| Change::Enqueue(*s, r)));
    if retain {
        changes.push(Change::Retain(id));
    }
    let packet = (qos == 2).then_some(n as u16 + 1);
    if let Some(packet) = packet {
        changes.push(Change::OpenInbound(to[0], packet));
    }
    let taken = model.append(log, &changes, |v| {
        for (session, record) in &records {
            let session = v.sessions.get_mut(session).unwrap();
            session.next_seq = record.seq + 1;
            let kept = (record.clone(), Some(message.payload.clone()));
            session.queue.insert(record.seq, kept);
        }
        if let Some(packet) = packet {
            let session = v.sessions.get_mut(&to[0]).unwrap();
            session.inbound.insert(packet);
        }
        if retain {
            v.retained.insert(topic.clone(), message.payload.clone());
        }
    });
    if taken && retain {
        model.retained.insert(topic, (id, message));
    }
    taken
}
