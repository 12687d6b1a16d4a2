//! PUBLISH (MQTT 5.0 §3.3).

use bytes::Bytes;

use super::properties::{self, Allowed};
use super::{PacketRef, Properties, Property, sealed};
use crate::wire::{Reader, Sink, put_str};
use crate::{DecodeError, EncodeError, PacketId, QoS, Version};

/// A received PUBLISH as a view of its frame.
#[derive(Clone, Copy, Debug)]
pub struct PublishRef<'a> {
    frame: &'a [u8],
    topic: &'a str,
    id: Option<PacketId>,
    properties: Properties<'a>,
    payload: &'a [u8],
}

impl<'a> PublishRef<'a> {
    pub(super) fn decode(
        version: Version,
        frame: &'a [u8],
        header: usize,
    ) -> Result<Self, DecodeError> {
        let flags = frame[0];
        let qos = QoS::from_u8(flags >> 1 & 0b11).ok_or(DecodeError::QoS)?;
        if qos == QoS::AtMostOnce && flags & 0b1000 != 0 {
            // [MQTT-3.3.1-2]
            return Err(DecodeError::Flags {
                packet_type: 3,
                flags: flags & 0x0f,
            });
        }
        let mut reader = Reader::new(&frame[header..]);
        let topic = reader.str()?;
        if memchr::memchr2(b'+', b'#', topic.as_bytes()).is_some() {
            return Err(DecodeError::Topic);
        }
        let id = match qos {
            QoS::AtMostOnce => None,
            QoS::AtLeastOnce | QoS::ExactlyOnce => Some(reader.id()?),
        };
        let properties = match version {
            Version::V3_1_1 => Properties::default(),
            Version::V5 => Properties::decode(&mut reader, Allowed::PUBLISH)?,
        };
        let this = Self {
            frame,
            topic,
            id,
            properties,
            payload: reader.rest(),
        };
        // In 5.0 an alias may stand for the topic; who knows the aliases looks for it.
        if topic.is_empty() && version == Version::V3_1_1 {
            return Err(DecodeError::Topic);
        }
        Ok(this)
    }

    /// The whole packet, header and all.
    #[must_use]
    pub fn frame(&self) -> &'a [u8] {
        self.frame
    }

    /// Where it was published; empty if it has a topic alias instead.
    #[must_use]
    pub fn topic(&self) -> &'a str {
        self.topic
    }

    /// What was published.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The packet identifier; `None` at QoS 0.
    #[must_use]
    pub fn id(&self) -> Option<PacketId> {
        self.id
    }

    /// The quality of service.
    #[must_use]
    pub fn qos(&self) -> QoS {
        QoS::from_u8(self.frame[0] >> 1 & 0b11).unwrap_or_default()
    }

    /// Whether it may have been sent before.
    #[must_use]
    pub fn dup(&self) -> bool {
        self.frame[0] & 0b1000 != 0
    }

    /// The retain flag.
    #[must_use]
    pub fn retain(&self) -> bool {
        self.frame[0] & 1 != 0
    }

    /// Its properties; none in 3.1.1.
    #[must_use]
    pub fn properties(&self) -> Properties<'a> {
        self.properties
    }

    /// The number that stands for the topic.
    #[must_use]
    pub fn topic_alias(&self) -> Option<u16> {
        self.properties.find(|property| match property {
            Property::TopicAlias(alias) => Some(alias),
            _ => None,
        })
    }

    /// What the payload is, as a MIME type.
    #[must_use]
    pub fn content_type(&self) -> Option<&'a str> {
        self.properties.find(|property| match property {
            Property::ContentType(text) => Some(text),
            _ => None,
        })
    }

    /// Where an answer is expected.
    #[must_use]
    pub fn response_topic(&self) -> Option<&'a str> {
        self.properties.find(|property| match property {
            Property::ResponseTopic(topic) => Some(topic),
            _ => None,
        })
    }

    /// What ties an answer to its request.
    #[must_use]
    pub fn correlation_data(&self) -> Option<&'a [u8]> {
        self.properties.find(|property| match property {
            Property::CorrelationData(data) => Some(data),
            _ => None,
        })
    }

    /// The numbers of the subscriptions that it is sent for.
    pub fn subscription_ids(&self) -> impl Iterator<Item = u32> + use<'a> {
        self.properties
            .iter()
            .filter_map(|property| match property {
                Property::SubscriptionIdentifier(number) => Some(number),
                _ => None,
            })
    }
}

/// A PUBLISH that owns its frame: one `Bytes`, and where the fields are in it.
#[derive(Clone, Debug)]
pub struct Publish {
    frame: Bytes,
    fields: Fields,
}

/// Where the fields are in a frame.
#[derive(Clone, Copy, Debug)]
struct Fields {
    topic: (usize, usize),
    properties: (usize, usize),
    payload: usize,
    id: Option<PacketId>,
}

impl Fields {
    fn of(packet: &PublishRef<'_>) -> Self {
        let start = packet.frame.as_ptr().addr();
        let range = |field: &[u8]| {
            let at = field.as_ptr().addr().saturating_sub(start);
            (at, at + field.len())
        };
        Self {
            topic: range(packet.topic.as_bytes()),
            properties: match packet.properties.raw() {
                [] => (0, 0),
                raw => range(raw),
            },
            payload: packet.frame.len() - packet.payload.len(),
            id: packet.id,
        }
    }
}

