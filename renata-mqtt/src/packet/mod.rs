//! The fifteen packets, read as views of a frame and written from plain structs.

mod ack;
mod connack;
mod connect;
mod disconnect;
mod properties;
mod publish;
mod reasons;
mod suback;
mod subscribe;

pub use ack::{Ack, AckKind, AckRef};
pub use connack::{ConnAck, ConnAckRef};
pub use connect::{Connect, ConnectRef, LastWill, WillRef};
pub use disconnect::{Auth, AuthRef, Disconnect, DisconnectRef};
pub use properties::{MAX_PROPERTIES, Properties, Property};
pub use publish::{Payload, Publish, PublishOut, PublishRef};
pub use suback::{SubAck, SubAckRef, UnsubAck, UnsubAckRef};
pub use subscribe::{
    RetainHandling, Subscribe, SubscribeRef, SubscriptionOptions, Unsubscribe, UnsubscribeRef,
};

use crate::wire::{Count, Framing, Reader, Sink, VARINT_MAX, frame_len, put_varint};
use crate::{DecodeError, EncodeError, Version, WriteQueue};

/// The type of a packet (MQTT 5.0 §2.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "they are named as in the standard")]
#[repr(u8)]
pub enum PacketType {
    Connect = 1,
    ConnAck = 2,
    Publish = 3,
    PubAck = 4,
    PubRec = 5,
    PubRel = 6,
    PubComp = 7,
    Subscribe = 8,
    SubAck = 9,
    Unsubscribe = 10,
    UnsubAck = 11,
    PingReq = 12,
    PingResp = 13,
    Disconnect = 14,
    Auth = 15,
}

impl PacketType {
    /// The type in the upper half of a packet's first byte.
    #[must_use]
    pub fn of(first: u8) -> Option<Self> {
        Some(match first >> 4 {
            1 => Self::Connect,
            2 => Self::ConnAck,
            3 => Self::Publish,
            4 => Self::PubAck,
            5 => Self::PubRec,
            6 => Self::PubRel,
            7 => Self::PubComp,
            8 => Self::Subscribe,
            9 => Self::SubAck,
            10 => Self::Unsubscribe,
            11 => Self::UnsubAck,
            12 => Self::PingReq,
            13 => Self::PingResp,
            14 => Self::Disconnect,
            15 => Self::Auth,
            _ => return None,
        })
    }
}

