//! How a peer can break the protocol, and why an operation cannot start now.

use crate::{DecodeError, PacketId, PacketType, ReasonCode};

/// What the peer did that ends the connection.
///
/// [`reason`](Self::reason) is the code for the DISCONNECT that says so to a 5.0 peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The bytes are not a packet of the agreed version.
    #[error("malformed packet: {0}")]
    Decode(#[from] DecodeError),
    /// A packet that this side of a connection never receives at this point.
    #[error("unexpected {0:?} packet")]
    Unexpected(PacketType),
    /// More QoS 1 and 2 messages are open than our Receive Maximum allows (MQTT 5.0 §3.3.4).
    #[error("more than {maximum} unacknowledged messages, which is the receive maximum")]
    ReceiveMaximum {
        /// What we announced.
        maximum: u16,
    },
    /// A topic alias of zero or above the announced maximum (MQTT 5.0 §3.3.2.3.4).
    #[error("topic alias {alias} is outside of the announced range")]
    TopicAlias {
        /// The alias in the packet.
        alias: u16,
    },
    /// A PUBLISH without a topic names an alias that was never set.
    #[error("topic alias {alias} was never set")]
    UnknownAlias {
        /// The alias in the packet.
        alias: u16,
    },
    /// A PUBLISH has neither a topic nor an alias.
    #[error("publish without a topic")]
    NoTopic,
    /// An acknowledgement for an identifier that is not open, or not open for this kind of packet.
    #[error("{packet:?} for packet identifier {}, which does not wait for one", id.get())]
    UnexpectedAck {
        /// The acknowledgement.
        packet: PacketType,
        /// Its packet identifier.
        id: PacketId,
    },
    /// A SUBACK or UNSUBACK does not have one reason code for each filter (MQTT 5.0 §3.9.3).
    #[error("{packet:?} with {found} reason code(s) for {expected} filter(s)")]
    ReasonCodes {
        /// The acknowledgement.
        packet: PacketType,
        /// How many filters the request had.
        expected: usize,
        /// How many codes the acknowledgement has.
        found: usize,
    },
    /// The peer has been silent for too long (MQTT 5.0 §3.1.2.10).
    #[error("keep-alive timeout")]
    KeepAlive,
    /// The [`Handler`](super::Handler) wants the connection closed.
    #[error("closed by the receiver: {0:?}")]
    Closed(ReasonCode),
}

impl ProtocolError {
    /// The code for the DISCONNECT that tells a 5.0 peer.
    #[must_use]
    pub fn reason(self) -> ReasonCode {
        match self {
            Self::Decode(error) => error.reason(),
            Self::ReceiveMaximum { .. } => ReasonCode::RECEIVE_MAXIMUM_EXCEEDED,
            Self::TopicAlias { .. } => ReasonCode::TOPIC_ALIAS_INVALID,
            Self::KeepAlive => ReasonCode::KEEP_ALIVE_TIMEOUT,
            Self::Closed(reason) => reason,
            Self::Unexpected(_)
            | Self::UnknownAlias { .. }
            | Self::NoTopic
            | Self::UnexpectedAck { .. }
            | Self::ReasonCodes { .. } => ReasonCode::PROTOCOL_ERROR,
        }
    }
}

/// Why a session does not take an operation now. Nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// There is no connection.
    #[error("not connected")]
    NotConnected,
    /// The peer's Receive Maximum is used up, or messages of an earlier connection go first. Try
    /// again after the next acknowledgement.
    #[error("as many messages are in flight as the peer allows")]
    WindowFull,
    /// All 65 535 packet identifiers are taken, because the oldest one is still open.
    #[error("no packet identifier is free")]
    NoIdentifier,
}
