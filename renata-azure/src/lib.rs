#![doc = include_str!("../README.md")]
//!
//! # Reading order
//!
//! [`Envelope`] and [`Sink`] are what goes in and what it goes to. The pure parts follow: what is
//! remembered of streams, when a batch is closed, how long to wait, what to do next. Then the
//! [`Engine`], which has the threads and the journal, and the `lake`, from row to commit.
#![forbid(unsafe_code)]

mod envelope;
mod sink;

mod record;

mod ranges;
mod streams;

mod batcher;
mod courier;
mod retry;

mod engine;
#[cfg(feature = "lake")]
pub mod lake;

pub use engine::{
    Admitted, DeadLettersFull, Engine, EngineError, EngineOptions, EngineStats, Ingest,
    IngestError, SinkStats, Ticket, WhenFull,
};
pub use envelope::{Envelope, Identity, JournalId, Record, SeqRange};
pub use record::{BadRecord, DeadLetter};
pub use retry::RetryPolicy;
pub use sink::{Encoder, Health, Limits, Outcome, Pause, Refusal, Sink};
