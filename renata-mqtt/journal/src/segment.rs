//! What is known in memory about a segment.

use crate::format::SEGMENT_HEADER;

/// One file of the journal.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) first: u64,
    /// Bytes, those still in the write buffer included.
    pub(crate) bytes: u64,
    /// The journal's write position behind this segment's header and first cursor positions:
    /// when a sync has reached it, the segments before may be deleted.
    pub(crate) head_end: u64,
    index: Vec<(u64, u64)>,
}

impl Segment {
    pub(crate) fn new(first: u64) -> Self {
        Self {
            first,
            bytes: 0,
            head_end: 0,
            index: Vec::new(),
        }
    }

    /// Remembers where a record begins, for about one record in 64 KiB.
    pub(crate) fn note(&mut self, seq: u64, offset: u64) {
        if self
            .index
            .last()
            .is_none_or(|&(_, at)| offset >= at + INDEX_STEP)
        {
            self.index.push((seq, offset));
        }
    }

    /// An offset from which record `seq` is reached by reading on.
    pub(crate) fn seek(&self, seq: u64) -> u64 {
        let after = self.index.partition_point(|&(s, _)| s <= seq);
        match after.checked_sub(1) {
            Some(i) => self.index[i].1,
            None => SEGMENT_HEADER as u64,
        }
    }
}

const INDEX_STEP: u64 = 64 << 10;
