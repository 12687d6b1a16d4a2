//! The plant topic: where a measurement comes from, level by level.

use crate::{TopicError, TopicName, TopicNameBuf};

/// `renata/{location}/{area}/{line}/{device_type}/{device_id}/{measurement}`, taken apart.
///
/// The measurement is one level or more: `temperature`, `axis-1/torque`, `cmd/start`,
/// `alarm/high`. The fields borrow from the topic; nothing is copied.
///
/// ```
/// use renata_topics::{PlantTopic, TopicName};
/// let topic = TopicName::new("renata/biel/hall-2/line-7/s7-1500/plc-3/axis-1/torque")?;
/// let plant = PlantTopic::parse(topic)?;
/// assert_eq!(plant.device_id, "plc-3");
/// assert_eq!(plant.measurement, "axis-1/torque");
/// assert_eq!(plant.to_name()?.as_name(), topic);
/// # Ok::<(), renata_topics::PlantTopicError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlantTopic<'a> {
    /// The site: `biel`.
    pub location: &'a str,
    /// The area of the site (ISA-95): `hall-2`.
    pub area: &'a str,
    /// The production line: `line-7`.
    pub line: &'a str,
    /// The kind of device: `s7-1500`, `quantumx`.
    pub device_type: &'a str,
    /// The device: `plc-3`.
    pub device_id: &'a str,
    /// What is measured, one level or more: `temperature`.
    pub measurement: &'a str,
}

/// Why a topic is not a plant topic, or fields do not make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PlantTopicError {
    /// The first level is not `renata`.
    #[error("a plant topic begins with renata/")]
    Root,
    /// The topic ends before this field.
    #[error("a plant topic has a level {field}, this one ends before it")]
    Missing {
        /// The name of the field.
        field: &'static str,
    },
    /// A level of this field is empty.
    #[error("{field} is empty in a plant topic")]
    Empty {
        /// The name of the field.
        field: &'static str,
    },
    /// A field other than the measurement holds `/`.
    #[error("{field} holds a '/' and would be two levels of a plant topic")]
    Separator {
        /// The name of the field.
        field: &'static str,
    },
    /// The fields together are no valid topic name.
    #[error(transparent)]
    Topic(#[from] TopicError),
}

impl<'a> PlantTopic<'a> {
    /// The first level of every plant topic.
    pub const ROOT: &'static str = "renata";

    /// Takes a topic apart.
    ///
    /// # Errors
    /// Another root, a missing or an empty level.
    pub fn parse(topic: TopicName<'a>) -> Result<Self, PlantTopicError> {
        let mut levels = topic.levels();
        if levels.next() != Some(Self::ROOT) {
            return Err(PlantTopicError::Root);
        }
        let mut level = |field| match levels.next() {
            None => Err(PlantTopicError::Missing { field }),
            Some("") => Err(PlantTopicError::Empty { field }),
            Some(level) => Ok(level),
        };
        let location = level("location")?;
        let area = level("area")?;
        let line = level("line")?;
        let device_type = level("device_type")?;
        let device_id = level("device_id")?;
        let field = "measurement";
        let measurement = levels.rest().ok_or(PlantTopicError::Missing { field })?;
        if levels.any(str::is_empty) {
            return Err(PlantTopicError::Empty { field });
        }
        Ok(Self {
            location,
            area,
            line,
            device_type,
            device_id,
            measurement,
        })
    }

    /// Puts the topic together.
    ///
    /// # Errors
    /// An empty field, a `/` in a field other than the measurement, a wildcard or another
    /// character that a topic name cannot hold.
    pub fn to_name(&self) -> Result<TopicNameBuf, PlantTopicError> {
        let fields = [
            ("location", self.location),
            ("area", self.area),
            ("line", self.line),
            ("device_type", self.device_type),
            ("device_id", self.device_id),
        ];
        let mut text = String::with_capacity(128);
        text.push_str(Self::ROOT);
        for (field, value) in fields {
            if value.is_empty() {
                return Err(PlantTopicError::Empty { field });
            }
            if value.contains('/') {
                return Err(PlantTopicError::Separator { field });
            }
            text.push('/');
            text.push_str(value);
        }
        if self.measurement.split('/').any(str::is_empty) {
            let field = "measurement";
            return Err(PlantTopicError::Empty { field });
        }
        text.push('/');
        text.push_str(self.measurement);
        Ok(TopicNameBuf::new(&text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<PlantTopic<'_>, PlantTopicError> {
        PlantTopic::parse(TopicName::new(text).expect(text))
    }

    #[test]
    fn a_short_or_hollow_topic_names_the_field() {
        assert_eq!(parse("factory/a"), Err(PlantTopicError::Root));
        let missing = |field| Err(PlantTopicError::Missing { field });
        assert_eq!(parse("renata"), missing("location"));
        assert_eq!(parse("renata/biel/a/l/t"), missing("device_id"));
        assert_eq!(parse("renata/biel/a/l/t/d"), missing("measurement"));
        let empty = |field| Err(PlantTopicError::Empty { field });
        assert_eq!(parse("renata/biel//l/t/d/m"), empty("area"));
        assert_eq!(parse("renata/biel/a/l/t/d/"), empty("measurement"));
        assert_eq!(parse("renata/biel/a/l/t/d/m//n"), empty("measurement"));
    }

    #[test]
    fn fields_that_would_not_parse_back_are_refused() {
        let good = parse("renata/biel/a/l/t/d/m").expect("a plant topic");
        let separator = PlantTopic {
            line: "l/2",
            ..good
        };
        let field = "line";
        assert_eq!(
            separator.to_name(),
            Err(PlantTopicError::Separator { field })
        );
        let wild = PlantTopic { area: "+", ..good };
        assert!(matches!(wild.to_name(), Err(PlantTopicError::Topic(_))));
        let hollow = PlantTopic {
            measurement: "m//n",
            ..good
        };
        let field = "measurement";
        assert_eq!(hollow.to_name(), Err(PlantTopicError::Empty { field }));
    }
}
