//! Public behaviour of renata-mqtt.

mod allocations;
mod any_bytes;
mod connection;
mod endpoint;
mod log;
mod lossy_link;
mod observer;
mod session;
mod support;

#[cfg(feature = "tls")]
mod client;
#[cfg(feature = "tls")]
mod hostile;
#[cfg(feature = "tls")]
mod mosquitto;
#[cfg(feature = "tls")]
mod patience;
#[cfg(feature = "tls")]
mod scripted;
#[cfg(feature = "tls")]
mod security;
#[cfg(feature = "tls")]
mod streams;
