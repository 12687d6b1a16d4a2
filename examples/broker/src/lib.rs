//! The reference MQTT broker.
#![forbid(unsafe_code)]

pub mod config;
pub mod engine;
pub mod message;

pub use config::Config;
