//! The shared skeleton of both trees.

use smallvec::SmallVec;

use super::children::Children;
use super::interner::{Interner, LevelId};

/// The place of a node in the arena.
pub(crate) type NodeId = u32;

/// No node, no value.
pub(crate) const NONE: u32 = u32::MAX;

/// The node where every walk begins.
pub(crate) const ROOT: NodeId = 0;

/// Below this many places nothing is gained by giving memory back.
const SMALL: usize = 1024;

/// One step of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edge<'a> {
    Level(&'a str),
    Plus,
    Hash,
}

/// Paths to values, with the nodes in one arena, the values in another, and the levels interned.
///
/// When three quarters of an arena are empty, everything is packed into new ones: memory follows
/// the content down, at a cost that is constant per removal on average.
#[derive(Clone, Debug)]
pub(crate) struct Trie<V> {
    nodes: Vec<Node>,
    free_nodes: Vec<NodeId>,
    values: Vec<Option<V>>,
    free_values: Vec<u32>,
    interner: Interner,
}

/// 32 bytes: two to a cache line.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    children: Children,
    plus: NodeId,
    hash: NodeId,
    value: u32,
}

impl<V> Trie<V> {
    pub(crate) fn new() -> Self {
        Self {
            nodes: vec![Node::EMPTY],
            free_nodes: Vec::new(),
            values: Vec::new(),
            free_values: Vec::new(),
            interner: Interner::default(),
        }
    }

    pub(crate) fn interner(&self) -> &Interner {
        &self.interner
    }

    #[inline]
    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    /// The value at a node.
    #[inline]
    pub(crate) fn value(&self, node: &Node) -> Option<&V> {
        // NONE is beyond every arena.
        self.values.get(node.value as usize)?.as_ref()
    }

    /// The number of values.
    pub(crate) fn len(&self) -> usize {
        self.values.len() - self.free_values.len()
    }

