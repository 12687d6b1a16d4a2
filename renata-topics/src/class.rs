//! What kind of message a topic carries.

use crate::{Levels, PlantTopic, TopicName};

/// What kind of message a topic carries, read off its last levels.
///
/// | last levels | class | `QoS` |
/// | --- | --- | --- |
/// | `cmd/{name}` | command | 2 |
/// | `alarm/{name}` | alarm | 2 |
/// | `status` | status | 1 |
/// | `debug/{name}` | debug | 0 |
/// | anything else | process data | 1 |
///
/// Of a [plant topic](PlantTopic) only the measurement counts, so that a device called `alarm` does
/// not turn its readings into alarms.
///
/// ```
/// use renata_topics::{TopicClass, TopicName};
/// let topic = TopicName::new("renata/biel/hall-2/line-7/s7-1500/plc-3/cmd/start")?;
/// assert_eq!(TopicClass::of(topic), TopicClass::Command);
/// assert_eq!(TopicClass::of(topic).qos(), 2);
/// # Ok::<(), renata_topics::TopicError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TopicClass {
    /// An order to a device: exactly once.
    Command,
    /// A condition that someone must see: exactly once.
    Alarm,
    /// Whether a device is there and well: at least once, retained.
    Status,
    /// A measurement: at least once.
    Process,
    /// Help for a technician: at most once.
    Debug,
}

impl TopicClass {
    /// The class of a topic.
    #[must_use]
    pub fn of(topic: TopicName<'_>) -> Self {
        match PlantTopic::parse(topic) {
            Ok(plant) => Self::of_levels(Levels::of(plant.measurement)),
            Err(_) => Self::of_levels(topic.levels()),
        }
    }

    /// The quality of service that the class asks for: 0, 1 or 2.
    #[must_use]
    pub const fn qos(self) -> u8 {
        match self {
            Self::Command | Self::Alarm => 2,
            Self::Status | Self::Process => 1,
            Self::Debug => 0,
        }
    }

    /// The name in lower case, as configuration files and metrics write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Alarm => "alarm",
            Self::Status => "status",
            Self::Process => "process",
            Self::Debug => "debug",
        }
    }

    fn of_levels(levels: Levels<'_>) -> Self {
        let (mut before, mut last) = ("", "");
        for level in levels {
            before = std::mem::replace(&mut last, level);
        }
        match (before, last) {
            ("cmd", _) => Self::Command,
            ("alarm", _) => Self::Alarm,
            ("debug", _) => Self::Debug,
            (_, "status") => Self::Status,
            _ => Self::Process,
        }
    }
}

impl std::fmt::Display for TopicClass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(topic: &str) -> TopicClass {
        TopicClass::of(TopicName::new(topic).expect(topic))
    }

    #[test]
    fn the_last_levels_decide() {
        let plant = "renata/biel/hall-2/line-7/s7-1500/plc-3";
        assert_eq!(class(&format!("{plant}/cmd/start")), TopicClass::Command);
        assert_eq!(class(&format!("{plant}/alarm/high")), TopicClass::Alarm);
        assert_eq!(class(&format!("{plant}/status")), TopicClass::Status);
        assert_eq!(class(&format!("{plant}/debug/scan")), TopicClass::Debug);
        assert_eq!(class(&format!("{plant}/pressure")), TopicClass::Process);
        assert_eq!(
            class(&format!("{plant}/axis-1/torque")),
            TopicClass::Process
        );
        assert_eq!(class(&format!("{plant}/cmd/status")), TopicClass::Command);
        assert_eq!(class("status"), TopicClass::Status);
        assert_eq!(class("elsewhere/alarm/high"), TopicClass::Alarm);
    }

    #[test]
    fn a_device_named_like_a_class_stays_a_device() {
        assert_eq!(
            class("renata/biel/h/l/s7/alarm/pressure"),
            TopicClass::Process
        );
        assert_eq!(
            class("renata/biel/h/l/s7/cmd/pressure"),
            TopicClass::Process
        );
    }
}
