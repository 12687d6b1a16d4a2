//! How long to wait before the next attempt to connect.

use std::ops::Range;
use std::time::Duration;

/// Waits that grow with each failed attempt, scattered so that a plant does not reconnect in step.
///
/// ```
/// # use std::time::Duration;
/// use renata_mqtt::Backoff;
///
/// let backoff = Backoff::exponential(Duration::from_millis(200)..Duration::from_secs(60)).jitter(0.0);
/// assert_eq!(backoff.delay(0, 0.5), Duration::from_millis(200));
/// assert_eq!(backoff.delay(3, 0.5), Duration::from_millis(1_600));
/// assert_eq!(backoff.delay(99, 0.5), Duration::from_secs(60));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    jitter: f64,
}

impl Backoff {
    /// Doubles from `range.start` after the first failure up to `range.end`, with a jitter of 0.3.
    #[must_use]
    pub fn exponential(range: Range<Duration>) -> Self {
        Self {
            first: range.start,
            longest: range.end.max(range.start),
            jitter: 0.3,
        }
    }

    /// The share by which each wait is scattered up and down, 0 to 1.
    #[must_use]
    pub fn jitter(mut self, share: f64) -> Self {
        self.jitter = share.clamp(0.0, 1.0);
        self
    }

    /// The wait after `failures` earlier failures; `random`, in 0 to 1, places it in the jitter.
    #[must_use]
    pub fn delay(&self, failures: u32, random: f64) -> Duration {
        let doubled = self.first.saturating_mul(1 << failures.min(30));
        let wait = doubled.min(self.longest);
        let factor = 1.0 + self.jitter * (2.0 * random.clamp(0.0, 1.0) - 1.0);
        // Longer than there is a number for is as long as it gets.
        Duration::try_from_secs_f64(wait.as_secs_f64() * factor).unwrap_or(wait)
    }

    /// The wait after a refusal that another attempt will hardly change, such as a wrong password.
    #[must_use]
    pub fn longest(&self, random: f64) -> Duration {
        self.delay(u32::MAX, random)
    }
}

/// 200 ms to 60 s with a jitter of 0.3.
impl Default for Backoff {
    fn default() -> Self {
        Self::exponential(Duration::from_millis(200)..Duration::from_secs(60))
    }
}

/// A number in 0 to 1. Scatter does not need a secret, only that two processes differ.
pub(super) fn random() -> f64 {
    // The upper 53 bits: as many as fit a float.
    (random_bits() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Bits from the system's randomness, by way of the standard library's hash keys.
pub(super) fn random_bits() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0_u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_time_there_is_does_not_overflow() {
        let backoff = Backoff::exponential(Duration::MAX..Duration::MAX).jitter(1.0);
        assert_eq!(backoff.delay(9, 1.0), Duration::MAX);
    }

    #[test]
    fn jitter_scatters_both_ways_and_no_further() {
        let backoff =
            Backoff::exponential(Duration::from_secs(1)..Duration::from_secs(10)).jitter(0.5);
        assert_eq!(backoff.delay(0, 0.0), Duration::from_millis(500));
        assert_eq!(backoff.delay(0, 1.0), Duration::from_millis(1_500));
        assert_eq!(backoff.longest(0.5), Duration::from_secs(10));
        for failures in 0..100 {
            let wait = backoff.delay(failures, random());
            assert!(wait <= Duration::from_secs(15), "{failures}: {wait:?}");
        }
    }
}
