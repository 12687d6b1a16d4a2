//! [`verify`]: counts what is in a table, and finds what is missing or there twice.

use std::collections::HashMap;
use std::path::Path as FsPath;

use parquet::errors::ParquetError;

use super::log::LogError;
use super::read::{FileError, files, scan};
use super::report::{Duplicate, Gap, Report};
use super::{LakeError, local};
use crate::ranges::Ranges;

/// How much memory a verification may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyLimits {
    /// Most streams. Default: 10 000 000.
    pub max_streams: usize,
    /// Most unbroken ranges of `seq`, 16 bytes each: one for an epoch without gaps, while files are
    /// read out of order for a moment more. Default: 50 000 000.
    pub max_ranges: usize,
    /// Most gaps and most duplicates that are named. Default: 10.
    pub max_named: usize,
}

impl Default for VerifyLimits {
    fn default() -> Self {
        Self {
            max_streams: 10_000_000,
            max_ranges: 50_000_000,
            max_named: 10,
        }
    }
}

/// Why a table could not be verified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The folder or the log cannot be read.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A file of the table is missing or damaged.
    #[error("file {file}: {source}")]
    File {
        /// Its path below the table.
        file: String,
        /// What is wrong.
        source: ParquetError,
    },
    /// More streams or ranges than [`VerifyLimits`] allow.
    #[error("more than {limit} {what}: verify with higher limits, or part of the table")]
    Limit {
        /// Of what there are too many.
        what: &'static str,
        /// How many are allowed.
        limit: usize,
    },
}

/// Counts a table in a folder of this machine by its log: only the files that belong to it, each row
/// once, in memory for the streams and gaps and not for the rows. Blocks until it is done.
///
/// # Errors
/// See [`VerifyError`]. A gap or a duplicate is no error: it stands in the report.
pub fn verify(dir: impl AsRef<FsPath>) -> Result<Report, VerifyError> {
    verify_within(dir, &VerifyLimits::default())
}

/// [`verify`] within other limits.
///
/// # Errors
/// See [`VerifyError`].
pub fn verify_within(
    dir: impl AsRef<FsPath>,
    limits: &VerifyLimits,
) -> Result<Report, VerifyError> {
    let dir = dir.as_ref();
    local(dir, false)?;
    let mut count = Count::new(*limits);
    let mut failed = None;
    let version = files(dir, |add| {
        if failed.is_some() {
            return;
        }
        count.report.files += 1;
        count.report.bytes += u64::try_from(add.size).unwrap_or(0);
        let file = add.path.clone();
        let read = scan(dir, &add, |row| {
            count.add(row.levels, row.epoch, row.seq, &file)
        });
        failed = match read {
            Ok(()) => None,
            Err(FileError::Stopped(error)) => Some(error),
            Err(FileError::Parquet(source)) => Some(VerifyError::File { file, source }),
        };
    })?;
    match failed {
        Some(error) => Err(error),
        None => Ok(count.finish(version)),
    }
}

/// Everything that is kept while files are read.
struct Count {
    limits: VerifyLimits,
    report: Report,
    index: HashMap<Box<str>, usize>,
    /// Epochs of each stream with the `seq` that came.
    streams: Vec<Vec<(u64, Ranges)>>,
    ranges: usize,
    topic: String,
    /// The stream of the row before: rows of one stream often stand together.
    last: Option<usize>,
}

impl Count {
    fn new(limits: VerifyLimits) -> Self {
        Self {
            limits,
            report: Report::default(),
            index: HashMap::new(),
            streams: Vec::new(),
            ranges: 0,
            topic: String::new(),
            last: None,
        }
    }

    fn add(
        &mut self,
        levels: [&str; 6],
        epoch: u64,
        seq: u64,
        file: &str,
    ) -> Result<(), VerifyError> {
        self.report.rows += 1;
        let stream = self.stream(levels)?;
        let epochs = &mut self.streams[stream];
        let at = match epochs.binary_search_by_key(&epoch, |(e, _)| *e) {
            Ok(at) => at,
            Err(at) => {
                epochs.insert(at, (epoch, Ranges::default()));
                at
            }
        };
        let seqs = &mut epochs[at].1;
        let before = seqs.as_slice().len();
        let is_new = seqs.insert(seq);
        self.ranges = self.ranges + seqs.as_slice().len() - before;
        if self.ranges > self.limits.max_ranges {
            return Err(VerifyError::Limit {
                what: "ranges of seq",
                limit: self.limits.max_ranges,
            });
        }
        if !is_new {
            self.report.duplicates += 1;
            if self.report.first_duplicates.len() < self.limits.max_named {
                self.report.first_duplicates.push(Duplicate {
                    stream: self.topic.clone(),
                    epoch,
                    seq,
                    file: file.to_owned(),
                });
            }
        }
        Ok(())
    }

