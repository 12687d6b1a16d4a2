//! What one session may do.

mod explain;
mod request;
mod session;

pub use explain::{Explanation, Reason, RuleRef, Step};
pub use request::{Decision, Request};
pub use session::{SessionError, SessionRights};
