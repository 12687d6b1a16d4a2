//! Settings of one broker: the command line and `broker.toml` agree on them.
//!
//! Every field has its default in [`Config::default`]; [`Config::from_file`] reads a file and reports
//! *all* its problems at once with their places. Relative paths in a file start at the file's folder.

mod file;
mod problem;
mod url;

use std::path::PathBuf;

pub use problem::Problem;
pub use url::{ListenUrl, ListenUrlError, Scheme};

/// How one broker runs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Where to listen. Default: `mqtt://127.0.0.1:1883`.
    pub listen: Vec<ListenUrl>,
    /// Folder of the durable state; `None` keeps everything in memory. Default: `None`.
    pub data_dir: Option<PathBuf>,
    /// Without a policy: let everybody in. With one: no effect, the policy decides. Default: false.
    pub allow_anonymous: bool,
    /// The policy file of renata-auth. Default: none, and then nobody gets in.
    pub policy: Option<PathBuf>,
    /// Worker threads. Default, and all that this version has: 1.
    pub workers: usize,
    /// How log lines look. Default: text.
    pub log_format: LogFormat,
    /// Certificates of the `mqtts://` listeners. Default: none.
    pub tls: Option<TlsFiles>,
    /// What one client may ask for.
    pub limits: Limits,
    /// How much is kept for a client that does not take it.
    pub queue: QueueLimits,
    /// How often the journal is forced to the disk.
    pub durability: Durability,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line with Elastic Common Schema names.
    Ecs,
}

/// Files of the TLS listeners, all PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate chain.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities whose clients get in; given, a client certificate is required.
    pub client_ca: Option<PathBuf>,
    /// Also speak TLS 1.2, for devices that know nothing newer. Default: false.
    pub allow_tls12: bool,
}

/// What one client may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest CONNECT in bytes, checked before anything is kept of it. Default: 65 536.
    pub connect_bytes: u32,
    /// Longest packet in bytes, announced to 5.0 clients. Default: 1 048 576.
    pub packet_bytes: u32,
    /// Open connections; further ones are closed at once. Default: 10 000.
    pub connections: usize,
    /// Connections without CONNECT at one time; further ones are closed at once. Default: 1 000.
    pub half_open: usize,
    /// From the accept to the CONNECT, TLS handshake included, in milliseconds. Default: 10 000.
    pub connect_timeout_ms: u64,
    /// QoS 1 and 2 messages that a client may have unacknowledged. Default: 1 000.
    pub receive_maximum: u16,
    /// Topic aliases that a client may use. Default: 64.
    pub topic_alias_maximum: u16,
    /// Longest keep-alive of a 5.0 client in seconds; longer ones, and none, are brought down to it.
    /// A 3.1.1 client cannot be told and has its own. Default: 3 600.
    pub keep_alive_secs: u16,
    /// Longest session expiry in seconds. Default: 2 592 000 (30 days).
    pub session_expiry_secs: u32,
    /// Sessions kept for clients that are away. Default: 100 000.
    pub sessions: usize,
    /// Subscriptions of one client. Default: 10 000.
    pub subscriptions: usize,
    /// Levels of a topic or filter. Default: 64.
    pub topic_levels: u16,
    /// Retained messages. Default: 1 000 000.
    pub retained: usize,
}

/// How much is kept for one client that does not take it. QoS 0 beyond it is dropped and counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// QoS 1 and 2 messages queued. Default: 1 000 000.
    pub messages: usize,
    /// Bytes of them, and of output that the socket has not taken. Default: 268 435 456.
    pub bytes: usize,
    /// What happens to a QoS 1 or 2 message beyond it. Default: refuse.
    pub when_full: WhenFull,
    /// Messages in flight to one client at one time, beside its Receive Maximum. Default: 100.
    pub in_flight: u16,
}

/// What happens to a QoS 1 or 2 message for a session whose queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// The publisher is told: reason 0x97 (5.0), or its connection is closed without an
    /// acknowledgement (3.1.1). Nothing that was acknowledged is lost.
    Refuse,
    /// The message is dropped for this session alone, and counted.
    Drop,
}

/// How often the journal is forced to the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Durability {
    /// An acknowledgement waits at most this long for others to share its fsync, in milliseconds.
    /// Default: 5.
    pub commit_interval_ms: u64,
    /// This many records are not made to wait. Default: 1 000.
    pub commit_records: usize,
    /// The journal's size limit in bytes. Default: 4 294 967 296.
    pub max_bytes: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            data_dir: None,
            allow_anonymous: false,
            policy: None,
            workers: 1,
            log_format: LogFormat::Text,
            tls: None,
            limits: Limits::default(),
            queue: QueueLimits::default(),
            durability: Durability::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect_bytes: 64 << 10,
            packet_bytes: 1 << 20,
            connections: 10_000,
            half_open: 1_000,
            connect_timeout_ms: 10_000,
            receive_maximum: 1_000,
            topic_alias_maximum: 64,
            keep_alive_secs: 3_600,
            session_expiry_secs: 30 * 24 * 3_600,
            sessions: 100_000,
            subscriptions: 10_000,
            topic_levels: 64,
            retained: 1_000_000,
        }
    }
}

impl Default for QueueLimits {
    fn default() -> Self {
        Self {
            messages: 1_000_000,
            bytes: 256 << 20,
            when_full: WhenFull::Refuse,
            in_flight: 100,
        }
    }
}

impl Default for Durability {
    fn default() -> Self {
        Self {
            commit_interval_ms: 5,
            commit_records: 1_000,
            max_bytes: 4 << 30,
        }
    }
}

impl Config {
    /// Where nothing is said about listening.
    pub(crate) fn default_listen() -> ListenUrl {
        ListenUrl {
            scheme: Scheme::Mqtt,
            host: "127.0.0.1".to_owned(),
            port: 1883,
        }
    }

    /// What contradicts itself although each setting reads well.
    #[must_use]
    pub fn contradictions(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.workers != 1 {
            problems.push(Problem::general(
                format!("{} workers: this version has one", self.workers),
                "leave it out or write 1",
            ));
        }
        let tls_listener = self.listen.iter().find(|url| url.scheme == Scheme::Mqtts);
        if let (Some(url), None) = (tls_listener, &self.tls) {
            problems.push(Problem::general(
                format!("{url} has no certificate"),
                "give --tls-cert and --tls-key, or the [tls] section",
            ));
        }
        problems
    }
}
