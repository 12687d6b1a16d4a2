//! A message as the broker keeps it.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

/// A published message, kept once however many sessions wait for it (`Arc<Message>`).
///
/// Only made when something has to be kept: a queue, a retained message, a will. What goes straight
/// to live subscribers at QoS 0 is encoded from the publisher's packet and never becomes one.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Where it was published; a valid topic name.
    pub topic: Arc<str>,
    /// The application's bytes, never looked into.
    pub payload: Bytes,
    /// The properties that a server forwards unaltered (MQTT 5.0 §3.3.2.3), encoded as in a PUBLISH:
    /// payload format, content type, response topic, correlation data, user properties in order.
    /// Without the length in front; empty from a 3.1.1 publisher.
    pub properties: Bytes,
    /// The QoS at which it was published, 0 to 2. Subscribers get it at this one or a lower one.
    pub qos: u8,
    /// Milliseconds since 1970 UTC after which it is not delivered any more.
    pub expires_at: Option<u64>,
}

impl Message {
    /// Bytes that it weighs in a queue.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.topic.len() + self.payload.len() + self.properties.len() + OVERHEAD
    }

    /// Whether its time is over.
    #[must_use]
    pub fn is_expired(&self, unix_ms: u64) -> bool {
        self.expires_at.is_some_and(|at| at <= unix_ms)
    }
}

/// Shows where and how much, never the payload.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("topic", &self.topic)
            .field("payload_len", &self.payload.len())
            .field("qos", &self.qos)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// The struct itself and its place in a queue, roughly.
const OVERHEAD: usize = 128;
