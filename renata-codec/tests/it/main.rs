//! What the crate promises to its users.

#[cfg(any(feature = "json", feature = "cbor", feature = "protobuf"))]
mod golden;
#[cfg(any(feature = "json", feature = "cbor", feature = "protobuf"))]
mod hostile;
#[cfg(any(feature = "json", feature = "cbor", feature = "protobuf"))]
mod round_trip;
#[cfg(any(feature = "json", feature = "cbor", feature = "protobuf"))]
mod samples;
#[cfg(all(feature = "json", feature = "cbor", feature = "protobuf"))]
mod schemas;
