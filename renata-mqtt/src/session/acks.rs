//! Acknowledgements that leave in order, each once what it waits for has happened.

use std::collections::VecDeque;

use super::{AckId, StoreSeq};
use crate::packet::AckKind;
use crate::{PacketId, ReasonCode};

/// A queue of acknowledgements, numbered through for the life of the session.
#[derive(Debug, Default)]
pub(super) struct Acks {
    queue: VecDeque<Ack>,
    /// Number of `queue[0]`.
    first: u64,
}

#[derive(Debug)]
struct Ack {
    id: PacketId,
    kind: AckKind,
    wait: Wait,
    /// Whether it answers the current connection.
    current: bool,
}

/// What an acknowledgement waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    Nothing(ReasonCode),
    Store(StoreSeq, ReasonCode),
    Owner,
}

impl Acks {
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn next(&self) -> AckId {
        AckId(self.first + self.queue.len() as u64)
    }

    pub(super) fn push(&mut self, id: PacketId, kind: AckKind, wait: Wait) -> AckId {
        let token = self.next();
        self.queue.push_back(Ack {
            id,
            kind,
            wait,
            current: true,
        });
        token
    }

    /// The owner has settled what it held: says of which message. `None`: nothing waits for the
    /// owner under this name.
    pub(super) fn settle(
        &mut self,
        token: AckId,
        reason: ReasonCode,
    ) -> Option<(PacketId, AckKind)> {
        let at = usize::try_from(token.0.checked_sub(self.first)?).ok()?;
        let ack = self.queue.get_mut(at)?;
        if ack.wait != Wait::Owner {
            return None;
        }
        ack.wait = Wait::Nothing(reason);
        Some((ack.id, ack.kind))
    }

    /// The oldest, if it waits for nothing; with whether it answers the current connection.
    pub(super) fn pop(
        &mut self,
        committed: StoreSeq,
    ) -> Option<(PacketId, AckKind, ReasonCode, bool)> {
        let reason = match self.queue.front()?.wait {
            Wait::Nothing(reason) => reason,
            Wait::Store(seq, reason) if seq <= committed => reason,
            Wait::Store(..) | Wait::Owner => return None,
        };
        let ack = self.queue.pop_front()?;
        self.first += 1;
        Some((ack.id, ack.kind, reason, ack.current))
    }

    /// The connection is gone: none of these will be sent. Their numbers are not used again.
    pub(super) fn clear(&mut self) {
        self.first += self.queue.len() as u64;
        self.queue.clear();
    }

    /// The connection is gone, but what the acknowledgements wait for still has to happen.
    pub(super) fn forget(&mut self) {
        for ack in &mut self.queue {
            ack.current = false;
        }
    }
}
