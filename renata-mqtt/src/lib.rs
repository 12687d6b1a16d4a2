//! MQTT 3.1.1 and 5.0.
#![forbid(unsafe_code)]

#[cfg(feature = "client")]
mod client;
mod error;
pub mod packet;
mod packet_id;
mod qos;
mod reason;
pub mod session;
mod version;
pub mod wire;
mod write_queue;

#[cfg(feature = "client")]
pub use client::*;
pub use error::{DecodeError, EncodeError};
pub use packet::PacketType;
pub use packet_id::PacketId;
pub use qos::QoS;
pub use reason::ReasonCode;
pub use session::ProtocolError;
pub use version::Version;
pub use write_queue::WriteQueue;
