//! Measurements, and the payloads that carry them.
//!
//! ```text
//!  device --> Sample { value, quality, times, unit, epoch, seq } --> Codec --> bytes + content type
//! ```
//!
//! The measurement [`model`] stands without any feature; each format is a feature of its own.
#![forbid(unsafe_code)]

pub mod model;

pub use model::{
    Array, Batch, BatchError, Level, Quality, Reason, Sample, Samples, Timestamp, TimestampError,
    Unit, UnitError, Value, ValueType,
};
