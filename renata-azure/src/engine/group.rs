//! [`Group`]: what one fsync covers, and what waits for room.

use std::collections::VecDeque;

use renata_journal::Seq;
use tokio::sync::oneshot;

use super::EngineStats;
use super::ingest::Admitted;
use super::messages::{Append, Reply};
use crate::DeadLetter;
use crate::batcher::Tally;

/// What waits for the next fsync, and what waits for room.
#[derive(Default)]
pub(crate) struct Group {
    pub(super) tally: Tally,
    pub(super) replies: Vec<(Reply, Admitted)>,
    pub(super) done: Vec<oneshot::Sender<()>>,
    /// Messages in the order in which they came; the first of them found no room.
    pub(super) parked: VecDeque<Append>,
    pub(super) parked_letters: Vec<(Vec<DeadLetter>, oneshot::Sender<()>)>,
    /// The last ledger's first number, until it is durable.
    pub(super) ledger_first: Option<Seq>,
    pub(super) stats: EngineStats,
}

impl Group {
    pub(super) fn new(tally: Tally) -> Self {
        Self {
            tally,
            ..Self::default()
        }
    }

    pub(super) fn count_letter(&mut self, dropped: u64) {
        self.stats.dead_letters += 1;
        self.stats.dead_letters_dropped += dropped;
    }

    pub(super) fn waits_for_room(&self) -> bool {
        !self.parked.is_empty()
            || !self.parked_letters.is_empty()
            || !self.replies.is_empty()
            || !self.done.is_empty()
    }
}
