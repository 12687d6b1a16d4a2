//! One topic through a tree: what publishing and delivering ask.

use renata_topics::TopicName;
use smallvec::SmallVec;

use super::action::Bit;
use super::forest::{Forest, LevelId, Masks, NONE, NodeId};
use super::placeholder::Values;

/// A topic taken apart once for all trees: each level as text, for placeholders, and as the number
/// that the policy knows it by.
pub(crate) struct TopicLevels<'a> {
    levels: SmallVec<[(&'a str, LevelId); 32]>,
    dollar: bool,
}

impl<'a> TopicLevels<'a> {
    #[inline]
    pub(crate) fn new(forest: &Forest, topic: TopicName<'a>) -> Self {
        let level = |level| (level, forest.levels.lookup(level));
        Self {
            levels: topic.levels().map(level).collect(),
            dollar: topic.is_dollar(),
        }
    }
}

impl Forest {
    /// What the rules of a tree that match the topic say, all together. Stops early once a deny
    /// has decided about `bit`.
    #[inline]
    pub(crate) fn masks(
        &self,
        root: NodeId,
        topic: &TopicLevels<'_>,
        values: &Values,
        bit: Bit,
    ) -> Masks {
        let mut found = Masks::default();
        let mut todo: SmallVec<[(NodeId, u32); 32]> = SmallVec::new();
        if root != NONE {
            todo.push((root, 0));
        }
        while let Some((id, depth)) = todo.pop() {
            let node = self.node(id);
            // A wildcard at level 0 skips topics that begin with `$`.
            let wild = depth > 0 || !topic.dollar;
            if wild {
                found.add(node.below);
            }
            let Some(&(text, level)) = topic.levels.get(depth as usize) else {
                found.add(node.here);
                continue;
            };
            if found.deny.has(bit) {
                break;
            }
            if wild && node.plus != NONE {
                todo.push((node.plus, depth + 1));
            }
            for &(var, next) in &node.vars {
                if values[usize::from(var)].as_deref() == Some(text) {
                    todo.push((next, depth + 1));
                }
            }
            if level != NONE
                && let Some(next) = node.literals.get(level)
            {
                todo.push((next, depth + 1));
            }
        }
        found
    }
}

impl Masks {
    #[inline]
    pub(crate) fn add(&mut self, other: Self) {
        self.allow.add(other.allow);
        self.deny.add(other.deny);
    }
}
