//! What can go wrong, one enum per boundary.

use std::fmt;
use std::io;

use crate::Seq;

/// An operation that the operating system refused, small enough to be kept and copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What was tried: `write`, `fsync`, `create segment`, ..
    pub operation: &'static str,
    /// The class of the error.
    pub kind: io::ErrorKind,
    /// The operating system's own number, where there is one.
    pub os_error: Option<i32>,
}

impl Fault {
    pub(crate) fn new(operation: &'static str, e: &io::Error) -> Self {
        Self {
            operation,
            kind: e.kind(),
            os_error: e.raw_os_error(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: {}", self.operation, self.kind)?;
        match self.os_error {
            Some(code) => write!(f, " (os error {code})"),
            None => Ok(()),
        }
    }
}

/// Where a journal is damaged, and how.
///
/// Damage is never skipped: the caller decides, with the file and the offset in hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corruption {
    /// Name of the segment file.
    pub segment: String,
    /// Offset of the damaged bytes in it.
    pub offset: u64,
    /// The record that should be there.
    pub seq: Seq,
    /// What is wrong.
    pub problem: Problem,
}

impl fmt::Display for Corruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at byte {} of {}, where record {} should be",
            self.problem, self.offset, self.segment, self.seq
        )
    }
}

/// What is wrong with a piece of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The segment's own header is damaged or missing.
    Header,
    /// A record ends behind the end of the file.
    Cut,
    /// The checksum does not fit the bytes.
    Checksum,
    /// A sound record with another number.
    Sequence {
        /// The number that was found.
        found: Seq,
    },
    /// The segment that should stand here is not in the directory.
    MissingSegment,
    /// A cursor has acknowledged this record, but it is not in the journal.
    MissingTail,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => f.write_str("damaged segment header"),
            Self::Cut => f.write_str("record cut off"),
            Self::Checksum => f.write_str("checksum mismatch"),
            Self::Sequence { found } => write!(f, "record {found} out of sequence"),
            Self::MissingSegment => f.write_str("missing segment"),
            Self::MissingTail => f.write_str("missing acknowledged records"),
        }
    }
}

/// Why a journal could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another owner holds the directory.
    #[error("the journal is in use by another process or another owner in this one")]
    Locked,
    /// The options contradict each other.
    #[error("invalid journal options: {0}")]
    Options(&'static str),
    /// The files were written by a later version of this crate.
    #[error(
        "segment {segment} has format {found}, this version reads up to {supported}: upgrade before opening it"
    )]
    Format {
        /// Name of the segment file.
        segment: String,
        /// Its format.
        found: u8,
        /// The newest format that we know.
        supported: u8,
    },
    /// Durable records are damaged. Nothing was changed on the disk.
    #[error(
        "the journal is damaged: {0}; restore the directory from a backup, or move it away to start empty"
    )]
    Corrupt(Corruption),
    /// The operating system refused.
    #[error("cannot open the journal: {operation} failed: {source}")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

/// Why a record was not taken. The journal is unharmed, and the record is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The hard cap is reached. Acknowledge records to make room, then try again.
    #[error("journal full: {used} of {cap} bytes used, {needed} more needed")]
    Full {
        /// Bytes in use.
        used: u64,
        /// [`Options::max_bytes`](crate::Options::max_bytes).
        cap: u64,
        /// Bytes that the record would take.
        needed: u64,
    },
    /// The disk has no room. What was taken before is kept in memory and written once there is
    /// room; try again then.
    #[error("no space left on the disk of the journal: free some, and try again")]
    NoSpace,
    /// The record is larger than [`Options::max_record_bytes`](crate::Options::max_record_bytes).
    #[error("record of {len} bytes, the journal takes at most {max}")]
    TooLarge {
        /// Its length.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// The operating system would not begin a new segment. Nothing is lost: try again.
    #[error("{0}; nothing is lost, try again")]
    Refused(Fault),
    /// An earlier write or fsync failed, so nothing can be promised any more: open it again.
    #[error("the journal stopped after an error and must be opened again: {0}")]
    Poisoned(Fault),
}

/// Why records are not durable (yet).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// The disk has no room. Nothing is lost: try again when there is.
    #[error("no space left on the disk of the journal: free some, and try again")]
    NoSpace,
    /// The operating system would not begin a new segment. Nothing is lost: try again.
    #[error("{0}; nothing is lost, try again")]
    Refused(Fault),
    /// A write or an fsync failed. Records beyond [`durable`](crate::Journal::durable) may be gone,
    /// and no later success would prove otherwise: the journal must be opened again.
    #[error("the journal stopped after an error and must be opened again: {0}")]
    Poisoned(Fault),
}

impl From<SyncError> for AppendError {
    fn from(e: SyncError) -> Self {
        match e {
            SyncError::NoSpace => Self::NoSpace,
            SyncError::Refused(fault) => Self::Refused(fault),
            SyncError::Poisoned(fault) => Self::Poisoned(fault),
        }
    }
}

/// Why a cursor was not moved or made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CursorError {
    /// There is no cursor of this name.
    #[error("no cursor of this name: create it first")]
    Unknown,
    /// Records that are not durable cannot be acknowledged: after a crash their numbers would be
    /// given to other records, which would then count as acknowledged.
    #[error("record {seq} is not durable yet, only up to {durable}")]
    NotDurable {
        /// The record to be acknowledged.
        seq: Seq,
        /// The last durable one.
        durable: Seq,
    },
    /// The name is empty or longer than [`MAX_CURSOR_NAME`](crate::MAX_CURSOR_NAME) bytes.
    #[error("a cursor's name has 1 to {} bytes", crate::MAX_CURSOR_NAME)]
    Name,
    /// There are [`MAX_CURSORS`](crate::MAX_CURSORS) already.
    #[error("a journal has at most {} cursors", crate::MAX_CURSORS)]
    TooMany,
}

/// Why a record could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The record was acknowledged by every cursor, and its segment is deleted.
    #[error("record {seq} is no longer in the journal")]
    Gone {
        /// The record asked for.
        seq: Seq,
    },
    /// A durable record is damaged. The reader stays in front of it.
    #[error("the journal is damaged: {0}")]
    Corrupt(Corruption),
    /// The operating system refused.
    #[error("cannot read the journal: {0}")]
    Io(#[from] io::Error),
}
