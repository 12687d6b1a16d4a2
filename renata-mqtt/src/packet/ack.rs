//! PUBACK, PUBREC, PUBREL and PUBCOMP (MQTT 5.0 §3.4 to §3.7), which look the same.

use super::properties::{self, Allowed};
use super::{Properties, Property, reasons, sealed};
use crate::wire::{Reader, Sink};
use crate::{DecodeError, EncodeError, PacketId, ReasonCode, Version};

/// A received acknowledgement of a PUBLISH, or of its acknowledgement.
#[derive(Clone, Copy, Debug)]
pub struct AckRef<'a> {
    id: PacketId,
    reason: ReasonCode,
    properties: Properties<'a>,
}

impl<'a> AckRef<'a> {
    pub(super) fn decode(
        version: Version,
        packet_type: u8,
        body: &'a [u8],
    ) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let id = reader.id()?;
        let (reason, properties) = tail(version, packet_type, &mut reader, Allowed::ACK)?;
        Ok(Self {
            id,
            reason,
            properties,
        })
    }

    /// Which exchange it belongs to.
    #[must_use]
    pub fn id(&self) -> PacketId {
        self.id
    }

    /// What happened; always success in 3.1.1.
    #[must_use]
    pub fn reason(&self) -> ReasonCode {
        self.reason
    }

    /// What happened, for people.
    #[must_use]
    pub fn reason_string(&self) -> Option<&'a str> {
        self.properties.reason_string()
    }

    /// Its properties; none in 3.1.1.
    #[must_use]
    pub fn properties(&self) -> Properties<'a> {
        self.properties
    }
}

/// A reason code and properties, both of which 5.0 lets the sender leave out.
pub(super) fn tail<'a>(
    version: Version,
    packet_type: u8,
    reader: &mut Reader<'a>,
    allowed: Allowed,
) -> Result<(ReasonCode, Properties<'a>), DecodeError> {
    let mut reason = ReasonCode::SUCCESS;
    let mut properties = Properties::default();
    if version == Version::V5 && !reader.is_empty() {
        reason = reasons::checked(packet_type, version, reader.u8()?)?;
        if !reader.is_empty() {
            properties = Properties::decode(reader, allowed)?;
        }
    }
    reader.end()?;
    Ok((reason, properties))
}

/// Which of the four.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AckKind {
    /// Ends QoS 1.
    PubAck,
    /// QoS 2: the message is received.
    PubRec,
    /// QoS 2: the identifier can be forgotten.
    PubRel,
    /// QoS 2: it is forgotten.
    PubComp,
}

/// An acknowledgement to be written. Success without properties takes four bytes in both versions.
#[derive(Clone, Copy, Debug)]
pub struct Ack<'a> {
    /// Which of the four.
    pub kind: AckKind,
    /// Which exchange it belongs to.
    pub id: PacketId,
    /// What happened; not written in 3.1.1.
    pub reason: ReasonCode,
    /// Its properties; not written in 3.1.1.
    pub properties: &'a [Property<'a>],
}

impl sealed::Body for Ack<'_> {
    fn first_byte(&self) -> u8 {
        match self.kind {
            AckKind::PubAck => 0x40,
            AckKind::PubRec => 0x50,
            AckKind::PubRel => 0x62,
            AckKind::PubComp => 0x70,
        }
    }

    fn body<S: Sink>(&self, version: Version, sink: &mut S) -> Result<(), EncodeError> {
        sink.put(&self.id.get().to_be_bytes());
        put_tail(version, self.reason, self.properties, Allowed::ACK, sink)
    }
}

pub(super) fn put_tail(
    version: Version,
    reason: ReasonCode,
    list: &[Property<'_>],
    allowed: Allowed,
    sink: &mut impl Sink,
) -> Result<(), EncodeError> {
    if version == Version::V5 && (reason != ReasonCode::SUCCESS || !list.is_empty()) {
        sink.put(&[reason.get()]);
        if !list.is_empty() {
            properties::write(list, allowed, sink)?;
        }
    }
    Ok(())
}
