//! Why the PLC cannot be used.

use std::io;

use crate::s7::pdu::{HeaderError, WireError};

/// Why a connection could not be made, or ended.
///
/// All but [`Plan`](Self::Plan) and [`NotConnected`](Self::NotConnected) have closed the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// No connection stands: call `connect`.
    #[error("not connected")]
    NotConnected,
    /// The network refused.
    #[error("network: {0}")]
    Network(io::ErrorKind),
    /// Nobody answered in time.
    #[error("no answer in time: {0}")]
    Timeout(Phase),
    /// The PLC closed the connection.
    #[error("connection closed by the PLC: {0}")]
    Closed(Phase),
    /// The PLC refused the transport connection.
    #[error(
        "connection refused by the PLC (COTP reason {reason}): wrong rack or slot, or no connection \
         resource is free"
    )]
    Refused {
        /// Reason byte of the refusal.
        reason: u8,
    },
    /// The PLC refused to negotiate.
    #[error("communication set-up refused: {0}")]
    Setup(HeaderError),
    /// The PLC gave a message length that nothing fits into.
    #[error("the PLC offers messages of {0} bytes, which is too short")]
    Pdu(u16),
    /// What came was not S7 communication, or did not fit together.
    #[error("{0}")]
    Wire(#[from] WireError),
    /// A plan for longer messages than were negotiated.
    #[error("plan made for messages of {planned} bytes, {negotiated} were negotiated: plan again")]
    Plan {
        /// What the plan was made for.
        planned: u16,
        /// What holds.
        negotiated: u16,
    },
    /// A system service was refused.
    #[error("service refused: {0}")]
    Service(HeaderError),
}

/// What was going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Connecting the transport.
    Connect,
    /// Negotiating communication.
    Setup,
    /// Reading or writing.
    Job,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Connect => {
                "while connecting; is there a PLC, are rack and slot right, is a connection resource free?"
            }
            Self::Setup => "while communication was set up",
            Self::Job => "while a request was open",
        })
    }
}

impl From<io::Error> for ClientError {
    fn from(error: io::Error) -> Self {
        Self::Network(error.kind())
    }
}
