//! Messages that the peer sent: which acknowledgements we owe, and which QoS 2 exchanges are open.

use std::collections::btree_map::{BTreeMap, Entry};

use super::acks::{Acks, Wait};
use super::wire;
use super::{AckId, Commit, ProtocolError, StoreSeq, Verdict};
use crate::packet::AckKind;
use crate::{PacketId, PacketType, QoS, ReasonCode, Version, WriteQueue};

/// The receiving half of a session.
#[derive(Debug, Default)]
pub(super) struct Inbound {
    /// PUBACK and PUBREC, in the order of arrival of the messages. Only the current connection's.
    acks: Acks,
    /// PUBCOMP, in the order of arrival of PUBREL: they never wait behind a message.
    comps: Acks,
    /// QoS 2 exchanges that are open, on whichever connection they began.
    exchanges: BTreeMap<PacketId, Exchange>,
    committed: StoreSeq,
    /// Messages of this connection that count against our Receive Maximum.
    open: usize,
}

#[derive(Debug)]
struct Exchange {
    stage: Stage,
    /// Whether it counts in `open`.
    counted: bool,
}

#[derive(Debug)]
enum Stage {
    /// The owner has the message, PUBREC has not left.
    Pending {
        /// The name under which the owner knows it.
        token: AckId,
        wait: Wait,
        /// Where its acknowledgement stands in `acks`; `None` until the peer has sent the message
        /// again on a new connection.
        slot: Option<AckId>,
    },
    /// PUBREC has left: the message is ours, a repetition is only acknowledged.
    Recorded,
    /// PUBREL arrived; the identifier is forgotten once the store has this.
    Releasing(StoreSeq),
}

/// What to do with a QoS 2 PUBLISH.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Novelty {
    /// Hand it to the owner.
    New,
    /// It was handed over before.
    Repeated,
}

impl Inbound {
    pub(super) fn restore(recorded: impl IntoIterator<Item = PacketId>) -> Self {
        let exchange = |id| {
            let exchange = Exchange {
                stage: Stage::Recorded,
                counted: false,
            };
            (id, exchange)
        };
        Self {
            exchanges: recorded.into_iter().map(exchange).collect(),
            ..Self::default()
        }
    }

    /// Identifiers whose PUBLISH must not be handed over again.
    pub(super) fn identifiers(&self) -> impl Iterator<Item = PacketId> {
        self.exchanges.iter().filter_map(|(id, exchange)| {
            let pending = matches!(exchange.stage, Stage::Pending { .. });
            (!pending).then_some(*id)
        })
    }

    /// The connection is gone: acknowledgements of QoS 1 are void, QoS 2 exchanges stay open.
    pub(super) fn lost(&mut self) {
        self.acks.clear();
        self.comps.forget();
        self.open = 0;
        for exchange in self.exchanges.values_mut() {
            exchange.counted = false;
            if let Stage::Pending { slot, .. } = &mut exchange.stage {
                *slot = None;
            }
        }
    }

    /// The peer starts a new session.
    pub(super) fn start(&mut self) {
        self.lost();
        self.comps = Acks::default();
        self.exchanges.clear();
    }

    /// Messages of this connection that we have not finished acknowledging.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    /// Acknowledgements that wait for the owner, its store, or one of those before them.
    pub(super) fn owed(&self) -> usize {
        self.acks.len()
    }

    /// Whether a PUBACK, PUBREC or PUBCOMP waits.
    pub(super) fn is_waiting(&self) -> bool {
        self.acks.len() + self.comps.len() > 0
    }

    /// The name for the acknowledgement of the message that is just arriving.
    pub(super) fn next_ack(&self) -> AckId {
        self.acks.next()
    }

    /// Decides whether a QoS 2 PUBLISH is new, and queues the acknowledgement of one that is not.
    pub(super) fn repeated(&mut self, id: PacketId, dup: bool) -> Novelty {
        let Some(exchange) = self.exchanges.get_mut(&id) else {
            return Novelty::New;
        };
        let count = !std::mem::replace(&mut exchange.counted, true);
        match &mut exchange.stage {
            // Sent twice on one connection: its acknowledgement is already in the queue.
            Stage::Pending { slot: Some(_), .. } => {}
            // The peer gave up a message that we never acknowledged, and uses its identifier again:
            // a repetition would carry DUP [MQTT-3.3.1-1].
            Stage::Pending { slot: None, .. } if !dup => {
                self.exchanges.remove(&id);
                return Novelty::New;
            }
            Stage::Pending { slot, wait, .. } => {
                *slot = Some(self.acks.push(id, AckKind::PubRec, *wait));
            }
            Stage::Recorded | Stage::Releasing(_) => {
                self.acks
                    .push(id, AckKind::PubRec, Wait::Nothing(ReasonCode::SUCCESS));
            }
        }
        self.open += usize::from(count);
        Novelty::Repeated
    }

