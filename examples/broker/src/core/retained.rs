//! The last message of each topic, for those who subscribe later.

use std::sync::Arc;

use renata_topics::{TopicFilter, TopicName, TopicTree};

use crate::engine::MessageId;
use crate::message::Message;

/// The retained messages, one a topic.
#[derive(Debug, Default)]
pub(super) struct Retained {
    tree: TopicTree<Entry>,
}

/// A retained message with its name in the engine; the broker's own (`$SYS`) have none.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) id: Option<MessageId>,
    pub(super) message: Arc<Message>,
}

impl Retained {
    pub(super) fn len(&self) -> usize {
        self.tree.len()
    }

    pub(super) fn contains(&self, topic: TopicName<'_>) -> bool {
        self.tree.get(topic).is_some()
    }

    /// `message` replaces what its topic had.
    pub(super) fn set(&mut self, topic: TopicName<'_>, entry: Entry) {
        self.tree.insert(topic, entry);
    }

    /// The topic has none any more; says whether it had one.
    pub(super) fn clear(&mut self, topic: TopicName<'_>) -> bool {
        self.tree.remove(topic).is_some()
    }

    /// Those that a new subscription gets, and the topics of those whose time is over.
    pub(super) fn matching(
        &self,
        filter: TopicFilter<'_>,
        unix_ms: u64,
    ) -> (Vec<Entry>, Vec<Arc<str>>) {
        let (mut found, mut expired) = (Vec::new(), Vec::new());
        self.tree.for_each_match(filter, |_, entry| {
            if entry.message.is_expired(unix_ms) {
                expired.push(Arc::clone(&entry.message.topic));
            } else {
                found.push(entry.clone());
            }
        });
        (found, expired)
    }
}
