//! The one place where the broker asks for the time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// One moment on both clocks: timers go by the monotonic one, expiries that survive a restart by
/// the wall.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    /// Never goes back.
    pub(crate) mono: Instant,
    /// Milliseconds since 1970 UTC.
    pub(crate) unix_ms: u64,
}

impl Now {
    /// Asks the operating system.
    pub(crate) fn get() -> Self {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            mono: Instant::now(),
            unix_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// What the wall will show after so many seconds.
    pub(crate) fn after_secs(self, secs: u32) -> u64 {
        self.unix_ms.saturating_add(u64::from(secs) * 1_000)
    }

    /// When the wall will show `unix_ms`, on the monotonic clock; now, if it is past.
    pub(crate) fn when(self, unix_ms: u64) -> Instant {
        let ahead = Duration::from_millis(unix_ms.saturating_sub(self.unix_ms));
        self.mono
            .checked_add(ahead)
            .unwrap_or(self.mono + FAR_AHEAD)
    }
}

const FAR_AHEAD: Duration = Duration::from_secs(100 * 365 * 24 * 3_600);
