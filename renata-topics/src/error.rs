//! Why a text is not a topic name or filter.

/// Why a text is not a topic name or a topic filter (MQTT 5.0 §4.7).
///
/// Levels are counted from 0, positions are byte offsets into the text as it was given.
///
/// ```
/// use renata_topics::{TopicError, TopicName};
/// let error = TopicName::new("plant/+/speed").unwrap_err();
/// assert_eq!(error, TopicError::WildcardInName { level: 1, position: 6, character: '+' });
/// assert_eq!(error.to_string(), "wildcard '+' in a topic name, level 1, byte 6");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum TopicError {
    /// No character at all (MQTT-4.7.3-1).
    #[error("a topic has at least one character")]
    Empty,
    /// More bytes than the limit, which is never above 65 535 (MQTT-4.7.3-3).
    #[error("topic of {bytes} bytes, at most {max} are allowed")]
    TooLong {
        /// The length found.
        bytes: usize,
        /// The limit in force.
        max: usize,
    },
    /// More levels than the limit.
    #[error("topic of {levels} levels, at most {max} are allowed")]
    TooDeep {
        /// The number of levels found.
        levels: usize,
        /// The limit in force.
        max: usize,
    },
    /// The bytes are not UTF-8 (MQTT-1.5.4-1).
    #[error("not UTF-8 from byte {position} on")]
    NotUtf8 {
        /// Where the first wrong sequence begins.
        position: usize,
    },
    /// U+0000 (MQTT-4.7.3-2), another control character or a non-character (§1.5.4).
    #[error("character {character:?} is not allowed, level {level}, byte {position}")]
    Character {
        /// The level that holds it.
        level: usize,
        /// Its byte offset.
        position: usize,
        /// The character.
        character: char,
    },
    /// `+` or `#` in a topic name (MQTT-4.7.0-1).
    #[error("wildcard {character:?} in a topic name, level {level}, byte {position}")]
    WildcardInName {
        /// The level that holds it.
        level: usize,
        /// Its byte offset.
        position: usize,
        /// The wildcard.
        character: char,
    },
    /// A wildcard that does not fill its level, such as `a+` or `#b` (MQTT-4.7.1-1, -2).
    #[error("wildcard {character:?} must fill its whole level, level {level}, byte {position}")]
    WildcardNotAlone {
        /// The level that holds it.
        level: usize,
        /// Its byte offset.
        position: usize,
        /// The wildcard.
        character: char,
    },
    /// `#` before the last level (MQTT-4.7.1-1).
    #[error("wildcard '#' must be the last level, level {level}, byte {position}")]
    HashNotLast {
        /// The level that holds it.
        level: usize,
        /// Its byte offset.
        position: usize,
    },
    /// Not `$share/{group}/{filter}` with a group without `+` and `#` (MQTT-4.8.2-1, -2).
    #[error(
        "a shared subscription is written $share/{{group}}/{{filter}}, wrong at byte {position}"
    )]
    Share {
        /// Where the part begins that is missing or wrong.
        position: usize,
    },
}
