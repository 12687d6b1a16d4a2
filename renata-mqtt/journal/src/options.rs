//! [`Options`] of a journal.

use crate::OpenError;

/// How large a journal may become, and in which pieces.
///
/// ```
/// # use renata_journal::Options;
/// let options = Options { max_bytes: 512 << 20, ..Options::default() };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Hard cap on the bytes on disk, headers included. When it is reached, `append` returns
    /// [`AppendError::Full`](crate::AppendError::Full). At least four segments. Default: 1 GiB.
    pub max_bytes: u64,
    /// A new file is begun when one would grow beyond this. Space comes back in files of this
    /// size. A larger record gets a file of its own. Default: 16 MiB.
    pub segment_bytes: u64,
    /// Longest record. Default: 16 MiB.
    pub max_record_bytes: usize,
    /// Records are gathered up to this many bytes, then written with one system call. Also the
    /// most that a crash of the process alone takes when nobody flushes. Default: 512 KiB.
    pub buffer_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_bytes: 1 << 30,
            segment_bytes: 16 << 20,
            max_record_bytes: 16 << 20,
            buffer_bytes: 512 << 10,
        }
    }
}

impl Options {
    pub(crate) fn check(&self) -> Result<(), OpenError> {
        if self.segment_bytes < 64 {
            Err(OpenError::Options("segment_bytes must be at least 64"))
        } else if self.max_bytes / 4 < self.segment_bytes {
            Err(OpenError::Options(
                "max_bytes must be at least four times segment_bytes",
            ))
        } else if self.max_record_bytes > 1 << 30 {
            Err(OpenError::Options("max_record_bytes must be at most 1 GiB"))
        } else {
            Ok(())
        }
    }
}
