//! The policy in force, replaced as a whole.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::Policy;
#[cfg(feature = "toml")]
use super::PolicyError;

/// The policy in force. A reload replaces it as a whole or not at all.
///
/// Whoever keeps [`SessionRights`](crate::SessionRights) compares their epoch with
/// [`epoch`](Self::epoch), one atomic read, and asks for new rights when it has moved on.
///
/// ```
/// use renata_auth::{LivePolicy, Policy};
/// let live = LivePolicy::new(Policy::allow_anonymous());
/// assert!(live.reload("this is no policy", "policy.toml").is_err());
/// assert_eq!(live.epoch(), 1, "the old one stays in force");
/// live.reload("", "policy.toml")?;
/// assert_eq!(live.epoch(), 2);
/// # Ok::<(), renata_auth::PolicyError>(())
/// ```
#[derive(Debug)]
pub struct LivePolicy {
    current: RwLock<Arc<Policy>>,
    epoch: AtomicU64,
}

impl LivePolicy {
    /// Puts a first policy in force.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            epoch: AtomicU64::new(policy.epoch),
            current: RwLock::new(Arc::new(policy)),
        }
    }

    /// The policy in force.
    #[must_use]
    pub fn current(&self) -> Arc<Policy> {
        // The lock guards one pointer: a thread that panicked cannot have left it half changed.
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    /// The epoch of the policy in force.
    #[inline]
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Replaces the policy; returns the new epoch.
    pub fn replace(&self, mut policy: Policy) -> u64 {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        policy.epoch = current.epoch + 1;
        let epoch = policy.epoch;
        *current = Arc::new(policy);
        self.epoch.store(epoch, Ordering::Release);
        epoch
    }

    /// Reads and compiles a policy aside, then puts it in force; returns the new epoch.
    ///
    /// # Errors
    /// Everything that is wrong with the text; the policy in force stays.
    #[cfg(feature = "toml")]
    pub fn reload(&self, text: &str, file: &str) -> Result<u64, PolicyError> {
        Ok(self.replace(Policy::from_toml(text, file)?))
    }
}
