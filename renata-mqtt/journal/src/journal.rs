//! [`Journal`]: appending, and what is where.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::cursors::Cursors;
use crate::disk::{Disk, is_no_space, write_all_at};
use crate::format::{RECORD_HEADER, SEGMENT_HEADER, encode_record};
use crate::recover::recover;
use crate::segment::Segment;
use crate::sync::{Shared, SyncState};
use crate::{AppendError, Fault, FsDisk, OpenError, Options, ReadError, Reader, Seq, SyncError};

/// A segmented durable log with cursors, owned by one thread at a time.
///
/// Nothing blocks on the disk but [`flush`](Self::flush) (one write into the page cache) and
/// [`sync`](Self::sync); [`start_sync`](Self::start_sync) gives the fsync away to another thread.
/// Dropping a journal without [`close`](Self::close) loses what was not synced, nothing else.
pub struct Journal<D: Disk = FsDisk> {
    pub(crate) disk: Arc<D>,
    pub(crate) options: Options,
    _lock: D::Lock,
    pub(crate) segments: VecDeque<Segment>,
    pub(crate) active: Option<Arc<D::File>>,
    /// What was appended to the active segment and not yet written.
    pub(crate) buf: Vec<u8>,
    /// Offset in the active file where `buf` belongs.
    pub(crate) written: u64,
    /// All bytes ever written since the journal was opened: the clock of syncs.
    pub(crate) position: u64,
    pub(crate) next: u64,
    pub(crate) bytes: u64,
    pub(crate) cursors: Cursors,
    pub(crate) sync: SyncState<D>,
    pub(crate) shared: Arc<Shared>,
}

/// What [`Journal::open`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovery {
    /// The first record that is still there; the next to be appended when there is none.
    pub first: Seq,
    /// The last record; everything up to here is durable now.
    pub last: Seq,
    /// What a crash had left of writes that were never reported durable, now cut off.
    pub truncated: Option<Truncated>,
    /// Cursors that stood before the first record, and where: their acknowledgement had been acted
    /// upon when the disk was full and could not be written, or somebody deleted segments.
    pub moved_cursors: Vec<(String, Seq)>,
}

/// A torn tail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truncated {
    /// Name of the segment file.
    pub segment: String,
    /// Offset from which it was cut.
    pub offset: u64,
    /// Bytes cut off, those of later segments included.
    pub bytes: u64,
}

impl Journal {
    /// Opens the journal in `dir`, which is created when it is missing.
    ///
    /// # Errors
    /// See [`OpenError`]; a damaged journal is left as it is.
    pub fn open(dir: impl AsRef<Path>, options: Options) -> Result<(Self, Recovery), OpenError> {
        let disk = FsDisk::new(dir).map_err(|source| OpenError::Io {
            operation: "create directory",
            source,
        })?;
        Self::open_on(disk, options)
    }
}

impl<D: Disk> Journal<D> {
    /// Opens the journal on any [`Disk`].
    ///
    /// # Errors
    /// See [`OpenError`]; a damaged journal is left as it is.
    pub fn open_on(disk: D, options: Options) -> Result<(Self, Recovery), OpenError> {
        options.check()?;
        let lock = disk.lock().map_err(|e| match e.kind() {
            io::ErrorKind::WouldBlock => OpenError::Locked,
            _ => OpenError::Io {
                operation: "lock",
                source: e,
            },
        })?;
        let found = recover(&disk)?;
        let durable = found.next - 1;
        let journal = Self {
            disk: Arc::new(disk),
            _lock: lock,
            written: found.segments.back().map_or(0, |s| s.bytes),
            bytes: found.segments.iter().map(|s| s.bytes).sum(),
            segments: found.segments,
            sync: SyncState::new(found.active.clone(), found.proven),
            active: found.active,
            buf: Vec::new(),
            position: 0,
            next: found.next,
            cursors: found.cursors,
            shared: Arc::new(Shared::new(durable)),
            options,
        };
        Ok((journal, found.report))
    }

    /// Appends a record and gives it its number. It is durable once [`durable`](Self::durable)
    /// has reached that.
    ///
    /// # Errors
    /// See [`AppendError`]; the record is then not in the journal, and everything else is.
    pub fn append(&mut self, record: &[u8]) -> Result<Seq, AppendError> {
        self.append_parts(&[record])
    }

