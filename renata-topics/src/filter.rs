//! Topic filters: what a subscription asks for.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::name::utf8;
use crate::scan::{self, Kind};
use crate::{Levels, Limits, TopicError, TopicName};

const SHARE: &str = "$share";

/// A valid topic filter, borrowed (MQTT 5.0 §4.7 and §4.8.2).
///
/// `+` stands for one level, `#` for the parent and everything below it. Wildcards at level 0 skip
/// names that begin with `$`. A shared subscription is `$share/{group}/{filter}`.
///
/// ```
/// use renata_topics::{TopicFilter, TopicName};
/// let filter = TopicFilter::new("$share/lake/renata/+/press/#")?;
/// assert_eq!(filter.share_name(), Some("lake"));
/// assert_eq!(filter.without_share().as_str(), "renata/+/press/#");
/// assert!(filter.matches(TopicName::new("renata/biel/press")?));
/// # Ok::<(), renata_topics::TopicError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicFilter<'a> {
    text: &'a str,
    shape: Shape,
}

/// What one pass over a filter tells, kept beside the text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Shape {
    /// Where the filter begins behind `$share/{group}/`; 0 without it.
    start: u16,
    wild: bool,
}

impl<'a> TopicFilter<'a> {
    /// `#`: every topic that does not begin with `$`.
    pub const ALL: TopicFilter<'static> = TopicFilter {
        text: "#",
        shape: Shape {
            start: 0,
            wild: true,
        },
    };

    /// Validates `text` within [`Limits::DEFAULT`].
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn new(text: &'a str) -> Result<Self, TopicError> {
        Self::with_limits(text, Limits::DEFAULT)
    }

    /// Validates `text` within `limits`.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn with_limits(text: &'a str, limits: Limits) -> Result<Self, TopicError> {
        let start = share_prefix(text)?;
        let wild = scan::validate(&text[start..], Kind::Filter, limits, start)?;
        if start > 0 {
            // The group is a text like any other: no control characters in it either.
            scan::validate(&text[..start - 1], Kind::Name, limits, 0)?;
        }
        let start = u16::try_from(start).map_err(|_| TopicError::TooLong {
            bytes: text.len(),
            max: limits.max_bytes(),
        })?;
        Ok(Self {
            text,
            shape: Shape { start, wild },
        })
    }

    /// Validates bytes from the wire: UTF-8 first, then as [`new`](Self::new).
    ///
    /// # Errors
    /// [`TopicError::NotUtf8`], or what [`new`](Self::new) says.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, TopicError> {
        Self::new(utf8(bytes)?)
    }

    /// The whole text, `$share/{group}/` included.
    #[inline]
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.text
    }

    /// The group of a shared subscription.
    #[must_use]
    pub fn share_name(self) -> Option<&'a str> {
        let end = usize::from(self.shape.start).checked_sub(1)?;
        Some(&self.text[SHARE.len() + 1..end])
    }

    /// The filter behind `$share/{group}/`, or the same filter.
    #[inline]
    #[must_use]
    pub fn without_share(self) -> TopicFilter<'a> {
        Self {
            text: self.path(),
            shape: Shape {
                start: 0,
                ..self.shape
            },
        }
    }

    /// Whether the filter holds no wildcard, so that it matches exactly one name.
    #[inline]
    #[must_use]
    pub fn is_literal(self) -> bool {
        !self.shape.wild
    }

    /// The levels behind `$share/{group}/`, from the left.
    #[inline]
    #[must_use]
    pub fn levels(self) -> Levels<'a> {
        Levels::of(self.path())
    }

    /// Whether a message published to `name` matches, `$share/{group}/` left aside.
    ///
    /// One filter against one name; a [`FilterTree`](crate::FilterTree) holds many filters.
    #[must_use]
    pub fn matches(self, name: TopicName<'_>) -> bool {
        if self.is_literal() {
            return self.path() == name.as_str();
        }
        let mut levels = name.levels();
        for (depth, wanted) in self.levels().enumerate() {
            let skips = depth == 0 && name.is_dollar();
            match (wanted, levels.next()) {
                ("#", _) => return !skips,
                ("+", Some(_)) if !skips => {}
                (wanted, Some(level)) if wanted == level => {}
                _ => return false,
            }
        }
        levels.rest().is_none()
    }

    /// An owned copy.
    #[must_use]
    pub fn to_buf(self) -> TopicFilterBuf {
        TopicFilterBuf {
            text: Arc::from(self.text),
            shape: self.shape,
        }
    }

    #[inline]
    fn path(self) -> &'a str {
        &self.text[usize::from(self.shape.start)..]
    }
}

