use std::fmt;
use std::path::{Path, PathBuf};

/// One thing wrong with a configuration, and what to do about it.
///
/// Prints as `file:line:column: what; remedy`, which editors make clickable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, or `None` for the command line.
    pub file: Option<PathBuf>,
    /// Line and column from 1, where the problem has a place in the file.
    pub at: Option<(usize, usize)>,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl Problem {
    /// A problem of the command line or of the settings as a whole.
    pub(crate) fn general(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            file: None,
            at: None,
            what: what.into(),
            remedy: remedy.into(),
        }
    }

    /// An error text that already reads `what; remedy`.
    pub(crate) fn said(text: &str) -> Self {
        let (what, remedy) = text.split_once("; ").unwrap_or((text, "see the README"));
        Self::general(what, remedy)
    }

    /// A problem with a whole file.
    pub(crate) fn in_file(file: &Path, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            file: Some(file.to_owned()),
            ..Self::general(what, remedy)
        }
    }

    /// A problem whose place is known; `message` reads `what: remedy`.
    pub(crate) fn placed(file: &Path, line: usize, column: usize, message: &str) -> Self {
        let (what, remedy) = message
            .split_once(": ")
            .unwrap_or((message, "see the README"));
        Self {
            at: Some((line, column)),
            ..Self::in_file(file, what, remedy)
        }
    }

    /// A problem at the byte `offset` of `text`.
    pub(crate) fn at(
        file: &Path,
        text: &str,
        offset: usize,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let before = &text[..text.floor_char_boundary(offset.min(text.len()))];
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        Self {
            at: Some((line, column)),
            ..Self::in_file(file, what, remedy)
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}:", file.display())?;
            if let Some((line, column)) = self.at {
                write!(f, "{line}:{column}:")?;
            }
            write!(f, " ")?;
        }
        write!(f, "{}; {}", self.what, self.remedy)
    }
}
