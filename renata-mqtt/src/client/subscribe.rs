//! Subscribing: ask for a filter, get a stream.

use std::fmt;
use std::future::{Future, IntoFuture, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use renata_topics::{TopicFilter, TopicFilterBuf};
use tokio::sync::{mpsc, oneshot};

use super::command::{Command, Wish};
use super::inbox::Inbox;
use super::shared::Shared;
use super::{Message, SubscribeError};
use crate::QoS;
use crate::packet::{RetainHandling, SubscriptionOptions};

/// A subscription being asked for. Await it: the [`Subscription`] is there once the server has said
/// yes (SUBACK), however long it takes to reach the server.
///
/// Cancel-safe: dropped before it is ready, the subscription is taken back.
#[must_use = "a subscription does nothing before it is awaited"]
#[derive(Debug)]
pub struct SubscribeBuilder<'c> {
    shared: &'c Arc<Shared>,
    commands: &'c mpsc::Sender<Command>,
    filter: String,
    options: SubscriptionOptions,
    buffer: usize,
    manual_ack: bool,
}

impl<'c> SubscribeBuilder<'c> {
    pub(super) fn new(
        shared: &'c Arc<Shared>,
        commands: &'c mpsc::Sender<Command>,
        filter: String,
    ) -> Self {
        Self {
            shared,
            commands,
            filter,
            options: SubscriptionOptions::default(),
            buffer: 256,
            manual_ack: false,
        }
    }

    /// The highest quality of service of what the server sends. The default is 0.
    pub fn qos(mut self, qos: QoS) -> Self {
        self.options.qos = qos;
        self
    }

    /// At most QoS 1.
    pub fn qos1(self) -> Self {
        self.qos(QoS::AtLeastOnce)
    }

    /// At most QoS 2.
    pub fn qos2(self) -> Self {
        self.qos(QoS::ExactlyOnce)
    }

    /// How many messages of QoS 0 may wait in the stream before further ones are dropped and
    /// counted. The default is 256. Messages of QoS 1 and 2 are never dropped: they are not
    /// acknowledged before they are taken, so that [`Limits`](crate::Limits) bound them.
    pub fn buffer(mut self, messages: usize) -> Self {
        self.buffer = messages;
        self
    }

    /// Messages are acknowledged by [`Message::ack`] or their [`AckToken`](crate::AckToken), not
    /// when they are taken from the stream.
    pub fn manual_ack(mut self) -> Self {
        self.manual_ack = true;
        self
    }

    /// The server does not send back what this client publishes (5.0).
    pub fn no_local(mut self) -> Self {
        self.options.no_local = true;
        self
    }

    /// Messages keep the retain flag with which they were published (5.0).
    pub fn retain_as_published(mut self) -> Self {
        self.options.retain_as_published = true;
        self
    }

    /// Whether the server sends retained messages (5.0). The default is to send them.
    pub fn retain_handling(mut self, handling: RetainHandling) -> Self {
        self.options.retain_handling = handling;
        self
    }

    async fn send(self) -> Result<Subscription, SubscribeError> {
        let filter = TopicFilter::new(&self.filter)
            .map_err(SubscribeError::Filter)?
            .to_buf();
        // Made first: dropping it takes the subscription back, wherever the wait is cancelled.
        let mut subscription = Subscription {
            shared: Arc::clone(self.shared),
            commands: self.commands.clone(),
            inbox: Arc::new(Inbox::new(self.buffer)),
            filter: filter.clone(),
            manual_ack: self.manual_ack,
            granted: self.options.qos,
        };
        let (reply, answer) = oneshot::channel();
        let wish = Wish {
            filter,
            options: self.options,
            inbox: Arc::clone(&subscription.inbox),
        };
        let command = Command::Subscribe { wish, reply };
        let sent = self.commands.send(command).await;
        sent.map_err(|_| SubscribeError::Closed)?;
        subscription.granted = answer.await.map_err(|_| SubscribeError::Closed)??;
        Ok(subscription)
    }
}

