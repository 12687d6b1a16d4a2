//! How a publish ended.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::ReasonCode;

/// The promise that the end of one publish will be told.
///
/// Dropping it changes nothing about the message. As a future it is cancel-safe: await `&mut
/// receipt` to be able to come back.
#[derive(Debug)]
#[must_use = "the outcome of the publish is only told here; `drop` it if nobody asks"]
pub struct Receipt {
    outcome: oneshot::Receiver<Outcome>,
}

/// The end of one publish: each gets exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// QoS 1 and 2: the server has taken responsibility. QoS 0: handed to the network.
    Delivered {
        /// What the server said; [`ReasonCode::NO_MATCHING_SUBSCRIBERS`] is a success too.
        reason: ReasonCode,
    },
    /// The message was not delivered, and will not be.
    Rejected {
        /// Why.
        why: Rejection,
    },
    /// It may have arrived, or not: nobody will ever know. Publish again if it has to arrive at
    /// least once.
    Indeterminate {
        /// How that came about.
        why: Doubt,
    },
}

impl Outcome {
    /// Whether the message was delivered.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        matches!(self, Self::Delivered { .. })
    }
}

/// Why a message was not delivered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// The server refused it.
    #[error("refused by the server: {reason}")]
    Server {
        /// Why.
        reason: ReasonCode,
        /// The server's words.
        reason_string: Option<String>,
    },
    /// Its expiry passed before it could be sent.
    #[error("expired before it could be sent")]
    Expired,
    /// It is larger than the largest packet that the server accepts.
    #[error("a packet of {size} bytes; the server accepts {limit}")]
    TooLarge {
        /// Of the whole packet, in bytes.
        size: usize,
        /// The server's Maximum Packet Size.
        limit: u32,
    },
    /// The server does not offer this quality of service or retained messages.
    #[error("the server does not support the QoS or retain flag of the message")]
    Unsupported,
    /// The client was closed before it was sent.
    #[error("the client was closed before it was sent")]
    Closed,
}

/// Why the fate of a message is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Doubt {
    /// QoS 0: the connection was lost while the message was being written.
    #[error("the connection was lost while it was being written")]
    ConnectionLost,
    /// QoS 1 and 2: it was in flight when the server forgot the session.
    #[error("it was in flight when the server forgot the session")]
    SessionLost,
    /// It was in flight when the client was closed.
    #[error("it was in flight when the client was closed")]
    Closed,
}

impl Receipt {
    pub(super) fn new() -> (oneshot::Sender<Outcome>, Self) {
        let (sender, outcome) = oneshot::channel();
        (sender, Self { outcome })
    }

    /// Waits for the end of the publish. A client that is offline keeps on trying: bound the wait
    /// with a timeout or the message with an expiry.
    pub async fn outcome(self) -> Outcome {
        self.await
    }
}

impl Future for Receipt {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let closed = Outcome::Indeterminate { why: Doubt::Closed };
        Pin::new(&mut self.outcome)
            .poll(cx)
            .map(|told| told.unwrap_or(closed))
    }
}
