use std::collections::VecDeque;
use std::fmt;
use std::io::IoSlice;

use bytes::Bytes;

use crate::wire::Sink;

/// Encoded packets on their way to a socket: small bytes copied, large payloads by reference.
///
/// Bytes are appended by [`encode`](crate::packet::encode) and taken from the front with
/// [`chunks`](Self::chunks) and [`advance`](Self::advance), many packets in one `writev`. A queue
/// that has been emptied keeps its memory, so a warm queue does not allocate. It has no bound of
/// its own: whoever encodes looks at [`len`](Self::len) first.
///
/// ```
/// use std::io::IoSlice;
/// use renata_mqtt::WriteQueue;
///
/// let mut queue = WriteQueue::new();
/// queue.put_slice(b"abc");
/// queue.put_bytes(&bytes::Bytes::from(vec![b'x'; 4096]));
/// let mut slices = [IoSlice::new(&[]); 64];
/// assert_eq!(queue.chunks(&mut slices), 2);
/// queue.advance(3 + 4096);
/// assert!(queue.is_empty());
/// ```
#[derive(Default)]
pub struct WriteQueue {
    /// Copied bytes; those before `head` are written.
    copied: Vec<u8>,
    head: usize,
    /// Shared bytes, each with the place in `copied` in front of which it stands.
    shared: VecDeque<(usize, Bytes)>,
    /// Bytes in `shared`.
    shared_len: usize,
}

impl WriteQueue {
    /// An empty queue without memory.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            copied: Vec::new(),
            head: 0,
            shared: VecDeque::new(),
            shared_len: 0,
        }
    }

    /// Bytes that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.copied.len() - self.head + self.shared_len
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends bytes by copying them.
    #[inline]
    pub fn put_slice(&mut self, bytes: &[u8]) {
        self.copied.extend_from_slice(bytes);
    }

    /// Appends bytes by reference, or by copying them when they are few: below about 1 KiB one more
    /// slice costs more than the copy.
    pub fn put_bytes(&mut self, bytes: &Bytes) {
        if bytes.len() < COPY_BELOW {
            self.put_slice(bytes);
        } else {
            self.shared_len += bytes.len();
            self.shared.push_back((self.copied.len(), bytes.clone()));
        }
    }

    /// Fills `slices` from the front and says how many were used.
    pub fn chunks<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut used = 0;
        let mut at = self.head;
        let mut put = |bytes: &'a [u8]| match slices.get_mut(used) {
            Some(slot) if !bytes.is_empty() => {
                *slot = IoSlice::new(bytes);
                used += 1;
                true
            }
            Some(_) => true,
            None => false,
        };
        for (place, bytes) in &self.shared {
            if !put(&self.copied[at..*place]) || !put(bytes) {
                return used;
            }
            at = *place;
        }
        put(&self.copied[at..]);
        used
    }

    /// Takes `written` bytes off the front; more than there are empties the queue.
    pub fn advance(&mut self, mut written: usize) {
        loop {
            let place = self
                .shared
                .front()
                .map_or(self.copied.len(), |(place, _)| *place);
            let step = written.min(place - self.head);
            self.head += step;
            written -= step;
            if written == 0 {
                break;
            }
            let Some((_, bytes)) = self.shared.front_mut() else {
                break;
            };
            let step = written.min(bytes.len());
            bytes::Buf::advance(bytes, step);
            self.shared_len -= step;
            written -= step;
            if bytes.is_empty() {
                self.shared.pop_front();
            }
        }
        self.tidy();
    }

    /// Forgets everything that waits.
    pub fn clear(&mut self) {
        self.shared.clear();
        self.shared_len = 0;
        self.head = self.copied.len();
        self.tidy();
    }

    /// Makes room for `len` bytes in one step.
    #[inline]
    pub(crate) fn reserve(&mut self, len: usize) {
        self.copied.reserve(len);
    }

    /// Drops written bytes: all at once when the queue is empty, else when they are most of it.
    fn tidy(&mut self) {
        if self.head == self.copied.len() && self.shared.is_empty() {
            self.copied.clear();
            self.copied.shrink_to(KEEP);
            self.head = 0;
        } else if self.head >= COMPACT_FROM && self.head * 2 >= self.copied.len() {
            self.copied.drain(..self.head);
            for (place, _) in &mut self.shared {
                *place -= self.head;
            }
            self.head = 0;
        }
    }
}

impl Sink for WriteQueue {
    const CHECK: bool = false;

    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.put_slice(bytes);
    }

    fn put_shared(&mut self, bytes: &Bytes) {
        self.put_bytes(bytes);
    }
}

/// Shows how much waits, never what.
impl fmt::Debug for WriteQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteQueue")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// From this size on bytes go by reference.
const COPY_BELOW: usize = 1024;
const COMPACT_FROM: usize = 64 << 10;
/// What an empty queue keeps of its memory.
const KEEP: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Copy(Vec<u8>),
        Share(Vec<u8>),
        Advance(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..300).prop_map(Step::Copy),
            (any::<u8>(), 900_usize..70_000).prop_map(|(b, n)| Step::Share(vec![b; n])),
            (0_usize..100_000).prop_map(Step::Advance),
        ]
    }

    proptest! {
        /// The queue is a byte stream, however bytes go in and out.
        #[test]
        fn it_equals_a_plain_vector(steps in proptest::collection::vec(step(), 0..40)) {
            let (mut queue, mut model) = (WriteQueue::new(), Vec::new());
            for step in steps {
                match step {
                    Step::Copy(bytes) => {
                        queue.put_slice(&bytes);
                        model.extend(bytes);
                    }
                    Step::Share(bytes) => {
                        queue.put_bytes(&bytes.clone().into());
                        model.extend(bytes);
                    }
                    Step::Advance(n) => {
                        let n = n.min(model.len());
                        queue.advance(n);
                        model.drain(..n);
                    }
                }
                prop_assert_eq!(queue.len(), model.len());
                let mut slices = [IoSlice::new(&[]); 128];
                let used = queue.chunks(&mut slices);
                let seen: Vec<u8> = slices[..used].iter().flat_map(|s| s.to_vec()).collect();
                prop_assert_eq!(seen, model.clone());
            }
        }
    }

    #[test]
    fn few_slices_show_the_front() {
        let mut queue = WriteQueue::new();
        queue.put_slice(b"a");
        queue.put_bytes(&vec![0; COPY_BELOW].into());
        queue.put_slice(b"b");
        let mut slices = [IoSlice::new(&[]); 2];
        assert_eq!(queue.chunks(&mut slices), 2);
        assert_eq!((slices[0].len(), slices[1].len()), (1, COPY_BELOW));
    }
}
