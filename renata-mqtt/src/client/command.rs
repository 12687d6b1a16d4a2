//! What handles ask of the driver, each with where the answer goes.

use std::sync::Arc;

use renata_topics::TopicFilterBuf;
use tokio::sync::oneshot;

use super::inbox::Inbox;
use super::{Drain, Drained, SubscribeError};
use crate::QoS;
use crate::packet::SubscriptionOptions;

/// Travels through a bounded channel: a caller waits for its turn, the driver never does.
#[derive(Debug)]
pub(super) enum Command {
    Subscribe {
        wish: Wish,
        reply: oneshot::Sender<Result<QoS, SubscribeError>>,
    },
    Unsubscribe {
        /// Whose subscription.
        inbox: Arc<Inbox>,
        reply: oneshot::Sender<Result<(), SubscribeError>>,
    },
    Close {
        drain: Drain,
        reply: oneshot::Sender<Drained>,
    },
}

/// One subscription that somebody wants.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) filter: TopicFilterBuf,
    pub(super) options: SubscriptionOptions,
    pub(super) inbox: Arc<Inbox>,
}
