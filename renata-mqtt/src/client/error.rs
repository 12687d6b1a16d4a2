//! What can go wrong, one type an operation.

use renata_topics::TopicError;

use crate::{DecodeError, EncodeError, ProtocolError, ReasonCode};

/// A client was configured with something that cannot work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The address is not `mqtt://host:port` or `mqtts://host:port`.
    #[error("`{url}` is no MQTT address: {why}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// `mqtts://` without a TLS configuration, or without the feature `tls`.
    #[error("mqtts:// needs tls(..): name the certificate authority of the server")]
    TlsMissing,
    /// A TLS configuration with `mqtt://`, which would not use it.
    #[cfg(feature = "tls")]
    #[error("tls(..) is set, but mqtt:// does not encrypt: write mqtts://")]
    TlsUnused,
    /// A persistent session belongs to a client id.
    #[error("a persistent session needs client_id(..), or nobody can come back to it")]
    ClientIdMissing,
    /// The will's topic is not one that can be published to.
    #[error("the will's topic: {0}")]
    WillTopic(TopicError),
    /// The will's payload or content type is too long.
    #[error("the will cannot be sent: {0}")]
    Will(EncodeError),
    /// Certificates or keys cannot be used.
    #[cfg(feature = "tls")]
    #[error(transparent)]
    Tls(#[from] crate::TlsError),
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The configuration cannot work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The server cannot be reached, or the TLS handshake failed.
    #[error("cannot reach {server}: {source}")]
    Io {
        /// `host:port`.
        server: String,
        /// What the system or TLS said.
        source: std::io::Error,
    },
    /// Name resolution, TCP, TLS and CONNACK took longer than the connect timeout together.
    #[error("{server} did not answer in time")]
    Timeout {
        /// `host:port`.
        server: String,
    },
    /// The credentials provider failed.
    #[error("no credentials: {0}")]
    Credentials(Box<dyn std::error::Error + Send + Sync>),
    /// The server said no.
    #[error("refused by the server: {reason}{}", text(reason_string.as_deref()))]
    Refused {
        /// Why; 3.1.1's return codes appear as their 5.0 equivalents.
        reason: ReasonCode,
        /// The server's words.
        reason_string: Option<String>,
    },
    /// The server's answer is not MQTT, or not an answer to CONNECT.
    #[error("the server broke the protocol: {0}")]
    Protocol(#[from] ProtocolError),
    /// CONNECT cannot be encoded: a field is too long.
    #[error("CONNECT cannot be sent: {0}")]
    Encode(#[from] EncodeError),
    /// The client was closed while it tried.
    #[error("closed")]
    Closed,
}

impl ConnectError {
    /// Whether the next attempt will hardly fare better, such as after a wrong password.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Config(_) | Self::Encode(_) => true,
            Self::Refused { reason, .. } => !matches!(
                *reason,
                ReasonCode::UNSPECIFIED_ERROR
                    | ReasonCode::IMPLEMENTATION_SPECIFIC_ERROR
                    | ReasonCode::SERVER_UNAVAILABLE
                    | ReasonCode::SERVER_BUSY
                    | ReasonCode::QUOTA_EXCEEDED
                    | ReasonCode::CONNECTION_RATE_EXCEEDED
            ),
            _ => false,
        }
    }
}

/// Why a connection was lost, or why there is none yet.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// An attempt to connect failed.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The network failed, or the server closed the connection without a word.
    #[error("connection lost: {0}")]
    Io(#[from] std::io::Error),
    /// The server broke the protocol, or was silent for too long.
    #[error("connection given up: {0}")]
    Protocol(#[from] ProtocolError),
    /// The server said goodbye.
    #[error("disconnected by the server: {reason}{}", text(reason_string.as_deref()))]
    Server {
        /// Why.
        reason: ReasonCode,
        /// The server's words.
        reason_string: Option<String>,
    },
}

impl ConnectionError {
    /// Whether the next attempt will hardly fare better if it comes soon.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Connect(error) => error.is_permanent(),
            Self::Server { reason, .. } => matches!(
                *reason,
                ReasonCode::NOT_AUTHORIZED
                    | ReasonCode::SESSION_TAKEN_OVER
                    | ReasonCode::BANNED
                    | ReasonCode::ADMINISTRATIVE_ACTION
                    | ReasonCode::USE_ANOTHER_SERVER
                    | ReasonCode::SERVER_MOVED
            ),
            Self::Io(_) | Self::Protocol(_) => false,
        }
    }
}

impl From<DecodeError> for ConnectError {
    fn from(error: DecodeError) -> Self {
        Self::Protocol(error.into())
    }
}

/// Why a message was not admitted. Nothing of it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The topic is not one that can be published to.
    #[error("topic: {0}")]
    Topic(TopicError),
    /// A property cannot be sent.
    #[error("{0}")]
    Encode(EncodeError),
    /// The message alone is larger than the budget for unfinished messages.
    #[error("the message needs {needed} bytes, the budget is {budget}")]
    TooLarge {
        /// What it counts against the budget.
        needed: usize,
        /// The whole budget.
        budget: u32,
    },
    /// The budget for unfinished messages is used up.
    #[error("too many messages are not finished: the budget of {budget} bytes is used up")]
    Full {
        /// The whole budget.
        budget: u32,
    },
    /// The client is closed.
    #[error("the client is closed")]
    Closed,
}

/// Why there is no subscription.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The filter is not one that can be subscribed to.
    #[error("filter: {0}")]
    Filter(TopicError),
    /// The filter cannot be sent.
    #[error("{0}")]
    Encode(EncodeError),
    /// This client has a live subscription with the same filter.
    #[error("this client has a subscription with this filter already")]
    Duplicate,
    /// The server said no.
    #[error("refused by the server: {reason}{}", text(reason_string.as_deref()))]
    Refused {
        /// Why; 3.1.1 says only [`ReasonCode::UNSPECIFIED_ERROR`].
        reason: ReasonCode,
        /// The server's words.
        reason_string: Option<String>,
    },
    /// The client is closed.
    #[error("the client is closed")]
    Closed,
}

fn text(reason_string: Option<&str>) -> String {
    reason_string.map_or_else(String::new, |text| format!(" ({text})"))
}
