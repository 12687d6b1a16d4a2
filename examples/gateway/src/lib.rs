//! The edge gateway: reads machines, publishes what they measure, and keeps it safe on the way.
//!
//! A source is a device or an MQTT subscription, a sink is an MQTT broker or the lake, and between
//! them is a journal. So one program is two things:
//!
//! ```text
//! at the machine                                            behind the broker
//!
//! device task            one a device: scan, scale, filter    broker's session
//!    | batches, bounded                                          | QoS 1, 2, manual ack
//! record                 one thread: number, encode, fsync    lake: drop repetitions, journal
//!    | durable                                                   | fsync, then PUBACK, PUBREC
//! publish                one pump an uplink: window, PUBACK   Parquet + Delta, exactly once
//!    | position of the uplink
//! ```
//!
//! Nothing that was committed is lost, and nothing arrives twice: every stream (a topic) counts its
//! samples with `seq`, the counter survives `kill -9` because it lies in the journal with them, and
//! the lake drops what `seq` shows to be a repetition. A gap that had to be made (the journal was full
//! for days) shows in `seq`, too.
//!
//! The command line is the interface: [`main_from`] runs it from any program.
//!
//! ```
//! use std::process::ExitCode;
//! let code = renata_gateway::main_from(["renata-gateway", "--version"]);
//! assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
//! ```
//!
//! Reading order: [`config`] says what can be set; `run` starts and stops the tasks; `collect`,
//! `record` and `publish` are the way of a sample at the machine; `lake` is the way behind the broker.
#![forbid(unsafe_code)]

pub mod config;

mod cli;
mod run;

mod collect;
mod lake;
mod mqtt;
mod publish;
mod record;

mod plan;
mod stats;
mod stop;

pub use cli::main_from;
