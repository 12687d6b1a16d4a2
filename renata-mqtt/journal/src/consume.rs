//! The consumers' side of a [`Journal`]: cursors, and what may be deleted.

use crate::disk::Disk;
use crate::{CursorError, Journal, Seq, SyncError};

impl<D: Disk> Journal<D> {
    /// Creates a cursor in front of the first record, or finds the one of this name. Returns the
    /// last record that it has acknowledged.
    ///
    /// From now on a segment is deleted only when every cursor is behind it.
    ///
    /// # Errors
    /// See [`CursorError`].
    pub fn cursor(&mut self, name: &str) -> Result<Seq, CursorError> {
        let at = self.first().get() - 1;
        self.cursors.create(name, at)
    }

    /// Says that a consumer is done with all records up to and including `seq`.
    ///
    /// The position is durable with the next sync; a crash before that moves the cursor back.
    ///
    /// # Errors
    /// See [`CursorError`].
    pub fn ack(&mut self, cursor: &str, seq: Seq) -> Result<(), CursorError> {
        let durable = self.durable();
        if seq > durable {
            return Err(CursorError::NotDurable { seq, durable });
        }
        self.cursors.ack(cursor, seq.get())
    }

    /// The last record that a cursor has acknowledged.
    #[must_use]
    pub fn acked(&self, cursor: &str) -> Option<Seq> {
        self.cursors.acked(cursor).map(Seq::new)
    }

    /// The last acknowledgement of a cursor that no crash takes back.
    #[must_use]
    pub fn durable_ack(&self, cursor: &str) -> Option<Seq> {
        self.cursors.durable(cursor).map(Seq::new)
    }

    /// All cursors, and what they have acknowledged.
    pub fn cursors(&self) -> impl Iterator<Item = (&str, Seq)> {
        self.cursors.names().map(|(name, at)| (name, Seq::new(at)))
    }

    /// Removes a cursor; `false` when there was none of this name.
    pub fn remove_cursor(&mut self, cursor: &str) -> bool {
        self.cursors.remove(cursor)
    }

    /// For owners who keep their own references: records before `seq` are not needed any more,
    /// as far as they are durable.
    ///
    /// Whole segments before it are deleted by a later sync, never beyond a cursor. The mark is
    /// stored as a cursor is; an older one changes nothing.
    pub fn truncate_before(&mut self, seq: Seq) {
        let done = seq.get().saturating_sub(1).min(self.shared.durable());
        self.cursors.raise_floor(done);
    }

    /// Appends the positions of all cursors, as a record of our own.
    pub(crate) fn push_positions(&mut self) -> Result<(), SyncError> {
        let len = self.cursors.encoded_len();
        if self.needs_segment(len) {
            self.begin_segment()?;
        }
        if self.cursors.is_dirty() {
            self.push_control();
        }
        Ok(())
    }

    pub(crate) fn push_control(&mut self) {
        let positions = self.cursors.encode();
        self.push(true, self.next - 1, &[&positions]);
    }
}
