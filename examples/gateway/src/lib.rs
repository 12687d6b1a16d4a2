//! The edge gateway.
#![forbid(unsafe_code)]

mod cli;
mod collect;
pub mod config;
mod lake;
mod mqtt;
mod plan;
mod publish;
mod record;
mod run;
mod stats;
mod stop;
pub use cli::main_from;
