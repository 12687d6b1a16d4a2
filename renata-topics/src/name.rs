//! Topic names: where a message is published.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::scan::{self, Kind};
use crate::{Levels, Limits, TopicError};

/// A valid topic name, borrowed (MQTT 5.0 §4.7): at least one character, no wildcard, no control
/// character, within [`Limits`].
///
/// Validated once, in one pass and without allocation; after that it is just a `&str`.
///
/// ```
/// use renata_topics::TopicName;
/// let name = TopicName::new("renata/biel/hall-2/line-7/s7-1500/plc-3/temperature")?;
/// assert_eq!(name.levels().nth(1), Some("biel"));
/// # Ok::<(), renata_topics::TopicError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicName<'a>(&'a str);

impl<'a> TopicName<'a> {
    /// Validates `text` within [`Limits::DEFAULT`].
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    #[inline]
    pub fn new(text: &'a str) -> Result<Self, TopicError> {
        Self::with_limits(text, Limits::DEFAULT)
    }

    /// Validates `text` within `limits`.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    #[inline]
    pub fn with_limits(text: &'a str, limits: Limits) -> Result<Self, TopicError> {
        scan::validate(text, Kind::Name, limits, 0)?;
        Ok(Self(text))
    }

    /// Validates bytes from the wire: UTF-8 first, then as [`new`](Self::new).
    ///
    /// # Errors
    /// [`TopicError::NotUtf8`], or what [`new`](Self::new) says.
    #[inline]
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, TopicError> {
        Self::new(utf8(bytes)?)
    }

    /// The text.
    #[inline]
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// The levels, from the left.
    #[inline]
    #[must_use]
    pub fn levels(self) -> Levels<'a> {
        Levels::of(self.0)
    }

    /// Whether the name begins with `$`, so that no wildcard at level 0 matches it (MQTT-4.7.2-1).
    #[inline]
    #[must_use]
    pub fn is_dollar(self) -> bool {
        self.0.as_bytes()[0] == b'$'
    }

    /// An owned copy.
    #[must_use]
    pub fn to_buf(self) -> TopicNameBuf {
        TopicNameBuf(Arc::from(self.0))
    }
}

impl fmt::Display for TopicName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl AsRef<str> for TopicName<'_> {
    fn as_ref(&self) -> &str {
        self.0
    }
}

impl<'a> TryFrom<&'a str> for TopicName<'a> {
    type Error = TopicError;

    fn try_from(text: &'a str) -> Result<Self, TopicError> {
        Self::new(text)
    }
}

/// A valid topic name, owned. A clone is one reference count.
///
/// ```
/// use renata_topics::TopicNameBuf;
/// let name: TopicNameBuf = "plant/speed".parse()?;
/// assert_eq!(name.as_name().as_str(), "plant/speed");
/// # Ok::<(), renata_topics::TopicError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicNameBuf(Arc<str>);

impl TopicNameBuf {
    /// Validates `text` within [`Limits::DEFAULT`] and copies it.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn new(text: &str) -> Result<Self, TopicError> {
        Ok(TopicName::new(text)?.to_buf())
    }

    /// The same, borrowed.
    #[inline]
    #[must_use]
    pub fn as_name(&self) -> TopicName<'_> {
        TopicName(&self.0)
    }

    /// The text.
    #[inline]
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TopicNameBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for TopicNameBuf {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for TopicNameBuf {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<Self, TopicError> {
        Self::new(text)
    }
}

impl From<TopicName<'_>> for TopicNameBuf {
    fn from(name: TopicName<'_>) -> Self {
        name.to_buf()
    }
}

pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, TopicError> {
    std::str::from_utf8(bytes).map_err(|error| TopicError::NotUtf8 {
        position: error.valid_up_to(),
    })
}