impl<'c> IntoFuture for SubscribeBuilder<'c> {
    type Output = Result<Subscription, SubscribeError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'c>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// The messages of one subscription, as a [`Stream`].
///
/// The client keeps it alive: after a connection loss, and after a server forgot the session, it is
/// made again before anything else is sent. The stream ends when the client is closed, when the
/// server refuses to renew it, or after [`unsubscribe`](Self::unsubscribe).
///
/// # Dropping it
/// In a clean session the client unsubscribes, and acknowledges what was not taken. In a persistent
/// session nothing is sent and nothing acknowledged, because the session is meant to outlive its
/// streams: what was not taken, and what still comes, waits for the next subscription with a
/// matching filter or for [`Client::unclaimed`](crate::Client::unclaimed).
pub struct Subscription {
    shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
    inbox: Arc<Inbox>,
    filter: TopicFilterBuf,
    manual_ack: bool,
    granted: QoS,
}

impl Subscription {
    /// The next message; `None` when the stream has ended.
    ///
    /// Cancel-safe: a message is taken, and with automatic acknowledgement acknowledged, only when
    /// it is returned.
    pub async fn next(&mut self) -> Option<Message> {
        poll_fn(|cx| self.poll_message(cx)).await
    }

    /// The quality of service that the server granted.
    #[must_use]
    pub fn granted(&self) -> QoS {
        self.granted
    }

    /// The filter.
    #[must_use]
    pub fn filter(&self) -> &TopicFilterBuf {
        &self.filter
    }

    /// How many messages of QoS 0 were dropped because the stream's buffer was full.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.inbox.dropped()
    }

    /// How many messages wait to be taken.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.inbox.len()
    }

    /// Ends the subscription at the server. Afterwards the stream gives what had arrived before and
    /// then ends.
    ///
    /// Cancel-safe: once asked for it happens, whether or not anybody waits.
    ///
    /// # Errors
    /// The client is closed, or the server refused.
    pub async fn unsubscribe(&mut self) -> Result<(), SubscribeError> {
        let (reply, answer) = oneshot::channel();
        let command = Command::Unsubscribe {
            inbox: Arc::clone(&self.inbox),
            reply,
        };
        let sent = self.commands.send(command).await;
        sent.map_err(|_| SubscribeError::Closed)?;
        answer.await.map_err(|_| SubscribeError::Closed)?
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        let polled = self.inbox.poll(cx);
        polled.map(|message| message.map(|message| taken(message, self.manual_ack)))
    }
}

impl Stream for Subscription {
    type Item = Message;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        self.poll_message(cx)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.inbox.abandon();
        self.shared.stream_gone();
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("filter", &self.filter)
            .field("granted", &self.granted)
            .field("manual_ack", &self.manual_ack)
            .finish_non_exhaustive()
    }
}

/// Messages that no subscription of this client claims, as a [`Stream`]: those of a resumed session
/// that come before the application has subscribed again, and those of streams that were dropped.
///
/// In a persistent session they wait here unacknowledged until a subscription with a matching filter
/// is made, which then gets them first, or until they are taken from here, which acknowledges them
/// (or not, see [`manual_ack`](Self::manual_ack)). Left alone they use up the Receive Maximum, and at
/// last nothing comes any more. At QoS 0, and in a clean session, where nobody could come back for
/// them, nothing is owed for them: at most 256 are kept and further ones dropped.
///
/// Several of these streams share the messages.
pub struct Unclaimed {
    inbox: Arc<Inbox>,
    manual_ack: bool,
}

impl Unclaimed {
    pub(super) fn new(inbox: Arc<Inbox>) -> Self {
        Self {
            inbox,
            manual_ack: false,
        }
    }

    /// Messages are acknowledged by [`Message::ack`] or their [`AckToken`](crate::AckToken), not
    /// when they are taken from the stream.
    #[must_use]
    pub fn manual_ack(mut self) -> Self {
        self.manual_ack = true;
        self
    }

    /// The next message; `None` when the client is closed. Cancel-safe.
    pub async fn next(&mut self) -> Option<Message> {
        poll_fn(|cx| self.poll_message(cx)).await
    }

    /// How many messages wait to be taken.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.inbox.len()
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        let polled = self.inbox.poll(cx);
        polled.map(|message| message.map(|message| taken(message, self.manual_ack)))
    }
}

impl Stream for Unclaimed {
    type Item = Message;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        self.poll_message(cx)
    }
}

impl fmt::Debug for Unclaimed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unclaimed").finish_non_exhaustive()
    }
}

fn taken(mut message: Message, manual_ack: bool) -> Message {
    if !manual_ack {
        message.ack();
    }
    message
}
