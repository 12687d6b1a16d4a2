//! [`Dead`]: the journal of messages that were refused.

use renata_journal::{AppendError, Journal, Reader, Seq, SyncError};

use super::DeadLettersFull;

#[derive(Debug)]
pub(crate) struct Dead {
    journal: Journal,
    when_full: DeadLettersFull,
}

impl Dead {
    /// The journal has the cursor [`CURSOR`] already.
    pub(crate) fn new(journal: Journal, when_full: DeadLettersFull) -> Self {
        Self { journal, when_full }
    }

    /// Appends a letter, and says how many older ones had to go for it.
    pub(crate) fn append(&mut self, letter: &[u8]) -> Result<u64, AppendError> {
        let mut dropped = 0;
        loop {
            match self.journal.append(letter) {
                Ok(_) => return Ok(dropped),
                Err(full @ AppendError::Full { .. })
                    if self.when_full == DeadLettersFull::DropOldest =>
                {
                    match self.drop_oldest()? {
                        0 => return Err(full),
                        more => dropped += more,
                    }
                }
                Err(e) => return Err(e),
            }
        }
    }

    /// Lets go of a quarter of the letters. Space comes back in whole segments, so it may take
    /// more than one call.
    fn drop_oldest(&mut self) -> Result<u64, SyncError> {
        let newest = self.journal.sync()?.get();
        let released = self.released().get();
        let some = (newest - released).div_ceil(4);
        self.release(released + some);
        self.journal.sync()?;
        Ok(some)
    }

    /// Everything that was not released.
    pub(crate) fn read(&self) -> Result<Reader, String> {
        let reader = self.journal.read(self.released().next());
        reader.map_err(|e| e.to_string())
    }

    pub(crate) fn release(&mut self, upto: u64) {
        // Only what was read, so durable, is released, by a cursor that exists.
        let _ = self.journal.ack(CURSOR, Seq::new(upto));
    }

    pub(crate) fn sync(&mut self) -> Result<Seq, SyncError> {
        self.journal.sync()
    }

    pub(crate) fn close(self) -> Result<(), SyncError> {
        self.journal.close()
    }

    fn released(&self) -> Seq {
        self.journal.acked(CURSOR).unwrap_or(Seq::ZERO)
    }
}

/// The cursor of the dead letters: what was exported.
pub(crate) const CURSOR: &str = "export";
