//! The policy: read, compiled, asked.
//!
//! ```text
//!  TOML --parse--> Role, Rule, Binding --compile--> Forest: a tree per role and action
//!                         |                            |
//!                    linear (explain)            walk (topics), cover (filters)
//! ```

mod action;
mod compile;
mod cover;
mod forest;
pub(crate) mod linear;
mod live;
mod model;
#[cfg(feature = "toml")]
mod parse;
mod pattern;
mod placeholder;
mod problem;
mod walk;

use std::sync::Arc;

pub use action::{Action, Effect};
pub(crate) use action::{ActionSet, Bit, Mask};
pub(crate) use cover::FilterLevels;
pub(crate) use forest::Forest;
pub use live::LivePolicy;
pub(crate) use model::{Binding, Role};
pub use placeholder::Placeholder;
pub(crate) use placeholder::Values;
pub use problem::{PolicyError, Problem};
pub(crate) use walk::TopicLevels;

use crate::identity::Principal;
use crate::rights::{SessionError, SessionRights};

/// Who may do what: roles with rules, and which principal has which role.
///
/// A policy never changes once it is built, and is shared between threads as `Arc<Policy>`. What
/// it says about one client is [`session`](Self::session).
///
/// Deny overrides allow, and what no rule allows is denied; there is no switch for either.
#[derive(Debug)]
pub struct Policy {
    pub(crate) file: Box<str>,
    pub(crate) roles: Vec<Role>,
    pub(crate) bindings: Vec<Binding>,
    pub(crate) placeholders: Vec<Placeholder>,
    pub(crate) forest: Forest,
    pub(crate) epoch: u64,
}

impl Policy {
    /// Reads a policy; `file` is the name that problems and explanations give.
    ///
    /// ```
    /// use renata_auth::Policy;
    /// let error = Policy::from_toml("[[bindings]]\nrole = [\"x\"]\n", "policy.toml").unwrap_err();
    /// assert!(error.to_string().starts_with("policy.toml:2:1: unknown field `role`"));
    /// ```
    ///
    /// # Errors
    /// Everything that is wrong, each problem with its place and its remedy. There is no policy
    /// that is half understood.
    #[cfg(feature = "toml")]
    pub fn from_toml(text: &str, file: &str) -> Result<Self, PolicyError> {
        let read = parse::parse(text, file)?;
        Ok(Self::build(
            file,
            read.roles,
            read.bindings,
            read.placeholders,
        ))
    }

    /// The policy that denies everything: what an empty file says.
    #[must_use]
    pub fn deny_all() -> Self {
        Self::build("(deny all)", Vec::new(), Vec::new(), Vec::new())
    }

    /// The policy that lets anonymous clients do everything outside of `$`, and read `$SYS`.
    #[must_use]
    pub fn allow_anonymous() -> Self {
        let (role, binding) = model::allow_anonymous();
        Self::build("(allow anonymous)", vec![role], vec![binding], Vec::new())
    }

    fn build(
        file: &str,
        roles: Vec<Role>,
        bindings: Vec<Binding>,
        placeholders: Vec<Placeholder>,
    ) -> Self {
        Self {
            file: file.into(),
            forest: compile::compile(&roles),
            roles,
            bindings,
            placeholders,
            epoch: 1,
        }
    }

    /// Which version this is: 1 for a policy by itself, counted up by [`LivePolicy`].
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The names of the roles.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.roles.iter().map(|role| &*role.name)
    }

    /// What the policy says about one client: its roles are looked up here, once.
    ///
    /// A client without a role is no error: it may do nothing, not even connect.
    ///
    /// # Errors
    /// A client id that does not pass the gate, or a value that a rule of its roles would put into
    /// a topic and that is missing for a deny or must not stand in a topic. Refuse the connection.
    pub fn session(
        self: &Arc<Self>,
        principal: &Principal,
        client_id: &str,
    ) -> Result<SessionRights, SessionError> {
        SessionRights::resolve(self, principal, client_id)
    }
}
