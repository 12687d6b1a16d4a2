//! Reading a segment front to back through a bounded buffer.

use std::io;
use std::sync::Arc;

use crate::Problem;
use crate::disk::{DiskFile, read_full_at};
use crate::format::{RECORD_HEADER, RecordHeader, is_sound};

const CHUNK: usize = 64 << 10;
/// No record is longer, whatever its header claims.
const MAX_LEN: usize = 1 << 30;

/// Steps through the records of a segment. Holds 64 KiB, or the longest record if that is more.
pub(crate) struct Scanner<F> {
    file: Arc<F>,
    buf: Vec<u8>,
    /// `buf[at..end]` are the bytes of the file from `offset` on.
    at: usize,
    end: usize,
    /// Where the next record begins in the file.
    offset: u64,
    payload: std::ops::Range<usize>,
}

/// What stood at the scanner's offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A sound record; see [`Scanner::payload`].
    Record(RecordHeader),
    /// The file ends between two records.
    End,
    /// No record. The scanner has not moved.
    Bad(Problem),
}

impl<F: DiskFile> Scanner<F> {
    pub(crate) fn new(file: Arc<F>, offset: u64) -> Self {
        Self {
            file,
            buf: Vec::new(),
            at: 0,
            end: 0,
            offset,
            payload: 0..0,
        }
    }

    /// Where the next record begins in the file.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The payload of the record that [`step`](Self::step) found.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.buf[self.payload.clone()]
    }

    /// Reads the next record.
    pub(crate) fn step(&mut self) -> io::Result<Step> {
        if !self.fill(RECORD_HEADER)? {
            return Ok(if self.at == self.end {
                Step::End
            } else {
                Step::Bad(Problem::Cut)
            });
        }
        let header = RecordHeader::peek(&self.buf[self.at..self.at + RECORD_HEADER]);
        if header.len > MAX_LEN {
            return Ok(Step::Bad(Problem::Checksum));
        }
        let total = RECORD_HEADER + header.len;
        // Ask for the file's size before believing a length that is not buffered yet.
        if self.end - self.at < total && self.offset + total as u64 > self.file.size()? {
            return Ok(Step::Bad(Problem::Cut));
        }
        if !self.fill(total)? {
            return Ok(Step::Bad(Problem::Cut));
        }
        if !is_sound(&self.buf[self.at..self.at + total]) {
            return Ok(Step::Bad(Problem::Checksum));
        }
        self.payload = self.at + RECORD_HEADER..self.at + total;
        self.at += total;
        self.offset += total as u64;
        Ok(Step::Record(header))
    }

    /// Buffers at least `need` bytes from `at`; `false` when the file ends before.
    fn fill(&mut self, need: usize) -> io::Result<bool> {
        let have = self.end - self.at;
        if have >= need {
            return Ok(true);
        }
        let size = need.max(CHUNK);
        if self.buf.len() < size || self.buf.len() > 4 * size {
            let mut buf = vec![0; size];
            buf[..have].copy_from_slice(&self.buf[self.at..self.end]);
            self.buf = buf;
        } else {
            self.buf.copy_within(self.at..self.end, 0);
        }
        self.at = 0;
        self.payload = 0..0;
        let rest = self.offset + have as u64;
        self.end = have + read_full_at(&*self.file, &mut self.buf[have..], rest)?;
        Ok(self.end >= need)
    }
}

/// Looks behind a damaged place for a sound record which says that record `bad` was durable.
///
/// Returns where it stands. Every byte is tried, because the damage may have hit a length.
pub(crate) fn find_voucher<F: DiskFile>(file: &F, from: u64, bad: u64) -> io::Result<Option<u64>> {
    let size = file.size()?;
    let mut window = vec![0; CHUNK];
    let mut base = from;
    while base + RECORD_HEADER as u64 <= size {
        let got = read_full_at(file, &mut window, base)?;
        if got < RECORD_HEADER {
            break;
        }
        let last = got - RECORD_HEADER;
        for i in 0..=last {
            let header = RecordHeader::peek(&window[i..i + RECORD_HEADER]);
            let at = base + i as u64;
            let fits = at + (RECORD_HEADER + header.len) as u64 <= size;
            // No more records than bytes can lie between: this turns payload bytes away cheaply.
            let plausible = header.vouches >= bad && header.seq - bad <= size;
            if fits && plausible {
                let mut record = vec![0; RECORD_HEADER + header.len];
                if read_full_at(file, &mut record, at)? == record.len() && is_sound(&record) {
                    return Ok(Some(at));
                }
            }
        }
        base += last as u64 + 1;
    }
    Ok(None)
}
