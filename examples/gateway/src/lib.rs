//! The edge gateway.
#![forbid(unsafe_code)]
#![allow(dead_code)]
mod cli;
mod collect;
pub mod config;
mod plan;
mod publish;
mod record;
mod run;
mod stats;
pub use cli::main_from;
