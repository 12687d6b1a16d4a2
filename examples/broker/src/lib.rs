//! The reference MQTT broker as a library: 3.1.1 and 5.0, mutual TLS 1.3, a policy, durable sessions.
//!
//! [`main_from`] is the command line; a program that wants a broker inside starts a [`Broker`]:
//!
//! ```
//! use renata_broker::{Broker, Config};
//!
//! let mut config = Config::default();
//! config.listen.push("mqtt://127.0.0.1:0".parse().unwrap());
//! config.allow_anonymous = true;
//! let broker = Broker::start(config, || eprintln!("the broker failed")).unwrap();
//! println!("listening on {}", broker.urls()[0]);
//! assert!(broker.shutdown());
//! ```
//!
//! The way of a byte, one thread from end to end:
//!
//! ```text
//!  socket -> worker -> core::receive -> Session (renata-mqtt) -> core::turn
//!            (mio, rustls)                                          |  policy: access
//!                                                                   v
//!  socket <- worker <- out-buffer <- core::send <- core::route -- router (renata-topics), retained
//!            (one write a turn)          ^             |
//!                                        |             v
//!                                        '-- commit -- engine (memory, or the journal)
//! ```
//!
//! The [README](https://github.com/renata-sa/renata/tree/main/examples/broker) walks a PUBLISH through
//! the files. Modules in reading order:
#![forbid(unsafe_code)]

pub mod config;

mod cli;
mod log;

mod broker;

mod listener;
mod tls;
mod worker;

mod access;
mod clock;
mod core;

pub mod engine;
pub mod message;

pub use broker::Broker;
pub use cli::main_from;
pub use config::Config;
