//! The two protocol versions.

/// A protocol version, named by its level in CONNECT (MQTT 5.0 §3.1.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// MQTT 3.1.1, level 4: no properties, reason codes only in CONNACK and SUBACK.
    V3_1_1,
    /// MQTT 5.0, level 5.
    V5,
}

impl Version {
    /// The level byte of CONNECT.
    #[must_use]
    pub fn level(self) -> u8 {
        match self {
            Self::V3_1_1 => 4,
            Self::V5 => 5,
        }
    }

    /// The version of a level byte.
    #[must_use]
    pub fn from_level(level: u8) -> Option<Self> {
        match level {
            4 => Some(Self::V3_1_1),
            5 => Some(Self::V5),
            _ => None,
        }
    }
}
