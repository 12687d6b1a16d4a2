//! The levels of a topic, cut at `/`.

use crate::scan::lanes_equal;

/// The levels of a topic name or filter, from the left. Levels may be empty: `/a` has two.
///
/// ```
/// use renata_topics::TopicName;
/// let name = TopicName::new("/biel//press")?;
/// assert_eq!(name.levels().collect::<Vec<_>>(), ["", "biel", "", "press"]);
/// # Ok::<(), renata_topics::TopicError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Levels<'a> {
    rest: Option<&'a str>,
}

impl<'a> Levels<'a> {
    #[inline]
    pub(crate) fn of(text: &'a str) -> Self {
        Self { rest: Some(text) }
    }

    /// What has not been taken yet, separators included; `None` behind the last level.
    #[must_use]
    pub fn rest(&self) -> Option<&'a str> {
        self.rest
    }
}

impl<'a> Iterator for Levels<'a> {
    type Item = &'a str;

    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        let text = self.rest?;
        match separator(text.as_bytes()) {
            Some(at) => {
                self.rest = Some(&text[at + 1..]);
                Some(&text[..at])
            }
            None => {
                self.rest = None;
                Some(text)
            }
        }
    }
}

impl std::iter::FusedIterator for Levels<'_> {}

/// Where the first `/` is. Levels are short: a search that first looks for its alignment costs more
/// than it saves.
#[inline]
fn separator(bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<8>();
    for (n, word) in words.iter().enumerate() {
        let found = lanes_equal(u64::from_le_bytes(*word), b'/');
        if found != 0 {
            return Some(n * 8 + (found.trailing_zeros() / 8) as usize);
        }
    }
    let at = rest.iter().position(|byte| *byte == b'/')?;
    Some(bytes.len() - rest.len() + at)
}
