//! The levels of a topic, cut at `/`.

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
        // Levels are short: a plain loop beats a search that first looks for its alignment.
        match text.bytes().position(|byte| byte == b'/') {
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
