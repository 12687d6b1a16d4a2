//! What is wrong with a configuration, and where.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One thing that is wrong with the configuration.
///
/// Displayed as `file:line:column: what; remedy`, so that editors jump to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// Line and column, from 1; `None` when the file as a whole is meant.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}; {}", self.what, self.remedy)
    }
}

/// Gathers the problems of one file.
pub(super) struct Problems<'t> {
    file: &'t Path,
    text: &'t str,
    list: Vec<Problem>,
}

impl<'t> Problems<'t> {
    pub(super) const fn of(file: &'t Path, text: &'t str) -> Self {
        Self {
            file,
            text,
            list: Vec::new(),
        }
    }

    /// Adds a problem at a place of the text, or of the file as a whole.
    pub(super) fn add(
        &mut self,
        span: Option<Range<usize>>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.list.push(Problem {
            file: self.file.to_owned(),
            place: span.map(|span| self.place(span.start)),
            what: what.into(),
            remedy: remedy.into(),
        });
    }

    /// Line and column of a byte, from 1, the column in characters.
    pub(super) fn place(&self, at: usize) -> (usize, usize) {
        let before = &self.text[..self.text.floor_char_boundary(at)];
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        (line, column)
    }

    /// The value when nothing was wrong, else everything that was, in the order of the file.
    pub(super) fn or(
        mut self,
        value: Option<super::Config>,
    ) -> Result<super::Config, Vec<Problem>> {
        self.list.sort_by_key(|p| p.place);
        match value {
            Some(value) if self.list.is_empty() => Ok(value),
            _ => Err(self.list),
        }
    }
}
