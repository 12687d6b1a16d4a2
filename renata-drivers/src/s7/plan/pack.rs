//! Blocks to requests, under both budgets.

use super::{Block, Budget, ITEM_HEADER, Item, REPLY_HEADER, REQUEST_HEADER};

/// What a request and its reply take so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) items: usize,
    pub(super) reply: usize,
}

impl Load {
    pub(super) const EMPTY: Self = Self {
        items: 0,
        reply: REPLY_HEADER,
    };

    /// With one more item of `len` bytes. Items are padded to even; the last is not, but may get company.
    pub(super) const fn and(self, len: usize) -> Self {
        Self {
            items: self.items + 1,
            reply: self.reply + ITEM_HEADER + len + len % 2,
        }
    }

    /// Bytes of the request.
    pub(super) const fn request(self) -> usize {
        REQUEST_HEADER + self.items * Item::LEN
    }

    fn fits(self, budget: Budget) -> bool {
        let pdu = usize::from(budget.pdu.max(Budget::MIN_PDU));
        self.items <= usize::from(budget.items.max(1)) && self.request() <= pdu && self.reply <= pdu
    }
}

/// First fit over the requests that are still open.
pub(super) fn pack(blocks: &[Block], budget: Budget) -> Vec<Vec<usize>> {
    let mut requests: Vec<(Load, Vec<usize>)> = Vec::new();
    for (at, block) in blocks.iter().enumerate() {
        let from = requests.len().saturating_sub(LOOK_BACK);
        let place = requests[from..]
            .iter_mut()
            .find(|(load, _)| load.and(block.len).fits(budget));
        match place {
            Some((load, chosen)) => {
                *load = load.and(block.len);
                chosen.push(at);
            }
            None => requests.push((Load::EMPTY.and(block.len), vec![at])),
        }
    }
    requests.into_iter().map(|(_, chosen)| chosen).collect()
}

/// Requests that are tried again, so that a hundred thousand tags are planned in no time.
const LOOK_BACK: usize = 16;
