//! When to connect again: Connecting, Up, Backoff.

use std::time::{Duration, Instant};

/// How long to wait between attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Wait after the first failure. Default: 500 ms.
    pub first: Duration,
    /// Longest wait; it doubles up to here. Default: 30 s.
    pub longest: Duration,
    /// A connection that stood this long starts again from the first wait; one that fell sooner
    /// continues where it was, so that a device which accepts and drops is not hammered. Default: 10 s.
    pub stable_after: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            longest: Duration::from_secs(30),
            stable_after: Duration::from_secs(10),
        }
    }
}

/// Where a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// An attempt runs, or should start now.
    Connecting,
    /// The connection stands.
    Up {
        /// Since when.
        since: Instant,
    },
    /// Waiting before the next attempt.
    Backoff {
        /// Until when.
        until: Instant,
    },
}

/// The state machine that decides when to connect; it owns no socket and no clock.
///
/// Waits are jittered between half and all of their length, so that a hundred gateways do not come
/// back to a restarted PLC in the same moment.
///
/// ```
/// use std::time::{Duration, Instant};
/// use renata_drivers::{Backoff, Reconnect, State};
/// let now = Instant::now();
/// let mut link = Reconnect::new(Backoff::default(), 7);
/// assert_eq!(link.poll(now), State::Connecting);
/// link.failed(now);
/// assert!(matches!(link.poll(now), State::Backoff { .. }));
/// assert_eq!(link.poll(now + Duration::from_millis(500)), State::Connecting);
/// link.connected(now);
/// assert_eq!(link.poll(now), State::Up { since: now });
/// ```
#[derive(Clone, Debug)]
pub struct Reconnect {
    backoff: Backoff,
    state: State,
    failures: u32,
    random: u64,
}

impl Reconnect {
    /// Begins with an attempt at once. Devices get different seeds, so that their waits differ.
    #[must_use]
    pub const fn new(backoff: Backoff, seed: u64) -> Self {
        Self {
            backoff,
            state: State::Connecting,
            failures: 0,
            // Spread over all bits, so that near seeds differ at once; zero would stay zero.
            random: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
        }
    }

    /// Where the connection is at `now`: a wait that is over becomes [`State::Connecting`].
    pub fn poll(&mut self, now: Instant) -> State {
        if matches!(self.state, State::Backoff { until } if until <= now) {
            self.state = State::Connecting;
        }
        self.state
    }

    /// An attempt succeeded.
    pub const fn connected(&mut self, now: Instant) {
        self.state = State::Up { since: now };
    }

    /// An attempt failed, or a connection that stood fell.
    pub fn failed(&mut self, now: Instant) {
        if let State::Up { since } = self.state
            && now.saturating_duration_since(since) >= self.backoff.stable_after
        {
            self.failures = 0;
        }
        let doubled = 1u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        let wait = self
            .backoff
            .first
            .saturating_mul(doubled)
            .min(self.backoff.longest);
        self.failures = self.failures.saturating_add(1);
        let until = now + wait.mul_f64(0.5 + 0.5 * self.fraction());
        self.state = State::Backoff { until };
    }

    /// Failures since the last connection that was stable.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// The next of a xorshift sequence, as a fraction of one.
    fn fraction(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(link: &mut Reconnect, now: Instant) -> Duration {
        link.failed(now);
        match link.poll(now) {
            State::Backoff { until } => until - now,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn waits_double_up_to_the_longest_with_jitter() {
        let now = Instant::now();
        let mut link = Reconnect::new(Backoff::default(), 1);
        for attempt in 0..80 {
            let full = Duration::from_millis(500 << attempt.min(6)).min(Duration::from_secs(30));
            let waited = wait(&mut link, now);
            assert!(
                waited >= full / 2 && waited <= full,
                "{attempt}: {waited:?}"
            );
        }
        let mut other = Reconnect::new(Backoff::default(), 2);
        let mut first = Reconnect::new(Backoff::default(), 1);
        assert_ne!(wait(&mut other, now), wait(&mut first, now));
    }

    #[test]
    fn only_a_stable_connection_forgets_the_failures() {
        let now = Instant::now();
        let mut link = Reconnect::new(Backoff::default(), 1);
        for _ in 0..4 {
            wait(&mut link, now);
        }
        link.connected(now);
        let flapped = wait(&mut link, now + Duration::from_secs(1));
        assert!(flapped > Duration::from_secs(2), "{flapped:?}");
        link.connected(now);
        let stable = wait(&mut link, now + Duration::from_secs(11));
        assert!(stable <= Duration::from_millis(500), "{stable:?}");
    }
}
