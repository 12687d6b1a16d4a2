#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

// In reading order: what is said about one text, about two, about a plant, about a million.
mod error;
mod limits;
mod scan;

mod filter;
mod levels;
mod name;

mod algebra;

mod class;
mod plant;
mod template;

mod tree;

pub use algebra::{covers, meet, meets, union_covers};
pub use class::TopicClass;
pub use error::TopicError;
pub use filter::{TopicFilter, TopicFilterBuf};
pub use levels::Levels;
pub use limits::Limits;
pub use name::{TopicName, TopicNameBuf};
pub use plant::{PlantTopic, PlantTopicError};
pub use template::{Fields, Template, TemplateError};
pub use tree::{FilterTree, TopicTree};
