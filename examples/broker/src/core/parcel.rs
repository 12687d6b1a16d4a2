//! A message on its way through one turn.

use std::sync::Arc;

use bytes::Bytes;

use super::client::ClientKey;
use crate::message::Message;

/// A message that is being routed: borrowed from the publisher's packet, and made into a kept
/// [`Message`] only when the first queue or the retained store wants it.
#[derive(Debug)]
pub(super) struct Parcel<'a> {
    pub(super) topic: &'a str,
    pub(super) payload: &'a [u8],
    /// As in [`Message::properties`].
    pub(super) properties: &'a [u8],
    pub(super) qos: u8,
    /// The RETAIN flag as it was published.
    pub(super) retain: bool,
    pub(super) expires_at: Option<u64>,
    /// The session that published it, for No Local; the broker's own messages have none.
    pub(super) publisher: Option<ClientKey>,
    kept: Option<Arc<Message>>,
}

impl<'a> Parcel<'a> {
    /// From the parts of a packet.
    pub(super) fn new(topic: &'a str, payload: &'a [u8], properties: &'a [u8]) -> Self {
        Self {
            topic,
            payload,
            properties,
            qos: 0,
            retain: false,
            expires_at: None,
            publisher: None,
            kept: None,
        }
    }

    /// From a message that is kept already: a will, or one of the broker's own.
    pub(super) fn of(message: &'a Arc<Message>, retain: bool) -> Self {
        Self {
            qos: message.qos,
            retain,
            expires_at: message.expires_at,
            kept: Some(Arc::clone(message)),
            ..Self::new(&message.topic, &message.payload, &message.properties)
        }
    }

    /// The message, if somebody has kept it already.
    pub(super) fn kept(&self) -> Option<&Arc<Message>> {
        self.kept.as_ref()
    }

    /// The message to keep; copied out of the packet the first time.
    pub(super) fn keep(&mut self) -> &Arc<Message> {
        self.kept.get_or_insert_with(|| {
            Arc::new(Message {
                topic: self.topic.into(),
                payload: Bytes::copy_from_slice(self.payload),
                properties: Bytes::copy_from_slice(self.properties),
                qos: self.qos,
                expires_at: self.expires_at,
            })
        })
    }
}
