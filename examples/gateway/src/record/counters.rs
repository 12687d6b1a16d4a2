//! The place of every sample in its stream, across restarts.

use std::collections::HashMap;

use super::entry::{BadEntry, Entry, checkpoint};

/// The next number of each stream, within one epoch.
///
/// All streams of a journal share its epoch. The counters are what the journal's records say: every
/// message carries its number, and a checkpoint carries those of all streams, so that the messages
/// before it may be deleted. Only when that is lost does a new epoch begin.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    epoch: u32,
    next: HashMap<Box<str>, u64>,
}

impl Counters {
    /// Begins an epoch in which nothing was counted yet.
    pub(crate) fn begin(epoch: u32) -> Self {
        Self {
            epoch,
            next: HashMap::new(),
        }
    }

    pub(crate) const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The number for the next sample of a stream, which is taken with this.
    pub(crate) fn take(&mut self, topic: &str) -> u64 {
        if let Some(next) = self.next.get_mut(topic) {
            *next += 1;
            return *next - 1;
        }
        self.next.insert(topic.into(), 1);
        0
    }

    /// How many samples were numbered in this epoch, over all streams.
    pub(crate) fn total(&self) -> u64 {
        self.next.values().sum()
    }

    /// All streams as records.
    pub(crate) fn checkpoint(&self) -> Vec<Vec<u8>> {
        let streams = self.next.iter().map(|(topic, next)| (&**topic, *next));
        checkpoint(self.epoch, streams, PART_BYTES)
    }

    fn at_least(&mut self, topic: &str, next: u64) {
        match self.next.get_mut(topic) {
            Some(known) => *known = next.max(*known),
            None => {
                self.next.insert(topic.into(), next);
            }
        }
    }
}

/// Reads counters back out of a journal, from its first record on.
#[derive(Debug, Default)]
pub(crate) struct Recovery {
    counters: Counters,
    /// Parts of the checkpoint that is being read.
    parts: u32,
    complete: bool,
}

impl Recovery {
    /// Takes the next record.
    pub(crate) fn take(&mut self, entry: &Entry<'_>) -> Result<(), BadEntry> {
        match entry {
            Entry::Message(message) => {
                self.counters.epoch = self.counters.epoch.max(message.epoch);
                self.counters
                    .at_least(message.topic, message.seq.saturating_add(1));
            }
            Entry::Checkpoint(part) => {
                self.counters.epoch = self.counters.epoch.max(part.epoch);
                for stream in part.streams() {
                    let (topic, next) = stream?;
                    self.counters.at_least(topic, next);
                }
                self.parts = match part.part {
                    0 => 1,
                    at if at == self.parts => at + 1,
                    _ => 0,
                };
                self.complete |= self.parts == part.parts;
            }
        }
        Ok(())
    }

    /// Everything that was counted; `None` when part of it is lost.
    pub(crate) fn finish(self) -> Option<Counters> {
        self.complete.then_some(self.counters)
    }
}

/// A checkpoint of more streams than fit into this goes in parts.
const PART_BYTES: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use super::super::entry::{Message, read};
    use super::*;

    fn message(topic: &str, seq: u64) -> Entry<'_> {
        Entry::Message(Message {
            retain: false,
            qos: 1,
            epoch: 5,
            seq,
            topic,
            content_type: "",
            payload: b"",
        })
    }

    #[test]
    fn a_checkpoint_and_the_messages_after_it_bring_everything_back() {
        let mut counters = Counters::begin(5);
        assert_eq!(
            [counters.take("a"), counters.take("a"), counters.take("b")],
            [0, 1, 0]
        );
        let parts = counters.checkpoint();
        let mut recovery = Recovery::default();
        recovery.take(&message("a", 1)).unwrap();
        for part in &parts {
            recovery.take(&read(part).unwrap()).unwrap();
        }
        recovery.take(&message("b", 1)).unwrap();
        recovery.take(&message("c", 0)).unwrap();
        let mut back = recovery.finish().unwrap();
        assert_eq!(back.epoch(), 5);
        assert_eq!(
            [
                back.take("a"),
                back.take("b"),
                back.take("c"),
                back.take("d")
            ],
            [2, 2, 1, 0]
        );
    }

    #[test]
    fn without_a_whole_checkpoint_the_state_is_lost() {
        let mut counters = Counters::begin(5);
        for n in 0..20_000 {
            counters.take(&format!("renata/a/long/enough/topic/{n}"));
        }
        let parts = counters.checkpoint();
        assert!(parts.len() > 2);
        let all_but = |missing: usize| {
            let mut recovery = Recovery::default();
            for (_, part) in parts.iter().enumerate().filter(|(i, _)| *i != missing) {
                recovery.take(&read(part).unwrap()).unwrap();
            }
            recovery.finish()
        };
        for missing in 0..parts.len() {
            assert!(all_but(missing).is_none(), "without part {missing}");
        }
        assert!(all_but(usize::MAX).is_some());
        let mut recovery = Recovery::default();
        recovery.take(&message("a", 1)).unwrap();
        assert!(recovery.finish().is_none());
    }
}
