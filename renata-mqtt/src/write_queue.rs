//! Bytes on their way out: small ones copied together, large ones by reference.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::Bytes;

use crate::wire::Sink;

/// A queue of bytes that a vectored write empties.
///
/// It grows with what is put in; whoever fills it looks at [`len`](Self::len).
#[derive(Debug, Default)]
pub struct WriteQueue {
    chunks: VecDeque<Chunk>,
    /// Bytes of the first chunk that were written already.
    written: usize,
    len: usize,
}

#[derive(Debug)]
enum Chunk {
    Copied(Vec<u8>),
    Shared(Bytes),
}

impl WriteQueue {
    /// An empty queue; nothing is allocated.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bytes wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Fills `slices` with what comes next, and says how many it used.
    pub fn chunks<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut used = 0;
        let mut skip = self.written;
        for (slice, chunk) in slices.iter_mut().zip(&self.chunks) {
            *slice = IoSlice::new(&chunk.as_slice()[skip..]);
            skip = 0;
            used += 1;
        }
        used
    }

    /// The first `n` bytes were written. More than there are is all of them.
    pub fn advance(&mut self, n: usize) {
        let n = n.min(self.len);
        self.len -= n;
        self.written += n;
        while let Some(chunk) = self.chunks.front_mut() {
            let size = chunk.as_slice().len();
            if self.written < size {
                return;
            }
            self.written -= size;
            match chunk {
                // The last one is kept for the next packet.
                Chunk::Copied(bytes)
                    if self.len == 0 && self.written == 0 && bytes.capacity() <= KEEP =>
                {
                    bytes.clear();
                    self.chunks.truncate(1);
                    return;
                }
                _ => {
                    self.chunks.pop_front();
                }
            }
        }
    }

    /// Drops everything that waits.
    pub fn clear(&mut self) {
        self.chunks.clear();
        self.written = 0;
        self.len = 0;
    }

    /// Puts bytes in, by copy.
    pub fn put_slice(&mut self, bytes: &[u8]) {
        self.len += bytes.len();
        match self.chunks.back_mut() {
            Some(Chunk::Copied(last)) if last.len() < SPLIT => last.extend_from_slice(bytes),
            _ => {
                let mut chunk = Vec::with_capacity(bytes.len().max(256));
                chunk.extend_from_slice(bytes);
                self.chunks.push_back(Chunk::Copied(chunk));
            }
        }
    }

    /// Puts bytes in, by reference if they are many.
    pub fn put_bytes(&mut self, bytes: &Bytes) {
        if bytes.len() < SHARE {
            self.put_slice(bytes);
        } else {
            self.len += bytes.len();
            self.chunks.push_back(Chunk::Shared(bytes.clone()));
        }
    }
}

/// From this size on bytes go by reference: below, a copy is cheaper than a slice of its own.
const SHARE: usize = 1024;

/// A chunk of this size is not grown any more, so that growing never copies much.
const SPLIT: usize = 64 << 10;

/// An empty buffer of at most this size is kept.
const KEEP: usize = 4 << 10;

impl Chunk {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Copied(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

impl Sink for WriteQueue {
    fn put(&mut self, bytes: &[u8]) {
        self.put_slice(bytes);
    }

    fn put_shared(&mut self, bytes: &Bytes) {
        self.put_bytes(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(queue: &WriteQueue) -> Vec<u8> {
        let mut slices = [IoSlice::new(&[]); 8];
        let used = queue.chunks(&mut slices);
        slices[..used]
            .iter()
            .flat_map(|slice| slice.to_vec())
            .collect()
    }

    #[test]
    fn small_bytes_share_a_chunk_and_large_ones_have_their_own() {
        let mut queue = WriteQueue::new();
        let large = Bytes::from(vec![7; SHARE]);
        queue.put_slice(b"ab");
        queue.put_bytes(&Bytes::from_static(b"c"));
        queue.put_bytes(&large);
        queue.put_slice(b"d");
        assert_eq!(queue.len(), 4 + SHARE);
        let mut slices = [IoSlice::new(&[]); 8];
        assert_eq!(queue.chunks(&mut slices), 3);
        assert_eq!(&*slices[0], b"abc");
        assert_eq!(slices[1].as_ptr(), large.as_ptr());
    }

    #[test]
    fn whatever_is_written_in_whatever_steps_comes_out_in_order() {
        for step in 1..50 {
            let mut queue = WriteQueue::new();
            let mut expected = Vec::new();
            for n in 0..20_u8 {
                let bytes = vec![n; if n % 5 == 0 { SHARE } else { usize::from(n) }];
                expected.extend_from_slice(&bytes);
                queue.put_bytes(&bytes.into());
            }
            let mut out = Vec::new();
            while !queue.is_empty() {
                let next = content(&queue);
                let n = (step * 97).min(next.len());
                out.extend_from_slice(&next[..n]);
                queue.advance(n);
            }
            assert_eq!(out, expected);
            queue.put_slice(b"again");
            assert_eq!(content(&queue), b"again");
        }
    }
}
