//! [`Envelope`]: one message on its way to a sink.

use bytes::Bytes;

/// One message as it goes through the engine: where it belongs, what it is, and its bytes.
///
/// ```
/// use renata_azure::Envelope;
/// let envelope = Envelope::new(
///     "renata/biel/press/l1/s7/plc1/torque",
///     "application/json",
///     &b"{\"value\":1.5}"[..],
/// );
/// assert_eq!(envelope.topic, "renata/biel/press/l1/s7/plc1/torque");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The topic that it was published to. It is also the name of its stream. At most 65 535 bytes.
    pub topic: String,
    /// MIME type of the payload, as in the MQTT 5 Content Type property; empty when nobody said.
    /// At most 255 bytes.
    pub content_type: String,
    /// The bytes, as they came.
    pub payload: Bytes,
}

impl Envelope {
    /// Puts the parts together.
    #[must_use]
    pub fn new(
        topic: impl Into<String>,
        content_type: impl Into<String>,
        payload: impl Into<Bytes>,
    ) -> Self {
        Self {
            topic: topic.into(),
            content_type: content_type.into(),
            payload: payload.into(),
        }
    }
}

/// The place of a message in its stream: the pair by which a repetition is recognised.
///
/// The stream is the topic. `seq` counts up by one within an `epoch`, and the epoch grows at every
/// start of the source that has lost its counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// Incarnation of the source's counter.
    pub epoch: u32,
    /// The counter.
    pub seq: u64,
}

/// A message with the number that the journal gave it: what a sink encodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Number in the journal.
    pub seq: u64,
    /// The message.
    pub envelope: Envelope,
    /// Its place in its stream, where it has one.
    pub identity: Option<Identity>,
}

/// A closed range of journal numbers, and with it the name of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeqRange {
    /// First number.
    pub first: u64,
    /// Last number, not below `first`.
    pub last: u64,
}

impl SeqRange {
    /// How many numbers it spans. Some of them may be records of the engine itself.
    #[must_use]
    pub const fn span(self) -> u64 {
        self.last - self.first + 1
    }

    /// Two halves, or `None` when there is but one number.
    #[must_use]
    pub const fn halves(self) -> Option<(Self, Self)> {
        if self.first == self.last {
            return None;
        }
        let middle = self.first + (self.last - self.first) / 2;
        Some((
            Self {
                first: self.first,
                last: middle,
            },
            Self {
                first: middle + 1,
                last: self.last,
            },
        ))
    }
}

/// Which journal a number belongs to.
///
/// It is drawn at random when a journal is begun and stays in it. A target remembers numbers per
/// journal, so that a journal that was lost and begun anew is never taken for the old one, whose
/// numbers it repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct JournalId(pub u64);

impl std::fmt::Display for JournalId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_cover_a_range_without_overlap() {
        let range = SeqRange { first: 5, last: 11 };
        let (a, b) = range.halves().unwrap();
        assert_eq!((a.first, a.last, b.first, b.last), (5, 8, 9, 11));
        assert_eq!(a.span() + b.span(), range.span());
        assert_eq!(SeqRange { first: 3, last: 3 }.halves(), None);
    }
}
