//! What the broker counts, and how `$SYS/broker/#` shows it.

use std::time::Duration;

/// Counters of one worker, since its start.
#[derive(Clone, Debug, Default)]
pub(super) struct Stats {
    pub(super) connections: u64,
    pub(super) bytes_received: u64,
    pub(super) bytes_sent: u64,
    pub(super) publish_received: u64,
    pub(super) publish_sent: u64,
    /// Not authorised to publish or subscribe.
    pub(super) denied: u64,
    pub(super) dropped: Dropped,
}

/// Deliveries that were not made, by reason.
#[derive(Clone, Debug, Default)]
pub(super) struct Dropped {
    /// QoS 0 for a client whose socket does not take it.
    pub(super) slow: u64,
    /// QoS 1 and 2 beyond the queue's limit, where the settings say so.
    pub(super) full: u64,
    /// Expired before it could be sent.
    pub(super) expired: u64,
    /// Longer than the client's Maximum Packet Size.
    pub(super) too_large: u64,
    /// QoS 0 for a client that is away.
    pub(super) away: u64,
}

impl Dropped {
    fn total(&self) -> u64 {
        self.slow + self.full + self.expired + self.too_large
    }
}

/// What is not counted but looked up when it is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gauges {
    pub(super) uptime: Duration,
    pub(super) connected: usize,
    pub(super) sessions: usize,
    pub(super) subscriptions: usize,
    pub(super) retained: usize,
}

impl Stats {
    /// Topics below `$SYS/broker/` with Mosquitto's names, and their values.
    pub(super) fn topics(&self, gauges: &Gauges) -> [(&'static str, String); 16] {
        let n = |value: u64| value.to_string();
        let count = |value: usize| value.to_string();
        [
            (
                "version",
                concat!("renata-broker ", env!("CARGO_PKG_VERSION")).to_owned(),
            ),
            ("uptime", format!("{} seconds", gauges.uptime.as_secs())),
            ("clients/connected", count(gauges.connected)),
            ("clients/active", count(gauges.connected)),
            ("clients/total", count(gauges.sessions)),
            (
                "clients/disconnected",
                count(gauges.sessions - gauges.connected),
            ),
            (
                "clients/inactive",
                count(gauges.sessions - gauges.connected),
            ),
            ("load/sockets/total", n(self.connections)),
            ("bytes/received", n(self.bytes_received)),
            ("bytes/sent", n(self.bytes_sent)),
            ("publish/messages/received", n(self.publish_received)),
            ("publish/messages/sent", n(self.publish_sent)),
            ("publish/messages/dropped", n(self.dropped.total())),
            ("publish/messages/denied", n(self.denied)),
            ("subscriptions/count", count(gauges.subscriptions)),
            ("retained messages/count", count(gauges.retained)),
        ]
    }
}
