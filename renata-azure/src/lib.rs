#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod batcher;
mod courier;
mod engine;
mod envelope;
#[cfg(feature = "lake")]
pub mod lake;
mod ranges;
mod record;
mod retry;
mod sink;
mod streams;

pub use engine::{
    Admitted, Engine, EngineError, EngineOptions, EngineStats, Ingest, IngestError, SinkStats,
    Ticket, WhenFull,
};
pub use envelope::{Envelope, Identity, JournalId, Record, SeqRange};
pub use record::{BadRecord, DeadLetter};
pub use retry::RetryPolicy;
pub use sink::{Encoder, Health, Limits, Outcome, Pause, Refusal, Sink};
