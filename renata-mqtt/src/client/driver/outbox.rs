//! From the queue of admitted messages to the wire.

use std::sync::Arc;
use std::time::Instant;

use smallvec::SmallVec;

use super::Queue;
use super::connect::Terms;
use crate::client::outgoing::Outgoing;
use crate::client::shared::Shared;
use crate::client::{Doubt, Outcome, Rejection};
use crate::packet::{Payload, Property, PublishOut, encode, encoded_len};
use crate::session::Session;
use crate::{PacketId, QoS, ReasonCode, Version, WriteQueue};

/// Messages that the driver has taken over from the handles.
#[derive(Debug)]
pub(super) struct Outbox {
    shared: Arc<Shared>,
    /// Not sent yet, in order.
    waiting: Queue,
    /// QoS 0, in the write queue: finished when that is with the system.
    leaving: Vec<Outgoing>,
}

impl Outbox {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            waiting: Queue::new(),
            leaving: Vec::new(),
        }
    }

    /// Whether every message that was admitted is with the session or finished.
    pub(super) fn is_empty(&mut self) -> bool {
        self.refill();
        self.waiting.is_empty() && self.leaving.is_empty()
    }

    /// Writes messages until the peer's window or the write queue is full.
    pub(super) fn send(
        &mut self,
        now: Instant,
        session: &mut Session<Outgoing>,
        terms: &Terms,
        out: &mut WriteQueue,
    ) {
        while out.len() < HIGH_WATER {
            self.refill();
            let Some(next) = self.waiting.front() else {
                return;
            };
            // Order is kept across qualities of service, so a full window stops all of them.
            if next.draft.qos != QoS::AtMostOnce && session.window() == 0 {
                return;
            }
            let Some(mut message) = self.waiting.pop_front() else {
                return;
            };
            if let Err(why) = check(&message, now, terms) {
                message.finish(Outcome::Rejected { why });
                self.shared.release(&message);
                continue;
            }
            if message.draft.qos == QoS::AtMostOnce {
                session.said(now);
                match write(&message, None, false, now, terms, out) {
                    Ok(()) => self.leaving.push(message),
                    Err(why) => self.reject(message, why),
                }
                continue;
            }
            match session.open(now, message.draft.qos, message) {
                Ok(id) => {
                    let written = session
                        .get(id)
                        .map(|message| write(message, Some(id), false, now, terms, out));
                    if let Some(Err(why)) = written
                        && let Some(message) = session.withdraw(id)
                    {
                        self.reject(message, why);
                    }
                }
                Err((_, message)) => {
                    self.waiting.push_front(message);
                    return;
                }
            }
        }
    }

    /// The write queue is with the system: nothing more will be known of QoS 0.
    pub(super) fn flushed(&mut self) {
        for mut message in self.leaving.drain(..) {
            self.shared.release(&message);
            message.finish(Outcome::Delivered {
                reason: ReasonCode::SUCCESS,
            });
        }
    }

    /// The connection is gone, and the write queue with it.
    pub(super) fn lost(&mut self) {
        for mut message in self.leaving.drain(..) {
            self.shared.release(&message);
            message.doubt(Doubt::ConnectionLost);
        }
    }

    /// The client has ended: refuses everything that was not sent, and says how much that was.
    pub(super) fn end(&mut self) -> usize {
        let rest = self.shared.end();
        self.waiting.extend(rest);
        let count = self.waiting.len();
        while let Some(message) = self.waiting.pop_front() {
            self.reject(message, Rejection::Closed);
        }
        count
    }

    fn reject(&self, mut message: Outgoing, why: Rejection) {
        message.finish(Outcome::Rejected { why });
        self.shared.release(&message);
    }

    fn refill(&mut self) {
        if self.waiting.is_empty() {
            self.shared.fetch(&mut self.waiting);
        }
    }
}

/// How many bytes may wait to be written before no more messages are added.
const HIGH_WATER: usize = 256 << 10;

fn check(message: &Outgoing, now: Instant, terms: &Terms) -> Result<(), Rejection> {
    message.seconds_left(now)?;
    let draft = &message.draft;
    if draft.qos > terms.maximum_qos || (draft.retain && !terms.retain_available) {
        return Err(Rejection::Unsupported);
    }
    Ok(())
}

/// Writes the PUBLISH of a message, unless it is larger than what the server accepts.
pub(super) fn write(
    message: &Outgoing,
    id: Option<PacketId>,
    dup: bool,
    now: Instant,
    terms: &Terms,
    out: &mut WriteQueue,
) -> Result<(), Rejection> {
    let draft = &message.draft;
    let mut properties = SmallVec::<[Property<'_>; 4]>::new();
    if terms.version == Version::V5 {
        // Of a message that is sent again the last second is left, so that it can be finished.
        if let Some(secs) = message.seconds_left(now).unwrap_or(Some(1)) {
            properties.push(Property::MessageExpiryInterval(secs));
        }
        if let Some(content_type) = &draft.content_type {
            properties.push(Property::ContentType(content_type));
        }
        if let Some(more) = &draft.more {
            let topic = more.response_topic.as_deref().map(Property::ResponseTopic);
            let data = more.correlation_data.as_deref();
            properties.extend(topic);
            properties.extend(data.map(Property::CorrelationData));
            let user = more.user.iter();
            properties.extend(user.map(|(name, value)| Property::UserProperty(name, value)));
        }
    }
    let publish = PublishOut {
        topic: &draft.topic,
        payload: Payload::Shared(&draft.payload),
        qos: draft.qos,
        id,
        dup,
        retain: draft.retain,
        properties: &properties,
    };
    let limit = terms.max_packet;
    let size = encoded_len(&publish, terms.version);
    match size {
        Ok(size) if size as u64 <= u64::from(limit) => {}
        Ok(size) => return Err(Rejection::TooLarge { size, limit }),
        // Strings were measured when it was admitted, so it is the whole that is too long.
        Err(_) => {
            let size = draft.payload.len();
            return Err(Rejection::TooLarge { size, limit });
        }
    }
    encode(&publish, terms.version, out).map_err(|_| Rejection::Unsupported)
}
