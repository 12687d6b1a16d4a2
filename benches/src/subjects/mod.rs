//! What is compared: one file a subject.

pub mod codec;
pub mod policy;
pub mod topics;

use crate::measure::Effort;
use crate::row::Row;

/// A subject and how its rows are measured.
pub type Subject = (&'static str, fn(Effort) -> Vec<Row>);

/// Every subject that there is.
pub const ALL: [Subject; 3] = [
    ("codec", codec::rows),
    ("topics", topics::rows),
    ("policy", policy::rows),
];