    /// The node at the end of a path.
    pub(crate) fn find<'p>(&self, path: impl Iterator<Item = Edge<'p>>) -> Option<NodeId> {
        let mut at = ROOT;
        for edge in path {
            at = self.follow(at, edge)?;
        }
        Some(at)
    }

    pub(crate) fn value_at_mut(&mut self, node: NodeId) -> Option<&mut V> {
        let value = self.nodes[node as usize].value;
        self.values.get_mut(value as usize)?.as_mut()
    }

    /// The place for the value of a path, made if need be. It must be filled.
    ///
    /// # Panics
    /// Past `u32::MAX - 1` nodes, which is 128 GiB of them.
    pub(crate) fn slot<'p>(&mut self, path: impl Iterator<Item = Edge<'p>>) -> &mut Option<V> {
        let mut at = ROOT;
        for edge in path {
            at = match self.follow(at, edge) {
                Some(next) => next,
                None => self.grow(at, edge),
            };
        }
        let node = &mut self.nodes[at as usize];
        if node.value == NONE {
            node.value = self.free_values.pop().unwrap_or_else(|| {
                self.values.push(None);
                (self.values.len() - 1) as u32
            });
        }
        &mut self.values[node.value as usize]
    }

    /// Takes the value of a path, and every node that was there for it alone.
    pub(crate) fn remove<'p>(&mut self, path: impl Iterator<Item = Edge<'p>>) -> Option<V> {
        let mut trail: SmallVec<[(NodeId, Edge<'p>); 16]> = SmallVec::new();
        let mut at = ROOT;
        for edge in path {
            trail.push((at, edge));
            at = self.follow(at, edge)?;
        }
        let place = std::mem::replace(&mut self.nodes[at as usize].value, NONE);
        let value = self.values.get_mut(place as usize)?.take();
        self.free_values.push(place);
        while let Some((parent, edge)) = trail.pop() {
            if !self.nodes[at as usize].is_bare() {
                break;
            }
            self.cut(parent, edge, at);
            at = parent;
        }
        if self.is_wasteful() {
            self.pack();
        }
        value
    }

    fn follow(&self, from: NodeId, edge: Edge<'_>) -> Option<NodeId> {
        let node = self.node(from);
        match edge {
            Edge::Level(text) => node.child(self.interner.lookup(text)?),
            Edge::Plus => node.plus(),
            Edge::Hash => node.hash(),
        }
    }

    fn grow(&mut self, from: NodeId, edge: Edge<'_>) -> NodeId {
        let id = self.free_nodes.pop().unwrap_or_else(|| {
            let id = NodeId::try_from(self.nodes.len()).unwrap_or(NONE);
            assert!(id != NONE, "a tree holds fewer than 2^32 - 1 nodes");
            self.nodes.push(Node::EMPTY);
            id
        });
        let parent = &mut self.nodes[from as usize];
        match edge {
            Edge::Level(text) => parent.children.insert(self.interner.acquire(text), id),
            Edge::Plus => parent.plus = id,
            Edge::Hash => parent.hash = id,
        }
        id
    }

    fn cut(&mut self, parent: NodeId, edge: Edge<'_>, child: NodeId) {
        let parent = &mut self.nodes[parent as usize];
        match edge {
            Edge::Level(text) => {
                if let Some(level) = self.interner.lookup(text) {
                    parent.children.remove(level);
                    self.interner.release(level);
                }
            }
            Edge::Plus => parent.plus = NONE,
            Edge::Hash => parent.hash = NONE,
        }
        self.free_nodes.push(child);
    }

    fn is_wasteful(&self) -> bool {
        let wasteful = |slots: usize, used: usize| slots > SMALL && used * 4 < slots;
        wasteful(self.nodes.len(), self.nodes.len() - self.free_nodes.len())
            || wasteful(self.values.len(), self.len())
            || wasteful(self.interner.slots(), self.interner.len())
    }

    /// Moves everything into arenas without gaps, nodes in the order in which a walk meets them.
    fn pack(&mut self) {
        let levels = self.interner.compact();
        let mut old = std::mem::take(&mut self.nodes);
        let mut nodes = Vec::with_capacity(old.len() - self.free_nodes.len());
        let mut values = Vec::with_capacity(self.len());
        let mut take = |nodes: &mut Vec<Node>, id: NodeId| {
            if id == NONE {
                return NONE;
            }
            nodes.push(std::mem::replace(&mut old[id as usize], Node::EMPTY));
            (nodes.len() - 1) as NodeId
        };
        take(&mut nodes, ROOT);
        let mut at = 0;
        while at < nodes.len() {
            let node = std::mem::replace(&mut nodes[at], Node::EMPTY);
            let mut moved = Node::EMPTY;
            moved.plus = take(&mut nodes, node.plus);
            moved.hash = take(&mut nodes, node.hash);
            node.children.for_each(|level, child| {
                let child = take(&mut nodes, child);
                moved.children.insert(levels[level as usize], child);
            });
            if node.value != NONE {
                moved.value = values.len() as u32;
                values.push(self.values[node.value as usize].take());
            }
            nodes[at] = moved;
            at += 1;
        }
        self.nodes = nodes;
        self.values = values;
        self.free_nodes = Vec::new();
        self.free_values = Vec::new();
    }
}

impl Node {
    const EMPTY: Self = Self {
        children: Children::None,
        plus: NONE,
        hash: NONE,
        value: NONE,
    };

    #[inline]
    pub(crate) fn child(&self, level: LevelId) -> Option<NodeId> {
        self.children.get(level)
    }

    #[inline]
    pub(crate) fn children(&self) -> &Children {
        &self.children
    }

    #[inline]
    pub(crate) fn plus(&self) -> Option<NodeId> {
        (self.plus != NONE).then_some(self.plus)
    }

    #[inline]
    pub(crate) fn hash(&self) -> Option<NodeId> {
        (self.hash != NONE).then_some(self.hash)
    }

    fn is_bare(&self) -> bool {
        self.value == NONE && self.plus == NONE && self.hash == NONE && self.children.is_empty()
    }
}
