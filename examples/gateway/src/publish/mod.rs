//! From the journal to a broker: each uplink reads at its own pace and moves its own position.
//!
//! ```text
//!  journal --reader--> chunk --> Pump: window of messages on their way --Link--> broker
//!     ^                                   |            | refused
//!     '------- position: all before ------'            '----> dead letters
//! ```

mod dead;
mod pump;

pub(crate) use dead::DeadLetters;
pub(crate) use pump::{Closed, Link, Pump, Verdict};
