#![cfg_attr(feature = "tls", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "tls"),
    doc = "MQTT 3.1.1 and 5.0: packets that are read in place, and sessions without sockets and clocks."
)]
#![forbid(unsafe_code)]

// In reading order: the words of the protocol.
mod error;
mod packet_id;
mod qos;
mod reason;
mod version;

// Bytes in, bytes out.
pub mod wire;
mod write_queue;

// What they say, and the rules.
pub mod packet;
pub mod session;

// The task that lives by them.
#[cfg(feature = "client")]
mod client;

#[cfg(feature = "client")]
pub use client::{
    AckToken, Admission, Backoff, Builder, Client, ConfigError, ConnectError, ConnectionError,
    Credentials, CredentialsFuture, CredentialsProvider, Doubt, Drain, Drained, Full, Limits,
    Message, NotAdmitted, Offline, Outcome, PublishBuilder, PublishError, Receipt, Rejection,
    Session, Status, StatusWatch, SubscribeBuilder, SubscribeError, Subscription, Unclaimed, Will,
};
#[cfg(feature = "tls")]
pub use client::{TlsConfig, TlsError};
pub use error::{DecodeError, EncodeError};
pub use packet::PacketType;
pub use packet_id::PacketId;
pub use qos::QoS;
pub use reason::ReasonCode;
pub use session::ProtocolError;
pub use version::Version;
pub use write_queue::WriteQueue;
