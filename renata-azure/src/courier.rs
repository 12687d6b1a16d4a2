//! [`Courier`]: what to do next for one sink. Pure: it is told what happened and when.
//!
//! ```text
//! Position -> Idle -> Encode -> Deliver -+-> Durable: ack, next
//!                ^                 ^     +-> Retry: wait, deliver the same batch again
//!                |                 |     +-> Paused: probe until ready, then deliver again
//!                +-----------------+     +-> Split: encode the first half, the second waits
//! ```

use std::time::{Duration, Instant};

use crate::batcher::{Batcher, Tally};
use crate::retry::{Backoff, RetryPolicy};
use crate::{Health, Limits, Outcome, Pause, SeqRange};

/// What the driver shall do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Ask the target up to where it has this journal.
    Position,
    /// Read records from `first` on, up to `upto` or the limits of a batch, and encode them.
    Encode { first: u64, upto: u64 },
    /// Deliver the batch that was encoded last.
    Deliver,
    /// Ask the target whether it takes batches again.
    Probe,
    /// Nothing until the instant, or until more is durable.
    Wait(Option<Instant>),
}

/// What the driver shall do with an outcome before it asks for the next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Acknowledge the journal up to here.
    Ack(u64),
    /// The batch of one record is too large for the target: to the dead letters with it, then
    /// [`Courier::handle_outcome`] with `Durable`.
    DeadLetter(u64),
    /// Nothing to write down.
    Nothing,
}

#[derive(Debug)]
pub(crate) struct Courier {
    batcher: Batcher,
    backoff: Backoff,
    probe_every: Duration,
    state: State,
    /// Last number that needs no delivery any more.
    cursor: u64,
    /// Second halves of split ranges, the next one last.
    split: Vec<SeqRange>,
    paused: Option<Pause>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The target was not asked for its position yet.
    Unknown {
        retry_at: Option<Instant>,
    },
    Idle {
        not_before: Option<Instant>,
    },
    Deliver {
        range: SeqRange,
        not_before: Option<Instant>,
    },
    Paused {
        range: SeqRange,
        probe_at: Instant,
    },
}

impl Courier {
    pub(crate) fn new(
        limits: Limits,
        policy: RetryPolicy,
        seed: u64,
        cursor: u64,
        tally: Tally,
    ) -> Self {
        Self {
            batcher: Batcher::new(limits, cursor, tally),
            backoff: Backoff::new(policy, seed),
            probe_every: policy.probe_every,
            state: State::Unknown { retry_at: None },
            cursor,
            split: Vec::new(),
            paused: None,
        }
    }

    pub(crate) fn poll(&self, now: Instant) -> Step {
        let wait = |at: Instant, step| {
            if now >= at {
                step
            } else {
                Step::Wait(Some(at))
            }
        };
        match self.state {
            State::Unknown { retry_at: None } => Step::Position,
            State::Unknown { retry_at: Some(at) } => wait(at, Step::Position),
            State::Deliver {
                not_before: None, ..
            } => Step::Deliver,
            State::Deliver {
                not_before: Some(at),
                ..
            } => wait(at, Step::Deliver),
            State::Paused { probe_at, .. } => wait(probe_at, Step::Probe),
            State::Idle {
                not_before: Some(at),
            } if now < at => Step::Wait(Some(at)),
            State::Idle { .. } => match self.split.last() {
                Some(range) => Step::Encode {
                    first: range.first,
                    upto: range.last,
                },
                None if self.batcher.is_due(now) => Step::Encode {
                    first: self.cursor + 1,
                    upto: u64::MAX,
                },
                None => Step::Wait(self.batcher.deadline()),
            },
        }
    }

    pub(crate) fn handle_durable(&mut self, tally: Tally, now: Instant) {
        self.batcher.handle_durable(tally, now);
    }

    pub(crate) fn handle_flush(&mut self) {
        self.batcher.handle_flush();
    }

    /// The target's answer to [`Step::Position`]; what it has is acknowledged.
    pub(crate) fn handle_position(
        &mut self,
        answer: Result<Option<u64>, Outcome>,
        now: Instant,
    ) -> Verdict {
        match answer {
            Ok(position) => {
                self.backoff.reset();
                self.paused = None;
                self.state = State::Idle { not_before: None };
                let has = position.unwrap_or(0);
                if has > self.batcher.durable() {
                    // Its records would get numbers that the target takes for known ones.
                    return self.handle_position(Err(Outcome::Paused(older(has))), now);
                }
                if has <= self.cursor {
                    return Verdict::Nothing;
                }
                self.split.retain(|range| range.last > has);
                self.cursor = has;
                self.batcher.handle_taken(has, 0, 0, now);
                Verdict::Ack(has)
            }
            Err(outcome) => {
                let wait = match outcome {
                    Outcome::Paused(pause) => {
                        self.paused = Some(pause);
                        self.probe_every
                    }
                    Outcome::Retry { after, .. } => self.backoff.next_wait(after),
                    _ => self.backoff.next_wait(None),
                };
                self.state = State::Unknown {
                    retry_at: now.checked_add(wait),
                };
                Verdict::Nothing
            }
        }
    }

