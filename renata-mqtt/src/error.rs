//! What is wrong with bytes, and what cannot be made into bytes.

use crate::ReasonCode;

/// Why bytes from the peer are not an MQTT packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// A variable byte integer ran past its fourth byte, or is longer than it has to be
    /// (MQTT 5.0 §1.5.5).
    #[error("variable byte integer is too long")]
    VarInt,
    /// The packet is larger than what we accept.
    #[error("packet of {size} bytes where at most {limit} are accepted")]
    TooLarge {
        /// Of the whole packet, in bytes.
        size: u32,
        /// What we accept.
        limit: u32,
    },
    /// A field reaches beyond the end of the packet.
    #[error("field reaches beyond the end of the packet")]
    Truncated,
    /// Bytes are left over behind the last field.
    #[error("bytes are left over behind the last field")]
    TrailingBytes,
    /// A packet type that does not exist, in this version.
    #[error("packet type {0} does not exist")]
    PacketType(u8),
    /// The flags of the fixed header are not the ones of this packet type (MQTT 5.0 §2.1.3).
    #[error("flags {flags:#06b} of packet type {packet_type}")]
    Flags {
        /// The packet type.
        packet_type: u8,
        /// Its flags.
        flags: u8,
    },
    /// QoS 3 (MQTT 5.0 §3.3.1.2).
    #[error("QoS 3")]
    QoS,
    /// A packet identifier of zero (MQTT 5.0 §2.2.1).
    #[error("packet identifier of zero")]
    PacketId,
    /// Text is not UTF-8, or has a NUL in it (MQTT 5.0 §1.5.4).
    #[error("text is not UTF-8 or has a NUL in it")]
    Utf8,
    /// A topic name with a wildcard in it (MQTT 5.0 §3.3.2.1).
    #[error("topic name with a wildcard in it")]
    Topic,
    /// The protocol is not called MQTT (MQTT 5.0 §3.1.2.1).
    #[error("protocol name is not MQTT")]
    ProtocolName,
    /// A protocol level that is not supported.
    #[error("protocol level {0} is not supported")]
    ProtocolLevel(u8),
    /// Flags of CONNECT or options of SUBSCRIBE that exclude each other or are reserved.
    #[error("reserved or contradictory flags {0:#010b}")]
    Reserved(u8),
    /// A property that does not exist or does not belong into this packet (MQTT 5.0 §2.2.2.2).
    #[error("property {0} does not belong into this packet")]
    Property(u32),
    /// A property that is there twice (MQTT 5.0 §2.2.2.2).
    #[error("property {0} is there twice")]
    PropertyTwice(u32),
    /// A property with a value that it cannot have.
    #[error("property {0} has a value that it cannot have")]
    PropertyValue(u32),
    /// A SUBSCRIBE or UNSUBSCRIBE without a filter, or an acknowledgement of one without a code.
    #[error("no topic filter or reason code")]
    Empty,
}

impl DecodeError {
    /// The reason code that says so to a 5.0 peer.
    #[must_use]
    pub fn reason(self) -> ReasonCode {
        match self {
            Self::TooLarge { .. } => ReasonCode::PACKET_TOO_LARGE,
            Self::ProtocolName | Self::ProtocolLevel(_) => ReasonCode::UNSUPPORTED_PROTOCOL_VERSION,
            Self::Topic => ReasonCode::TOPIC_NAME_INVALID,
            Self::PropertyTwice(_) | Self::PropertyValue(_) | Self::Empty => {
                ReasonCode::PROTOCOL_ERROR
            }
            _ => ReasonCode::MALFORMED_PACKET,
        }
    }
}

/// Why something cannot be made into a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// Text or data of more than 65 535 bytes (MQTT 5.0 §1.5.4).
    #[error("text or data of more than 65535 bytes")]
    StringTooLong,
    /// A packet of more than 268 435 455 bytes (MQTT 5.0 §2.1.4).
    #[error("packet of more than 268435455 bytes")]
    TooLarge,
}
