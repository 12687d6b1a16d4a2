//! One filter against many topics.

use smallvec::SmallVec;

use super::interner::LevelId;
use super::trie::{Edge, NodeId, ROOT, Trie};
use crate::{TopicFilter, TopicName};

/// Topics with one value each, read through filters: the retained messages of a broker.
///
/// ```
/// use renata_topics::{TopicFilter, TopicName, TopicTree};
/// let mut retained = TopicTree::new();
/// retained.insert(TopicName::new("plant/press/status")?, "up");
/// retained.insert(TopicName::new("plant/oven/status")?, "down");
///
/// let mut down = Vec::new();
/// retained.for_each_match(TopicFilter::new("plant/+/status")?, |topic, &status| {
///     if status == "down" {
///         down.push(topic.to_owned());
///     }
/// });
/// assert_eq!(down, ["plant/oven/status"]);
/// # Ok::<(), renata_topics::TopicError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TopicTree<T> {
    trie: Trie<(Box<str>, T)>,
}

impl<T> TopicTree<T> {
    /// An empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self { trie: Trie::new() }
    }

    /// The number of topics.
    #[must_use]
    pub fn len(&self) -> usize {
        self.trie.len()
    }

    /// Whether there is no topic.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a topic.
    #[must_use]
    pub fn get(&self, topic: TopicName<'_>) -> Option<&T> {
        let node = self.trie.find(path(topic))?;
        let (_, value) = self.trie.value(self.trie.node(node))?;
        Some(value)
    }

    /// The value of a topic, to change it.
    pub fn get_mut(&mut self, topic: TopicName<'_>) -> Option<&mut T> {
        let node = self.trie.find(path(topic))?;
        let (_, value) = self.trie.value_at_mut(node)?;
        Some(value)
    }

    /// Sets the value of a topic; returns the one before.
    pub fn insert(&mut self, topic: TopicName<'_>, value: T) -> Option<T> {
        match self.trie.slot(path(topic)) {
            Some((_, old)) => Some(std::mem::replace(old, value)),
            empty => {
                *empty = Some((topic.as_str().into(), value));
                None
            }
        }
    }

    /// Takes a topic and its value out.
    pub fn remove(&mut self, topic: TopicName<'_>) -> Option<T> {
        let (_, value) = self.trie.remove(path(topic))?;
        Some(value)
    }

    /// Visits every topic that `filter` matches, in no particular order.
    ///
    /// A `+` or `#` at level 0 skips topics that begin with `$`.
    pub fn for_each_match<'t>(
        &'t self,
        filter: TopicFilter<'_>,
        mut visit: impl FnMut(&'t str, &'t T),
    ) {
        let Some(steps) = self.steps(filter) else {
            return;
        };
        // Nodes to visit, each with the number of steps behind it.
        let mut todo: SmallVec<[(NodeId, u32); 32]> = SmallVec::new();
        todo.push((ROOT, 0));
        while let Some((id, depth)) = todo.pop() {
            let node = self.trie.node(id);
            let step = steps.get(depth as usize);
            if matches!(step, None | Some(Step::Hash))
                && let Some((topic, value)) = self.trie.value(node)
            {
                visit(topic, value);
            }
            let next = match step {
                None => continue,
                Some(Step::Level(level)) => {
                    todo.extend(node.child(*level).map(|child| (child, depth + 1)));
                    continue;
                }
                Some(Step::Plus) => depth + 1,
                Some(Step::Hash) => depth,
            };
            node.children().for_each(|level, child| {
                let hidden = id == ROOT && self.trie.interner().bytes(level).starts_with(b"$");
                if !hidden {
                    todo.push((child, next));
                }
            });
        }
    }

    /// The filter with its levels looked up; `None` if one of them is in no topic.
    fn steps(&self, filter: TopicFilter<'_>) -> Option<SmallVec<[Step; 32]>> {
        let step = |level| {
            Some(match level {
                "+" => Step::Plus,
                "#" => Step::Hash,
                level => Step::Level(self.trie.interner().lookup(level)?),
            })
        };
        filter.levels().map(step).collect()
    }
}

impl<T> Default for TopicTree<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Clone, Copy)]
enum Step {
    Level(LevelId),
    Plus,
    Hash,
}

fn path(topic: TopicName<'_>) -> impl Iterator<Item = Edge<'_>> {
    topic.levels().map(Edge::Level)
}
