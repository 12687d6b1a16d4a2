//! Publishing: build a message, have it admitted, get a receipt.

use std::borrow::Cow;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use renata_topics::TopicName;

use super::outgoing::{Draft, More};
use super::shared::{Admit, Shared};
use super::{Full, PublishError, Receipt};
use crate::{EncodeError, QoS};

/// A message being built. Await it to have it admitted and get its [`Receipt`].
///
/// The future is cancel-safe: dropped before it is ready, nothing was admitted.
#[must_use = "a publish does nothing before it is awaited"]
pub struct PublishBuilder<'c> {
    shared: &'c Shared,
    draft: Draft,
}

impl<'c> PublishBuilder<'c> {
    pub(super) fn new(shared: &'c Shared, topic: Cow<'static, str>, payload: Bytes) -> Self {
        let draft = Draft::new(topic, payload);
        Self { shared, draft }
    }

    /// Sends it at this quality of service. The default is 0, at most once.
    pub fn qos(mut self, qos: QoS) -> Self {
        self.draft.qos = qos;
        self
    }

    /// At least once.
    pub fn qos1(self) -> Self {
        self.qos(QoS::AtLeastOnce)
    }

    /// Exactly once.
    pub fn qos2(self) -> Self {
        self.qos(QoS::ExactlyOnce)
    }

    /// The server keeps it for later subscribers.
    pub fn retain(mut self) -> Self {
        self.draft.retain = true;
        self
    }

    /// The message is worth nothing after this time: the client does not send it any more, nor does
    /// a 5.0 server, which is told in whole seconds.
    pub fn expiry(mut self, expiry: Duration) -> Self {
        self.draft.expiry = Some(expiry);
        self
    }

    /// What the payload is, as a MIME type (5.0; not sent in 3.1.1).
    pub fn content_type(mut self, content_type: impl Into<Cow<'static, str>>) -> Self {
        self.draft.content_type = Some(content_type.into());
        self
    }

    /// Where an answer is expected (5.0; not sent in 3.1.1).
    pub fn response_topic(mut self, topic: impl Into<String>) -> Self {
        self.more().response_topic = Some(topic.into());
        self
    }

    /// What ties an answer to this message (5.0; not sent in 3.1.1).
    pub fn correlation_data(mut self, data: impl Into<Bytes>) -> Self {
        self.more().correlation_data = Some(data.into());
        self
    }

    /// A property of the application's own; may be called repeatedly (5.0; not sent in 3.1.1).
    pub fn user_property(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.more().user.push((name.into(), value.into()));
        self
    }

    /// Has it admitted now or not at all: never waits, whatever [`Full`] says.
    ///
    /// # Errors
    /// Why it was not admitted, and the message itself.
    pub fn try_now(self) -> Result<Receipt, Box<NotAdmitted<'c>>> {
        let shared = self.shared;
        let reserved = self.check().and_then(|cost| {
            shared.try_reserve(cost)?;
            Ok(cost)
        });
        match reserved {
            Ok(cost) => Ok(shared.enqueue(self.draft, cost)),
            Err(error) => Err(Box::new(NotAdmitted {
                error,
                publish: self,
            })),
        }
    }

    fn more(&mut self) -> &mut More {
        self.draft.more.get_or_insert_default()
    }

    /// Everything that can be known before it is sent; gives what it counts against the budget.
    fn check(&self) -> Result<u32, PublishError> {
        let draft = &self.draft;
        TopicName::new(&draft.topic).map_err(PublishError::Topic)?;
        let mut strings = draft.content_type.iter().map(|text| text.len()).max();
        if let Some(more) = &draft.more {
            if let Some(topic) = &more.response_topic {
                TopicName::new(topic).map_err(PublishError::Topic)?;
            }
            let user = more.user.iter().map(|(k, v)| k.len().max(v.len())).max();
            let data = more.correlation_data.as_ref().map(Bytes::len);
            strings = strings.max(user).max(data);
        }
        if strings.is_some_and(|longest| longest > usize::from(u16::MAX)) {
            return Err(PublishError::Encode(EncodeError::StringTooLong));
        }
        self.shared.price(draft.cost())
    }
}

impl fmt::Debug for PublishBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.draft.fmt(f)
    }
}

impl<'c> IntoFuture for PublishBuilder<'c> {
    type Output = Result<Receipt, PublishError>;
    type IntoFuture = Admission<'c>;

    fn into_future(self) -> Admission<'c> {
        let shared = self.shared;
        Admission(match self.check() {
            Err(error) => State::Done(Some(Err(error))),
            Ok(cost) => match shared.try_reserve(cost) {
                Ok(()) => State::Done(Some(Ok(shared.enqueue(self.draft, cost)))),
                Err(PublishError::Full { .. }) if shared.when_full() == Full::Block => {
                    State::Waiting(shared.admit(self.draft, cost))
                }
                Err(error) => State::Done(Some(Err(error))),
            },
        })
    }
}

/// The future of a [`PublishBuilder`]: waits for room in the budget, never for the network.
///
/// Cancel-safe: dropped before it is ready, nothing was admitted.
pub struct Admission<'c>(State<'c>);

enum State<'c> {
    Done(Option<Result<Receipt, PublishError>>),
    Waiting(Admit<'c>),
}

impl Future for Admission<'_> {
    type Output = Result<Receipt, PublishError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Waiting(admit) => admit.as_mut().poll(cx),
            // Polled again after it was ready, which a future may answer as it likes.
            State::Done(result) => result.take().map_or(Poll::Pending, Poll::Ready),
        }
    }
}

impl fmt::Debug for Admission<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").finish_non_exhaustive()
    }
}

/// A message that [`try_now`](PublishBuilder::try_now) could not admit.
#[derive(Debug)]
pub struct NotAdmitted<'c> {
    /// Why.
    pub error: PublishError,
    /// The message, ready to be tried again.
    pub publish: PublishBuilder<'c>,
}

impl fmt::Display for NotAdmitted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for NotAdmitted<'_> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
