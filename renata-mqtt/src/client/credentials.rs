//! Who the client says it is.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

/// A username and a password for one connect. `Debug` hides the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub(super) username: String,
    pub(super) password: Option<Bytes>,
}

impl Credentials {
    /// A username with a password, which may be a token.
    #[must_use]
    pub fn password(username: impl Into<String>, password: impl Into<Bytes>) -> Self {
        Self {
            username: username.into(),
            password: Some(password.into()),
        }
    }

    /// A username alone.
    #[must_use]
    pub fn username(username: impl Into<String>) -> Self {
        Self {
            username: username.into(),
            password: None,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "hidden"))
            .finish()
    }
}

/// What a [`CredentialsProvider`] returns.
pub type CredentialsFuture<'a> = Pin<
    Box<
        dyn Future<Output = Result<Credentials, Box<dyn std::error::Error + Send + Sync>>>
            + Send
            + 'a,
    >,
>;

/// Asked before each connect, so that tokens can be renewed and passwords rotated.
///
/// An error counts as a failed attempt to connect; the client asks again after its backoff.
pub trait CredentialsProvider: Send + Sync + 'static {
    /// Credentials for the connect that comes next.
    fn credentials(&self) -> CredentialsFuture<'_>;
}

/// Always the same.
impl CredentialsProvider for Credentials {
    fn credentials(&self) -> CredentialsFuture<'_> {
        Box::pin(std::future::ready(Ok(self.clone())))
    }
}

impl<P: CredentialsProvider + ?Sized> CredentialsProvider for Arc<P> {
    fn credentials(&self) -> CredentialsFuture<'_> {
        (**self).credentials()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_tell_the_password() {
        let text = format!("{:?}", Credentials::password("gw", "s3cret"));
        assert!(text.contains("gw") && !text.contains("s3cret"), "{text}");
    }
}
