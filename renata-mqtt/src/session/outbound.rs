//! Messages and requests that we sent: identifiers, the peer's window, and what has no answer yet.

use std::collections::VecDeque;

use super::ring::Ring;
use super::wire;
use super::{Commit, Completion, Handler, ProtocolError, Refused, StoreSeq};
use crate::{PacketId, PacketType, QoS, ReasonCode, Version, WriteQueue};

/// The sending half of a session.
#[derive(Debug)]
pub(super) struct Outbound<M> {
    pub(super) ring: Ring<Open<M>>,
    pub(super) link: Option<Sending>,
    /// PUBRELs that wait for the store, in the order of their PUBRECs.
    pub(super) waiting: VecDeque<(StoreSeq, PacketId)>,
    /// Counts PUBRECs, so that PUBRELs can be sent again in their order.
    receipts: u64,
}

/// What is only true for the current connection.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) version: Version,
    /// The peer's Receive Maximum.
    pub(super) maximum: usize,
    /// Open messages that were sent on this connection; never above `maximum` by a PUBLISH.
    pub(super) in_flight: usize,
    /// Slots from here on may hold messages of an earlier connection that still have to be sent
    /// again; `None` once all are out.
    pub(super) resend_from: Option<u64>,
}

#[derive(Debug)]
pub(super) enum Open<M> {
    Message {
        message: M,
        stage: Stage,
        /// On the current connection.
        sent: bool,
        /// PUBREL waits for the store.
        waits: bool,
    },
    Request {
        kind: Request,
        filters: usize,
    },
}

/// How far an open message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// QoS 1: waits for PUBACK.
    Published1,
    /// QoS 2: waits for PUBREC.
    Published2,
    /// QoS 2: the peer has it; waits for PUBCOMP. The number orders PUBRELs.
    Received {
        /// Grows with each PUBREC of the session.
        order: u64,
    },
}

/// Which request an identifier was given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// SUBSCRIBE.
    Subscribe,
    /// UNSUBSCRIBE.
    Unsubscribe,
}

impl<M> Outbound<M> {
    pub(super) fn new(first: PacketId) -> Self {
        Self {
            ring: Ring::starting_at(first),
            link: None,
            waiting: VecDeque::new(),
            receipts: 0,
        }
    }

    pub(super) fn restore(
        next: PacketId,
        messages: impl IntoIterator<Item = (PacketId, Stage, M)>,
    ) -> Result<Self, (PacketId, M)> {
        let mut this = Self::new(next);
        for (id, stage, message) in messages {
            if let Stage::Received { order } = stage {
                this.receipts = this.receipts.max(order + 1);
            }
            let open = Open::Message {
                message,
                stage,
                sent: false,
                waits: false,
            };
            this.ring.restore(id, open).map_err(|open| match open {
                Open::Message { message, .. } => (id, message),
                Open::Request { .. } => unreachable!("only messages are restored"),
            })?;
        }
        this.ring.skip_to(next);
        Ok(this)
    }

    pub(super) fn next_id(&self) -> PacketId {
        self.ring.next_id()
    }

    pub(super) fn get(&self, id: PacketId) -> Option<&M> {
        match self.ring.get(id)? {
            Open::Message { message, .. } => Some(message),
            Open::Request { .. } => None,
        }
    }

    pub(super) fn withdraw(&mut self, id: PacketId) -> Option<M> {
        let Open::Message { sent, .. } = self.ring.get(id)? else {
            return None;
        };
        if let Some(link) = &mut self.link {
            link.in_flight -= usize::from(*sent);
        }
        match self.ring.remove(id)? {
            Open::Message { message, .. } => Some(message),
            Open::Request { .. } => None,
        }
    }

    pub(super) fn messages(&self) -> impl Iterator<Item = (PacketId, Stage, &M)> {
        self.ring.iter().filter_map(|(id, open)| match open {
            Open::Message { message, stage, .. } => Some((id, *stage, message)),
            Open::Request { .. } => None,
        })
    }

    /// How many messages may be opened before the next acknowledgement.
    pub(super) fn free(&self) -> usize {
        match &self.link {
            Some(link) if link.resend_from.is_none() && !self.ring.is_full() => {
                link.maximum.saturating_sub(link.in_flight)
            }
            _ => 0,
        }
    }

    pub(super) fn open(&mut self, stage: Stage, message: M) -> Result<PacketId, (Refused, M)> {
        let Some(link) = &mut self.link else {
            return Err((Refused::NotConnected, message));
        };
        if link.resend_from.is_some() || link.in_flight >= link.maximum {
            return Err((Refused::WindowFull, message));
        }
        let open = Open::Message {
            message,
            stage,
            sent: true,
            waits: false,
        };
        match self.ring.push(open) {
            Ok(id) => {
                link.in_flight += 1;
                Ok(id)
            }
            Err(Open::Message { message, .. }) => Err((Refused::NoIdentifier, message)),
            Err(Open::Request { .. }) => unreachable!("the value that was pushed comes back"),
        }
    }

    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(super) fn skip(&mut self) {
        self.ring.skip();
    }

    pub(super) fn request(&mut self, kind: Request, filters: usize) -> Result<PacketId, Refused> {
        if self.link.is_none() {
            return Err(Refused::NotConnected);
        }
        self.ring
            .push(Open::Request { kind, filters })
            .map_err(|_| Refused::NoIdentifier)
    }