    /// A batch was closed at `range` with so many records and bytes; `empty` when there is nothing
    /// in it for the target.
    pub(crate) fn handle_encoded(
        &mut self,
        range: SeqRange,
        records: u64,
        bytes: u64,
        empty: bool,
        now: Instant,
    ) -> Verdict {
        self.split.pop();
        if range.last > self.batcher.taken() {
            self.batcher.handle_taken(range.last, records, bytes, now);
        }
        if empty {
            return self.done(range);
        }
        self.state = State::Deliver {
            range,
            not_before: None,
        };
        Verdict::Nothing
    }

    /// The records could not be read or encoded: try again later, nothing is skipped.
    pub(crate) fn handle_stuck(&mut self, why: Pause, now: Instant) {
        self.paused = Some(why);
        self.state = State::Idle {
            not_before: now.checked_add(self.probe_every),
        };
    }

    /// An earlier run has written down that it would deliver this range: so it is the first one.
    pub(crate) fn resume(&mut self, plan: SeqRange) {
        if plan.last > self.cursor {
            let first = plan.first.max(self.cursor + 1);
            self.split = vec![SeqRange { first, ..plan }];
        }
    }

    /// Whether the next range to encode was fixed before, by a plan or by a split.
    pub(crate) fn has_plan(&self) -> bool {
        !self.split.is_empty()
    }

    /// What became of the delivery.
    pub(crate) fn handle_outcome(&mut self, outcome: Outcome, now: Instant) -> Verdict {
        let State::Deliver { range, .. } = self.state else {
            return Verdict::Nothing;
        };
        match outcome {
            Outcome::Durable | Outcome::Reject(_) => self.done(range),
            Outcome::Retry { after, .. } => {
                let wait = self.backoff.next_wait(after);
                self.state = State::Deliver {
                    range,
                    not_before: now.checked_add(wait),
                };
                Verdict::Nothing
            }
            Outcome::Split => match range.halves() {
                Some((first, second)) => {
                    self.split.push(second);
                    self.split.push(first);
                    self.state = State::Idle { not_before: None };
                    Verdict::Nothing
                }
                None => Verdict::DeadLetter(range.last),
            },
            Outcome::Paused(pause) => {
                self.paused = Some(pause);
                self.state = State::Paused {
                    range,
                    probe_at: now + self.probe_every,
                };
                Verdict::Nothing
            }
        }
    }

    /// The answer to [`Step::Probe`]. A target that is ready gets the same batch again.
    pub(crate) fn handle_health(&mut self, health: Health, now: Instant) {
        let State::Paused { range, .. } = self.state else {
            return;
        };
        self.state = match health {
            Health::Ready => {
                self.paused = None;
                State::Deliver {
                    range,
                    not_before: None,
                }
            }
            Health::Paused(pause) => {
                self.paused = Some(pause);
                State::Paused {
                    range,
                    probe_at: now + self.probe_every,
                }
            }
        };
    }

    pub(crate) fn paused(&self) -> Option<&Pause> {
        self.paused.as_ref()
    }

    pub(crate) fn batcher(&self) -> &Batcher {
        &self.batcher
    }

    /// Last number that needs no delivery any more.
    pub(crate) fn cursor(&self) -> u64 {
        self.cursor
    }

    /// Last durable number that the sink was told of.
    pub(crate) fn durable(&self) -> u64 {
        self.batcher.durable()
    }

    fn done(&mut self, range: SeqRange) -> Verdict {
        self.backoff.reset();
        self.paused = None;
        self.state = State::Idle { not_before: None };
        self.cursor = range.last;
        Verdict::Ack(range.last)
    }
}

