//! [`Ranges`]: a set of numbers that mostly follow one another.

/// A set of `u64` as sorted, disjoint, non-adjacent closed ranges.
///
/// A stream without gaps is one range whatever its length, so the memory is that of the gaps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// Adds a number; `false` when it was in already.
    pub(crate) fn insert(&mut self, n: u64) -> bool {
        match self.0.last_mut() {
            Some((_, end)) if end.checked_add(1) == Some(n) => {
                *end = n;
                true
            }
            Some((_, end)) if *end < n => {
                self.0.push((n, n));
                true
            }
            None => {
                self.0.push((n, n));
                true
            }
            _ => self.insert_behind(n),
        }
    }

    fn insert_behind(&mut self, n: u64) -> bool {
        let at = self.0.partition_point(|&(_, end)| end < n);
        // There is a range that ends at or after n, or `insert` would have appended.
        if self.0[at].0 <= n {
            return false;
        }
        let joins_after = self.0[at].0 == n + 1;
        let joins_before = at > 0 && self.0[at - 1].1 + 1 == n;
        match (joins_before, joins_after) {
            (true, true) => {
                self.0[at - 1].1 = self.0[at].1;
                self.0.remove(at);
            }
            (true, false) => self.0[at - 1].1 = n,
            (false, true) => self.0[at].0 = n,
            (false, false) => self.0.insert(at, (n, n)),
        }
        true
    }

    /// Adds a whole range.
    pub(crate) fn insert_range(&mut self, first: u64, last: u64) {
        // Every range that touches or overlaps, from `from` up to `to`, becomes one.
        let from = self
            .0
            .partition_point(|&(_, end)| end.saturating_add(1) < first);
        let to = self
            .0
            .partition_point(|&(start, _)| start <= last.saturating_add(1));
        let merged = self.0[from..to]
            .iter()
            .fold((first, last), |(a, b), &(start, end)| {
                (a.min(start), b.max(end))
            });
        self.0.splice(from..to, [merged]);
    }

    pub(crate) fn contains(&self, n: u64) -> bool {
        let at = self.0.partition_point(|&(_, end)| end < n);
        self.0.get(at).is_some_and(|&(start, _)| start <= n)
    }

    pub(crate) fn as_slice(&self) -> &[(u64, u64)] {
        &self.0
    }

    /// Takes the lowest range out.
    pub(crate) fn pop_first(&mut self) -> Option<(u64, u64)> {
        (!self.0.is_empty()).then(|| self.0.remove(0))
    }

    /// How many numbers are missing between the first and the last.
    #[cfg(feature = "lake")]
    pub(crate) fn missing(&self) -> u64 {
        self.0.windows(2).map(|w| w[1].0 - w[0].1 - 1).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever is put in, in whatever order, it answers like a plain set.
        #[test]
        fn behaves_like_a_set(numbers in prop::collection::vec((0u64..60, 0u64..5), 0..60)) {
            let (mut ranges, mut set) = (Ranges::default(), BTreeSet::new());
            for (n, more) in numbers {
                if more == 0 {
                    prop_assert_eq!(ranges.insert(n), set.insert(n));
                } else {
                    ranges.insert_range(n, n + more);
                    set.extend(n..=n + more);
                }
                prop_assert!(ranges.as_slice().windows(2).all(|w| w[0].1 + 1 < w[1].0));
            }
            for n in 0..70 {
                prop_assert_eq!(ranges.contains(n), set.contains(&n));
            }
        }
    }

    #[test]
    fn the_ends_of_the_number_line_are_numbers_too() {
        let mut ranges = Ranges::default();
        assert!(ranges.insert(u64::MAX));
        assert!(!ranges.insert(u64::MAX));
        assert!(ranges.insert(0));
        ranges.insert_range(0, u64::MAX);
        assert_eq!(ranges.as_slice(), [(0, u64::MAX)]);
    }
}
