//! The client: a task that drives a session over a socket, and handles to talk to it.
//!
//! ```text
//!  publish ---> budget ---> queue --.                       .--> WriteQueue ---> socket
//!                                    v                      |
//!  subscribe -> commands -------> driver: Session<Outgoing> |
//!                                    ^                      |
//!  ack -------> acks ---------------'                       '--- Router <------- socket
//!                                                                  |
//!  Subscription, Unclaimed <--------------- Inbox <----------------'
//! ```

mod backoff;
mod builder;
mod command;
mod config;
mod credentials;
mod driver;
mod error;
mod inbox;
mod message;
mod outgoing;
mod publish;
mod receipt;
mod router;
mod shared;
mod status;
mod subscribe;
#[cfg(feature = "tls")]
mod tls;
mod url;
mod will;

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

pub use self::backoff::Backoff;
pub use self::builder::Builder;
pub use self::config::{Drain, Full, Limits, Offline, Session};
pub use self::credentials::{Credentials, CredentialsFuture, CredentialsProvider};
pub use self::error::{ConfigError, ConnectError, ConnectionError, PublishError, SubscribeError};
pub use self::message::{AckToken, Message};
pub use self::publish::{Admission, NotAdmitted, PublishBuilder};
pub use self::receipt::{Doubt, Outcome, Receipt, Rejection};
pub use self::status::{Status, StatusWatch};
pub use self::subscribe::{SubscribeBuilder, Subscription, Unclaimed};
#[cfg(feature = "tls")]
pub use self::tls::{TlsConfig, TlsError};
pub use self::will::Will;

use self::command::Command;
use self::inbox::Inbox;
use self::shared::Shared;

/// An MQTT client. Clones are handles of the same client.
///
/// A task of its own keeps the connection, so that neither a publish nor an acknowledgement ever
/// waits for somebody else to make progress. All queues are bounded: publishes by
/// [`Offline::max_bytes`], received messages by [`Limits`] and [`SubscribeBuilder::buffer`].
///
/// When the last handle is dropped, the client closes at once; [`close`](Self::close) waits for what
/// is not finished.
#[derive(Clone, Debug)]
pub struct Client {
    handle: Arc<Handle>,
}

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
    unclaimed: Arc<Inbox>,
}

/// What [`Client::close`] left unfinished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// Publishes that were never sent: their outcome is [`Rejection::Closed`].
    pub unsent: usize,
    /// Publishes in flight: their outcome is [`Doubt::Closed`].
    pub in_flight: usize,
}

impl Drained {
    /// Whether everything that was published has found its end.
    #[must_use]
    pub fn is_complete(self) -> bool {
        self.unsent == 0 && self.in_flight == 0
    }
}

impl Client {
    /// Starts to build a client of the server at `url`: `mqtt://host:port`, or `mqtts://host:port`
    /// for TLS. The ports default to 1883 and 8883.
    pub fn builder(url: impl Into<String>) -> Builder {
        Builder::new(url.into())
    }

    fn new(shared: Arc<Shared>, commands: mpsc::Sender<Command>, unclaimed: Arc<Inbox>) -> Self {
        let handle = Handle {
            shared,
            commands,
            unclaimed,
        };
        Self {
            handle: Arc::new(handle),
        }
    }

    /// Builds a message; await it to have it admitted.
    ///
    /// An admitted message is sent as soon as the connection and the server's Receive Maximum
    /// allow, in the order of admission, and survives any number of connection losses before it is
    /// sent for the first time.
    pub fn publish(
        &self,
        topic: impl Into<Cow<'static, str>>,
        payload: impl Into<Bytes>,
    ) -> PublishBuilder<'_> {
        PublishBuilder::new(&self.handle.shared, topic.into(), payload.into())
    }

    /// Has a message of QoS 0 admitted now or not at all: never waits. For other qualities of
    /// service see [`PublishBuilder::try_now`].
    ///
    /// # Errors
    /// Why it was not admitted, and the message itself.
    pub fn try_publish(
        &self,
        topic: impl Into<Cow<'static, str>>,
        payload: impl Into<Bytes>,
    ) -> Result<Receipt, Box<NotAdmitted<'_>>> {
        self.publish(topic, payload).try_now()
    }

    /// Builds a subscription; await it to have it made.
    pub fn subscribe(&self, filter: impl Into<String>) -> SubscribeBuilder<'_> {
        SubscribeBuilder::new(&self.handle.shared, &self.handle.commands, filter.into())
    }

    /// Messages that no subscription claims.
    #[must_use]
    pub fn unclaimed(&self) -> Unclaimed {
        Unclaimed::new(Arc::clone(&self.handle.unclaimed))
    }

    /// The status of the connection, to look at or to wait for.
    #[must_use]
    pub fn status(&self) -> StatusWatch {
        StatusWatch(self.handle.shared.status.subscribe())
    }

    /// Why the last connection was lost, or the last attempt failed; `None` if neither happened yet.
    #[must_use]
    pub fn last_error(&self) -> Option<Arc<ConnectionError>> {
        self.handle.shared.last_error()
    }

    /// Closes the client for all its handles: takes no more publishes, waits for those that were
    /// admitted, says goodbye to the server, and ends all streams. The server does not send a will.
    ///
    /// Cancel-safe: once asked for it happens, whether or not anybody waits.
    pub async fn close(&self, drain: Drain) -> Drained {
        self.handle.shared.close();
        let (reply, answer) = oneshot::channel();
        let command = Command::Close { drain, reply };
        if self.handle.commands.send(command).await.is_err() {
            return Drained::default();
        }
        answer.await.unwrap_or_default()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.abandon();
    }
}
