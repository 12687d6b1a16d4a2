//! Drivers.
#![forbid(unsafe_code)]
mod driver;
mod reconnect;
pub mod s7;

pub use driver::{Confirm, Driver, TagFault};
pub use reconnect::{Backoff, Reconnect, State};
