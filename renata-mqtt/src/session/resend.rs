//! What a connection begins with and leaves behind: messages that have to be sent again.

use super::outbound::{Open, Outbound, Sending, Stage};
use super::ring::Ring;
use super::{Handler, wire};
use crate::{ReasonCode, Version, WriteQueue};

impl<M> Outbound<M> {
    /// A connection of the same session: PUBRELs first, then as many messages as the peer takes.
    pub(super) fn resume(
        &mut self,
        version: Version,
        maximum: u16,
        handler: &mut impl Handler<M>,
        out: &mut WriteQueue,
    ) {
        let mut released = Vec::new();
        for (seq, open) in self.ring.iter_mut_from(0) {
            if let Open::Message {
                stage: Stage::Received { order },
                sent,
                waits: false,
                ..
            } = open
            {
                *sent = true;
                released.push((*order, Ring::<Open<M>>::id_at(seq)));
            }
        }
        // The order of PUBRELs is the order of their PUBRECs [MQTT-4.6.0-4].
        released.sort_unstable();
        for (_, id) in &released {
            wire::pubrel(version, *id, ReasonCode::SUCCESS, out);
        }
        self.link = Some(Sending {
            version,
            maximum: usize::from(maximum),
            in_flight: released.len(),
            resend_from: Some(self.ring.first_seq()),
        });
        self.resend(handler, out);
    }

    /// A connection to a peer that knows nothing of us.
    pub(super) fn start(&mut self, version: Version, maximum: u16, handler: &mut impl Handler<M>) {
        self.waiting.clear();
        for (_, open) in self.ring.drain() {
            if let Open::Message { message, .. } = open {
                handler.abandoned(message);
            }
        }
        self.link = Some(Sending {
            version,
            maximum: usize::from(maximum),
            in_flight: 0,
            resend_from: None,
        });
    }

    /// The connection is gone, and requests with it: they are no part of the session state.
    pub(super) fn lost(&mut self) {
        self.link = None;
        self.ring
            .retain(|open| matches!(open, Open::Message { .. }));
        for (_, open) in self.ring.iter_mut_from(0) {
            if let Open::Message { sent, .. } = open {
                *sent = false;
            }
        }
    }

    /// Sends messages of earlier connections again, in their order, as far as the window goes.
    pub(super) fn resend(&mut self, handler: &mut impl Handler<M>, out: &mut WriteQueue) {
        let Some(link) = &mut self.link else { return };
        let Some(from) = link.resend_from else { return };
        for (seq, open) in self.ring.iter_mut_from(from) {
            let Open::Message {
                message,
                stage: Stage::Published1 | Stage::Published2,
                sent: sent @ false,
                ..
            } = open
            else {
                continue;
            };
            if link.in_flight >= link.maximum {
                link.resend_from = Some(seq);
                return;
            }
            *sent = true;
            link.in_flight += 1;
            handler.resend(Ring::<Open<M>>::id_at(seq), message, out);
        }
        link.resend_from = None;
    }
}
