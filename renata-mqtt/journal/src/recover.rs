//! Opening a journal: find what is durable, cut what is torn, refuse what is damaged.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use crate::cursors::Cursors;
use crate::disk::{Disk, DiskFile, read_full_at, write_all_at};
use crate::error::{Corruption, OpenError, Problem};
use crate::format::{
    BadHeader, FORMAT, SEGMENT_HEADER, SegmentHeader, parse_segment_name, segment_name,
    sequence_problem,
};
use crate::scan::{Scanner, Step, find_voucher};
use crate::segment::Segment;
use crate::{Recovery, Seq, Truncated};

/// A journal as it lies on the disk, durable to its last record.
pub(crate) struct Recovered<F> {
    pub(crate) segments: VecDeque<Segment>,
    pub(crate) active: Option<Arc<F>>,
    pub(crate) next: u64,
    /// Something on the disk says that everything up to here was durable.
    pub(crate) proven: u64,
    pub(crate) cursors: Cursors,
    pub(crate) report: Recovery,
}

pub(crate) fn recover<D: Disk>(disk: &D) -> Result<Recovered<D::File>, OpenError> {
    let heads = read_heads(disk)?;
    let mut walk = Walk::start(disk, heads)?;
    walk.scan()?;
    walk.settle()?;
    walk.finish()
}

/// A segment file before its records are read.
struct Head<F> {
    first: u64,
    file: Arc<F>,
    header: Option<SegmentHeader>,
    size: u64,
}

fn read_heads<D: Disk>(disk: &D) -> Result<Vec<Head<D::File>>, OpenError> {
    let names = disk.list().map_err(io_error("list segments"))?;
    let mut firsts: Vec<u64> = names.iter().filter_map(|n| parse_segment_name(n)).collect();
    firsts.sort_unstable();
    let mut heads = Vec::with_capacity(firsts.len());
    for first in firsts {
        let name = segment_name(first);
        let file = disk.open(&name).map_err(io_error("open segment"))?;
        let mut bytes = [0; SEGMENT_HEADER];
        let got = read_full_at(&file, &mut bytes, 0).map_err(io_error("read segment"))?;
        let header = match SegmentHeader::decode(&bytes[..got]) {
            Ok(header) => Some(header).filter(|h| h.first == first),
            Err(BadHeader::Damaged) => None,
            Err(BadHeader::Format(found)) => {
                return Err(OpenError::Format {
                    segment: name,
                    found,
                    supported: FORMAT,
                });
            }
        };
        let size = file.size().map_err(io_error("read segment"))?;
        heads.push(Head {
            first,
            file: Arc::new(file),
            header,
            size,
        });
    }
    Ok(heads)
}

struct Walk<'a, D: Disk> {
    disk: &'a D,
    heads: Vec<Head<D::File>>,
    segments: VecDeque<Segment>,
    /// The first segment whose records were read; those before are durable and were not.
    from: usize,
    expected: u64,
    /// The last record that something on the disk says was durable.
    proven: u64,
    cursors: Cursors,
    /// Where the sound part ends before the files do: index of the segment, offset, what is wrong.
    bad: Option<(usize, u64, Problem)>,
    truncated: Option<Truncated>,
}

impl<'a, D: Disk> Walk<'a, D> {
    /// Finds the segment from which records must be read. All before it were durable when a later
    /// one was begun, so they must be there, headers and all.
    fn start(disk: &'a D, heads: Vec<Head<D::File>>) -> Result<Self, OpenError> {
        let headers = heads.iter().filter_map(|h| h.header);
        let proven = headers.map(|h| h.durable).max().unwrap_or(0);
        let usable = |h: &Head<D::File>| h.header.is_some() && h.first <= proven + 1;
        let from = heads.iter().rposition(usable).unwrap_or(0);
        let mut segments = VecDeque::new();
        for i in 0..from {
            let head = &heads[i];
            let fault = match head.header {
                None => Some((head.first, Problem::Header)),
                Some(h) if i > 0 && h.previous != heads[i - 1].first => {
                    Some((h.previous, Problem::MissingSegment))
                }
                Some(_) => None,
            };
            if let Some((first, problem)) = fault {
                return Err(corrupt(first, 0, first, problem));
            }
            let mut segment = Segment::new(head.first);
            segment.bytes = head.size;
            segments.push_back(segment);
        }
        let expected = heads.get(from).map_or(1, |h| h.first);
        Ok(Self {
            disk,
            heads,
            segments,
            from,
            expected,
            proven,
            cursors: Cursors::default(),
            bad: None,
            truncated: None,
        })
    }

    /// Reads records until the files end or one of them is not sound.
    fn scan(&mut self) -> Result<(), OpenError> {
        for i in self.from..self.heads.len() {
            if let Some(problem) = self.head_problem(i) {
                self.bad = Some((i, 0, problem));
                return Ok(());
            }
            let mut segment = Segment::new(self.heads[i].first);
            let mut scanner = Scanner::new(self.heads[i].file.clone(), SEGMENT_HEADER as u64);
            loop {
                let offset = scanner.offset();
                match scanner.step().map_err(io_error("read segment"))? {
                    Step::End => break,
                    Step::Bad(problem) => self.bad = Some((i, offset, problem)),
                    Step::Record(header) => {
                        if let Some(problem) = sequence_problem(&header, self.expected) {
                            self.bad = Some((i, offset, problem));
                        } else if header.control {
                            match Cursors::decode(scanner.payload()) {
                                Some(cursors) => self.cursors = cursors,
                                None => self.bad = Some((i, offset, Problem::Checksum)),
                            }
                        } else {
                            segment.note(header.seq, offset);
                            self.expected += 1;
                        }
                        if self.bad.is_none() {
                            self.proven = self.proven.max(header.vouches);
                        }
                    }
                }
                if self.bad.is_some() {
                    segment.bytes = offset;
                    self.segments.push_back(segment);
                    return Ok(());
                }
            }
            segment.bytes = scanner.offset();
            self.segments.push_back(segment);
        }
        Ok(())
    }