impl Publish {
    /// Reads a whole frame and keeps it: nothing is copied and no count of references changes.
    ///
    /// # Errors
    /// The frame is not a packet of this version, or not a PUBLISH.
    pub fn from_frame(version: Version, frame: Bytes) -> Result<Self, DecodeError> {
        let fields = match PacketRef::decode(version, &frame)? {
            PacketRef::Publish(packet) => Fields::of(&packet),
            other => return Err(DecodeError::PacketType(other.packet_type() as u8)),
        };
        Ok(Self { frame, fields })
    }

    /// Owns what `packet` is a view of. `frame` has to hold the bytes of its frame.
    ///
    /// # Panics
    /// If `frame` has another length than the packet's frame.
    #[must_use]
    pub fn new(packet: &PublishRef<'_>, frame: Bytes) -> Self {
        assert_eq!(
            frame.len(),
            packet.frame.len(),
            "the frame of another packet"
        );
        Self {
            fields: Fields::of(packet),
            frame,
        }
    }

    /// The packet as a view.
    #[must_use]
    pub fn view(&self) -> PublishRef<'_> {
        PublishRef {
            frame: &self.frame,
            // Checked when the packet was decoded.
            topic: std::str::from_utf8(&self.frame[self.fields.topic.0..self.fields.topic.1])
                .unwrap_or_default(),
            id: self.fields.id,
            properties: Properties::checked(
                &self.frame[self.fields.properties.0..self.fields.properties.1],
            ),
            payload: &self.frame[self.fields.payload..],
        }
    }

    /// What was published, sharing the frame.
    #[must_use]
    pub fn payload(&self) -> Bytes {
        self.frame.slice(self.fields.payload..)
    }

    /// The whole packet, header and all.
    #[must_use]
    pub fn frame(&self) -> &Bytes {
        &self.frame
    }
}

/// A PUBLISH to be written.
#[derive(Clone, Copy, Debug)]
pub struct PublishOut<'a> {
    /// Where.
    pub topic: &'a str,
    /// What.
    pub payload: Payload<'a>,
    /// The quality of service.
    pub qos: QoS,
    /// The packet identifier, at QoS 1 and 2; not written at QoS 0.
    pub id: Option<PacketId>,
    /// Whether it was sent before.
    pub dup: bool,
    /// The retain flag.
    pub retain: bool,
    /// Its properties; not written in 3.1.1.
    pub properties: &'a [Property<'a>],
}

/// A payload to be written.
#[derive(Clone, Copy, Debug)]
pub enum Payload<'a> {
    /// Copied.
    Slice(&'a [u8]),
    /// Written by reference, if it is large.
    Shared(&'a Bytes),
}

impl PublishOut<'_> {
    /// No wildcard, and empty only with an alias [MQTT-3.3.2-2].
    fn check_topic(&self, version: Version) -> Result<(), EncodeError> {
        let alias = |property: &Property<'_>| matches!(property, Property::TopicAlias(_));
        let nameless = self.topic.is_empty()
            && (version == Version::V3_1_1 || !self.properties.iter().any(alias));
        if nameless || memchr::memchr2(b'+', b'#', self.topic.as_bytes()).is_some() {
            return Err(EncodeError::Topic);
        }
        Ok(())
    }
}

impl sealed::Body for PublishOut<'_> {
    fn first_byte(&self) -> u8 {
        0x30 | u8::from(self.dup) << 3 | (self.qos as u8) << 1 | u8::from(self.retain)
    }

    fn body<S: Sink>(&self, version: Version, sink: &mut S) -> Result<(), EncodeError> {
        if S::CHECK {
            self.check_topic(version)?;
        }
        put_str(self.topic, sink)?;
        match (self.qos, self.id) {
            (QoS::AtMostOnce, _) => {}
            (_, Some(id)) => sink.put(&id.get().to_be_bytes()),
            (_, None) => return Err(EncodeError::PacketId),
        }
        if version == Version::V5 {
            properties::write(self.properties, Allowed::PUBLISH, sink)?;
        }
        match self.payload {
            Payload::Slice(bytes) => sink.put(bytes),
            Payload::Shared(bytes) => sink.put_shared(bytes),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_kept_as_it_came_and_only_if_it_is_a_publish() {
        let frame = Bytes::from_static(b"\x32\x08\x00\x01t\x00\x0a\x00hi");
        let at = frame.as_ptr();
        let publish = Publish::from_frame(Version::V5, frame).expect("a PUBLISH");
        assert_eq!(publish.frame().as_ptr(), at, "nothing was copied");
        assert_eq!(publish.view().topic(), "t");
        assert_eq!(publish.view().id(), PacketId::new(10));
        assert_eq!(publish.payload(), b"hi"[..]);
        for (frame, error) in [
            (&b"\xc0\x00"[..], DecodeError::PacketType(12)),
            (b"\x32\x08\x00\x01t", DecodeError::Truncated),
        ] {
            let frame = Bytes::from_static(frame);
            assert_eq!(Publish::from_frame(Version::V5, frame).err(), Some(error));
        }
    }
}
