//! The bytes on disk.
//!
//! ```text
//! segment  "RENJRNL" | format 1 | first seq u64 | first seq of the previous segment u64
//!          | durable seq when it was begun u64 | 0 u32 | crc32c u32                    40 bytes
//! record   crc32c u32 | length u32 | lag u32 | seq u64 | payload               20 bytes + payload
//! ```
//! All numbers are little-endian. A checksum covers what follows it in a record, what stands
//! before it in a segment header. The top bit of a length marks a record of the journal itself (the
//! positions of all cursors), which has the number of the record before it.
//!
//! `lag` is the distance from the record's number back to what was durable when it was appended.
//! A sound record therefore vouches for those before it: a damaged record that a later one vouches
//! for was durable once, so it is corruption; one that nobody vouches for is a torn write.

use crate::{Problem, Seq};

pub(crate) const FORMAT: u8 = 1;
pub(crate) const SEGMENT_HEADER: usize = 40;
pub(crate) const RECORD_HEADER: usize = 20;
const MAGIC: &[u8; 7] = b"RENJRNL";
const CONTROL: u32 = 1 << 31;
const LAG_UNKNOWN: u32 = u32::MAX;

/// File name of the segment that begins with a record.
pub(crate) fn segment_name(first: u64) -> String {
    format!("{first:020}.seg")
}

/// The first record of a segment, from its file name.
pub(crate) fn parse_segment_name(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".seg")?;
    let first = digits.parse().ok().filter(|_| digits.len() == 20)?;
    (1..=u64::MAX / 2).contains(&first).then_some(first)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) first: u64,
    /// `first` of the segment before, 0 when this is the first one ever.
    pub(crate) previous: u64,
    pub(crate) durable: u64,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BadHeader {
    Damaged,
    Format(u8),
}

impl SegmentHeader {
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(MAGIC);
        out.push(FORMAT);
        out.extend_from_slice(&self.first.to_le_bytes());
        out.extend_from_slice(&self.previous.to_le_bytes());
        out.extend_from_slice(&self.durable.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        let crc = crc32c::crc32c(&out[start..]);
        out.extend_from_slice(&crc.to_le_bytes());
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, BadHeader> {
        let bytes: &[u8; SEGMENT_HEADER] = bytes.try_into().map_err(|_| BadHeader::Damaged)?;
        if &bytes[..7] != MAGIC || crc32c::crc32c(&bytes[..36]) != u32_at(bytes, 36) {
            return Err(BadHeader::Damaged);
        }
        if bytes[7] != FORMAT {
            return Err(BadHeader::Format(bytes[7]));
        }
        Ok(Self {
            first: u64_at(bytes, 8),
            previous: u64_at(bytes, 16),
            durable: u64_at(bytes, 24),
        })
    }
}

/// The fixed part of a record, not yet known to be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordHeader {
    pub(crate) control: bool,
    /// Payload bytes.
    pub(crate) len: usize,
    pub(crate) seq: u64,
    /// The last record that was durable when this one was appended, as far as it says.
    pub(crate) vouches: u64,
}

impl RecordHeader {
    /// Reads [`RECORD_HEADER`] bytes.
    pub(crate) fn peek(bytes: &[u8]) -> Self {
        let len = u32_at(bytes, 4);
        let lag = u32_at(bytes, 8);
        let seq = u64_at(bytes, 12);
        Self {
            control: len & CONTROL != 0,
            len: (len & !CONTROL) as usize,
            seq,
            vouches: if lag == LAG_UNKNOWN {
                0
            } else {
                seq.saturating_sub(u64::from(lag))
            },
        }
    }
}

/// Whether the checksum of a whole record (header and payload) fits.
pub(crate) fn is_sound(record: &[u8]) -> bool {
    crc32c::crc32c(&record[4..]) == u32_at(record, 0)
}

/// Appends a record to `out`; `durable` is the last durable number.
pub(crate) fn encode_record(
    out: &mut Vec<u8>,
    control: bool,
    seq: u64,
    durable: u64,
    parts: &[&[u8]],
) {
    let start = out.len();
    let len: usize = parts.iter().map(|p| p.len()).sum();
    let lag = u32::try_from(seq.saturating_sub(durable)).unwrap_or(LAG_UNKNOWN);
    let flags = if control { CONTROL } else { 0 };
    let mut header = [0; RECORD_HEADER];
    // `Options::check` keeps records below 2^30 bytes, so the length fits beside the flag.
    header[4..8].copy_from_slice(&(len as u32 | flags).to_le_bytes());
    header[8..12].copy_from_slice(&lag.to_le_bytes());
    header[12..].copy_from_slice(&seq.to_le_bytes());
    out.extend_from_slice(&header);
    for part in parts {
        out.extend_from_slice(part);
    }
    let crc = crc32c::crc32c(&out[start + 4..]);
    out[start..start + 4].copy_from_slice(&crc.to_le_bytes());
}

/// What is wrong with a sound record when `expected` should come next, if anything.
pub(crate) fn sequence_problem(header: &RecordHeader, expected: u64) -> Option<Problem> {
    let should = expected - u64::from(header.control);
    (header.seq != should).then_some(Problem::Sequence {
        found: Seq::new(header.seq),
    })
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_vouches_for_what_was_durable_when_it_was_written() {
        let mut out = Vec::new();
        encode_record(&mut out, false, 100, 93, &[b"ab", b"c"]);
        assert!(is_sound(&out));
        let header = RecordHeader::peek(&out);
        assert_eq!((header.seq, header.vouches, header.len), (100, 93, 3));
        assert_eq!(&out[RECORD_HEADER..], b"abc");
    }

    #[test]
    fn every_flipped_bit_of_a_record_is_noticed() {
        let mut out = Vec::new();
        encode_record(&mut out, false, 7, 0, &[b"payload"]);
        for bit in 0..out.len() * 8 {
            out[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_sound(&out), "bit {bit}");
            out[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn every_flipped_bit_of_a_segment_header_is_noticed() {
        let header = SegmentHeader {
            first: 5,
            previous: 1,
            durable: 4,
        };
        let mut out = Vec::new();
        header.encode(&mut out);
        assert_eq!(SegmentHeader::decode(&out), Ok(header));
        for bit in 0..out.len() * 8 {
            out[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentHeader::decode(&out).is_err(), "bit {bit}");
            out[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn only_our_own_names_are_segments() {
        assert_eq!(parse_segment_name(&segment_name(42)), Some(42));
        for name in [
            "lock",
            "42.seg",
            "0000000000000000004x.seg",
            ".seg",
            &segment_name(0),
        ] {
            assert_eq!(parse_segment_name(name), None, "{name}");
        }
    }
}
