//! The trees: many filters against one topic, one filter against many topics.
//!
//! Both stand on one [`Trie`](trie::Trie): nodes in an arena, levels interned, children of a node
//! in the smallest form that holds them.

mod bucket;
mod children;
mod filter_tree;
mod interner;
mod topic_tree;
mod trie;

pub use filter_tree::FilterTree;
pub use topic_tree::TopicTree;
