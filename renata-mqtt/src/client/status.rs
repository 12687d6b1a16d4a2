//! Whether the client is connected, to look at or to wait for.

use tokio::sync::watch;

/// How the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// An attempt to connect is under way, or waits for its turn.
    Connecting,
    /// Connected, in the session that was there before or in the first one.
    Up,
    /// Connected again, but the server had forgotten the session: subscriptions were made again,
    /// messages in flight are [`Indeterminate`](crate::Outcome::Indeterminate).
    SessionLost,
    /// The connection was lost; the client will try again.
    Down,
    /// Closed for good.
    Closed,
}

impl Status {
    /// Whether there is a connection.
    #[must_use]
    pub fn is_up(self) -> bool {
        matches!(self, Self::Up | Self::SessionLost)
    }
}

/// A view of the client's [`Status`] that can be waited on. It shows the latest; values that were
/// replaced before anybody looked are not kept.
#[derive(Clone, Debug)]
pub struct StatusWatch(pub(super) watch::Receiver<Status>);

impl StatusWatch {
    /// The status now.
    #[must_use]
    pub fn get(&self) -> Status {
        *self.0.borrow()
    }

    /// Waits for the next change, and gives the new status; [`Status::Closed`] is the last.
    ///
    /// Cancel-safe: a change that was not returned is returned by the next call.
    pub async fn changed(&mut self) -> Status {
        if self.get() == Status::Closed {
            return Status::Closed;
        }
        match self.0.changed().await {
            Ok(()) => *self.0.borrow_and_update(),
            Err(_) => Status::Closed,
        }
    }

    /// Waits until `wanted` holds, which may be now. `None`: the client was closed before.
    ///
    /// Cancel-safe.
    pub async fn wait_for(&mut self, mut wanted: impl FnMut(Status) -> bool) -> Option<Status> {
        let found = self
            .0
            .wait_for(|status| wanted(*status) || *status == Status::Closed)
            .await;
        match found {
            Ok(status) if wanted(*status) => Some(*status),
            _ => None,
        }
    }

    /// Waits until the client is connected. `false`: it was closed before.
    ///
    /// Cancel-safe.
    pub async fn up(&mut self) -> bool {
        self.wait_for(Status::is_up).await.is_some()
    }
}
