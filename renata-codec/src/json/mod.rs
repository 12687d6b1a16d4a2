//! JSON: `schema/sample.schema.json`.
//!
//! ```json
//! {"value":21.5,"type":"f64","quality":"bad","reason":"stale","unit":"Cel","epoch":1,"seq":42,
//!  "source_time":"2026-03-01T05:30:00.250Z","receive_time":"2026-03-01T05:30:00.260Z"}
//! ```
//! Exact where JSON's readers are not: integers beyond ±(2^53 - 1) are written as decimal strings,
//! bytes as base64 (RFC 4648 §4), and the floats that JSON lacks as `"NaN"`, `"Infinity"` and
//! `"-Infinity"`. Both spellings of an integer are read. Without `type`, the type is what the value
//! looks like. Unknown keys are skipped.

mod fields;
mod read;
mod write;

pub(crate) use read::decode;
pub(crate) use write::encode;

/// Integers up to here are numbers, beyond they are strings (RFC 7493 §2.2).
const MAX_SAFE: u64 = (1 << 53) - 1;

const NAN: &str = "NaN";
const INFINITY: &str = "Infinity";
const MINUS_INFINITY: &str = "-Infinity";
