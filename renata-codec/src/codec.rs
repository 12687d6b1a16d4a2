//! Format and compression, chosen at run time by a content type.

use std::fmt;
use std::str::FromStr;

use bytes::BytesMut;

use crate::{DecodeError, EncodeError, Limits, Sample};

/// How samples become payloads: a format, and a compression around it.
///
/// The content type says both and travels in the MQTT 5 Content Type property. A codec holds no
/// state: a payload stands for itself.
///
#[cfg_attr(
    all(feature = "json", feature = "compression"),
    doc = r#"
```
use bytes::BytesMut;
use renata_codec::{Codec, Sample, Timestamp};
let codec: Codec = "application/json+gzip".parse()?;
let sample = Sample::new(21.5, Timestamp::EPOCH).at_position(1, 7);
let mut payload = BytesMut::new();
codec.encode(&sample, &mut payload)?;
assert_eq!(codec.decode(&payload)?, sample);
assert_eq!(codec.content_type(), "application/json+gzip");
# Ok::<(), Box<dyn std::error::Error>>(())
```
"#
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Codec {
    /// The format.
    pub format: Format,
    /// What is around it.
    pub compression: Compression,
}

/// The format of a payload. Which ones there are is chosen by features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// `application/json`: `schema/sample.schema.json`.
    #[cfg(feature = "json")]
    Json,
    /// `application/cbor`: `schema/sample.cddl`.
    #[cfg(feature = "cbor")]
    Cbor,
    /// `application/protobuf`: `schema/sample.proto`.
    #[cfg(feature = "protobuf")]
    Protobuf,
}

/// What is around the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Compression {
    /// Nothing.
    #[default]
    None,
    /// gzip (RFC 1952), content type suffix `+gzip`.
    #[cfg(feature = "compression")]
    Gzip,
    /// zlib (RFC 1950), which HTTP calls deflate, content type suffix `+deflate`.
    #[cfg(feature = "compression")]
    Deflate,
}

impl Codec {
    /// The format without compression.
    #[must_use]
    pub const fn new(format: Format) -> Self {
        Self {
            format,
            compression: Compression::None,
        }
    }

    /// The same with this compression.
    ///
    /// Compression pays for large payloads only. A payload that would not become smaller, and one
    /// that would shrink so far that receivers take it for a bomb, goes out as it is; the receiver
    /// sees that from its first bytes.
    #[must_use]
    pub const fn with_compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Every codec of this build.
    pub fn all() -> impl Iterator<Item = Self> {
        FORMATS.iter().flat_map(|(_, format)| {
            let with = |(_, c): &(_, Compression)| Self::new(*format).with_compression(*c);
            COMPRESSIONS.iter().map(with)
        })
    }

