//! The message that the server sends when this client is gone without saying goodbye.

use std::time::Duration;

use bytes::Bytes;

use renata_topics::TopicName;

use super::ConfigError;
use crate::{EncodeError, QoS};

/// A will (MQTT 5.0 §3.1.2.5).
///
/// ```
/// use renata_mqtt::Will;
///
/// let will = Will::new("renata/biel/press/l1/gateway/gw-1/status", "offline").qos1().retain();
/// # let _ = will;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Will {
    pub(super) topic: String,
    pub(super) payload: Bytes,
    pub(super) qos: QoS,
    pub(super) retain: bool,
    pub(super) delay: Duration,
    pub(super) content_type: Option<String>,
}

impl Will {
    /// A will at QoS 0, not retained, sent at once.
    #[must_use]
    pub fn new(topic: impl Into<String>, payload: impl Into<Bytes>) -> Self {
        Self {
            topic: topic.into(),
            payload: payload.into(),
            qos: QoS::AtMostOnce,
            retain: false,
            delay: Duration::ZERO,
            content_type: None,
        }
    }

    /// At least once.
    #[must_use]
    pub fn qos1(mut self) -> Self {
        self.qos = QoS::AtLeastOnce;
        self
    }

    /// Exactly once.
    #[must_use]
    pub fn qos2(mut self) -> Self {
        self.qos = QoS::ExactlyOnce;
        self
    }

    /// The server keeps it for later subscribers.
    #[must_use]
    pub fn retain(mut self) -> Self {
        self.retain = true;
        self
    }

    /// How long the server waits for the client to come back before it sends the will (5.0).
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// What the payload is, as a MIME type (5.0).
    #[must_use]
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// Everything that can be known before it is sent.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        TopicName::new(&self.topic).map_err(ConfigError::WillTopic)?;
        let content_type = self.content_type.as_ref().map_or(0, String::len);
        if self.payload.len().max(content_type) > usize::from(u16::MAX) {
            return Err(ConfigError::Will(EncodeError::StringTooLong));
        }
        Ok(())
    }
}
