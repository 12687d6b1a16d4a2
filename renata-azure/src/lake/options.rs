//! [`LakeOptions`] and what can be wrong with them.

use std::time::Duration;

use super::log::LogError;

/// How a lake table is written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LakeOptions {
    /// Who writes: part of file names, and of the name under which the table remembers how far it
    /// has come. 1 to 64 letters, digits, `.`, `_` or `-`.
    pub gateway: String,
    /// Name of the sink in the journal and in figures. Default: `lake`.
    pub name: String,
    /// Rows of one commit at most. Default: 1 000 000.
    pub max_rows: u64,
    /// Bytes of the messages of one commit at most, before they become Parquet, which takes a
    /// fifth to a tenth of that. Also bounds the memory of a commit. Default: 128 MiB.
    pub max_bytes: u64,
    /// Longest time that a message waits for its commit. Default: 15 min.
    pub max_age: Duration,
    /// Rows of a row group. Default: 131 072.
    pub row_group_rows: usize,
    /// Commits from one checkpoint of the log to the next; 0 writes none. Default: 100.
    pub checkpoint_every: u64,
    /// Longest time that a commit may take before it is tried again. Default: 2 min.
    pub timeout: Duration,
}

impl LakeOptions {
    /// The defaults, for this gateway.
    #[must_use]
    pub fn new(gateway: impl Into<String>) -> Self {
        Self {
            gateway: gateway.into(),
            name: "lake".into(),
            max_rows: 1_000_000,
            max_bytes: 128 << 20,
            max_age: Duration::from_secs(15 * 60),
            row_group_rows: 131_072,
            checkpoint_every: 100,
            timeout: Duration::from_secs(120),
        }
    }

    pub(crate) fn check(&self) -> Result<(), LakeError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if !(1..=64).contains(&self.gateway.len()) || !self.gateway.chars().all(allowed) {
            return Err(LakeError::Gateway(self.gateway.clone()));
        }
        if self.max_rows == 0 || self.max_bytes == 0 || self.row_group_rows == 0 {
            return Err(LakeError::Options(
                "max_rows, max_bytes and row_group_rows must be at least 1",
            ));
        }
        Ok(())
    }
}

/// Why a lake could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LakeError {
    /// The gateway's name does not fit into file names.
    #[error("gateway name {0:?} must have 1 to 64 letters, digits, '.', '_' or '-'")]
    Gateway(String),
    /// The options contradict each other.
    #[error("invalid lake options: {0}")]
    Options(&'static str),
    /// The folder could not be made or used.
    #[error("cannot use the folder {dir}: {source}")]
    Folder {
        /// The folder.
        dir: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The store refused its settings.
    #[error("cannot use the store: {0}")]
    Store(#[from] object_store::Error),
    /// The table cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
}
