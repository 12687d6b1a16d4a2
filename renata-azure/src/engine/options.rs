//! [`EngineOptions`] and what can be wrong with them or with the folder.

use std::io;
use std::path::PathBuf;

use renata_journal::{AppendError, CursorError, OpenError, Options, ReadError, SyncError};

use crate::RetryPolicy;
use crate::record::BadRecord;

/// How large things may become, and what happens then.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EngineOptions {
    /// Folder of the journals. One engine owns it at a time.
    pub dir: PathBuf,
    /// Most bytes of the journal on disk, at least four segments. Beside the messages it must hold
    /// what is known of the streams twice. Default: 1 GiB.
    pub max_journal_bytes: u64,
    /// Space comes back in pieces of this size. Default: 16 MiB.
    pub segment_bytes: u64,
    /// Most bytes of dead letters on disk. Default: 64 MiB.
    pub max_dead_letter_bytes: u64,
    /// What happens when there are more. Default: [`DeadLettersFull::DropOldest`].
    pub dead_letters_full: DeadLettersFull,
    /// Longest payload; a longer one goes to the dead letters, cut. Default: 1 MiB.
    pub max_record_bytes: usize,
    /// Most streams whose identities are remembered, about 100 bytes and the topic each. A message
    /// of one more goes to the dead letters. Default: 1 000 000.
    pub max_streams: usize,
    /// Bytes that may wait for the journal in memory; who comes then waits. Default: 16 MiB.
    pub queue_bytes: u32,
    /// What happens to a message that finds the journal full. Default: [`WhenFull::Block`].
    pub when_full: WhenFull,
    /// How sinks try again.
    pub retry: RetryPolicy,
}

/// What happens to a message that finds the journal full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenFull {
    /// It waits, and so does everything after it: the source's own flow control takes over.
    #[default]
    Block,
    /// Its ticket says [`IngestError::Full`](crate::IngestError::Full) at once.
    Refuse,
}

/// What happens to a dead letter that finds no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeadLettersFull {
    /// The oldest ones go, and are counted: one source that sends rubbish does not stop the others.
    #[default]
    DropOldest,
    /// Whoever has it waits until somebody releases some: the sink that refused it, or the source
    /// that sent it and everything after it.
    Block,
}

impl EngineOptions {
    /// The defaults, in this folder.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            max_journal_bytes: 1 << 30,
            segment_bytes: 16 << 20,
            max_dead_letter_bytes: 64 << 20,
            dead_letters_full: DeadLettersFull::default(),
            max_record_bytes: 1 << 20,
            max_streams: 1_000_000,
            queue_bytes: 16 << 20,
            when_full: WhenFull::default(),
            retry: RetryPolicy::default(),
        }
    }

    pub(crate) fn check(&self) -> Result<(), EngineError> {
        let most = self.max_journal_bytes.min(self.max_dead_letter_bytes) / 4;
        if self.max_record_bytes as u64 > most || self.max_record_bytes > 64 << 20 {
            return Err(EngineError::Options(
                "max_record_bytes must be at most 64 MiB and a quarter of the journals' bytes",
            ));
        }
        if self.queue_bytes == 0 || self.queue_bytes as usize > tokio::sync::Semaphore::MAX_PERMITS
        {
            return Err(EngineError::Options("queue_bytes must be at least 1"));
        }
        Ok(())
    }

    pub(crate) fn journal(&self) -> Options {
        Options {
            max_bytes: self.max_journal_bytes,
            segment_bytes: self.segment_bytes,
            max_record_bytes: self.max_record_bytes + OVERHEAD,
            ..Options::default()
        }
    }

    pub(crate) fn dead_letters(&self) -> Options {
        Options {
            max_bytes: self.max_dead_letter_bytes,
            segment_bytes: self.segment_bytes.min(self.max_dead_letter_bytes / 4),
            max_record_bytes: self.max_record_bytes + OVERHEAD,
            ..Options::default()
        }
    }
}

/// Topic, content type, reason and heads around a payload; also more than a piece of the ledger.
const OVERHEAD: usize = 512 << 10;

/// Why an engine could not be opened, used or closed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The options contradict each other.
    #[error("invalid engine options: {0}")]
    Options(&'static str),
    /// The journal or the dead letters could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The journal could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The journal could not be begun.
    #[error("cannot begin the journal: {0}")]
    Begin(AppendError),
    /// The journal could not be made durable.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// A cursor could not be made.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// A record of the journal is not one of this engine's.
    #[error(transparent)]
    Record(#[from] BadRecord),
    /// The journal was not begun by an engine.
    #[error("the folder holds a journal of something else: choose an empty folder")]
    Foreign,
    /// A sink could not be attached or removed.
    #[error("sink {name}: {why}")]
    Sink {
        /// Its name.
        name: String,
        /// Why.
        why: String,
    },
    /// The dead letters could not be read.
    #[error("cannot read the dead letters: {0}")]
    DeadLetters(String),
    /// The journal could not be closed in order.
    #[error("cannot close the journal: {0}")]
    Close(String),
    /// The operating system refused a thread.
    #[error("cannot start the engine: {0}")]
    Io(io::Error),
    /// The engine has ended: it was closed, or its journal has failed (see
    /// [`EngineStats::fault`](crate::EngineStats::fault)).
    #[error("the engine has ended")]
    Closed,
}
