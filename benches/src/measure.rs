//! How a figure comes about.

use std::hint::black_box;
use std::sync::OnceLock;

use rustix::time::{ClockId, clock_gettime};

/// What one operation costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// CPU nanoseconds of the thread, the median of the rounds.
    pub ns: f64,
    /// The slowest round over the fastest.
    pub spread: f64,
    /// Heap allocations, exact.
    pub allocations: f64,
}

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Rounds whose median counts; odd.
    pub rounds: usize,
    /// CPU time of a round in nanoseconds.
    pub round_ns: u64,
}

impl Effort {
    /// Enough for a figure.
    pub const FULL: Self = Self {
        rounds: 9,
        round_ns: 200_000_000,
    };
    /// Enough to see that everything runs.
    pub const QUICK: Self = Self {
        rounds: 5,
        round_ns: 5_000_000,
    };
}

/// Counts the allocations of this process so far; set by a program that has a counting allocator.
static COUNTER: OnceLock<fn() -> u64> = OnceLock::new();

/// Says how allocations are counted. Without it every count is 0.
pub fn count_allocations_with(counter: fn() -> u64) {
    // The first one stays: there is one allocator in a process.
    let _ = COUNTER.set(counter);
}

/// Allocations so far.
#[must_use]
pub fn allocations() -> u64 {
    COUNTER.get().map_or(0, |counter| counter())
}

/// Counts the bytes that are allocated now.
static BYTES: OnceLock<fn() -> u64> = OnceLock::new();

/// Says how live bytes are counted. Without it there are always 0.
pub fn count_bytes_with(counter: fn() -> u64) {
    let _ = BYTES.set(counter);
}

/// Bytes that are allocated now.
#[must_use]
pub fn live_bytes() -> u64 {
    BYTES.get().map_or(0, |counter| counter())
}

/// Measures `operation`, called again and again.
pub fn cost<T>(effort: Effort, mut operation: impl FnMut() -> T) -> Cost {
    // Warm up, and find how many calls make a round.
    let mut calls = 1_u64;
    loop {
        let took = timed(calls, &mut operation);
        if took * 4 >= effort.round_ns {
            calls = (calls * effort.round_ns / took.max(1)).max(1);
            break;
        }
        calls *= 2;
    }
    let before = allocations();
    let counted = calls.min(1_000);
    timed(counted, &mut operation);
    let allocations = (allocations() - before) as f64 / counted as f64;
    let mut rounds: Vec<f64> = (0..effort.rounds)
        .map(|_| timed(calls, &mut operation) as f64 / calls as f64)
        .collect();
    rounds.sort_by(f64::total_cmp);
    let spread = rounds[rounds.len() - 1] / rounds[0].max(f64::MIN_POSITIVE);
    Cost {
        ns: rounds[rounds.len() / 2],
        spread,
        allocations,
    }
}

/// The cost of one of `parts` equal parts of an operation, such as one packet of a stream.
#[must_use]
pub fn per(cost: Cost, parts: usize) -> Cost {
    let parts = parts as f64;
    Cost {
        ns: cost.ns / parts,
        allocations: cost.allocations / parts,
        ..cost
    }
}

fn timed<T>(calls: u64, operation: &mut impl FnMut() -> T) -> u64 {
    let began = cpu_ns();
    for _ in 0..calls {
        black_box(operation());
    }
    cpu_ns() - began
}

/// CPU time of this thread.
fn cpu_ns() -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_the_work_costs_about_twice() {
        let work = |n: u64| move || (0..n).fold(0_u64, |a, b| black_box(a ^ b.wrapping_mul(31)));
        let (one, two) = (
            cost(Effort::QUICK, work(1_000)),
            cost(Effort::QUICK, work(2_000)),
        );
        assert!(two.ns > one.ns, "{one:?} {two:?}");
    }
}
