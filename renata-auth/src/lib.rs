#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
// Without the language nobody writes placeholders, patterns or conditions.
#![cfg_attr(not(feature = "toml"), allow(dead_code))]

// In reading order: who a client is, what a policy says, what that comes to for one session.
mod identity;
mod policy;
mod rights;

#[cfg(feature = "x509")]
pub use identity::Extractor;
pub use identity::{Field, IdentityError, Origin, Principal, ValueProblem};
pub use policy::{Action, Effect, LivePolicy, Placeholder, Policy, PolicyError, Problem};
pub use rights::{
    Decision, Explanation, Reason, Request, RuleRef, SessionError, SessionRights, Step,
};
