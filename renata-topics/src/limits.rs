//! How long and how deep a topic may be.

/// How long and how deep a topic name or filter may be.
///
/// ```
/// use renata_topics::{Limits, TopicError, TopicName};
/// let limits = Limits::DEFAULT.with_max_levels(3);
/// assert!(TopicName::with_limits("a/b/c", limits).is_ok());
/// assert_eq!(
///     TopicName::with_limits("a/b/c/d", limits).unwrap_err(),
///     TopicError::TooDeep { levels: 4, max: 3 }
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    max_bytes: u16,
    max_levels: u16,
}

impl Limits {
    /// 65 535 bytes, as in the standard, and 128 levels.
    ///
    /// The standard knows no limit of levels, and that was an attack (a topic of 65 000 slashes
    /// made trees recurse until the stack ended). 128 is far above any plant.
    pub const DEFAULT: Self = Self {
        max_bytes: u16::MAX,
        max_levels: 128,
    };

    /// The longest text in bytes, `$share/{group}/` included.
    #[must_use]
    pub const fn max_bytes(self) -> usize {
        self.max_bytes as usize
    }

    /// The largest number of levels, those of `$share/{group}/` not counted.
    #[must_use]
    pub const fn max_levels(self) -> usize {
        self.max_levels as usize
    }

    /// The same with another length in bytes.
    #[must_use]
    pub const fn with_max_bytes(self, max_bytes: u16) -> Self {
        Self { max_bytes, ..self }
    }

    /// The same with another number of levels.
    #[must_use]
    pub const fn with_max_levels(self, max_levels: u16) -> Self {
        Self { max_levels, ..self }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
