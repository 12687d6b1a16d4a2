//! Where a packet ends, and the fields that it is made of.

mod frame;
mod reader;
mod sink;

pub use frame::{Framing, frame_len};
pub(crate) use reader::Reader;
pub(crate) use sink::{Count, Sink, put_bin, put_str, put_varint};

/// The largest variable byte integer, and so the largest remaining length (MQTT 5.0 §1.5.5).
pub(crate) const VARINT_MAX: u32 = 268_435_455;
