//! [`Streams`]: which messages came already, per stream, so that a repetition is dropped.

use std::collections::HashMap;

use bytes::{Buf, BufMut};

use crate::Identity;
use crate::ranges::Ranges;
use crate::record::{BadRecord, take_text};

/// What is known about one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It never came.
    New,
    /// It came.
    Repetition,
    /// It is so far behind that nobody knows any more.
    TooLate,
    /// Its stream is one too many.
    TooManyStreams,
}

/// The identities that came, exactly, as ranges of `seq` per stream and epoch.
///
/// Bounded: a stream remembers its newest [`EPOCHS`] epochs and each of them [`RANGES`] ranges, so
/// fifteen gaps; with more gaps the oldest is forgotten, and what then still comes from it is
/// [`Seen::TooLate`] and not silently dropped. The number of streams has a limit of its own.
#[derive(Debug)]
pub(crate) struct Streams {
    streams: HashMap<Box<str>, Vec<Epoch>>,
    max_streams: usize,
    encoded_bytes: usize,
}

#[derive(Clone, Debug)]
struct Epoch {
    epoch: u32,
    /// Up to here (exclusive) nothing is known exactly.
    floor: u64,
    seqs: Ranges,
}

impl Streams {
    pub(crate) fn new(max_streams: usize) -> Self {
        Self {
            streams: HashMap::new(),
            max_streams,
            encoded_bytes: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.streams.len()
    }

    /// How many bytes [`encode`](Self::encode) gives, apart from the heads of its pieces.
    pub(crate) fn encoded_bytes(&self) -> usize {
        self.encoded_bytes
    }

    /// What is known about a message, without remembering it.
    pub(crate) fn look_up(&self, stream: &str, id: Identity) -> Seen {
        let Some(epochs) = self.streams.get(stream) else {
            return if self.streams.len() < self.max_streams {
                Seen::New
            } else {
                Seen::TooManyStreams
            };
        };
        match epochs.binary_search_by_key(&id.epoch, |e| e.epoch) {
            Ok(at) if id.seq < epochs[at].floor => Seen::TooLate,
            Ok(at) if epochs[at].seqs.contains(id.seq) => Seen::Repetition,
            // Once full, an epoch older than all that are kept may have been forgotten.
            Err(0) if epochs.len() >= EPOCHS => Seen::TooLate,
            _ => Seen::New,
        }
    }

    /// Remembers a message.
    pub(crate) fn insert(&mut self, stream: &str, id: Identity) {
        self.change(stream, id.epoch, |epoch| {
            epoch.seqs.insert(id.seq);
        });
    }

    /// Writes everything down, in pieces of about `piece` bytes.
    pub(crate) fn encode(&self, piece: usize, mut head: impl FnMut() -> Vec<u8>) -> Vec<Vec<u8>> {
        let mut pieces = Vec::new();
        let (mut body, mut count) = (Vec::new(), 0u32);
        let mut close = |body: &mut Vec<u8>, count: &mut u32| {
            let mut out = head();
            out.put_u32_le(*count);
            out.append(body);
            *count = 0;
            pieces.push(out);
        };
        for (topic, epochs) in &self.streams {
            put_stream(&mut body, topic, epochs);
            count += 1;
            if body.len() >= piece {
                close(&mut body, &mut count);
            }
        }
        close(&mut body, &mut count);
        pieces
    }

    /// Takes in what [`encode`](Self::encode) wrote. Doing so twice, or beside newer records,
    /// changes nothing.
    pub(crate) fn merge(&mut self, mut from: &[u8]) -> Result<(), BadRecord> {
        let from = &mut from;
        let bad = |_| BadRecord;
        for _ in 0..from.try_get_u32_le().map_err(bad)? {
            let len = usize::from(from.try_get_u16_le().map_err(bad)?);
            let topic = take_text(from, len)?;
            for _ in 0..from.try_get_u8().map_err(bad)? {
                let number = from.try_get_u32_le().map_err(bad)?;
                let floor = from.try_get_u64_le().map_err(bad)?;
                let mut ranges = Vec::new();
                for _ in 0..from.try_get_u8().map_err(bad)? {
                    let first = from.try_get_u64_le().map_err(bad)?;
                    let last = from.try_get_u64_le().map_err(bad)?;
                    if first > last {
                        return Err(BadRecord);
                    }
                    ranges.push((first, last));
                }
                self.change(topic, number, |epoch| {
                    epoch.floor = epoch.floor.max(floor);
                    for (first, last) in ranges {
                        epoch.seqs.insert_range(first, last);
                    }
                });
            }
        }
        Ok(())
    }

    /// Changes what is known of one epoch of a stream, which is made when it is new.
    fn change(&mut self, stream: &str, number: u32, change: impl FnOnce(&mut Epoch)) {
        let before = self.encoded_bytes;
        let grown = match self.streams.get_mut(stream) {
            Some(epochs) => change_epoch(epochs, number, change),
            None => {
                let mut epochs = Vec::with_capacity(1);
                let grown = change_epoch(&mut epochs, number, change);
                self.streams.insert(stream.into(), epochs);
                grown + (STREAM_BYTES + stream.len()) as isize
            }
        };
        self.encoded_bytes = before.saturating_add_signed(grown);
    }
}

/// Changes one epoch, and says by how many bytes the stream has grown when it is written down.
fn change_epoch(epochs: &mut Vec<Epoch>, number: u32, change: impl FnOnce(&mut Epoch)) -> isize {
    let before = encoded_len(epochs);
    let at = epochs.binary_search_by_key(&number, |e| e.epoch);
    let at = at.unwrap_or_else(|at| {
        let epoch = Epoch {
            epoch: number,
            floor: 0,
            seqs: Ranges::default(),
        };
        epochs.insert(at, epoch);
        at
    });
    change(&mut epochs[at]);
    epochs[at].forget();
    if epochs.len() > EPOCHS {
        epochs.remove(0);
    }
    encoded_len(epochs) as isize - before as isize
}

fn encoded_len(epochs: &[Epoch]) -> usize {
    let len = |e: &Epoch| EPOCH_BYTES + e.seqs.as_slice().len() * RANGE_BYTES;
    epochs.iter().map(len).sum()
}

impl Epoch {
    /// Keeps the newest ranges; what lies below them is no longer known exactly.
    fn forget(&mut self) {
        while self.seqs.as_slice().len() > RANGES {
            if let Some((_, last)) = self.seqs.pop_first() {
                self.floor = self.floor.max(last.saturating_add(1));
            }
        }
    }
}

fn put_stream(out: &mut Vec<u8>, topic: &str, epochs: &[Epoch]) {
    out.put_u16_le(topic.len() as u16);
    out.put_slice(topic.as_bytes());
    out.put_u8(epochs.len() as u8);
    for epoch in epochs {
        out.put_u32_le(epoch.epoch);
        out.put_u64_le(epoch.floor);
        out.put_u8(epoch.seqs.as_slice().len() as u8);
        for (first, last) in epoch.seqs.as_slice() {
            out.put_u64_le(*first);
            out.put_u64_le(*last);
        }
    }
}

/// Epochs that a stream remembers.
const EPOCHS: usize = 4;
/// Ranges that an epoch remembers.
const RANGES: usize = 16;
/// What a stream takes beside its name and its epochs, what an epoch takes beside its ranges, and
/// what a range takes, written down.
const STREAM_BYTES: usize = 3;
const EPOCH_BYTES: usize = 13;
const RANGE_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const ID: fn(u32, u64) -> Identity = |epoch, seq| Identity { epoch, seq };

