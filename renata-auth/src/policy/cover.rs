//! One filter through the trees: what subscribing asks, exactly.
//!
//! A subscription is allowed iff the allows cover it and no deny meets it. Both are questions about
//! sets of topics, answered level by level with all nodes that are still possible, over the trees
//! of all roles at once. `#` is read as `+/#` and `/#` as `/+/#`: they mean the same, because the
//! parent that they would add is no topic.

use renata_topics::TopicFilter;
use smallvec::SmallVec;

use super::action::Bit;
use super::forest::{Forest, LevelId, NONE, NodeId};
use super::placeholder::Values;

/// The nodes that are still possible. Each is reached on one path only, so none is there twice.
type States = SmallVec<[NodeId; 16]>;

/// A filter taken apart once for all trees.
pub(crate) struct FilterLevels<'a> {
    levels: SmallVec<[Level<'a>; 32]>,
    hash: bool,
}

#[derive(Clone, Copy)]
enum Level<'a> {
    Literal(&'a str, LevelId),
    Plus,
}

impl<'a> FilterLevels<'a> {
    pub(crate) fn new(forest: &Forest, filter: TopicFilter<'a>) -> Self {
        let mut levels = SmallVec::new();
        let mut hash = false;
        for level in filter.levels() {
            match level {
                "#" => hash = true,
                "+" => levels.push(Level::Plus),
                text => levels.push(Level::Literal(text, forest.levels.lookup(text))),
            }
        }
        if hash && matches!(levels[..], [] | [Level::Literal("", _)]) {
            levels.push(Level::Plus);
        }
        Self { levels, hash }
    }

    /// The levels, each with whether a wildcard of a rule can stand for it: at level 0 it cannot
    /// stand for a name that begins with `$`.
    fn iter(&self) -> impl Iterator<Item = (Level<'a>, bool)> {
        let levels = self.levels.iter().enumerate();
        levels.map(|(depth, &level)| match level {
            Level::Literal(text, _) => (level, depth > 0 || !text.starts_with('$')),
            Level::Plus => (level, true),
        })
    }
}

impl Forest {
    /// Whether the allows of these trees together cover the filter, for this kind of message.
    ///
    /// Without `#` one rule must cover it. `p/#` is p, p/+, p/+/+ and so on: for some j one rule
    /// must cover `p/+^j/#`, and one rule each of p .. `p/+^(j-1)`.
    pub(crate) fn covered(
        &self,
        roots: impl Iterator<Item = NodeId>,
        filter: &FilterLevels<'_>,
        values: &Values,
        bit: Bit,
    ) -> bool {
        let mut states: States = roots.filter(|&root| root != NONE).collect();
        for (level, wild) in filter.iter() {
            if wild && self.any(&states, |node| node.below.allow.has(bit)) {
                return true;
            }
            states = self.step(&states, |node, next| match level {
                Level::Plus => next.extend(node.plus()),
                Level::Literal(text, id) => {
                    next.extend(node.literals.get(id));
                    next.extend(node.plus().filter(|_| wild));
                    next.extend(node.vars_like(text, values));
                }
            });
        }
        loop {
            if self.any(&states, |node| node.below.allow.has(bit)) {
                return true;
            }
            let here = self.any(&states, |node| node.here.allow.has(bit));
            if !filter.hash || !here {
                return here;
            }
            states = self.step(&states, |node, next| next.extend(node.plus()));
        }
    }

    /// Whether a deny of these trees matches some topic that the filter matches too.
    pub(crate) fn denied(
        &self,
        roots: impl Iterator<Item = NodeId>,
        filter: &FilterLevels<'_>,
        values: &Values,
        bit: Bit,
    ) -> bool {
        let mut states: States = roots.filter(|&root| root != NONE).collect();
        for (depth, (level, wild)) in filter.iter().enumerate() {
            if wild && self.any(&states, |node| node.below.deny.has(bit)) {
                return true;
            }
            states.retain(|id| self.node(*id).denies_below.has(bit));
            states = self.step(&states, |node, next| match level {
                Level::Plus => {
                    next.extend(node.plus());
                    next.extend(node.vars.iter().map(|&(_, node)| node));
                    node.literals.for_each(|level, node| {
                        if depth > 0 || !self.levels.dollar[level as usize] {
                            next.push(node);
                        }
                    });
                }
                Level::Literal(text, id) => {
                    next.extend(node.literals.get(id));
                    next.extend(node.plus().filter(|_| wild));
                    next.extend(node.vars_like(text, values));
                }
            });
        }
        self.any(&states, |node| {
            let ends = node.here.deny.has(bit) || node.below.deny.has(bit);
            ends || (filter.hash && node.denies_below.has(bit))
        })
    }

    fn any(&self, states: &[NodeId], what: impl Fn(&super::forest::Node) -> bool) -> bool {
        states.iter().any(|&id| what(self.node(id)))
    }

    fn step(&self, states: &[NodeId], go: impl Fn(&super::forest::Node, &mut States)) -> States {
        let mut next = States::new();
        for &id in states {
            go(self.node(id), &mut next);
        }
        next
    }
}

impl super::forest::Node {
    fn plus(&self) -> Option<NodeId> {
        (self.plus != NONE).then_some(self.plus)
    }

    fn vars_like(&self, text: &str, values: &Values) -> impl Iterator<Item = NodeId> {
        let like = |var: u16| values[usize::from(var)].as_deref() == Some(text);
        self.vars
            .iter()
            .filter(move |edge| like(edge.0))
            .map(|edge| edge.1)
    }
}