    /// The content type, as [`FromStr`] reads it.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        macro_rules! with_suffix {
            ($base:literal) => {
                match self.compression {
                    Compression::None => $base,
                    #[cfg(feature = "compression")]
                    Compression::Gzip => concat!($base, "+gzip"),
                    #[cfg(feature = "compression")]
                    Compression::Deflate => concat!($base, "+deflate"),
                }
            };
        }
        match self.format {
            #[cfg(feature = "json")]
            Format::Json => with_suffix!("application/json"),
            #[cfg(feature = "cbor")]
            Format::Cbor => with_suffix!("application/cbor"),
            #[cfg(feature = "protobuf")]
            Format::Protobuf => with_suffix!("application/protobuf"),
        }
    }

    /// Appends the payload of `sample` to `out`.
    ///
    /// # Errors
    /// [`EncodeError`] when a receiver with [`Limits::DEFAULT`] would refuse it; `out` is unchanged.
    pub fn encode(&self, sample: &Sample, out: &mut BytesMut) -> Result<(), EncodeError> {
        let limits = Limits::DEFAULT;
        let items = sample.value.as_ref().map_or(0, crate::Value::items);
        if items > limits.max_items {
            return Err(EncodeError::TooManyItems {
                len: items,
                limit: limits.max_items,
            });
        }
        let start = out.len();
        match self.format {
            #[cfg(feature = "json")]
            Format::Json => crate::json::encode(sample, out),
            #[cfg(feature = "cbor")]
            Format::Cbor => crate::cbor::encode(sample, out),
            #[cfg(feature = "protobuf")]
            Format::Protobuf => crate::protobuf::encode(sample, out),
        }
        let len = out.len() - start;
        if len > limits.max_bytes {
            out.truncate(start);
            return Err(EncodeError::TooLarge {
                len,
                limit: limits.max_bytes,
            });
        }
        #[cfg(feature = "compression")]
        crate::compress::deflate(self.compression, start, out);
        Ok(())
    }

    /// Reads a payload within [`Limits::DEFAULT`].
    ///
    /// # Errors
    /// [`DecodeError`] says what is wrong.
    pub fn decode(&self, payload: &[u8]) -> Result<Sample, DecodeError> {
        self.decode_within(payload, &Limits::DEFAULT)
    }

    /// Reads a payload within other limits.
    ///
    /// # Errors
    /// [`DecodeError`] says what is wrong.
    pub fn decode_within(&self, payload: &[u8], limits: &Limits) -> Result<Sample, DecodeError> {
        if payload.len() > limits.max_bytes {
            return Err(DecodeError::TooLarge {
                limit: limits.max_bytes,
            });
        }
        #[cfg(feature = "compression")]
        let inflated = crate::compress::inflate(self.compression, payload, limits)?;
        #[cfg(feature = "compression")]
        let payload = &inflated;
        match self.format {
            #[cfg(feature = "json")]
            Format::Json => crate::json::decode(payload, limits),
            #[cfg(feature = "cbor")]
            Format::Cbor => crate::cbor::decode(payload, limits),
            #[cfg(feature = "protobuf")]
            Format::Protobuf => crate::protobuf::decode(payload, limits),
        }
    }
}

/// Case and parameters (`; charset=utf-8`) do not matter.
impl FromStr for Codec {
    type Err = ContentTypeError;

    fn from_str(text: &str) -> Result<Self, ContentTypeError> {
        let essence = text.split(';').next().unwrap_or_default().trim();
        let (format, compression) = essence.split_once('+').unwrap_or((essence, ""));
        let format = FORMATS.iter().find(|(name, _)| name.eq_ignore_ascii_case(format));
        let (_, format) = format.ok_or(ContentTypeError::Format)?;
        let mut compressions = COMPRESSIONS.iter();
        let compression = compressions.find(|(name, _)| name.eq_ignore_ascii_case(compression));
        let (_, compression) = compression.ok_or(ContentTypeError::Compression)?;
        Ok(Self::new(*format).with_compression(*compression))
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.content_type())
    }
}

/// Why a content type names no codec of this build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContentTypeError {
    /// The format.
    #[error("unknown format: use application/json, application/cbor or application/protobuf")]
    Format,
    /// The suffix.
    #[error("unknown compression: use +gzip, +deflate or nothing")]
    Compression,
}

const FORMATS: &[(&str, Format)] = &[
    #[cfg(feature = "json")]
    ("application/json", Format::Json),
    #[cfg(feature = "cbor")]
    ("application/cbor", Format::Cbor),
    #[cfg(feature = "protobuf")]
    ("application/protobuf", Format::Protobuf),
];

const COMPRESSIONS: &[(&str, Compression)] = &[
    ("", Compression::None),
    #[cfg(feature = "compression")]
    ("gzip", Compression::Gzip),
    #[cfg(feature = "compression")]
    ("deflate", Compression::Deflate),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_lead_back() {
        for codec in Codec::all() {
            assert_eq!(codec.to_string().parse(), Ok(codec));
            let loud = format!(" {} ; charset=utf-8", codec.to_string().to_uppercase());
            assert_eq!(loud.parse(), Ok(codec));
        }
    }

    #[test]
    fn other_content_types_are_refused() {
        for text in ["", "json", "application/xml", "text/json", "application/jsonx"] {
            assert_eq!(text.parse::<Codec>(), Err(ContentTypeError::Format), "{text}");
        }
        let (name, _) = FORMATS[0];
        for suffix in ["+br", "+gzip+gzip", "+gzipx"] {
            let text = format!("{name}{suffix}");
            assert_eq!(text.parse::<Codec>(), Err(ContentTypeError::Compression), "{text}");
        }
    }
}
