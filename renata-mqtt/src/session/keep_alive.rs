//! Who has to say something by when, and when silence means that the peer is gone.

use std::time::{Duration, Instant};

use super::Role;

/// The keep-alive clock of one connection (MQTT 5.0 §3.1.2.10).
///
/// The client role pings when one of the two directions has been silent for the agreed interval,
/// and gives the server half an interval to answer. The server role waits one and a half intervals
/// for anything at all.
#[derive(Debug)]
pub(super) struct KeepAlive {
    role: Role,
    interval: Duration,
    last_in: Instant,
    last_out: Instant,
    pinged: Option<Instant>,
}

/// What a keep-alive timeout asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    /// Send a PINGREQ.
    Ping,
    /// The peer is gone.
    Lost,
}

impl KeepAlive {
    pub(super) fn new(role: Role, interval: Duration, now: Instant) -> Self {
        Self {
            role,
            interval,
            last_in: now,
            last_out: now,
            pinged: None,
        }
    }

    /// Bytes arrived: the peer lives.
    pub(super) fn heard(&mut self, now: Instant) {
        self.last_in = now;
        self.pinged = None;
    }

    /// A packet goes out.
    pub(super) fn said(&mut self, now: Instant) {
        self.last_out = now;
    }

    /// When to ask [`due`](Self::due) next; `None` if keep-alive is off.
    pub(super) fn deadline(&self) -> Option<Instant> {
        if self.interval.is_zero() {
            return None;
        }
        Some(match (self.role, self.pinged) {
            (Role::Server, _) => self.last_in + self.interval + self.interval / 2,
            (Role::Client, Some(pinged)) => pinged + self.interval / 2,
            (Role::Client, None) => self.last_in.min(self.last_out) + self.interval,
        })
    }

    /// What is due at `now`. Asking too early is harmless.
    pub(super) fn due(&mut self, now: Instant) -> Due {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return Due::Nothing;
        }
        match (self.role, self.pinged) {
            (Role::Client, None) => {
                self.pinged = Some(now);
                self.said(now);
                Due::Ping
            }
            (Role::Server, _) | (Role::Client, Some(_)) => Due::Lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_silent_client_pings_and_an_unanswered_ping_loses_the_server() {
        let start = Instant::now();
        let mut clock = KeepAlive::new(Role::Client, MINUTE, start);
        assert_eq!(
            clock.due(start + MINUTE - Duration::from_nanos(1)),
            Due::Nothing
        );
        assert_eq!(clock.due(start + MINUTE), Due::Ping);
        assert_eq!(clock.due(start + MINUTE), Due::Nothing, "once");
        assert_eq!(clock.deadline(), Some(start + MINUTE + MINUTE / 2));
        assert_eq!(clock.due(start + MINUTE + MINUTE / 2), Due::Lost);
    }

    #[test]
    fn an_answer_starts_the_next_interval() {
        let start = Instant::now();
        let mut clock = KeepAlive::new(Role::Client, MINUTE, start);
        assert_eq!(clock.due(start + MINUTE), Due::Ping);
        clock.heard(start + MINUTE + Duration::from_secs(1));
        assert_eq!(clock.deadline(), Some(start + MINUTE + MINUTE));
    }

    #[test]
    fn a_client_that_only_sends_still_asks_whether_anybody_listens() {
        let start = Instant::now();
        let mut clock = KeepAlive::new(Role::Client, MINUTE, start);
        clock.said(start + Duration::from_secs(59));
        assert_eq!(clock.due(start + MINUTE), Due::Ping);
    }

    /// [MQTT-3.1.2-22]
    #[test]
    fn a_server_waits_one_and_a_half_intervals() {
        let start = Instant::now();
        let mut clock = KeepAlive::new(Role::Server, MINUTE, start);
        assert_eq!(clock.due(start + Duration::from_secs(89)), Due::Nothing);
        assert_eq!(clock.due(start + Duration::from_secs(90)), Due::Lost);
        clock.heard(start + Duration::from_secs(90));
        assert_eq!(clock.deadline(), Some(start + Duration::from_secs(180)));
    }

    #[test]
    fn zero_turns_it_off() {
        let start = Instant::now();
        let mut clock = KeepAlive::new(Role::Server, Duration::ZERO, start);
        assert_eq!(clock.deadline(), None);
        assert_eq!(clock.due(start + MINUTE * 1000), Due::Nothing);
    }
}