    #[test]
    fn repetitions_are_known_whatever_their_order() {
        let mut streams = Streams::new(10);
        for seq in [5, 6, 9, 7] {
            assert_eq!(streams.look_up("a", ID(1, seq)), Seen::New);
            streams.insert("a", ID(1, seq));
        }
        for seq in [5, 6, 7, 9] {
            assert_eq!(streams.look_up("a", ID(1, seq)), Seen::Repetition);
        }
        assert_eq!(
            streams.look_up("a", ID(1, 8)),
            Seen::New,
            "a gap fills late"
        );
        assert_eq!(streams.look_up("a", ID(2, 5)), Seen::New, "another epoch");
        assert_eq!(streams.look_up("b", ID(1, 5)), Seen::New, "another stream");
    }

    #[test]
    fn what_was_forgotten_is_too_late_and_not_a_repetition() {
        let mut streams = Streams::new(10);
        for seq in 0..100 {
            streams.insert("a", ID(1, seq * 2));
        }
        assert_eq!(streams.look_up("a", ID(1, 51)), Seen::TooLate);
        assert_eq!(streams.look_up("a", ID(1, 197)), Seen::New);
        for epoch in 2..6 {
            streams.insert("a", ID(epoch, 1));
        }
        assert_eq!(streams.look_up("a", ID(1, 198)), Seen::TooLate);
    }

    #[test]
    fn the_number_of_streams_is_bounded() {
        let mut streams = Streams::new(1);
        streams.insert("a", ID(1, 1));
        assert_eq!(streams.look_up("b", ID(1, 1)), Seen::TooManyStreams);
        assert_eq!(streams.look_up("a", ID(1, 2)), Seen::New);
    }

    #[test]
    fn what_is_written_down_comes_back() {
        let mut streams = Streams::new(1000);
        for n in 0..300u64 {
            streams.insert(&format!("stream/{}", n % 50), ID((n % 3) as u32, n));
        }
        let pieces = streams.encode(500, Vec::new);
        assert!(pieces.len() > 3);
        let mut again = Streams::new(1000);
        for piece in pieces.iter().chain(&pieces) {
            again.merge(piece).unwrap();
        }
        assert_eq!(again.len(), 50);
        for n in 0..300u64 {
            let id = ID((n % 3) as u32, n);
            assert_eq!(
                again.look_up(&format!("stream/{}", n % 50), id),
                Seen::Repetition
            );
        }
        let written: usize = pieces.iter().map(Vec::len).sum();
        assert_eq!(written, again.encoded_bytes() + 4 * pieces.len());
        for cut in 0..pieces[0].len() {
            assert_eq!(Streams::new(9).merge(&pieces[0][..cut]), Err(BadRecord));
        }
    }
}
