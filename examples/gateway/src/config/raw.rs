//! The shape of `gateway.toml`, before its values are looked at.

use serde::Deserialize;
use toml::Spanned;

type Text = Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) gateway: Gateway,
    #[serde(default)]
    pub(super) journal: Journal,
    #[serde(default)]
    pub(super) device: Vec<Spanned<Device>>,
    #[serde(default)]
    pub(super) uplink: Vec<Spanned<Uplink>>,
    #[serde(default)]
    pub(super) subscription: Vec<Spanned<Subscription>>,
    pub(super) lake: Option<Spanned<Lake>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Gateway {
    pub(super) id: Text,
    pub(super) data_dir: Text,
    pub(super) location: Option<Text>,
    pub(super) area: Option<Text>,
    pub(super) line: Option<Text>,
    pub(super) format: Option<Text>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Journal {
    pub(super) max_mib: Option<Spanned<u64>>,
    pub(super) segment_mib: Option<Spanned<u64>>,
    pub(super) when_full: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Device {
    pub(super) name: Text,
    pub(super) driver: Text,
    pub(super) host: Text,
    pub(super) port: Option<Spanned<u16>>,
    pub(super) rack: Option<Spanned<u8>>,
    pub(super) slot: Option<Spanned<u8>>,
    #[serde(rename = "type")]
    pub(super) device_type: Option<Text>,
    pub(super) location: Option<Text>,
    pub(super) area: Option<Text>,
    pub(super) line: Option<Text>,
    pub(super) timeout_ms: Option<Spanned<u64>>,
    #[serde(default)]
    pub(super) group: Vec<Group>,
    #[serde(default)]
    pub(super) tag: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    pub(super) name: Text,
    pub(super) period_ms: Spanned<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tag {
    pub(super) name: Text,
    pub(super) address: Text,
    #[serde(rename = "type")]
    pub(super) data_type: Option<Text>,
    pub(super) group: Option<Text>,
    pub(super) unit: Option<Text>,
    pub(super) scale: Option<Spanned<f64>>,
    pub(super) offset: Option<Spanned<f64>>,
    pub(super) publish: Option<Text>,
    pub(super) deadband: Option<Spanned<f64>>,
    pub(super) deadband_percent: Option<Spanned<f64>>,
    pub(super) max_silence_s: Option<Spanned<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Uplink {
    pub(super) name: Text,
    pub(super) url: Text,
    pub(super) client_id: Option<Text>,
    pub(super) ca: Option<Text>,
    pub(super) cert: Option<Text>,
    pub(super) key: Option<Text>,
    pub(super) username: Option<Text>,
    pub(super) password_file: Option<Text>,
    pub(super) in_flight: Option<Spanned<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Subscription {
    pub(super) name: Text,
    pub(super) url: Text,
    pub(super) client_id: Option<Text>,
    pub(super) ca: Option<Text>,
    pub(super) cert: Option<Text>,
    pub(super) key: Option<Text>,
    pub(super) username: Option<Text>,
    pub(super) password_file: Option<Text>,
    pub(super) filters: Spanned<Vec<Text>>,
    pub(super) session_expiry_s: Option<Spanned<u64>>,
    pub(super) in_flight: Option<Spanned<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lake {
    pub(super) path: Text,
    pub(super) table: Option<Text>,
    pub(super) file_age_s: Option<Spanned<u64>>,
    pub(super) journal_max_mib: Option<Spanned<u64>>,
}
