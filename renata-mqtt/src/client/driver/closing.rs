//! A client that is asked to end.

use std::time::Instant;

use tokio::sync::oneshot;

use crate::client::Drained;

/// Until when unfinished publishes may finish, and who wants to know.
#[derive(Debug)]
pub(super) struct Closing {
    deadline: Instant,
    replies: Vec<oneshot::Sender<Drained>>,
}

impl Closing {
    pub(super) fn at(deadline: Instant) -> Self {
        Self {
            deadline,
            replies: Vec::new(),
        }
    }

    pub(super) fn new(deadline: Instant, reply: oneshot::Sender<Drained>) -> Self {
        Self {
            deadline,
            replies: vec![reply],
        }
    }

    /// Somebody else asked, too: the first deadline holds.
    pub(super) fn also(&mut self, reply: oneshot::Sender<Drained>) {
        self.replies.retain(|reply| !reply.is_closed());
        self.replies.push(reply);
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        now >= self.deadline
    }

    pub(super) fn tell(self, drained: Drained) {
        for reply in self.replies {
            // Nobody has to wait for the answer.
            let _ = reply.send(drained);
        }
    }
}

/// Waits for the deadline; for ever if nobody is closing.
pub(super) async fn deadline(closing: Option<&Closing>) {
    match closing {
        Some(closing) => tokio::time::sleep_until(closing.deadline.into()).await,
        None => std::future::pending().await,
    }
}
