//! What the session tells the driver while it reads.

use std::sync::Arc;

use bytes::Bytes;

use super::connect::Terms;
use super::requests::Requests;
use super::{now, outbox};
use crate::client::message::{AckToken, Message};
use crate::client::outgoing::Outgoing;
use crate::client::router::Router;
use crate::client::shared::Shared;
use crate::client::{ConnectionError, Doubt, Outcome, Rejection, SubscribeError};
use crate::packet::{DisconnectRef, Publish, SubAckRef, UnsubAckRef};
use crate::session::{Arrival, Completion, Handler, Verdict};
use crate::{PacketId, QoS, WriteQueue};

/// The driver as its session sees it.
pub(super) struct Events<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) router: &'a mut Router,
    pub(super) requests: &'a mut Requests,
    pub(super) terms: &'a Terms,
    pub(super) goodbye: &'a mut Option<ConnectionError>,
    /// The bytes that the packets are views of.
    pub(super) chunk: Bytes,
}

impl Handler<Outgoing> for Events<'_> {
    fn publish(&mut self, arrival: &Arrival<'_>) -> Verdict {
        let packet = &arrival.packet;
        let aliased = packet.topic().is_empty().then(|| Arc::from(arrival.topic));
        let token = arrival
            .ack
            .map(|ack| AckToken::new(Arc::clone(self.shared), ack));
        let owned = owned(packet.frame(), &self.chunk);
        let message = Message::new(Publish::new(packet, owned), aliased, token);
        self.router.route(message, packet.subscription_ids());
        Verdict::Hold
    }

    fn completed(&mut self, _: PacketId, mut message: Outgoing, completion: &Completion<'_>) {
        let reason = completion.reason;
        self.shared.release(&message);
        message.finish(if reason.is_error() {
            let why = Rejection::Server {
                reason,
                reason_string: completion.reason_string.map(str::to_owned),
            };
            Outcome::Rejected { why }
        } else {
            Outcome::Delivered { reason }
        });
    }

    fn resend(&mut self, id: PacketId, message: &Outgoing, out: &mut WriteQueue) {
        // It fitted when it was sent first. A server that has become smaller since does not get it,
        // and it stays in flight until there is one that does.
        let _ = outbox::write(message, Some(id), true, now(), self.terms, out);
    }

    fn abandoned(&mut self, mut message: Outgoing) {
        self.shared.release(&message);
        message.doubt(Doubt::SessionLost);
    }

    fn suback(&mut self, id: PacketId, packet: &SubAckRef<'_>) {
        // Each SUBSCRIBE has one filter, and the session has checked that this has one code.
        let Some(code) = packet.codes().next() else {
            return;
        };
        let answer = match code.get() {
            0 => Ok(QoS::AtMostOnce),
            1 => Ok(QoS::AtLeastOnce),
            2 => Ok(QoS::ExactlyOnce),
            _ => Err(SubscribeError::Refused {
                reason: code,
                reason_string: packet.reason_string().map(str::to_owned),
            }),
        };
        self.router.answered(id, answer);
    }

    fn unsuback(&mut self, id: PacketId, packet: &UnsubAckRef<'_>) {
        let refused = packet.codes().next().filter(|code| code.is_error());
        let answer = match refused {
            None => Ok(()),
            Some(reason) => Err(SubscribeError::Refused {
                reason,
                reason_string: packet.reason_string().map(str::to_owned),
            }),
        };
        self.requests.answered(id, self.router, answer);
    }

    fn disconnect(&mut self, packet: &DisconnectRef<'_>) {
        *self.goodbye = Some(ConnectionError::Server {
            reason: packet.reason(),
            reason_string: packet.properties().reason_string().map(str::to_owned),
        });
    }
}

/// The frame as bytes of its own: copied if it is small, or a small part of what was read, so that
/// it does not keep the whole read buffer alive; a slice of it otherwise.
fn owned(frame: &[u8], chunk: &Bytes) -> Bytes {
    if frame.len() < COPY_BELOW || frame.len() < chunk.len() / 4 {
        Bytes::copy_from_slice(frame)
    } else {
        chunk.slice_ref(frame)
    }
}

/// Copying is cheaper below about this size.
const COPY_BELOW: usize = 1 << 10;