impl fmt::Debug for TopicFilter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TopicFilter").field(&self.text).finish()
    }
}

impl fmt::Display for TopicFilter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl AsRef<str> for TopicFilter<'_> {
    fn as_ref(&self) -> &str {
        self.text
    }
}

impl<'a> TryFrom<&'a str> for TopicFilter<'a> {
    type Error = TopicError;

    fn try_from(text: &'a str) -> Result<Self, TopicError> {
        Self::new(text)
    }
}

/// A valid topic filter, owned. A clone is one reference count.
///
/// ```
/// use renata_topics::TopicFilterBuf;
/// let filter: TopicFilterBuf = "plant/+".parse()?;
/// assert!(!filter.as_filter().is_literal());
/// # Ok::<(), renata_topics::TopicError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicFilterBuf {
    text: Arc<str>,
    shape: Shape,
}

impl TopicFilterBuf {
    /// Validates `text` within [`Limits::DEFAULT`] and copies it.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn new(text: &str) -> Result<Self, TopicError> {
        Ok(TopicFilter::new(text)?.to_buf())
    }

    /// The same, borrowed.
    #[inline]
    #[must_use]
    pub fn as_filter(&self) -> TopicFilter<'_> {
        TopicFilter {
            text: &self.text,
            shape: self.shape,
        }
    }

    /// The whole text, `$share/{group}/` included.
    #[inline]
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for TopicFilterBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TopicFilterBuf").field(&self.text).finish()
    }
}

impl fmt::Display for TopicFilterBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl AsRef<str> for TopicFilterBuf {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl FromStr for TopicFilterBuf {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<Self, TopicError> {
        Self::new(text)
    }
}

impl From<TopicFilter<'_>> for TopicFilterBuf {
    fn from(filter: TopicFilter<'_>) -> Self {
        filter.to_buf()
    }
}

/// How many bytes `$share/{group}/` takes at the head of `text`; 0 if it is no shared filter.
///
/// `$share` without a group is refused although the standard would let it pass as an odd filter:
/// it is a mistyped shared subscription, and it once took a cluster down. So is a share in a share.
fn share_prefix(text: &str) -> Result<usize, TopicError> {
    let Some(behind) = behind_share(text) else {
        return Ok(0);
    };
    let group_at = SHARE.len() + 1;
    let Some((group, filter)) = behind.split_once('/') else {
        return Err(TopicError::Share {
            position: text.len(),
        });
    };
    if let Some(at) = group.find(['+', '#']) {
        return Err(TopicError::Share {
            position: group_at + at,
        });
    }
    let filter_at = group_at + group.len() + 1;
    if group.is_empty() {
        return Err(TopicError::Share { position: group_at });
    }
    if filter.is_empty() || behind_share(filter).is_some() {
        return Err(TopicError::Share {
            position: filter_at,
        });
    }
    Ok(filter_at)
}

/// What follows `$share/`; empty for `$share` alone, `None` for everything else.
fn behind_share(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(SHARE)?;
    if rest.is_empty() {
        return Some(rest);
    }
    rest.strip_prefix('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share_error(text: &str) -> Option<usize> {
        match TopicFilter::new(text) {
            Err(TopicError::Share { position }) => Some(position),
            _ => None,
        }
    }

    #[test]
    fn a_broken_share_is_refused_with_its_place() {
        let table = [
            ("$share", 6),
            ("$share/", 7),
            ("$share/g", 8),
            ("$share/g/", 9),
            ("$share//t", 7),
            ("$share/+/t", 7),
            ("$share/g#/t", 8),
            ("$share/g/$share/h/t", 9),
        ];
        for (text, position) in table {
            assert_eq!(share_error(text), Some(position), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_share_is_a_plain_filter() {
        for text in ["$shared/g/t", "$SHARE/g/t", "share/g/t"] {
            let filter = TopicFilter::new(text).expect(text);
            assert_eq!(filter.share_name(), None);
            assert_eq!(filter.without_share(), filter);
        }
    }

    #[test]
    fn positions_of_a_shared_filter_count_from_its_first_byte() {
        assert_eq!(
            TopicFilter::new("$share/g/a/b+"),
            Err(TopicError::WildcardNotAlone {
                level: 1,
                position: 12,
                character: '+'
            })
        );
    }

    #[test]
    fn a_group_may_hold_no_control_character() {
        assert!(TopicFilter::new("$share/g\u{7}/t").is_err());
    }
}
