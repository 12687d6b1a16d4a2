//! A received message, and the acknowledgement that it owes.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;

use super::shared::Shared;
use crate::packet::{Property, Publish};
use crate::session::AckId;
use crate::{QoS, ReasonCode};

/// A message that arrived.
///
/// Clones share the bytes. A clone does not owe an acknowledgement.
#[derive(Debug)]
pub struct Message {
    packet: Publish,
    /// The topic, when the packet names it by an alias only.
    aliased: Option<Arc<str>>,
    token: Option<AckToken>,
}

impl Message {
    pub(super) fn new(packet: Publish, aliased: Option<Arc<str>>, token: Option<AckToken>) -> Self {
        Self {
            packet,
            aliased,
            token,
        }
    }

    /// Where it was published.
    #[must_use]
    pub fn topic(&self) -> &str {
        match &self.aliased {
            Some(topic) => topic,
            None => self.packet.view().topic(),
        }
    }

    /// What was published.
    #[must_use]
    pub fn payload(&self) -> Bytes {
        self.packet.payload()
    }

    /// The quality of service with which it was delivered.
    #[must_use]
    pub fn qos(&self) -> QoS {
        self.packet.view().qos()
    }

    /// Whether it is a retained message that was there before the subscription.
    #[must_use]
    pub fn retain(&self) -> bool {
        self.packet.view().retain()
    }

    /// Whether the server says that it sent it before. It says nothing about whether it arrived.
    #[must_use]
    pub fn dup(&self) -> bool {
        self.packet.view().dup()
    }

    /// What the payload is, as a MIME type.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.packet.view().content_type()
    }

    /// Where an answer is expected.
    #[must_use]
    pub fn response_topic(&self) -> Option<&str> {
        self.packet.view().response_topic()
    }

    /// What ties an answer to this message.
    #[must_use]
    pub fn correlation_data(&self) -> Option<&[u8]> {
        self.packet.view().correlation_data()
    }

    /// The application's own properties, in the order in which they were sent.
    pub fn user_properties(&self) -> impl Iterator<Item = (&str, &str)> {
        let properties = self.packet.view().properties();
        let own = |property| match property {
            Property::UserProperty(name, value) => Some((name, value)),
            _ => None,
        };
        properties.iter().filter_map(own)
    }

    /// The packet with all its properties.
    #[must_use]
    pub fn packet(&self) -> &Publish {
        &self.packet
    }

    /// Acknowledges the message, if it owes an acknowledgement: at QoS 1 and 2, in a stream with
    /// manual acknowledgement, once.
    pub fn ack(&mut self) {
        self.ack_with(ReasonCode::SUCCESS);
    }

    /// Like [`ack`](Self::ack), with a reason code; 0x80 and above tells a 5.0 server that the
    /// message is not wanted.
    pub fn ack_with(&mut self, reason: ReasonCode) {
        if let Some(token) = self.token.take() {
            token.ack_with(reason);
        }
    }

    /// Takes the acknowledgement that is owed, to give it later and elsewhere.
    #[must_use = "a token that is dropped is no acknowledgement"]
    pub fn take_token(&mut self) -> Option<AckToken> {
        self.token.take()
    }

    /// The same message, owing `token`.
    pub(super) fn copy(&self, token: Option<AckToken>) -> Self {
        Self::new(self.packet.clone(), self.aliased.clone(), token)
    }

    /// Whether another stream has it as well.
    pub(super) fn is_shared(&self) -> bool {
        let token = self.token.as_ref();
        token.is_some_and(|token| token.others.is_some())
    }

    pub(super) fn owes_ack(&self) -> bool {
        self.token.is_some()
    }
}

impl Clone for Message {
    fn clone(&self) -> Self {
        self.copy(None)
    }
}

/// The acknowledgement that a message owes.
///
/// Dropping a token is *not* an acknowledgement: the server keeps the message and sends it again
/// when the session is resumed. Until then it takes a place in the Receive Maximum, and
/// acknowledgements of later messages wait behind it, because they leave in order of arrival.
#[must_use = "a token that is dropped is no acknowledgement"]
pub struct AckToken {
    shared: Arc<Shared>,
    ack: AckId,
    /// How many streams still have to acknowledge, if the message went to several.
    others: Option<Arc<AtomicU32>>,
}

impl AckToken {
    pub(super) fn new(shared: Arc<Shared>, ack: AckId) -> Self {
        Self {
            shared,
            ack,
            others: None,
        }
    }

    /// One token for each of `count` streams; the message is acknowledged with the last.
    pub(super) fn split(self, count: u32) -> impl Iterator<Item = Self> {
        let others = (count > 1).then(|| Arc::new(AtomicU32::new(count)));
        (0..count).map(move |_| Self {
            shared: Arc::clone(&self.shared),
            ack: self.ack,
            others: others.clone(),
        })
    }

    /// Acknowledges the message.
    pub fn ack(self) {
        self.ack_with(ReasonCode::SUCCESS);
    }

    /// Acknowledges the message with a reason code; 0x80 and above tells a 5.0 server that the
    /// message is not wanted.
    pub fn ack_with(self, reason: ReasonCode) {
        let last = match &self.others {
            None => true,
            Some(others) => others.fetch_sub(1, Ordering::AcqRel) == 1,
        };
        if last {
            self.shared.ack(self.ack, reason);
        }
    }
}

impl fmt::Debug for AckToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AckToken").field(&self.ack).finish()
    }
}