    /// Appends one record that lies in several pieces.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn append_parts(&mut self, parts: &[&[u8]]) -> Result<Seq, AppendError> {
        self.check()?;
        let len = parts.iter().map(|p| p.len()).sum::<usize>();
        if len > self.options.max_record_bytes {
            let max = self.options.max_record_bytes;
            return Err(AppendError::TooLarge { len, max });
        }
        let rotate = self.needs_segment(len);
        let head = if rotate { self.head_len() } else { 0 };
        let needed = (RECORD_HEADER + len) as u64 + head;
        let (used, cap) = (self.bytes, self.options.max_bytes);
        if used + needed > cap {
            return Err(AppendError::Full { used, cap, needed });
        }
        if rotate {
            self.begin_segment()?;
        } else if self.buf.len() + len > self.options.buffer_bytes {
            self.flush()?;
        }
        let seq = self.next;
        let offset = self.written + self.buf.len() as u64;
        if let Some(active) = self.segments.back_mut() {
            active.note(seq, offset);
        }
        self.push(false, seq, parts);
        self.next += 1;
        Ok(Seq::new(seq))
    }

    /// Hands everything appended so far to the operating system with one write, without waiting
    /// for the disk. It then survives the end of this process, but no power failure.
    ///
    /// # Errors
    /// See [`SyncError`].
    pub fn flush(&mut self) -> Result<(), SyncError> {
        self.check()?;
        let Some(file) = self.active.clone() else {
            return Ok(());
        };
        while !self.buf.is_empty() {
            match write_all_at(&*file, &self.buf, self.written) {
                Ok(()) => {
                    self.written += self.buf.len() as u64;
                    self.position += self.buf.len() as u64;
                    self.buf.clear();
                    self.buf.shrink_to(2 * self.options.buffer_bytes);
                }
                // The same bytes go to the same place when it is tried again.
                Err(e) if is_no_space(&e) => {
                    if !self.make_room()? {
                        return Err(SyncError::NoSpace);
                    }
                }
                Err(e) => return Err(self.poison("write", &e)),
            }
        }
        Ok(())
    }

    /// The last durable record: it and all before it survive anything that the disk survives.
    #[must_use]
    pub fn durable(&self) -> Seq {
        Seq::new(self.shared.durable())
    }

    /// The first record that is still there, or the next one when there is none.
    #[must_use]
    pub fn first(&self) -> Seq {
        Seq::new(self.segments.front().map_or(self.next, |s| s.first))
    }

    /// The number that the next record will get.
    #[must_use]
    pub fn next(&self) -> Seq {
        Seq::new(self.next)
    }

    /// Bytes in use, on disk and in the write buffer; never more than the cap by more than the
    /// positions of the cursors.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The options that the journal was opened with.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Reads durable records from `from` on, also while appends go on and from another thread.
    ///
    /// # Errors
    /// [`ReadError::Gone`] when the record is no longer there.
    pub fn read(&self, from: Seq) -> Result<Reader<D>, ReadError> {
        let from = from.max(Seq::new(1));
        if from < self.first() {
            return Err(ReadError::Gone { seq: from });
        }
        let i = self.segments.partition_point(|s| s.first <= from.get());
        let segment = i.checked_sub(1).and_then(|i| self.segments.get(i));
        let (first, offset) = segment.map_or((from.get(), SEGMENT_HEADER as u64), |s| {
            (s.first, s.seek(from.get()))
        });
        Ok(Reader::new(
            self.disk.clone(),
            self.shared.clone(),
            from.get(),
            first,
            offset,
        ))
    }

    pub(crate) fn check(&self) -> Result<(), SyncError> {
        match self.shared.fault() {
            Some(fault) => Err(SyncError::Poisoned(fault)),
            None => Ok(()),
        }
    }

    pub(crate) fn poison(&self, operation: &'static str, e: &io::Error) -> SyncError {
        SyncError::Poisoned(self.shared.poison(Fault::new(operation, e)))
    }

    pub(crate) fn push(&mut self, control: bool, seq: u64, parts: &[&[u8]]) {
        let before = self.buf.len();
        let durable = self.shared.durable();
        encode_record(&mut self.buf, control, seq, durable, parts);
        self.sync.vouch(durable);
        self.grew((self.buf.len() - before) as u64);
    }

    pub(crate) fn grew(&mut self, bytes: u64) {
        self.bytes += bytes;
        if let Some(active) = self.segments.back_mut() {
            active.bytes += bytes;
        }
    }
}

impl<D: Disk> std::fmt::Debug for Journal<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("first", &self.first())
            .field("next", &self.next())
            .field("durable", &self.durable())
            .field("bytes", &self.bytes)
            .field("segments", &self.segments.len())
            .finish_non_exhaustive()
    }
}