    /// Queues the acknowledgement of a message that the owner has just judged.
    pub(super) fn judged(
        &mut self,
        id: PacketId,
        qos: QoS,
        verdict: Verdict,
    ) -> Result<(), ProtocolError> {
        let wait = match verdict {
            Verdict::Ack(reason) => Wait::Nothing(reason),
            Verdict::AckAfter(seq, reason) => Wait::Store(seq, reason),
            Verdict::Hold => Wait::Owner,
            Verdict::Close(reason) => return Err(ProtocolError::Closed(reason)),
        };
        self.open += 1;
        if qos == QoS::ExactlyOnce {
            let token = self.acks.push(id, AckKind::PubRec, wait);
            let exchange = Exchange {
                stage: Stage::Pending {
                    token,
                    wait,
                    slot: Some(token),
                },
                counted: true,
            };
            self.exchanges.insert(id, exchange);
        } else {
            self.acks.push(id, AckKind::PubAck, wait);
        }
        Ok(())
    }

    /// The owner acknowledges a message that it [held](Verdict::Hold). `false`: it was not owed.
    pub(super) fn ack(&mut self, token: AckId, reason: ReasonCode) -> bool {
        let settled = Wait::Nothing(reason);
        if let Some((id, kind)) = self.acks.settle(token, reason) {
            if kind == AckKind::PubRec
                && let Some(exchange) = self.exchanges.get_mut(&id)
                && let Stage::Pending { wait, .. } = &mut exchange.stage
            {
                *wait = settled;
            }
            return true;
        }
        // A QoS 2 message that was handed over on an earlier connection.
        for exchange in self.exchanges.values_mut() {
            if let Stage::Pending {
                token: known,
                wait: wait @ Wait::Owner,
                slot,
            } = &mut exchange.stage
                && *known == token
            {
                *wait = settled;
                if let Some(slot) = *slot {
                    self.acks.settle(slot, reason);
                }
                return true;
            }
        }
        false
    }

    pub(super) fn pubrel(
        &mut self,
        id: PacketId,
        released: impl FnOnce() -> Commit,
    ) -> Result<(), ProtocolError> {
        let Entry::Occupied(mut entry) = self.exchanges.entry(id) else {
            // [MQTT-4.3.3-11]: answered, although nothing is known of it (any more).
            let reason = ReasonCode::PACKET_IDENTIFIER_NOT_FOUND;
            self.comps.push(id, AckKind::PubComp, Wait::Nothing(reason));
            return Ok(());
        };
        let wait = match entry.get().stage {
            Stage::Pending { .. } => {
                return Err(ProtocolError::UnexpectedAck {
                    packet: PacketType::PubRel,
                    id,
                });
            }
            Stage::Releasing(seq) => Wait::Store(seq, ReasonCode::SUCCESS),
            Stage::Recorded => match released() {
                Commit::Now => Wait::Nothing(ReasonCode::SUCCESS),
                Commit::After(seq) => Wait::Store(seq, ReasonCode::SUCCESS),
            },
        };
        let seq = match wait {
            Wait::Store(seq, _) => seq,
            Wait::Nothing(_) | Wait::Owner => StoreSeq(0),
        };
        entry.get_mut().stage = Stage::Releasing(seq);
        self.comps.push(id, AckKind::PubComp, wait);
        Ok(())
    }

    /// Writes every acknowledgement that waits for nothing, in order.
    pub(super) fn flush(&mut self, version: Option<Version>, upto: StoreSeq, out: &mut WriteQueue) {
        self.committed = self.committed.max(upto);
        if let Some(version) = version {
            while let Some((id, kind, reason, _)) = self.acks.pop(self.committed) {
                wire::ack(version, kind, id, reason, out);
                if kind == AckKind::PubAck {
                    self.open -= 1;
                } else {
                    self.recorded_or_refused(id, reason);
                }
            }
        }
        while let Some((id, kind, reason, current)) = self.comps.pop(self.committed) {
            if let Some(version) = version.filter(|_| current) {
                wire::ack(version, kind, id, reason, out);
            }
            if let Entry::Occupied(entry) = self.exchanges.entry(id)
                && matches!(entry.get().stage, Stage::Releasing(_))
            {
                self.open -= usize::from(entry.remove().counted);
            }
        }
    }

    /// PUBREC has left.
    fn recorded_or_refused(&mut self, id: PacketId, reason: ReasonCode) {
        let Entry::Occupied(mut entry) = self.exchanges.entry(id) else {
            return;
        };
        if reason.is_error() {
            self.open -= usize::from(entry.remove().counted);
        } else if matches!(entry.get().stage, Stage::Pending { .. }) {
            entry.get_mut().stage = Stage::Recorded;
        }
    }
}
