//! The measurement model: what a device measured, when, how far it can be trusted, and its place
//! in the stream.
//!
//! No clock and no topic inside: the caller brings the time, and the stream's name is the topic
//! that the sample travels under.

mod batch;
mod quality;
mod sample;
pub(crate) mod timestamp;
mod unit;
mod value;

pub use batch::{Batch, BatchError, Samples};
pub use quality::{Level, Quality, Reason};
pub use sample::Sample;
pub use timestamp::{Timestamp, TimestampError};
pub use unit::{Unit, UnitError};
pub use value::{Array, Value, ValueType};
