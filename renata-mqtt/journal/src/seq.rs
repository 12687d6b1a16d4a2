//! [`Seq`], the number of a record.

use std::fmt;

/// The number of a record: 1 for the first one ever appended, then one more for each.
///
/// A number is given once and never again, also across restarts: what was reported durable keeps
/// its number for ever. [`Seq::ZERO`] stands before the first record, so that "nothing yet" needs
/// no `Option`: a cursor at `ZERO` has acknowledged nothing, and `durable() == ZERO` says that
/// nothing is durable.
///
/// ```
/// # use renata_journal::Seq;
/// assert_eq!(Seq::ZERO.next(), Seq::new(1));
/// assert!(Seq::new(7) < Seq::new(8));
/// assert_eq!(Seq::new(7).to_string(), "7");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seq(u64);

impl Seq {
    /// The position before the first record.
    pub const ZERO: Self = Self(0);

    /// The record with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The plain number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The record that follows.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
