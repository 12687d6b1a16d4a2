//! [`Batcher`]: when to close the open batch. Pure: `now` is an argument, records are counts.

use std::time::Instant;

use crate::Limits;

/// Running totals of the records that are durable in the journal.
///
/// Totals only grow, so a consumer that saw some of them missed nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Last durable journal number.
    pub(crate) durable: u64,
    /// Messages since the engine started.
    pub(crate) records: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
}

/// Decides when what waits in the journal becomes a batch: by count, by bytes or by age, whichever
/// comes first.
///
/// It holds no records: the journal does. What waited there before the start is of unknown size,
/// and due at once.
#[derive(Debug)]
pub(crate) struct Batcher {
    limits: Limits,
    seen: Tally,
    /// What was taken into batches, in the terms of `seen`.
    taken: Tally,
    /// When the oldest waiting record was first seen.
    oldest: Option<Instant>,
    /// Records of unknown number and size wait up to here.
    backlog_until: u64,
    flush_until: u64,
}

impl Batcher {
    /// `cursor` is the last number that needs no delivery, `durable` the last one in the journal.
    pub(crate) fn new(limits: Limits, cursor: u64, at_start: Tally) -> Self {
        Self {
            limits,
            seen: at_start,
            taken: Tally {
                durable: cursor,
                ..at_start
            },
            oldest: None,
            backlog_until: at_start.durable,
            flush_until: 0,
        }
    }

    /// More became durable.
    pub(crate) fn handle_durable(&mut self, tally: Tally, now: Instant) {
        self.seen = tally;
        if self.waiting_records() > 0 {
            self.oldest.get_or_insert(now);
        }
    }

    /// Close whatever waits, up to what is durable now.
    pub(crate) fn handle_flush(&mut self) {
        self.flush_until = self.seen.durable;
    }

    /// A batch with so many records and bytes was closed at `last`.
    pub(crate) fn handle_taken(&mut self, last: u64, records: u64, bytes: u64, now: Instant) {
        // While the backlog of an earlier run is read, the records are not in our totals.
        if self.taken.durable >= self.backlog_until {
            self.taken.records += records;
            self.taken.bytes += bytes;
        }
        self.taken.durable = self.taken.durable.max(last);
        if self.taken.durable >= self.seen.durable {
            // The reader may be ahead of what we were told: its records are in a later total.
            self.taken.records = self.taken.records.max(self.seen.records);
            self.taken.bytes = self.taken.bytes.max(self.seen.bytes);
        }
        // What is left came in while this batch was read.
        self.oldest = (self.waiting_records() > 0).then_some(now);
    }

    /// Whether a batch is to be closed now.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        if self.taken.durable >= self.seen.durable {
            return false;
        }
        self.taken.durable < self.backlog_until
            || self.taken.durable < self.flush_until
            || self.waiting_records() >= self.limits.max_records
            || self.waiting_bytes() >= self.limits.max_bytes
            || self.deadline().is_some_and(|at| now >= at)
    }

    /// When to ask again if nothing else happens.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.oldest?.checked_add(self.limits.max_age)
    }

    /// Messages that wait, apart from those of an earlier run.
    pub(crate) fn waiting_records(&self) -> u64 {
        self.seen.records.saturating_sub(self.taken.records)
    }

    pub(crate) fn waiting_bytes(&self) -> u64 {
        self.seen.bytes.saturating_sub(self.taken.bytes)
    }

    /// Last durable number.
    pub(crate) fn durable(&self) -> u64 {
        self.seen.durable
    }

    /// Last number that went into a batch.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.durable
    }

    /// How long the oldest waiting record has waited in this run.
    pub(crate) fn oldest_age(&self, now: Instant) -> Option<std::time::Duration> {
        self.oldest.map(|at| now.saturating_duration_since(at))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMITS: Limits = Limits {
        max_records: 10,
        max_bytes: 1000,
        max_age: Duration::from_secs(5),
        timeout: Duration::from_secs(1),
    };

    fn tally(durable: u64, records: u64, bytes: u64) -> Tally {
        Tally {
            durable,
            records,
            bytes,
        }
    }

    #[test]
    fn count_bytes_and_age_each_close_a_batch() {
        let now = Instant::now();
        let mut batcher = Batcher::new(LIMITS, 0, tally(0, 0, 0));
        batcher.handle_durable(tally(9, 9, 90), now);
        assert!(!batcher.is_due(now));
        batcher.handle_durable(tally(10, 10, 100), now);
        assert!(batcher.is_due(now), "ten records");
        batcher.handle_taken(10, 10, 100, now);
        assert!(!batcher.is_due(now));
        batcher.handle_durable(tally(11, 11, 1100), now);
        assert!(batcher.is_due(now), "a thousand bytes");
        batcher.handle_taken(11, 1, 1000, now);
        batcher.handle_durable(tally(12, 12, 1101), now);
        assert!(!batcher.is_due(now + Duration::from_millis(4999)));
        assert_eq!(batcher.deadline(), Some(now + LIMITS.max_age));
        assert!(batcher.is_due(now + LIMITS.max_age), "five seconds");
    }

    #[test]
    fn what_an_earlier_run_left_is_due_at_once() {
        let now = Instant::now();
        let mut batcher = Batcher::new(LIMITS, 40, tally(100, 0, 0));
        assert!(batcher.is_due(now));
        batcher.handle_taken(50, 10, 100, now);
        assert!(batcher.is_due(now));
        batcher.handle_durable(tally(101, 1, 10), now);
        batcher.handle_taken(100, 10, 100, now);
        assert!(!batcher.is_due(now), "one new record waits for company");
        assert!(batcher.is_due(now + LIMITS.max_age));
    }

    #[test]
    fn a_reader_that_is_ahead_of_the_totals_leaves_nothing_to_do() {
        let now = Instant::now();
        let mut batcher = Batcher::new(LIMITS, 0, tally(0, 0, 0));
        batcher.handle_durable(tally(1, 1, 10), now);
        batcher.handle_flush();
        batcher.handle_taken(3, 3, 30, now);
        assert_eq!(batcher.taken(), 3);
        batcher.handle_durable(tally(3, 3, 30), now);
        batcher.handle_flush();
        assert!(!batcher.is_due(now + LIMITS.max_age), "nothing waits");
        batcher.handle_durable(tally(4, 4, 40), now);
        assert_eq!(
            (batcher.waiting_records(), batcher.waiting_bytes()),
            (1, 10)
        );
    }

    #[test]
    fn records_of_the_engine_itself_are_not_worth_a_batch() {
        let now = Instant::now();
        let mut batcher = Batcher::new(LIMITS, 5, tally(5, 0, 0));
        batcher.handle_durable(tally(8, 0, 0), now);
        assert!(!batcher.is_due(now + LIMITS.max_age));
    }

    #[test]
    fn a_flush_closes_what_waits_and_nothing_later() {
        let now = Instant::now();
        let mut batcher = Batcher::new(LIMITS, 0, tally(0, 0, 0));
        batcher.handle_durable(tally(1, 1, 10), now);
        batcher.handle_flush();
        assert!(batcher.is_due(now));
        batcher.handle_taken(1, 1, 10, now);
        batcher.handle_durable(tally(2, 2, 20), now);
        assert!(!batcher.is_due(now));
    }
}