/// A received packet as a view of its frame. Every check that needs only the packet was made.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "they are named as in the standard")]
pub enum PacketRef<'a> {
    Connect(ConnectRef<'a>),
    ConnAck(ConnAckRef<'a>),
    Publish(PublishRef<'a>),
    PubAck(AckRef<'a>),
    PubRec(AckRef<'a>),
    PubRel(AckRef<'a>),
    PubComp(AckRef<'a>),
    Subscribe(SubscribeRef<'a>),
    SubAck(SubAckRef<'a>),
    Unsubscribe(UnsubscribeRef<'a>),
    UnsubAck(UnsubAckRef<'a>),
    PingReq,
    PingResp,
    Disconnect(DisconnectRef<'a>),
    Auth(AuthRef<'a>),
}

impl<'a> PacketRef<'a> {
    /// Reads one whole frame, as [`frame_len`] measured it. CONNECT brings its own version.
    ///
    /// # Errors
    /// The frame is not a packet of this version.
    pub fn decode(version: Version, frame: &'a [u8]) -> Result<Self, DecodeError> {
        let Ok(Framing::Frame { header, body }) = frame_len(frame, u32::MAX) else {
            return Err(DecodeError::Truncated);
        };
        if frame.len() != header + body {
            return Err(DecodeError::TrailingBytes);
        }
        let (packet_type, flags) = (frame[0] >> 4, frame[0] & 0x0f);
        let body = &frame[header..];
        let expected = match packet_type {
            3 => flags,
            6 | 8 | 10 => 0b0010,
            _ => 0,
        };
        if flags != expected {
            return Err(DecodeError::Flags { packet_type, flags });
        }
        let empty = |packet| Reader::new(body).end().map(|()| packet);
        match packet_type {
            1 => ConnectRef::decode(body).map(Self::Connect),
            2 => ConnAckRef::decode(version, body).map(Self::ConnAck),
            3 => PublishRef::decode(version, frame, header).map(Self::Publish),
            4 => AckRef::decode(version, packet_type, body).map(Self::PubAck),
            5 => AckRef::decode(version, packet_type, body).map(Self::PubRec),
            6 => AckRef::decode(version, packet_type, body).map(Self::PubRel),
            7 => AckRef::decode(version, packet_type, body).map(Self::PubComp),
            8 => SubscribeRef::decode(version, body).map(Self::Subscribe),
            9 => SubAckRef::decode(version, body).map(Self::SubAck),
            10 => UnsubscribeRef::decode(version, body).map(Self::Unsubscribe),
            11 => UnsubAckRef::decode(version, body).map(Self::UnsubAck),
            12 => empty(Self::PingReq),
            13 => empty(Self::PingResp),
            14 => DisconnectRef::decode(version, body).map(Self::Disconnect),
            15 if version == Version::V5 => AuthRef::decode(body).map(Self::Auth),
            other => Err(DecodeError::PacketType(other)),
        }
    }

    /// Its type.
    #[must_use]
    pub fn packet_type(&self) -> PacketType {
        match self {
            Self::Connect(_) => PacketType::Connect,
            Self::ConnAck(_) => PacketType::ConnAck,
            Self::Publish(_) => PacketType::Publish,
            Self::PubAck(_) => PacketType::PubAck,
            Self::PubRec(_) => PacketType::PubRec,
            Self::PubRel(_) => PacketType::PubRel,
            Self::PubComp(_) => PacketType::PubComp,
            Self::Subscribe(_) => PacketType::Subscribe,
            Self::SubAck(_) => PacketType::SubAck,
            Self::Unsubscribe(_) => PacketType::Unsubscribe,
            Self::UnsubAck(_) => PacketType::UnsubAck,
            Self::PingReq => PacketType::PingReq,
            Self::PingResp => PacketType::PingResp,
            Self::Disconnect(_) => PacketType::Disconnect,
            Self::Auth(_) => PacketType::Auth,
        }
    }
}

/// A packet that can be written. Implemented by the plain structs of this module.
pub trait EncodePacket: sealed::Body {}

impl<P: sealed::Body> EncodePacket for P {}

pub(crate) mod sealed {
    use super::{EncodeError, Sink, Version};

    /// What is behind the fixed header, and the header's first byte.
    pub trait Body {
        fn first_byte(&self) -> u8;
        fn body<S: Sink>(&self, version: Version, sink: &mut S) -> Result<(), EncodeError>;
    }
}

/// The size of a packet with its header, in bytes.
///
/// # Errors
/// A field or the packet is too long for the protocol.
pub fn encoded_len(packet: &impl EncodePacket, version: Version) -> Result<usize, EncodeError> {
    let body = body_len(packet, version)?;
    let mut header = Count(1);
    put_varint(body, &mut header);
    Ok(header.0 + body as usize)
}

/// Writes a packet: measures it, then writes it in one pass. On an error nothing was written.
///
/// # Errors
/// A field or the packet is too long for the protocol.
pub fn encode(
    packet: &impl EncodePacket,
    version: Version,
    out: &mut WriteQueue,
) -> Result<(), EncodeError> {
    let body = body_len(packet, version)?;
    // Large payloads go by reference, so there is no need to make room for them.
    out.reserve((body as usize).min(MOST_COPIED) + 5);
    out.put_slice(&[packet.first_byte()]);
    put_varint(body, out);
    packet.body(version, out)
}

/// Room that is made in one step for a packet.
const MOST_COPIED: usize = 2 << 10;

fn body_len(packet: &impl EncodePacket, version: Version) -> Result<u32, EncodeError> {
    let mut count = Count::default();
    packet.body(version, &mut count)?;
    match u32::try_from(count.0) {
        Ok(len) if len <= VARINT_MAX => Ok(len),
        _ => Err(EncodeError::TooLarge),
    }
}

/// PINGREQ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PingReq;

/// PINGRESP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PingResp;

impl sealed::Body for PingReq {
    fn first_byte(&self) -> u8 {
        0xc0
    }

    fn body<S: Sink>(&self, _: Version, _: &mut S) -> Result<(), EncodeError> {
        Ok(())
    }
}

impl sealed::Body for PingResp {
    fn first_byte(&self) -> u8 {
        0xd0
    }

    fn body<S: Sink>(&self, _: Version, _: &mut S) -> Result<(), EncodeError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
