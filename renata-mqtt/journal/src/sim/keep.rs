//! Unsynced changes, and which of them outlive a power failure.

use std::collections::BTreeMap;

/// Torn writes tear between sectors of this many bytes, as on a real medium.
const SECTOR: usize = 512;

/// What of the unsynced changes survives a power failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// None of them.
    Nothing,
    /// All of them.
    Everything,
    /// Those before operation number `ops`, and of that one, when it is a write, the first `bytes`.
    Prefix {
        /// Number of the operation that is torn.
        ops: u64,
        /// How much of it survives.
        bytes: usize,
    },
    /// An arbitrary set of names and of sectors, as the write-back of a kernel leaves them.
    Some {
        /// Chooses the set; the same seed gives the same set.
        seed: u64,
    },
}

#[derive(Clone, Debug)]
pub(super) enum NameOp {
    Add(String, usize),
    Remove(String),
}

#[derive(Clone, Debug)]
pub(super) enum FileOp {
    Write(usize, Vec<u8>),
    SetSize(usize),
}

impl NameOp {
    pub(super) fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Add(name, id) => names.insert(name.clone(), *id),
            Self::Remove(name) => names.remove(name),
        };
    }
}

impl FileOp {
    pub(super) fn apply(&self, image: &mut Vec<u8>) {
        match self {
            Self::Write(offset, bytes) => {
                let end = offset + bytes.len();
                if image.len() < end {
                    image.resize(end, 0);
                }
                image[*offset..end].copy_from_slice(bytes);
            }
            Self::SetSize(size) => image.resize(*size, 0),
        }
    }
}

impl Keep {
    /// Whether an operation that cannot be torn survives.
    pub(super) fn whole(self, op: u64) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Prefix { ops, .. } => op < ops,
            Self::Some { seed } => coin(seed, op, u64::MAX),
        }
    }

    pub(super) fn apply(self, op: u64, change: &FileOp, image: &mut Vec<u8>) {
        match (self, change) {
            (Self::Prefix { ops, bytes }, FileOp::Write(offset, data)) if op == ops => {
                let kept = data[..bytes.min(data.len())].to_vec();
                FileOp::Write(*offset, kept).apply(image);
            }
            (Self::Some { seed }, FileOp::Write(offset, data)) => {
                let mut at = 0;
                while at < data.len() {
                    let sector = (offset + at) / SECTOR;
                    let end = data.len().min((sector + 1) * SECTOR - offset);
                    if coin(seed, op, sector as u64) {
                        FileOp::Write(offset + at, data[at..end].to_vec()).apply(image);
                    }
                    at = end;
                }
            }
            _ if self.whole(op) => change.apply(image),
            _ => {}
        }
    }
}

/// A fair coin for (seed, operation, sector): the finaliser of splitmix64.
fn coin(seed: u64, op: u64, sector: u64) -> bool {
    let mut x = seed ^ op.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ sector.wrapping_mul(0xd1b5_4a32);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x ^ (x >> 31)) & 1 == 1
}
