//! Figures of the engine and of each sink.

use std::time::Duration;

/// Figures of the ingest side since the engine was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EngineStats {
    /// Messages that became durable.
    pub stored: u64,
    /// Messages that had come before.
    pub repetitions: u64,
    /// Messages that went to the dead letters, from the ingest side and from sinks.
    pub dead_letters: u64,
    /// Dead letters that were dropped, unread, to make room for newer ones. More than zero is a
    /// reason to look.
    pub dead_letters_dropped: u64,
    /// How often a message found the journal full.
    pub full: u64,
    /// Messages that wait for room now.
    pub waiting_for_room: u64,
    /// Bytes of the journal.
    pub journal_bytes: u64,
    /// Streams known.
    pub streams: u64,
    /// The disk has no room; nothing is lost, and it is tried again.
    pub disk_full: bool,
    /// The journal has failed: open the engine again.
    pub fault: Option<String>,
}

/// Figures of one sink since it was attached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkStats {
    /// Name of the sink.
    pub name: String,
    /// Batches that are durable in the target.
    pub batches: u64,
    /// Messages in them.
    pub records: u64,
    /// Bytes of these messages before encoding.
    pub bytes: u64,
    /// Deliveries that failed and were tried again.
    pub retries: u64,
    /// Batches that were too large and went in halves.
    pub splits: u64,
    /// Messages that the sink refused for ever; they are among the dead letters.
    pub refused: u64,
    /// Last journal number that needs no delivery any more.
    pub cursor: u64,
    /// Messages of this run that wait in the journal.
    pub waiting_records: u64,
    /// Their bytes.
    pub waiting_bytes: u64,
    /// How long the oldest of them has waited.
    pub oldest_age: Option<Duration>,
    /// Why nothing is delivered until something changes.
    pub paused: Option<String>,
    /// The last failure, also when it has passed.
    pub last_error: Option<String>,
}
