//! The reference MQTT broker.
#![forbid(unsafe_code)]

mod access;
mod broker;
mod cli;
mod clock;
pub mod config;
mod core;
pub mod engine;
mod listener;
mod log;
pub mod message;
mod tls;
mod worker;

pub use broker::Broker;
pub use cli::main_from;
pub use config::Config;