    /// The number of a stream.
    fn stream(&mut self, levels: [&str; 6]) -> Result<usize, VerifyError> {
        if let Some(last) = self.last
            && is_topic(&self.topic, levels)
        {
            return Ok(last);
        }
        self.topic.clear();
        self.topic.push_str("renata");
        for level in levels {
            self.topic.push('/');
            self.topic.push_str(level);
        }
        let number = match self.index.get(self.topic.as_str()) {
            Some(number) => *number,
            None if self.streams.len() >= self.limits.max_streams => {
                return Err(VerifyError::Limit {
                    what: "streams",
                    limit: self.limits.max_streams,
                });
            }
            None => {
                self.streams.push(Vec::new());
                let number = self.streams.len() - 1;
                self.index.insert(self.topic.as_str().into(), number);
                number
            }
        };
        self.last = Some(number);
        Ok(number)
    }

    fn finish(mut self, version: u64) -> Report {
        let mut names: Vec<_> = self.index.into_iter().collect();
        names.sort_unstable();
        let report = &mut self.report;
        report.version = version;
        report.streams = names.len() as u64;
        for (stream, number) in names {
            for (epoch, seqs) in &self.streams[number] {
                report.epochs += 1;
                report.missing += seqs.missing();
                for pair in seqs.as_slice().windows(2) {
                    report.gaps += 1;
                    if report.first_gaps.len() < self.limits.max_named {
                        report.first_gaps.push(Gap {
                            stream: stream.to_string(),
                            epoch: *epoch,
                            first: pair[0].1 + 1,
                            last: pair[1].0 - 1,
                        });
                    }
                }
            }
        }
        self.report
    }
}

/// Whether these are the levels of the topic.
fn is_topic(topic: &str, levels: [&str; 6]) -> bool {
    let mut rest = topic.strip_prefix("renata");
    for level in levels {
        rest = rest
            .and_then(|rest| rest.strip_prefix('/'))
            .and_then(|rest| rest.strip_prefix(level));
    }
    rest == Some("")
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: [&str; 6] = ["a", "b", "c", "d", "e", "f/g"];
    const B: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

    #[test]
    fn gaps_and_duplicates_are_counted_per_stream_and_epoch() {
        let mut count = Count::new(VerifyLimits::default());
        for (levels, epoch, seq) in [
            (A, 1, 0),
            (A, 1, 1),
            (B, 1, 1),
            (A, 1, 5),
            (A, 2, 9),
            (A, 1, 1),
            (B, 1, 3),
        ] {
            count.add(levels, epoch, seq, "file").unwrap();
        }
        let report = count.finish(4);
        assert_eq!((report.rows, report.streams, report.epochs), (7, 2, 3));
        assert_eq!((report.gaps, report.missing), (2, 4));
        assert_eq!(report.duplicates, 1);
        assert!(!report.is_clean());
        let text = report.to_string();
        assert!(
            text.contains("gap        renata/a/b/c/d/e/f epoch 1 seq 2 to 2"),
            "{text}"
        );
        assert!(
            text.contains("duplicate  renata/a/b/c/d/e/f/g epoch 1 seq 1 in file"),
            "{text}"
        );
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut count = Count::new(VerifyLimits {
            max_streams: 1,
            max_ranges: 2,
            ..VerifyLimits::default()
        });
        count.add(A, 1, 0, "file").unwrap();
        count.add(A, 1, 2, "file").unwrap();
        assert!(matches!(
            count.add(A, 1, 4, "file"),
            Err(VerifyError::Limit { limit: 2, .. })
        ));
        assert!(matches!(
            count.add(B, 1, 0, "file"),
            Err(VerifyError::Limit { limit: 1, .. })
        ));
    }
}