    pub(super) fn puback(
        &mut self,
        id: PacketId,
        completion: &Completion<'_>,
        handler: &mut impl Handler<M>,
        out: &mut WriteQueue,
    ) -> Result<(), ProtocolError> {
        let Some(Open::Message {
            stage: Stage::Published1,
            ..
        }) = self.ring.get_mut(id)
        else {
            return Err(unexpected(PacketType::PubAck, id));
        };
        self.complete(id, completion, handler, out);
        Ok(())
    }

    pub(super) fn pubrec(
        &mut self,
        id: PacketId,
        completion: &Completion<'_>,
        handler: &mut impl Handler<M>,
        out: &mut WriteQueue,
    ) -> Result<(), ProtocolError> {
        let version = self.version();
        match self.ring.get_mut(id) {
            Some(Open::Message {
                message,
                stage,
                waits,
                ..
            }) => match *stage {
                Stage::Published1 => return Err(unexpected(PacketType::PubRec, id)),
                Stage::Published2 if completion.reason.is_error() => {
                    self.complete(id, completion, handler, out);
                }
                Stage::Published2 => {
                    *stage = Stage::Received {
                        order: self.receipts,
                    };
                    self.receipts += 1;
                    let after = match handler.received(id, message) {
                        Commit::Now if self.waiting.is_empty() => {
                            wire::pubrel(version, id, ReasonCode::SUCCESS, out);
                            return Ok(());
                        }
                        Commit::Now => StoreSeq(0),
                        Commit::After(seq) => seq,
                    };
                    *waits = true;
                    self.waiting.push_back((after, id));
                }
                // Sent twice, and the PUBREL that will answer it waits for the store.
                Stage::Received { .. } if *waits => {}
                Stage::Received { .. } => wire::pubrel(version, id, ReasonCode::SUCCESS, out),
            },
            Some(Open::Request { .. }) => return Err(unexpected(PacketType::PubRec, id)),
            // The peer kept a message that we no longer know: let it close the exchange.
            None => wire::pubrel(version, id, ReasonCode::PACKET_IDENTIFIER_NOT_FOUND, out),
        }
        Ok(())
    }

    pub(super) fn pubcomp(
        &mut self,
        id: PacketId,
        handler: &mut impl Handler<M>,
        out: &mut WriteQueue,
    ) -> Result<(), ProtocolError> {
        match self.ring.get_mut(id) {
            Some(Open::Message {
                stage: Stage::Received { .. },
                waits: false,
                ..
            }) => {
                // Whatever its code, the peer took the message with its PUBREC.
                let completion = Completion {
                    reason: ReasonCode::SUCCESS,
                    reason_string: None,
                };
                self.complete(id, &completion, handler, out);
                Ok(())
            }
            Some(_) => Err(unexpected(PacketType::PubComp, id)),
            // The answer to our PUBREL for an identifier that we did not know.
            None => Ok(()),
        }
    }

    /// The answer to a request; `found` codes are in it, or `None` where the version has none.
    pub(super) fn answered(
        &mut self,
        id: PacketId,
        wanted: Request,
        found: Option<usize>,
    ) -> Result<(), ProtocolError> {
        let packet = match wanted {
            Request::Subscribe => PacketType::SubAck,
            Request::Unsubscribe => PacketType::UnsubAck,
        };
        match self.ring.get_mut(id) {
            Some(Open::Request { kind, filters }) if *kind == wanted => {
                let expected = *filters;
                if let Some(found) = found
                    && found != expected
                {
                    return Err(ProtocolError::ReasonCodes {
                        packet,
                        expected,
                        found,
                    });
                }
                self.ring.remove(id);
                Ok(())
            }
            _ => Err(unexpected(packet, id)),
        }
    }

    /// The store holds everything up to `upto`: PUBRELs that waited for it leave.
    pub(super) fn committed(&mut self, upto: StoreSeq, out: &mut WriteQueue) {
        while let Some(&(seq, id)) = self.waiting.front() {
            if seq > upto {
                return;
            }
            self.waiting.pop_front();
            let Some(Open::Message { sent, waits, .. }) = self.ring.get_mut(id) else {
                continue;
            };
            *waits = false;
            let Some(link) = &mut self.link else { continue };
            if !std::mem::replace(sent, true) {
                link.in_flight += 1;
            }
            wire::pubrel(link.version, id, ReasonCode::SUCCESS, out);
        }
    }

    fn complete(
        &mut self,
        id: PacketId,
        completion: &Completion<'_>,
        handler: &mut impl Handler<M>,
        out: &mut WriteQueue,
    ) {
        let Some(Open::Message { message, sent, .. }) = self.ring.remove(id) else {
            return;
        };
        if let Some(link) = &mut self.link
            && sent
        {
            link.in_flight -= 1;
        }
        handler.completed(id, message, completion);
        self.resend(handler, out);
    }

    fn version(&self) -> Version {
        self.link.as_ref().map_or(Version::V5, |link| link.version)
    }
}

impl Stage {
    /// The stage at which a message of this quality of service starts; `None` at QoS 0, which has
    /// no identifier.
    pub(super) fn first(qos: QoS) -> Option<Self> {
        match qos {
            QoS::AtMostOnce => None,
            QoS::AtLeastOnce => Some(Self::Published1),
            QoS::ExactlyOnce => Some(Self::Published2),
        }
    }
}

fn unexpected(packet: PacketType, id: PacketId) -> ProtocolError {
    ProtocolError::UnexpectedAck { packet, id }
}
