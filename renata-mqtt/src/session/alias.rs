//! Topic aliases that the peer sets (MQTT 5.0 §3.3.2.3.4).

use super::ProtocolError;

/// The topics that this connection's peer has given a number.
///
/// Nothing is allocated before the first alias arrives; what is held is bounded by the Topic Alias
/// Maximum that we announced, times the longest topic that a packet may carry.
#[derive(Debug, Default)]
pub(super) struct Aliases {
    topics: Vec<Option<Box<str>>>,
    max: u16,
}

impl Aliases {
    /// For a connection to whose peer we announced `max`.
    pub(super) fn new(max: u16) -> Self {
        Self {
            topics: Vec::new(),
            max,
        }
    }

    /// The topic that a PUBLISH with this topic field and alias means; learns the alias when both
    /// are there.
    pub(super) fn resolve<'a>(
        &'a mut self,
        topic: &'a str,
        alias: Option<u16>,
    ) -> Result<&'a str, ProtocolError> {
        let Some(alias) = alias else {
            return if topic.is_empty() {
                Err(ProtocolError::NoTopic)
            } else {
                Ok(topic)
            };
        };
        if alias == 0 || alias > self.max {
            return Err(ProtocolError::TopicAlias { alias });
        }
        let at = usize::from(alias) - 1;
        if topic.is_empty() {
            return self
                .topics
                .get(at)
                .and_then(Option::as_deref)
                .ok_or(ProtocolError::UnknownAlias { alias });
        }
        if self.topics.len() <= at {
            self.topics.resize_with(at + 1, || None);
        }
        self.topics[at] = Some(topic.into());
        Ok(topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_stands_for_the_topic_that_it_was_last_set_to() {
        let mut aliases = Aliases::new(2);
        assert_eq!(aliases.resolve("a/b", Some(2)), Ok("a/b"));
        assert_eq!(aliases.resolve("", Some(2)), Ok("a/b"));
        assert_eq!(aliases.resolve("c", Some(2)), Ok("c"));
        assert_eq!(aliases.resolve("", Some(2)), Ok("c"));
        assert_eq!(aliases.resolve("plain", None), Ok("plain"));
    }

    /// [MQTT-3.3.2-8], [MQTT-3.3.2-10]
    #[test]
    fn aliases_outside_of_the_announced_range_are_refused() {
        for alias in [0, 3, u16::MAX] {
            let mut aliases = Aliases::new(2);
            assert_eq!(
                aliases.resolve("a", Some(alias)),
                Err(ProtocolError::TopicAlias { alias })
            );
        }
        assert!(Aliases::new(0).resolve("a", Some(1)).is_err());
    }

    #[test]
    fn an_unset_alias_and_an_empty_topic_are_refused() {
        let mut aliases = Aliases::new(2);
        assert_eq!(
            aliases.resolve("", Some(1)),
            Err(ProtocolError::UnknownAlias { alias: 1 })
        );
        assert_eq!(aliases.resolve("", None), Err(ProtocolError::NoTopic));
    }
}
