//! [`Report`]: what a verification found.

use std::fmt;

/// What a table holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The table's version: its last commit.
    pub version: u64,
    /// Files that belong to the table.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Rows in them.
    pub rows: u64,
    /// Streams: distinct topics.
    pub streams: u64,
    /// Runs of a counter: distinct pairs of stream and epoch.
    pub epochs: u64,
    /// Ranges of `seq` that are missing between the first and the last of an epoch.
    pub gaps: u64,
    /// Rows missing in them.
    pub missing: u64,
    /// Rows whose stream, epoch and `seq` another row has already.
    pub duplicates: u64,
    /// The first gaps, by stream and epoch.
    pub first_gaps: Vec<Gap>,
    /// The first duplicates, in the order of the files.
    pub first_duplicates: Vec<Duplicate>,
}

/// Rows that are missing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// The topic.
    pub stream: String,
    /// The run of its counter.
    pub epoch: u64,
    /// First `seq` that is missing.
    pub first: u64,
    /// Last `seq` that is missing.
    pub last: u64,
}

/// A row that is there once more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// The topic.
    pub stream: String,
    /// The run of its counter.
    pub epoch: u64,
    /// Its `seq`.
    pub seq: u64,
    /// The file with the later copy.
    pub file: String,
}

impl Report {
    /// Whether nothing is missing and nothing is there twice.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.gaps == 0 && self.duplicates == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} rows of {} streams in {} files ({} bytes) at version {}",
            self.rows, self.streams, self.files, self.bytes, self.version
        )?;
        write!(
            f,
            "{} gaps ({} rows missing), {} duplicates",
            self.gaps, self.missing, self.duplicates
        )?;
        for gap in &self.first_gaps {
            let Gap {
                stream,
                epoch,
                first,
                last,
            } = gap;
            write!(
                f,
                "\n  gap        {stream} epoch {epoch} seq {first} to {last}"
            )?;
        }
        for duplicate in &self.first_duplicates {
            let Duplicate {
                stream,
                epoch,
                seq,
                file,
            } = duplicate;
            write!(
                f,
                "\n  duplicate  {stream} epoch {epoch} seq {seq} in {file}"
            )?;
        }
        Ok(())
    }
}