    fn head_problem(&self, i: usize) -> Option<Problem> {
        let Some(header) = self.heads[i].header else {
            return Some(Problem::Header);
        };
        let follows = i == 0 || header.previous == self.heads[i - 1].first;
        (header.first != self.expected || !follows).then_some(Problem::MissingSegment)
    }

    /// Decides between torn and damaged, and cuts what is torn.
    fn settle(&mut self) -> Result<(), OpenError> {
        // Segments are deleted only when a later one vouches for all of their records. A first
        // segment without that lost its predecessors in a crash, before anything was durable.
        if let Some(before) = self.heads.first().map(|h| h.first - 1)
            && self.proven < before
            && !self.is_vouched(0, 0, before)?
        {
            self.segments.clear();
            self.cursors = Cursors::default();
            self.expected = 1;
            return self.cut(0, 0).map_err(io_error("cut the torn tail"));
        }
        let wanted = self.proven.max(self.cursors.fastest());
        let Some((i, offset, problem)) = self.bad else {
            if wanted >= self.expected {
                let end = self.segments.back().map_or(0, |s| s.bytes);
                let first = self.segments.back().map_or(1, |s| s.first);
                return Err(corrupt(first, end, self.expected, Problem::MissingTail));
            }
            return Ok(());
        };
        if wanted >= self.expected || self.is_vouched(i, offset, self.expected)? {
            let first = self.heads[i].first;
            return Err(corrupt(first, offset, self.expected, problem));
        }
        self.cut(i, offset).map_err(io_error("cut the torn tail"))
    }

    /// Whether anything from an offset of segment `i` on says that record `seq` was durable.
    fn is_vouched(&self, i: usize, offset: u64, seq: u64) -> Result<bool, OpenError> {
        for (j, head) in self.heads.iter().enumerate().skip(i) {
            let from = if j == i { offset } else { 0 };
            let voucher = find_voucher(&*head.file, from, seq);
            if head.header.is_some_and(|h| h.durable >= seq)
                || voucher.map_err(io_error("read segment"))?.is_some()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn cut(&mut self, i: usize, offset: u64) -> io::Result<()> {
        let sizes = self.heads[i..].iter().map(|h| h.size).sum::<u64>();
        self.truncated = Some(Truncated {
            segment: segment_name(self.heads[i].first),
            offset,
            bytes: sizes - offset,
        });
        let keep = if offset >= SEGMENT_HEADER as u64 {
            self.heads[i].file.set_size(offset)?;
            self.heads[i].file.sync()?;
            i + 1
        } else {
            i
        };
        for head in self.heads.drain(keep..).rev() {
            self.disk.remove(&segment_name(head.first))?;
        }
        self.disk.sync_dir()
    }

    /// Writes again what nobody vouches for, and syncs it.
    ///
    /// It may be there only because the page cache still has it: a failed fsync leaves pages that
    /// look clean and were never written. Writing them again is the only way to know.
    fn finish(self) -> Result<Recovered<D::File>, OpenError> {
        for (head, segment) in self.heads.iter().zip(&self.segments).skip(self.from) {
            let from = if segment.first > self.proven {
                0
            } else {
                segment.seek(self.proven)
            };
            rewrite(&*head.file, from, segment.bytes).map_err(io_error("write the tail again"))?;
        }
        if !self.heads.is_empty() {
            self.disk.sync_dir().map_err(io_error("fsync directory"))?;
        }
        let first = self.segments.front().map_or(self.expected, |s| s.first);
        let mut cursors = self.cursors;
        let clamped = cursors.clamp(first);
        let name = |(name, from): (String, u64)| (name, Seq::new(from));
        let report = Recovery {
            first: Seq::new(first),
            last: Seq::new(self.expected - 1),
            truncated: self.truncated,
            moved_cursors: clamped.into_iter().map(name).collect(),
        };
        Ok(Recovered {
            active: self.heads.last().map(|h| h.file.clone()),
            segments: self.segments,
            next: self.expected,
            proven: self.proven,
            cursors,
            report,
        })
    }
}

fn rewrite(file: &impl DiskFile, from: u64, to: u64) -> io::Result<()> {
    let mut chunk = vec![0; 64 << 10];
    let mut at = from;
    while at < to {
        let want = chunk.len().min((to - at) as usize);
        let got = read_full_at(file, &mut chunk[..want], at)?;
        if got == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        write_all_at(file, &chunk[..got], at)?;
        at += got as u64;
    }
    file.sync()
}

fn corrupt(segment: u64, offset: u64, seq: u64, problem: Problem) -> OpenError {
    OpenError::Corrupt(Corruption {
        segment: segment_name(segment),
        offset,
        seq: Seq::new(seq),
        problem,
    })
}

fn io_error(operation: &'static str) -> impl Fn(io::Error) -> OpenError {
    move |source| OpenError::Io { operation, source }
}
