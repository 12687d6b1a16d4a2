//! Measurements, and the payloads that carry them.
//!
//! ```text
//!  device, driver                                          MQTT payload + content type
//!        |                                                           ^       |
//!        v                      encode                               |       v
//!     Sample  ------------------------------->  json | cbor | protobuf  -->  compress
//!  value, quality, times,  <------------------  limits on bytes, depth, items, ratio
//!  unit, epoch, seq             decode
//! ```
//!
#![cfg_attr(
    feature = "cbor",
    doc = r#"
```
use bytes::BytesMut;
use renata_codec::{Codec, Sample, Timestamp};

let codec: Codec = "application/cbor".parse()?;
let sample = Sample::new(21.5, Timestamp::EPOCH).with_unit("Cel".parse()?).at_position(1, 7);
let mut payload = BytesMut::new();
codec.encode(&sample, &mut payload)?;
assert_eq!(codec.decode(&payload)?, sample);
# Ok::<(), Box<dyn std::error::Error>>(())
```
"#
)]
//! Read on in this order: the measurement [`model`], which stands without any feature; `Codec`,
//! which chooses format and compression by a content type; the formats, each a module and a feature
//! with its schema in `schema/`; the compression around them. `Limits` bound what bytes from
//! outside may cost, and `DecodeError` says what was wrong with them.
#![forbid(unsafe_code)]

pub mod model;

/// Declares what exists as soon as there is a format.
macro_rules! with_a_format {
    ($($item:item)*) => {
        $(#[cfg(any(feature = "json", feature = "cbor", feature = "protobuf"))] $item)*
    };
}

with_a_format! {
    mod codec;
    mod limits;
    mod error;
    pub use codec::{Codec, Compression, ContentTypeError, Format};
    pub use error::{DecodeError, EncodeError};
    pub use limits::Limits;
}

#[cfg(feature = "json")]
mod json;

#[cfg(feature = "cbor")]
mod cbor;

#[cfg(feature = "protobuf")]
mod protobuf;

with_a_format! {
    #[cfg(feature = "compression")]
    mod compress;
}

/// The README's example runs.
#[cfg(all(doctest, feature = "cbor"))]
#[doc = include_str!("../README.md")]
struct Readme;

pub use model::{
    Array, Batch, BatchError, Level, Quality, Reason, Sample, Samples, Timestamp, TimestampError,
    Unit, UnitError, Value, ValueType,
};
