//! Siemens S7.
pub mod address;
mod fault;
pub mod pdu;
pub mod plan;
pub mod types;

pub use address::{Address, AddressError, Area, Tag};
pub use fault::ItemError;
pub use plan::{Answers, Budget, Cost, Plan};
