//! What goes wrong, on demand.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::s7::address::Tag;
use crate::s7::pdu::{AreaCode, Item, ReturnCode};

/// The faults of a simulated PLC: a handle that a test holds. All are off to begin with.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Switches>>);

#[derive(Clone, Debug, Default)]
pub(super) struct Switches {
    pub(super) delay: Duration,
    pub(super) hang: bool,
    pub(super) refuse_connections: bool,
    pub(super) answered_items: Option<usize>,
    cuts: u32,
    wrong_references: u32,
    strays: u32,
    bad: Vec<(Tag, ReturnCode)>,
}

/// What to do with one reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Whole,
    /// Half of the frame, then the end of the connection.
    Cut,
    /// With a reference that nobody asked with.
    WrongReference,
    /// After another reply with such a reference.
    AfterStray,
}

impl Faults {
    /// Every reply comes so much later.
    pub fn delay(&self, delay: Duration) {
        self.lock().delay = delay;
    }

    /// Requests are taken and never answered, while on.
    pub fn hang(&self, on: bool) {
        self.lock().hang = on;
    }

    /// New connections are refused by a COTP disconnect, while on.
    pub fn refuse_connections(&self, on: bool) {
        self.lock().refuse_connections = on;
    }

    /// The next `replies` end in the middle of the frame, and the connection with them.
    pub fn cut(&self, replies: u32) {
        self.lock().cuts = replies;
    }

    /// The next `replies` have a reference that nobody asked with.
    pub fn wrong_references(&self, replies: u32) {
        self.lock().wrong_references = replies;
    }

    /// Before each of the next `replies` comes another one that nobody asked for.
    pub fn strays(&self, replies: u32) {
        self.lock().strays = replies;
    }

    /// At most so many items of a request are answered, silently; `None` answers all.
    pub fn answer_at_most(&self, items: Option<usize>) {
        self.lock().answered_items = items;
    }

    /// Whatever touches the bytes of `tag` is refused with `code`.
    pub fn fail(&self, tag: &Tag, code: ReturnCode) {
        self.lock().bad.push((*tag, code));
    }

    /// Takes back every [`fail`](Self::fail).
    pub fn heal(&self) {
        self.lock().bad.clear();
    }

    pub(super) fn switches(&self) -> Switches {
        self.lock().clone()
    }

    /// What the next reply suffers; counts it.
    pub(super) fn next_reply(&self) -> Reply {
        let mut switches = self.lock();
        let Switches {
            cuts,
            wrong_references,
            strays,
            ..
        } = &mut *switches;
        for (left, reply) in [
            (cuts, Reply::Cut),
            (wrong_references, Reply::WrongReference),
            (strays, Reply::AfterStray),
        ] {
            if *left > 0 {
                *left -= 1;
                return reply;
            }
        }
        Reply::Whole
    }

    fn lock(&self) -> MutexGuard<'_, Switches> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Switches {
    /// The code that some bad tag gives to this item.
    pub(super) fn item(&self, item: &Item) -> Option<ReturnCode> {
        let touched = |tag: &Tag| {
            let area = tag.address().area;
            let numbered = area.code().is_numbered();
            let start = if numbered {
                item.address
            } else {
                item.address / 8
            };
            let unit = item.transport.unit().unwrap_or(1) as u32;
            let len = if numbered {
                item.count.into()
            } else {
                u32::from(item.count) * unit
            };
            let tag_len = tag.len() as u32 / if numbered { 2 } else { 1 };
            let (first, end) = (tag.address().byte, tag.address().byte + tag_len);
            area.code() == item.area
                && (item.area != AreaCode::DATA_BLOCK || area.db() == item.db)
                && start < end
                && first < start + len
        };
        self.bad
            .iter()
            .find(|(tag, _)| touched(tag))
            .map(|(_, code)| *code)
    }
}
