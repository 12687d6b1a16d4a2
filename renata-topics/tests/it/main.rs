//! The public behaviour of renata-topics.

mod algebra;
mod alloc;
mod model;
mod names;
mod template;
mod trees;
