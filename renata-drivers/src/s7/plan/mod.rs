//! Tags to requests, and replies back to tags. Pure.
//!
//! ```text
//! tags --sort--> units --merge--> blocks (one item each) --pack--> requests --> replies --> values
//!            a large tag is        neighbours, where the            both budgets,
//!            cut at value edges    gap costs less than an item      items at most
//! ```
//!
//! An item costs 12 bytes to ask and 4 to answer, so two neighbours are read as one when the gap
//! between them is smaller than 16 bytes. Everything is read as bytes; counters and timers stay apart.

mod pack;
mod print;
mod probe;
mod units;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use bytes::BytesMut;

use super::address::{Area, Tag};
use super::pdu::{Item, Transport, put_read_request};
pub use print::Cost;
pub use probe::{Probe, Refused};
use units::{Unit, units};
pub use values::{Answer, Answers};

/// How much fits into one request and its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Negotiated length of a message in bytes; at least [`Budget::MIN_PDU`].
    pub pdu: u16,
    /// Most items of one request. PLCs take 20; some take more, and one that does not may silently
    /// answer only 20 of them.
    pub items: u8,
}

impl Budget {
    /// The shortest message that this planner works with; PLCs negotiate 240 and more.
    pub const MIN_PDU: u16 = 64;

    /// The usual items in messages of `pdu` bytes.
    #[must_use]
    pub const fn of_pdu(pdu: u16) -> Self {
        Self { pdu, items: 20 }
    }

    /// Most bytes that one item can read: the reply has 14 bytes of header and the item 4.
    #[must_use]
    pub fn item_bytes(self) -> usize {
        (usize::from(self.pdu.max(Self::MIN_PDU)) - REPLY_HEADER - ITEM_HEADER) & !1
    }
}

impl Default for Budget {
    /// 20 items in messages of 240 bytes, what every PLC accepts.
    fn default() -> Self {
        Self::of_pdu(240)
    }
}

/// Reads of tags, arranged into requests.
///
/// Every tag is read exactly once, no request and no reply is longer than the budget, and no value is
/// cut unless it alone is longer than a message: an array is cut between elements, a text between
/// characters.
///
/// ```
/// use renata_drivers::s7::{Budget, Plan, Tag};
/// let tags: Vec<Tag> = ["DB1.DBD0:REAL", "DB1.DBX4.0", "DB1.DBD8:DINT", "MW10"]
///     .iter()
///     .map(|text| text.parse())
///     .collect::<Result<_, _>>()?;
/// let plan = Plan::new(&tags, Budget::default());
/// let cost = plan.cost();
/// assert_eq!((cost.requests, cost.items, cost.gap_bytes), (1, 2, 3));
/// println!("{plan}");
/// # Ok::<(), renata_drivers::s7::AddressError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Plan {
    tags: Vec<Tag>,
    budget: Budget,
    /// Tags that spoiled a block: they are read alone.
    alone: BTreeSet<usize>,
    blocks: Vec<Block>,
    requests: Vec<Request>,
    /// Blocks that are bad as a whole, and how long not to look closer.
    quiet: BTreeMap<usize, probe::Quiet>,
}

/// One item of a request, and what lies in it.
#[derive(Clone, Debug)]
struct Block {
    area: Area,
    /// First byte; of counters and timers, the first number.
    start: u32,
    /// Bytes.
    len: usize,
    pieces: Vec<Piece>,
}

/// The bytes of one tag, or some of them, inside a block.
#[derive(Clone, Copy, Debug)]
struct Piece {
    tag: usize,
    /// Where in the block.
    at: usize,
    /// Where in the tag.
    into: usize,
    len: usize,
}

/// One request: its message, ready but for the reference, and the blocks that it reads.
#[derive(Clone, Debug)]
struct Request {
    message: BytesMut,
    blocks: Vec<usize>,
}

impl Plan {
    /// Arranges reads of `tags`.
    #[must_use]
    pub fn new(tags: &[Tag], budget: Budget) -> Self {
        Self::arrange(tags.to_vec(), budget, BTreeSet::new())
    }

    /// The tags, in the order of the results of a read.
    #[must_use]
    pub fn tags(&self) -> &[Tag] {
        &self.tags
    }

    /// What it was made for.
    #[must_use]
    pub const fn budget(&self) -> Budget {
        self.budget
    }

    /// Reads these tags by themselves from now on: one of them spoils what is read with it.
    pub fn isolate(&mut self, tags: impl IntoIterator<Item = usize>) {
        let mut alone = std::mem::take(&mut self.alone);
        alone.extend(tags);
        *self = Self::arrange(std::mem::take(&mut self.tags), self.budget, alone);
    }

    fn arrange(tags: Vec<Tag>, budget: Budget, alone: BTreeSet<usize>) -> Self {
        let blocks = merge(units(&tags, budget, &alone), budget);
        let requests = pack::pack(&blocks, budget)
            .into_iter()
            .map(|chosen| {
                let items: Vec<Item> = chosen.iter().map(|b| blocks[*b].item()).collect();
                let mut message = BytesMut::new();
                put_read_request(0, &items, &mut message);
                Request {
                    message,
                    blocks: chosen,
                }
            })
            .collect();
        Self {
            tags,
            budget,
            alone,
            blocks,
            requests,
            quiet: BTreeMap::new(),
        }
    }

    /// The requests to send, in order; bytes 4 and 5 of each are the reference, still 0.
    ///
    /// Their replies go into [`Answers`].
    #[must_use]
    pub fn messages(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.requests.iter().map(|r| &r.message[..])
    }
}

impl Block {
    fn item(&self) -> Item {
        let unit = self.area.unit();
        let (transport, address) = match self.area {
            Area::Counter => (Transport::COUNTER, self.start),
            Area::Timer => (Transport::TIMER, self.start),
            _ => (Transport::BYTE, self.start * 8),
        };
        Item {
            area: self.area.code(),
            db: self.area.db(),
            address,
            transport,
            // A block is shorter than a message.
            count: (self.len / unit) as u16,
        }
    }

    fn end(&self) -> u32 {
        self.start + (self.len / self.area.unit()) as u32
    }
}

/// Joins neighbours where the bytes between them cost less than another item.
fn merge(units: Vec<Unit>, budget: Budget) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for unit in units {
        if let Some(block) = blocks.last_mut().filter(|_| open && !unit.alone)
            && block.area == unit.area
            && !unit.area.code().is_numbered()
            && u64::from(unit.start) < u64::from(block.end()) + ITEM_COST
        {
            let at = (unit.start - block.start) as usize;
            let len = block.len.max(at + unit.len);
            if len <= budget.item_bytes() {
                block.len = len;
                block.pieces.push(unit.piece(at));
                continue;
            }
        }
        open = !unit.alone;
        blocks.push(Block {
            area: unit.area,
            start: unit.start,
            len: unit.len,
            pieces: vec![unit.piece(0)],
        });
    }
    blocks
}

impl Area {
    /// Bytes of one address.
    const fn unit(self) -> usize {
        if self.code().is_numbered() { 2 } else { 1 }
    }
}

/// What one more item costs: 12 bytes to ask, 4 to answer.
const ITEM_COST: u64 = (Item::LEN + ITEM_HEADER) as u64;
const ITEM_HEADER: usize = 4;
/// S7 header of a job, function and count.
const REQUEST_HEADER: usize = 12;
/// S7 header of a reply, function and count.
const REPLY_HEADER: usize = 14;

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
