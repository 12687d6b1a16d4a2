//! The children of one node: nothing, one in place, a few side by side, or a hash table.

use rustc_hash::FxHashMap;

use super::interner::LevelId;
use super::trie::NodeId;

/// Which node follows on which level, in the smallest form that holds them. 16 bytes.
#[derive(Clone, Debug, Default)]
pub(crate) enum Children {
    #[default]
    None,
    One(LevelId, NodeId),
    Few(Box<Few>),
    Many(Box<FxHashMap<LevelId, NodeId>>),
}

/// Up to eight children, the levels in one half of a cache line, sorted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Few {
    levels: [LevelId; FEW],
    nodes: [NodeId; FEW],
    len: usize,
}

const FEW: usize = 8;

/// A table that shrinks to this many goes back to a small array: half of what made it a table, so
/// that one child coming and going does not rebuild it each time.
const FEW_AGAIN: usize = FEW / 2;

impl Children {
    #[inline]
    pub(crate) fn get(&self, level: LevelId) -> Option<NodeId> {
        match self {
            Self::None => None,
            Self::One(only, node) => (*only == level).then_some(*node),
            Self::Few(few) => few.find(level).ok().map(|at| few.nodes[at]),
            Self::Many(table) => table.get(&level).copied(),
        }
    }

    /// Adds a child on a level that has none.
    pub(crate) fn insert(&mut self, level: LevelId, node: NodeId) {
        match self {
            Self::None => *self = Self::One(level, node),
            Self::One(other, sibling) => {
                let mut few = Few::default();
                few.insert(*other, *sibling);
                few.insert(level, node);
                *self = Self::Few(Box::new(few));
            }
            Self::Few(few) if few.len < FEW => few.insert(level, node),
            Self::Few(few) => {
                let mut table: FxHashMap<_, _> = few.iter().collect();
                table.insert(level, node);
                *self = Self::Many(Box::new(table));
            }
            Self::Many(table) => {
                table.insert(level, node);
            }
        }
    }

    pub(crate) fn remove(&mut self, level: LevelId) {
        match self {
            Self::None => {}
            Self::One(only, _) => {
                if *only == level {
                    *self = Self::None;
                }
            }
            Self::Few(few) => {
                few.remove(level);
                if let [(level, node)] = few.iter().collect::<Vec<_>>()[..] {
                    *self = Self::One(level, node);
                }
            }
            Self::Many(table) => {
                table.remove(&level);
                if table.len() <= FEW_AGAIN {
                    let mut few = Few::default();
                    for (&level, &node) in table.iter() {
                        few.insert(level, node);
                    }
                    *self = Self::Few(Box::new(few));
                } else if table.len() * 8 < table.capacity() {
                    table.shrink_to_fit();
                }
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::None)
    }

    pub(crate) fn for_each(&self, mut visit: impl FnMut(LevelId, NodeId)) {
        match self {
            Self::None => {}
            Self::One(level, node) => visit(*level, *node),
            Self::Few(few) => few.iter().for_each(|(level, node)| visit(level, node)),
            Self::Many(table) => table.iter().for_each(|(&level, &node)| visit(level, node)),
        }
    }
}

impl Few {
    fn find(&self, level: LevelId) -> Result<usize, usize> {
        self.levels[..self.len].binary_search(&level)
    }

    fn insert(&mut self, level: LevelId, node: NodeId) {
        let Err(at) = self.find(level) else { return };
        self.levels.copy_within(at..self.len, at + 1);
        self.nodes.copy_within(at..self.len, at + 1);
        (self.levels[at], self.nodes[at]) = (level, node);
        self.len += 1;
    }

    fn remove(&mut self, level: LevelId) {
        let Ok(at) = self.find(level) else { return };
        self.levels.copy_within(at + 1..self.len, at);
        self.nodes.copy_within(at + 1..self.len, at);
        self.len -= 1;
    }

    fn iter(&self) -> impl Iterator<Item = (LevelId, NodeId)> {
        std::iter::zip(self.levels, self.nodes).take(self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_finds_what_it_holds_growing_and_shrinking() {
        let mut children = Children::default();
        // Not in order, so that the sorted form has to sort.
        let levels: Vec<LevelId> = (0..40).map(|n| n * 17 % 41).collect();
        for (n, &level) in levels.iter().enumerate() {
            children.insert(level, level + 1000);
            for (m, &other) in levels.iter().enumerate() {
                assert_eq!(children.get(other), (m <= n).then_some(other + 1000));
            }
        }
        for (n, &level) in levels.iter().enumerate() {
            children.remove(level);
            let mut seen = Vec::new();
            children.for_each(|level, node| seen.push((level, node)));
            seen.sort_unstable();
            let mut left: Vec<_> = levels[n + 1..].iter().map(|&l| (l, l + 1000)).collect();
            left.sort_unstable();
            assert_eq!(seen, left);
            assert!(left.iter().all(|&(l, node)| children.get(l) == Some(node)));
        }
        assert!(children.is_empty());
    }

    #[test]
    fn a_node_pays_sixteen_bytes() {
        assert_eq!(size_of::<Children>(), 16);
    }
}
