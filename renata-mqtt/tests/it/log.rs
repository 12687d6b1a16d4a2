//! A log for a session, which loses what was not committed.

use std::collections::BTreeSet;

use renata_mqtt::session::{Restore, Stage, StoreSeq};
use renata_mqtt::{PacketId, QoS};

/// A message: its number, and how it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) number: u32,
    pub(crate) qos: QoS,
}

/// What an end has written to its log.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Record {
    Opened(PacketId, Message),
    Received(PacketId, u64),
    Completed(PacketId),
    /// A message arrived; with an identifier to remember at QoS 2.
    Arrived(Message, Option<PacketId>),
    Released(PacketId),
}

/// A log that loses what was not committed.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) records: Vec<Record>,
    pub(crate) committed: usize,
}

impl Log {
    pub(crate) fn append(&mut self, record: Record) -> StoreSeq {
        self.records.push(record);
        StoreSeq(self.records.len() as u64)
    }

    /// What a restart finds: the session, and the messages that had arrived.
    pub(crate) fn replay(&mut self) -> (Restore<Message>, Vec<Message>) {
        self.records.truncate(self.committed);
        let mut open: Vec<(PacketId, Stage, Message)> = Vec::new();
        let mut recorded = BTreeSet::new();
        let mut arrived = Vec::new();
        let mut next = PacketId::MIN;
        for record in &self.records {
            match *record {
                Record::Opened(id, message) => {
                    let stage = match message.qos {
                        QoS::ExactlyOnce => Stage::Published2,
                        _ => Stage::Published1,
                    };
                    open.push((id, stage, message));
                    next = PacketId::new(id.get() % u16::MAX + 1).expect("1 to 65535");
                }
                Record::Received(id, order) => {
                    for entry in open.iter_mut().filter(|entry| entry.0 == id) {
                        entry.1 = Stage::Received { order };
                    }
                }
                Record::Completed(id) => open.retain(|entry| entry.0 != id),
                Record::Arrived(message, id) => {
                    arrived.push(message);
                    recorded.extend(id);
                }
                Record::Released(id) => {
                    recorded.remove(&id);
                }
            }
        }
        if open.is_empty() {
            // Every identifier is free: use the first ones again, to see that nobody still minds.
            next = PacketId::MIN;
        }
        let state = Restore {
            next,
            messages: open,
            recorded: recorded.into_iter().collect(),
        };
        (state, arrived)
    }
}
