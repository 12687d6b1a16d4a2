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
    /// More than [`MAX_PROPERTIES`](crate::packet::MAX_PROPERTIES) properties in one packet.
    #[error("more than {} properties in one packet", crate::packet::MAX_PROPERTIES)]
    TooManyProperties,
    /// A reason code that does not exist or does not belong into this packet.
    #[error("reason code {code:#04x} does not belong into packet type {packet_type}")]
    ReasonCode {
        /// The packet type.
        packet_type: u8,
        /// The code.
        code: u8,
    },
    /// Authentication data without the method that reads it (MQTT 5.0 §3.1.2.11.10).
    #[error("authentication data without an authentication method")]
    NoAuthenticationMethod,
    /// A SUBSCRIBE that wants QoS 3 or retain handling 3 (MQTT 5.0 §3.8.3.1).
    #[error("subscription options {0:#010b} with QoS 3 or retain handling 3")]
    SubscriptionOptions(u8),
    /// No Local on a shared subscription [MQTT-3.8.3-4].
    #[error("no local on a shared subscription")]
    NoLocalShared,
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
            Self::TooManyProperties => ReasonCode::QUOTA_EXCEEDED,
            Self::PropertyTwice(_)
            | Self::PropertyValue(_)
            | Self::NoAuthenticationMethod
            | Self::SubscriptionOptions(_)
            | Self::NoLocalShared
            | Self::Empty => ReasonCode::PROTOCOL_ERROR,
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
    /// Text with a NUL in it [MQTT-1.5.4-2].
    #[error("text with a NUL in it")]
    Nul,
    /// A topic name that is empty without an alias, or has a wildcard in it [MQTT-3.3.2-2].
    #[error("topic name is empty or has a wildcard in it")]
    Topic,
    /// A topic filter that is empty or has a wildcard in the wrong place, or No Local on a shared
    /// one.
    #[error("topic filter is empty, has a misplaced wildcard, or is shared with no local")]
    Filter,
    /// No topic filter or reason code at all.
    #[error("no topic filter or reason code")]
    Empty,
    /// A packet identifier at QoS 0, or none at QoS 1 or 2 [MQTT-2.2.1-2].
    #[error("packet identifier and QoS do not go together")]
    PacketId,
    /// A property that does not belong into this packet, is there twice, or has a value that it
    /// cannot have.
    #[error("property {0} does not belong here, is there twice, or is out of range")]
    Property(u8),
    /// Something that MQTT 3.1.1 cannot say: AUTH, or a password without a username.
    #[error("MQTT 3.1.1 cannot say this")]
    Version,
}
