//! [`Backoff`]: how long to wait before the next attempt.

use std::time::Duration;

/// Exponential back-off with full jitter: attempt `n` waits between nothing and
/// `first * 2^n`, at most `longest`.
///
/// Full jitter spreads a thousand gateways that lost the same target over the whole interval,
/// instead of having them come back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Ceiling of the first wait. Default: 250 ms.
    pub first: Duration,
    /// Ceiling of every wait. Default: 60 s.
    pub longest: Duration,
    /// How often a paused target is probed. Default: 30 s.
    pub probe_every: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(250),
            longest: Duration::from_secs(60),
            probe_every: Duration::from_secs(30),
        }
    }
}

/// The waits of one target.
#[derive(Debug)]
pub(crate) struct Backoff {
    policy: RetryPolicy,
    attempt: u32,
    random: u64,
}

impl Backoff {
    pub(crate) fn new(policy: RetryPolicy, seed: u64) -> Self {
        Self {
            policy,
            attempt: 0,
            random: seed,
        }
    }

    /// The wait before the next attempt. A wish of the target wins, as a lower bound: coming
    /// earlier than asked would be refused again.
    pub(crate) fn next_wait(&mut self, wish: Option<Duration>) -> Duration {
        let ceiling = self
            .policy
            .first
            .saturating_mul(1u32.checked_shl(self.attempt).unwrap_or(u32::MAX))
            .min(self.policy.longest);
        self.attempt = (self.attempt + 1).min(31);
        let jittered = ceiling.mul_f64(self.next_unit());
        match wish {
            Some(wish) => wish + jittered.min(self.policy.first),
            None => jittered,
        }
    }

    pub(crate) fn reset(&mut self) {
        self.attempt = 0;
    }

    /// A number in [0, 1): `SplitMix64`, whose quality is far beyond what jitter needs.
    fn next_unit(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_ceiling_and_differ_between_clients() {
        let policy = RetryPolicy::default();
        let mut seen = Vec::new();
        for seed in 0..500 {
            let mut backoff = Backoff::new(policy, seed);
            for attempt in 0..40 {
                let ceiling = policy.longest.min(policy.first * (1 << attempt.min(20)));
                let wait = backoff.next_wait(None);
                assert!(wait <= ceiling, "attempt {attempt}: {wait:?}");
                if attempt == 20 {
                    seen.push(wait);
                }
            }
        }
        let below_half = seen.iter().filter(|w| **w < policy.longest / 2).count();
        assert!((200..300).contains(&below_half), "{below_half} of 500");
    }

    #[test]
    fn the_targets_wish_is_a_lower_bound() {
        let mut backoff = Backoff::new(RetryPolicy::default(), 7);
        let wish = Duration::from_secs(90);
        let wait = backoff.next_wait(Some(wish));
        assert!(wait >= wish && wait <= wish + Duration::from_millis(250));
        backoff.reset();
        assert!(backoff.next_wait(None) <= Duration::from_millis(250));
    }
}
