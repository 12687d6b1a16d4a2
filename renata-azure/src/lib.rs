#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod envelope;
mod sink;
mod record;
mod ranges;
mod streams;
mod batcher;
mod retry;
mod courier;
mod engine;
#[cfg(feature = "lake")]
pub mod lake;

pub use engine::{
    Admitted, Engine, EngineError, EngineOptions, EngineStats, Ingest, IngestError, SinkStats,
    Ticket, WhenFull,
};
pub use envelope::{Envelope, Identity, JournalId, Record, SeqRange};
pub use record::DeadLetter;
pub use retry::RetryPolicy;
pub use sink::{Encoder, Health, Limits, Outcome, Pause, Refusal, Sink};
