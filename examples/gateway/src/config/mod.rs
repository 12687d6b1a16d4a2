//! The settings of a gateway, checked: what is in here can be run.
//!
//! ```text
//!  gateway.toml --raw.rs--> shape --check.rs--> Config          (or every Problem, with its place)
//! ```

mod check;
mod device;
mod link;
mod problem;
mod raw;

use std::path::{Path, PathBuf};
use std::time::Duration;

use renata_codec::{Codec, Unit};
use renata_topics::{TopicFilterBuf, TopicNameBuf};

pub use problem::Problem;

/// Everything that `gateway.toml` says, with the defaults filled in.
#[derive(Clone, Debug)]
pub struct Config {
    /// Name of this gateway: part of the client ids and of the lake's file names.
    pub id: String,
    /// Where the journals are.
    pub data_dir: PathBuf,
    /// Format of the payloads that devices' samples become. Default: `application/json`.
    pub codec: Codec,
    /// The journal between devices and uplinks.
    pub journal: JournalConfig,
    /// Sources: devices.
    pub devices: Vec<DeviceConfig>,
    /// Sinks: brokers.
    pub uplinks: Vec<UplinkConfig>,
    /// Sources: MQTT subscriptions, which go to the lake.
    pub subscriptions: Vec<SubscriptionConfig>,
    /// The lake, for subscriptions.
    pub lake: Option<LakeConfig>,
}

/// The journal between devices and uplinks.
#[derive(Clone, Copy, Debug)]
pub struct JournalConfig {
    /// Hard cap. Default: 1 GiB.
    pub max_bytes: u64,
    /// Size of a file; space comes back in pieces of this. Default: 16 MiB, at most a quarter of the
    /// cap.
    pub segment_bytes: u64,
    /// What happens at the cap. Default: [`WhenFull::DropOldest`].
    pub when_full: WhenFull,
}

/// What happens to samples when the journal is at its cap because a broker has been away for long.
/// Either way the loss is counted, and shows as a gap in `seq`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// The oldest samples make room for new ones.
    DropOldest,
    /// New samples are dropped until there is room.
    DropNewest,
}

/// A device and what to read from it.
#[derive(Clone, Debug)]
pub struct DeviceConfig {
    /// The level `device_id` of its topics.
    pub name: String,
    /// Host name or address.
    pub host: String,
    /// TCP port. Default: 102.
    pub port: u16,
    /// Rack. Default: 0.
    pub rack: u8,
    /// Slot. Default: 1.
    pub slot: u8,
    /// How long a connect or a request may take. Default: 2 s.
    pub timeout: Duration,
    /// Topic of its status: `online` or `offline`, retained.
    pub status_topic: TopicNameBuf,
    /// Scan groups.
    pub groups: Vec<GroupConfig>,
    /// Everything that is read.
    pub tags: Vec<TagConfig>,
}

/// Tags that are read together.
#[derive(Clone, Debug)]
pub struct GroupConfig {
    /// Its name.
    pub name: String,
    /// How often.
    pub period: Duration,
}

/// One value of a device.
#[derive(Clone, Debug)]
pub struct TagConfig {
    /// Where its samples are published.
    pub topic: TopicNameBuf,
    /// Where it is in the device.
    pub address: renata_drivers::s7::Tag,
    /// Index of its group.
    pub group: usize,
    /// Unit of measure, after scaling.
    pub unit: Option<Unit>,
    /// `value * factor + offset`, as f64; `None` leaves the value and its type alone.
    pub scale: Option<Scale>,
    /// Which readings become samples.
    pub publish: Publish,
}

/// A linear scaling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Multiplied first.
    pub factor: f64,
    /// Added then.
    pub offset: f64,
}

/// Which readings of a tag become samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Publish {
    /// Each.
    Always,
    /// Those that differ, and one at least this often. Default: with no deadband, every 60 s.
    OnChange {
        /// By how much a number has to differ.
        deadband: Deadband,
        /// The longest silence.
        max_silence: Duration,
    },
}

/// By how much a number has to differ from the last one published.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Deadband {
    /// At all.
    None,
    /// By more than this, after scaling.
    Absolute(f64),
    /// By more than this many percent of the last one published.
    Percent(f64),
}

/// How a broker is reached.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// Name of the link.
    pub name: String,
    /// `mqtt://host:port` or `mqtts://host:port`.
    pub url: String,
    /// MQTT client id. Default: `{gateway id}-{name}`.
    pub client_id: String,
    /// PEM files, for `mqtts`.
    pub tls: Option<TlsConfig>,
    /// User name and the file that holds the password.
    pub login: Option<(String, PathBuf)>,
}

/// PEM files.
#[derive(Clone, Debug)]
pub struct TlsConfig {
    /// Whom to trust.
    pub ca: PathBuf,
    /// Certificate chain and key to show, for mutual TLS.
    pub identity: Option<(PathBuf, PathBuf)>,
}

impl TlsConfig {
    /// Reads the files.
    pub(crate) fn load(&self) -> Result<renata_mqtt::TlsConfig, renata_mqtt::TlsError> {
        let tls = renata_mqtt::TlsConfig::ca_file(&self.ca)?;
        match &self.identity {
            Some((cert, key)) => tls.identity_files(cert, key),
            None => Ok(tls),
        }
    }
}

/// A broker that gets the samples of the devices.
#[derive(Clone, Debug)]
pub struct UplinkConfig {
    /// The broker.
    pub link: LinkConfig,
    /// How many messages may be on their way. Default: 512.
    pub in_flight: usize,
}

/// Messages of a broker that go to the lake.
#[derive(Clone, Debug)]
pub struct SubscriptionConfig {
    /// The broker.
    pub link: LinkConfig,
    /// What to subscribe to, at QoS 2.
    pub filters: Vec<TopicFilterBuf>,
    /// How long the broker keeps messages while we are away. Default: 7 days.
    pub session_expiry: Duration,
    /// How many messages may wait for the journal. Default: 1000.
    pub in_flight: u16,
}

/// The lake: Parquet files and a Delta log in a local folder.
#[derive(Clone, Debug)]
pub struct LakeConfig {
    /// Its folder.
    pub path: PathBuf,
    /// Name of the table. Default: `samples`.
    pub table: String,
    /// After how long a file is closed, at the latest. Default: 15 min.
    pub file_age: Duration,
    /// Cap of the journal in front of it. Default: 4 GiB.
    pub journal_max_bytes: u64,
}

impl Config {
    /// Reads and checks a file. Paths in it are relative to its folder.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(file: &Path) -> Result<Self, Vec<Problem>> {
        let text = std::fs::read_to_string(file).map_err(|error| {
            vec![Problem {
                file: file.to_owned(),
                place: None,
                what: format!("cannot be read: {error}"),
                remedy: "give the path of a gateway.toml with --config".into(),
            }]
        })?;
        Self::parse(file, &text)
    }

    /// Checks the text of a file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(file: &Path, text: &str) -> Result<Self, Vec<Problem>> {
        check::check(file, text)
    }
}

#[cfg(test)]
mod tests;
