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
mod tests;