fn older(has: u64) -> Pause {
    Pause::Config(format!(
        "the target has records up to {has} of this journal, which ends before that: it is an \
         older copy; move its folder away to begin a new one"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        max_records: 10,
        max_bytes: 1000,
        max_age: Duration::from_secs(5),
        timeout: Duration::from_secs(1),
    };

    /// A courier that has just encoded the records 1 to 10.
    fn with_batch(now: Instant) -> Courier {
        let mut courier = Courier::new(LIMITS, RetryPolicy::default(), 1, 0, Tally::default());
        assert_eq!(courier.poll(now), Step::Position);
        assert_eq!(courier.handle_position(Ok(None), now), Verdict::Nothing);
        assert_eq!(courier.poll(now), Step::Wait(None));
        let tally = Tally {
            durable: 10,
            records: 10,
            bytes: 100,
        };
        courier.handle_durable(tally, now);
        let all = Step::Encode {
            first: 1,
            upto: u64::MAX,
        };
        assert_eq!(courier.poll(now), all);
        let range = SeqRange { first: 1, last: 10 };
        assert_eq!(
            courier.handle_encoded(range, 10, 100, false, now),
            Verdict::Nothing
        );
        assert_eq!(courier.poll(now), Step::Deliver);
        courier
    }

    #[test]
    fn a_delivered_batch_is_acknowledged_once() {
        let now = Instant::now();
        let mut courier = with_batch(now);
        assert_eq!(
            courier.handle_outcome(Outcome::Durable, now),
            Verdict::Ack(10)
        );
        assert_eq!(courier.poll(now), Step::Wait(None));
        assert_eq!(
            courier.handle_outcome(Outcome::Durable, now),
            Verdict::Nothing
        );
    }

    #[test]
    fn a_throttled_batch_is_sent_again_when_the_target_said_so() {
        let now = Instant::now();
        let mut courier = with_batch(now);
        let wish = Duration::from_secs(20);
        let throttled = Outcome::Retry {
            after: Some(wish),
            possibly_written: false,
            why: String::new(),
        };
        assert_eq!(courier.handle_outcome(throttled, now), Verdict::Nothing);
        assert!(matches!(
            courier.poll(now + wish - Duration::from_millis(1)),
            Step::Wait(_)
        ));
        assert_eq!(courier.poll(now + wish * 2), Step::Deliver);
    }

    #[test]
    fn a_paused_target_is_probed_and_gets_the_same_batch() {
        let now = Instant::now();
        let mut courier = with_batch(now);
        let pause = Pause::Auth("expired".into());
        courier.handle_outcome(Outcome::Paused(pause.clone()), now);
        assert_eq!(courier.paused(), Some(&pause));
        let later = now + Duration::from_secs(30);
        assert_eq!(courier.poll(now), Step::Wait(Some(later)));
        assert_eq!(courier.poll(later), Step::Probe);
        courier.handle_health(Health::Paused(pause), later);
        assert!(matches!(courier.poll(later), Step::Wait(_)));
        courier.handle_health(Health::Ready, later);
        assert_eq!(courier.poll(later), Step::Deliver);
        assert_eq!(courier.paused(), None);
    }

    #[test]
    fn a_batch_that_is_too_large_goes_in_halves_down_to_one_record() {
        let now = Instant::now();
        let mut courier = with_batch(now);
        courier.handle_outcome(Outcome::Split, now);
        let mut asked = Vec::new();
        let mut acked = Vec::new();
        while let Step::Encode { first, upto } = courier.poll(now) {
            asked.push((first, upto));
            let range = SeqRange { first, last: upto };
            courier.handle_encoded(range, 0, 0, false, now);
            let outcome = if upto - first > 3 {
                Outcome::Split
            } else {
                Outcome::Durable
            };
            if let Verdict::Ack(seq) = courier.handle_outcome(outcome, now) {
                acked.push(seq);
            }
        }
        assert_eq!(asked, [(1, 5), (1, 3), (4, 5), (6, 10), (6, 8), (9, 10)]);
        assert_eq!(acked, [3, 5, 8, 10]);
        let mut courier = with_batch(now);
        courier.state = State::Deliver {
            range: SeqRange { first: 1, last: 1 },
            not_before: None,
        };
        assert_eq!(
            courier.handle_outcome(Outcome::Split, now),
            Verdict::DeadLetter(1)
        );
    }

    #[test]
    fn what_the_target_has_is_not_sent_again() {
        let now = Instant::now();
        let tally = Tally {
            durable: 100,
            ..Tally::default()
        };
        let mut courier = Courier::new(LIMITS, RetryPolicy::default(), 1, 20, tally);
        courier.resume(SeqRange {
            first: 21,
            last: 30,
        });
        assert_eq!(courier.handle_position(Ok(Some(30)), now), Verdict::Ack(30));
        let next = Step::Encode {
            first: 31,
            upto: u64::MAX,
        };
        assert_eq!(courier.poll(now), next);
    }

    #[test]
    fn a_planned_range_is_the_first_after_a_restart() {
        let now = Instant::now();
        let tally = Tally {
            durable: 100,
            ..Tally::default()
        };
        let mut courier = Courier::new(LIMITS, RetryPolicy::default(), 1, 20, tally);
        courier.resume(SeqRange {
            first: 21,
            last: 30,
        });
        courier.handle_position(Ok(Some(20)), now);
        let planned = Step::Encode {
            first: 21,
            upto: 30,
        };
        assert_eq!(courier.poll(now), planned);
    }

    #[test]
    fn a_journal_that_is_older_than_the_target_pauses() {
        let now = Instant::now();
        let mut courier = Courier::new(LIMITS, RetryPolicy::default(), 1, 0, Tally::default());
        courier.handle_position(Ok(Some(5)), now);
        assert!(matches!(courier.paused(), Some(Pause::Config(_))));
        assert!(matches!(courier.poll(now), Step::Wait(Some(_))));
    }
}
