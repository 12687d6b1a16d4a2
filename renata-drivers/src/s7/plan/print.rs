//! What a plan does and costs, for people.

use std::fmt;

use super::pack::Load;
use super::{Area, Plan};

/// What one round of a plan costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Cost {
    /// Requests.
    pub requests: usize,
    /// Items in them.
    pub items: usize,
    /// Bytes of the requests, headers of S7 included.
    pub request_bytes: usize,
    /// Bytes of the replies, headers of S7 included.
    pub reply_bytes: usize,
    /// Bytes of memory that are read although no tag wants them.
    pub gap_bytes: usize,
}

impl Plan {
    /// What one round costs.
    #[must_use]
    pub fn cost(&self) -> Cost {
        let mut cost = Cost {
            requests: self.requests.len(),
            items: self.blocks.len(),
            ..Cost::default()
        };
        for at in 0..self.requests.len() {
            let load = self.load(at);
            cost.request_bytes += load.request();
            cost.reply_bytes += load.reply;
        }
        cost.gap_bytes = (0..self.blocks.len()).map(|b| self.gaps(b)).sum();
        cost
    }

    fn load(&self, request: usize) -> Load {
        let blocks = self.requests[request].blocks.iter();
        blocks.fold(Load::EMPTY, |load, b| load.and(self.blocks[*b].len))
    }

    /// Bytes of a block that belong to no tag.
    fn gaps(&self, block: usize) -> usize {
        let block = &self.blocks[block];
        let mut wanted = vec![false; block.len];
        for piece in &block.pieces {
            wanted[piece.at..piece.at + piece.len].fill(true);
        }
        wanted.into_iter().filter(|w| !w).count()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (cost, pdu) = (self.cost(), self.budget.pdu);
        writeln!(
            f,
            "{} tags in {} requests with {} items; {} bytes asked, {} answered, {} of them in gaps; \
             PDU {pdu}, at most {} items",
            self.tags.len(),
            cost.requests,
            cost.items,
            cost.request_bytes,
            cost.reply_bytes,
            cost.gap_bytes,
            self.budget.items,
        )?;
        for (at, request) in self.requests.iter().enumerate() {
            let load = self.load(at);
            let (asked, answered) = (load.request(), load.reply);
            writeln!(
                f,
                "request {}: {asked}/{pdu} bytes, reply {answered}/{pdu}",
                at + 1
            )?;
            for at in &request.blocks {
                let block = &self.blocks[*at];
                let (first, last) = (block.start, block.end() - 1);
                let area = match block.area {
                    Area::Db(number) => format!("DB{number} bytes"),
                    Area::Input => "I bytes".to_owned(),
                    Area::Output => "Q bytes".to_owned(),
                    Area::Marker => "M bytes".to_owned(),
                    Area::Counter => "counters".to_owned(),
                    Area::Timer => "timers".to_owned(),
                };
                write!(f, "  {area} {first}..{last}: ")?;
                for (n, piece) in block.pieces.iter().enumerate() {
                    let tag = self.tags[piece.tag];
                    write!(f, "{}{tag}", if n == 0 { "" } else { ", " })?;
                    if piece.len < tag.len() {
                        write!(f, " from byte {}", piece.into)?;
                    }
                }
                match self.gaps(*at) {
                    0 => writeln!(f)?,
                    gaps => writeln!(f, " ({gaps} bytes in gaps)")?,
                }
            }
        }
        Ok(())
    }
}
