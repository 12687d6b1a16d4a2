//! The compiled form: one tree per role and action, all in one arena.

use rustc_hash::FxHashMap;

use super::action::{Action, Mask};
use super::placeholder::VarId;

pub(crate) type NodeId = u32;
pub(crate) type LevelId = u32;

/// No node, no level.
pub(crate) const NONE: u32 = u32::MAX;

/// The trees of every role and action. The edges of a node are literals (as interned levels), `+`,
/// and placeholders, which compare with the session's value while a walk goes on: one tree serves
/// every client. `#` needs no edge: it is a second pair of masks in the node.
#[derive(Debug, Default)]
pub(crate) struct Forest {
    pub(crate) nodes: Vec<Node>,
    pub(crate) levels: Levels,
    /// By role, then by action.
    roots: Vec<[NodeId; Action::ALL.len()]>,
}

/// The level names of the policy. Its author is trusted, so the hash needs no secret: a topic can
/// only look names up, never add one.
#[derive(Debug, Default)]
pub(crate) struct Levels {
    ids: FxHashMap<Box<str>, LevelId>,
    /// By level: whether it begins with `$`.
    pub(crate) dollar: Vec<bool>,
}

#[derive(Debug)]
pub(crate) struct Node {
    /// Rules that end here.
    pub(crate) here: Masks,
    /// Rules that end here with `/#`.
    pub(crate) below: Masks,
    /// Denies whose topics lie below here, `below` included: a walk that looks for one skips
    /// everything else.
    pub(crate) denies_below: Mask,
    pub(crate) plus: NodeId,
    pub(crate) literals: Literals,
    pub(crate) vars: Vec<(VarId, NodeId)>,
}

/// For which kinds of message a place is allowed and denied.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Masks {
    pub(crate) allow: Mask,
    pub(crate) deny: Mask,
}

/// The literal edges of a node.
#[derive(Debug)]
pub(crate) enum Literals {
    Few(Vec<(LevelId, NodeId)>),
    Many(FxHashMap<LevelId, NodeId>),
}

/// Up to here a look through the list is as fast as a hash.
const FEW: usize = 8;

impl Forest {
    /// The tree of a role and an action; [`NONE`] if the role says nothing about it.
    #[inline]
    pub(crate) fn root(&self, role: u16, action: Action) -> NodeId {
        self.roots[usize::from(role)][action as usize]
    }

    #[inline]
    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    pub(crate) fn add_role(&mut self) -> u16 {
        self.roots.push([NONE; Action::ALL.len()]);
        (self.roots.len() - 1) as u16
    }

    pub(crate) fn root_or_new(&mut self, role: u16, action: Action) -> NodeId {
        if self.root(role, action) == NONE {
            self.roots[usize::from(role)][action as usize] = self.add_node();
        }
        self.root(role, action)
    }

    pub(crate) fn add_node(&mut self) -> NodeId {
        self.nodes.push(Node {
            here: Masks::default(),
            below: Masks::default(),
            denies_below: Mask::NONE,
            plus: NONE,
            literals: Literals::Few(Vec::new()),
            vars: Vec::new(),
        });
        (self.nodes.len() - 1) as NodeId
    }
}

impl Levels {
    #[inline]
    pub(crate) fn lookup(&self, text: &str) -> LevelId {
        self.ids.get(text).copied().unwrap_or(NONE)
    }

    pub(crate) fn intern(&mut self, text: &str) -> LevelId {
        let next = self.dollar.len() as LevelId;
        let id = *self.ids.entry(text.into()).or_insert(next);
        if id == next {
            self.dollar.push(text.starts_with('$'));
        }
        id
    }
}

impl Literals {
    #[inline]
    pub(crate) fn get(&self, level: LevelId) -> Option<NodeId> {
        match self {
            Self::Few(few) => few.iter().find(|edge| edge.0 == level).map(|edge| edge.1),
            Self::Many(many) => many.get(&level).copied(),
        }
    }

    pub(crate) fn insert(&mut self, level: LevelId, node: NodeId) {
        match self {
            Self::Few(few) if few.len() < FEW => few.push((level, node)),
            Self::Few(few) => {
                let mut many: FxHashMap<_, _> = few.drain(..).collect();
                many.insert(level, node);
                *self = Self::Many(many);
            }
            Self::Many(many) => {
                many.insert(level, node);
            }
        }
    }

    pub(crate) fn for_each(&self, mut visit: impl FnMut(LevelId, NodeId)) {
        match self {
            Self::Few(few) => few.iter().for_each(|&(level, node)| visit(level, node)),
            Self::Many(many) => many.iter().for_each(|(&level, &node)| visit(level, node)),
        }
    }
}
