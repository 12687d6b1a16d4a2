//! Many filters against one topic.

use std::hash::Hash;

use smallvec::SmallVec;

use super::bucket::Bucket;
use super::interner::LevelId;
use super::trie::{Edge, Node, NodeId, ROOT, Trie};
use crate::{TopicFilter, TopicName};

/// Filters with values, asked which of them match a topic: the subscriptions of a broker.
///
/// One owner, no lock. A match costs about one memory access per level and per `+` on the way,
/// whatever the number of filters, and does not allocate (topics of up to 32 levels). Removal
/// gives memory back.
///
/// The same value can stand under several filters, and then a topic that matches them visits it
/// several times. `$share/{group}/` is left aside: put the group into the value.
///
/// ```
/// use renata_topics::{FilterTree, TopicFilter, TopicName};
/// let mut tree = FilterTree::new();
/// tree.insert(TopicFilter::new("plant/+/speed")?, "hmi");
/// tree.insert(TopicFilter::new("plant/#")?, "lake");
/// tree.insert(TopicFilter::new("plant/press/torque")?, "test bench");
///
/// let mut found = Vec::new();
/// tree.for_each_match(TopicName::new("plant/press/speed")?, |&who| found.push(who));
/// found.sort();
/// assert_eq!(found, ["hmi", "lake"]);
///
/// assert!(tree.remove(TopicFilter::new("plant/#")?, &"lake"));
/// assert_eq!(tree.len(), 2);
/// # Ok::<(), renata_topics::TopicError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FilterTree<T> {
    trie: Trie<Bucket<T>>,
    len: usize,
}

impl<T> FilterTree<T> {
    /// An empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self {
            trie: Trie::new(),
            len: 0,
        }
    }

    /// The number of (filter, value) pairs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The number of distinct filters.
    #[must_use]
    pub fn filters(&self) -> usize {
        self.trie.len()
    }

    /// Whether there is no filter.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The values under exactly this filter.
    #[must_use]
    pub fn get(&self, filter: TopicFilter<'_>) -> &[T] {
        let node = self.trie.find(path(filter));
        let bucket = node.and_then(|node| self.trie.value(self.trie.node(node)));
        bucket.map_or(&[], Bucket::items)
    }

    /// Visits the value of every filter that matches `topic`, in no particular order.
    #[inline]
    pub fn for_each_match(&self, topic: TopicName<'_>, mut visit: impl FnMut(&T)) {
        let mut walk = Walk::new(self, topic);
        while let Some(items) = walk.next() {
            items.iter().for_each(&mut visit);
        }
    }

    /// Whether any filter matches `topic`.
    #[must_use]
    pub fn any_match(&self, topic: TopicName<'_>) -> bool {
        Walk::new(self, topic).next().is_some()
    }
}

impl<T: Eq + Hash> FilterTree<T> {
    /// Adds a value under a filter; false if it is there.
    pub fn insert(&mut self, filter: TopicFilter<'_>, value: T) -> bool {
        let new = match self.trie.slot(path(filter)) {
            Some(bucket) => bucket.insert(value),
            empty => {
                *empty = Some(Bucket::One(value));
                true
            }
        };
        self.len += usize::from(new);
        new
    }

    /// Takes a value from under a filter; false if it was not there.
    pub fn remove(&mut self, filter: TopicFilter<'_>, value: &T) -> bool {
        let Some(node) = self.trie.find(path(filter)) else {
            return false;
        };
        let Some(bucket) = self.trie.value_at_mut(node) else {
            return false;
        };
        let removed = if bucket.is_only(value) {
            self.trie.remove(path(filter)).is_some()
        } else {
            bucket.remove(value)
        };
        self.len -= usize::from(removed);
        removed
    }
}

impl<T> Default for FilterTree<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// A walk over every node that the topic can reach, depth first, with its own stack: the depth of
/// a hostile topic costs heap, never the thread's stack.
struct Walk<'t, 'n, T> {
    tree: &'t FilterTree<T>,
    levels: crate::Levels<'n>,
    /// The interned levels of the topic as far as a walk got. `None`: no filter has that level.
    ids: SmallVec<[Option<LevelId>; 32]>,
    /// Nodes to visit, each with its depth.
    todo: SmallVec<[(NodeId, u32); 32]>,
    /// What ends here and is handed out next.
    pending: Option<&'t Node>,
    dollar: bool,
}

impl<'t, 'n, T> Walk<'t, 'n, T> {
    fn new(tree: &'t FilterTree<T>, topic: TopicName<'n>) -> Self {
        let mut todo = SmallVec::new();
        todo.push((ROOT, 0));
        Self {
            tree,
            levels: topic.levels(),
            ids: SmallVec::new(),
            todo,
            pending: None,
            dollar: topic.is_dollar(),
        }
    }

    /// The values of the next filter that matches.
    #[inline]
    fn next(&mut self) -> Option<&'t [T]> {
        let trie = &self.tree.trie;
        loop {
            if let Some(bucket) = self.pending.take().and_then(|node| trie.value(node)) {
                return Some(bucket.items());
            }
            let (id, depth) = self.todo.pop()?;
            let node = trie.node(id);
            let wild = !(depth == 0 && self.dollar);
            match self.level(depth as usize) {
                None => self.pending = Some(node),
                Some(level) => {
                    if let Some(next) = node.plus().filter(|_| wild) {
                        self.todo.push((next, depth + 1));
                    }
                    if let Some(next) = level.and_then(|level| node.child(level)) {
                        self.todo.push((next, depth + 1));
                    }
                }
            }
            // A `#` here matches whatever follows, and nothing too.
            if let Some(hash) = node.hash().filter(|_| wild)
                && let Some(bucket) = trie.value(trie.node(hash))
            {
                return Some(bucket.items());
            }
        }
    }

    /// The level of the topic at `depth`, looked up once; `None` behind the last.
    #[inline]
    fn level(&mut self, depth: usize) -> Option<Option<LevelId>> {
        if let Some(&known) = self.ids.get(depth) {
            return Some(known);
        }
        let id = self.tree.trie.interner().lookup(self.levels.next()?);
        self.ids.push(id);
        Some(id)
    }
}

fn path(filter: TopicFilter<'_>) -> impl Iterator<Item = Edge<'_>> {
    filter.levels().map(|level| match level {
        "+" => Edge::Plus,
        "#" => Edge::Hash,
        level => Edge::Level(level),
    })
}
