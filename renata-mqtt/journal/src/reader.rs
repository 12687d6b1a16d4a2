//! [`Reader`]: durable records in order, through a bounded buffer.

use std::io;
use std::sync::Arc;

use crate::disk::{Disk, read_full_at};
use crate::error::{Corruption, Problem, ReadError};
use crate::format::{SEGMENT_HEADER, SegmentHeader, segment_name, sequence_problem};
use crate::scan::{Scanner, Step};
use crate::sync::Shared;
use crate::{FsDisk, Seq};

/// Reads durable records in order. Independent of the [`Journal`](crate::Journal) that made it:
/// it may live on another thread, and sees what becomes durable later.
///
/// Holds one open file and 64 KiB, or the longest record if that is more.
pub struct Reader<D: Disk = FsDisk> {
    disk: Arc<D>,
    shared: Arc<Shared>,
    next: u64,
    segment: u64,
    /// Where to begin in the segment.
    offset: u64,
    scanner: Option<Scanner<D::File>>,
}

/// A record, borrowed from the reader's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its number.
    pub seq: Seq,
    /// What was appended.
    pub payload: &'a [u8],
}

impl<D: Disk> Reader<D> {
    pub(crate) fn new(
        disk: Arc<D>,
        shared: Arc<Shared>,
        next: u64,
        segment: u64,
        offset: u64,
    ) -> Self {
        Self {
            disk,
            shared,
            next,
            segment,
            offset,
            scanner: None,
        }
    }

    /// The record that comes next.
    #[must_use]
    pub fn position(&self) -> Seq {
        Seq::new(self.next)
    }

    /// The next durable record; `None` when there is none yet. Ask again later.
    ///
    /// # Errors
    /// See [`ReadError`]. A damaged record is not skipped: asking again gives the same error.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, ReadError> {
        if self.next > self.shared.durable() {
            return Ok(None);
        }
        // A record may have been half written when its bytes were buffered: believe that
        // something is wrong only when the file says so twice.
        let mut again = true;
        let seq = loop {
            let scanner = match &mut self.scanner {
                Some(scanner) => scanner,
                None => {
                    let opened = self.open()?;
                    self.scanner.insert(opened)
                }
            };
            let offset = scanner.offset();
            let problem = match scanner.step()? {
                Step::Record(header) if header.control || header.seq < self.next => continue,
                Step::Record(header) => match sequence_problem(&header, self.next) {
                    None => break header.seq,
                    Some(problem) => problem,
                },
                Step::End if self.segment < self.next => {
                    self.segment = self.next;
                    self.offset = SEGMENT_HEADER as u64;
                    self.scanner = None;
                    continue;
                }
                Step::End => Problem::Cut,
                Step::Bad(problem) => problem,
            };
            self.offset = offset;
            self.scanner = None;
            if !again {
                return Err(self.corrupt(offset, problem));
            }
            again = false;
        };
        self.next += 1;
        Ok(self.scanner.as_ref().map(|scanner| Record {
            seq: Seq::new(seq),
            payload: scanner.payload(),
        }))
    }

    fn open(&self) -> Result<Scanner<D::File>, ReadError> {
        let file = match self.disk.open(&segment_name(self.segment)) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let seq = Seq::new(self.next);
                return Err(ReadError::Gone { seq });
            }
            Err(e) => return Err(e.into()),
        };
        let mut head = [0; SEGMENT_HEADER];
        let got = read_full_at(&file, &mut head, 0)?;
        match SegmentHeader::decode(&head[..got]) {
            Ok(header) if header.first == self.segment => {
                Ok(Scanner::new(Arc::new(file), self.offset))
            }
            _ => Err(self.corrupt(0, Problem::Header)),
        }
    }

    fn corrupt(&self, offset: u64, problem: Problem) -> ReadError {
        ReadError::Corrupt(Corruption {
            segment: segment_name(self.segment),
            offset,
            seq: Seq::new(self.next),
            problem,
        })
    }
}

impl<D: Disk> std::fmt::Debug for Reader<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("position", &self.position())
            .finish_non_exhaustive()
    }
}
