//! Segments come and go: beginning one, deleting those that nobody needs.

use std::io;
use std::sync::Arc;

use crate::disk::{Disk, DiskFile, is_no_space};
use crate::format::{RECORD_HEADER, SEGMENT_HEADER, SegmentHeader, segment_name};
use crate::segment::Segment;
use crate::{Fault, Journal, SyncError};

impl<D: Disk> Journal<D> {
    /// Whether a record of `len` bytes begins a new segment.
    pub(crate) fn needs_segment(&self, len: usize) -> bool {
        let record = (RECORD_HEADER + len) as u64;
        self.segments
            .back()
            .is_none_or(|s| s.bytes + record > self.options.segment_bytes && s.first < self.next)
    }

    pub(crate) fn head_len(&self) -> u64 {
        let positions = RECORD_HEADER + self.cursors.encoded_len();
        (SEGMENT_HEADER + positions) as u64
    }

    /// Closes the active segment and begins the next one, with the positions of all cursors.
    pub(crate) fn begin_segment(&mut self) -> Result<(), SyncError> {
        self.flush()?;
        let file = loop {
            match self.create_segment() {
                Ok(file) => break Arc::new(file),
                Err(e) if is_no_space(&e) => {
                    if !self.make_room()? {
                        return Err(SyncError::NoSpace);
                    }
                }
                Err(e) => return Err(SyncError::Refused(Fault::new("create segment", &e))),
            }
        };
        self.sync.segment_created(file.clone(), self.position);
        let previous = self.segments.back().map_or(0, |s| s.first);
        self.segments.push_back(Segment::new(self.next));
        self.active = Some(file);
        self.written = 0;
        let header = SegmentHeader {
            first: self.next,
            previous,
            durable: self.shared.durable(),
        };
        header.encode(&mut self.buf);
        self.grew(SEGMENT_HEADER as u64);
        if !self.cursors.is_empty() {
            self.push_control();
        }
        let head_end = self.position + self.buf.len() as u64;
        if let Some(segment) = self.segments.back_mut() {
            segment.head_end = head_end;
        }
        Ok(())
    }

    fn create_segment(&self) -> io::Result<D::File> {
        let name = segment_name(self.next);
        match self.disk.create(&name) {
            // A creation that reported an error and happened all the same: nobody has used it.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                let file = self.disk.open(&name)?;
                file.set_size(0)?;
                Ok(file)
            }
            created => created,
        }
    }

    /// The disk is full: deletes the oldest segment that every cursor is done with, though the
    /// acknowledgements themselves cannot be written. Recovery moves such cursors forward.
    pub(crate) fn make_room(&mut self) -> Result<bool, SyncError> {
        let done = self.cursors.slowest().min(self.sync.vouched());
        let Some(name) = self.deletable(done, self.sync.position()).next() else {
            return Ok(false);
        };
        match self.disk.remove(&name) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(self.poison("delete segment", &e));
            }
            _ => {}
        }
        if let Err(e) = self.disk.sync_dir() {
            return Err(self.poison("fsync directory", &e));
        }
        self.forget_front(&name);
        Ok(true)
    }

    /// Takes a deleted segment out of the books.
    pub(crate) fn forget_front(&mut self, name: &str) {
        if let Some(segment) = self.segments.front()
            && segment_name(segment.first) == name
        {
            self.bytes -= segment.bytes;
            self.segments.pop_front();
        }
    }

    /// Segments with no record after `done`, oldest first, as long as the head of the one after is
    /// among the first `written` bytes.
    ///
    /// `done` must be vouched for by something that is durable when they are deleted: recovery
    /// knows by that that they are gone on purpose.
    pub(crate) fn deletable(&self, done: u64, written: u64) -> impl Iterator<Item = String> {
        self.segments
            .iter()
            .zip(self.segments.iter().skip(1))
            .take_while(move |(_, next)| next.first - 1 <= done && next.head_end <= written)
            .map(|(segment, _)| segment_name(segment.first))
    }
}
