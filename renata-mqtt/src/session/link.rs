//! What both ends agreed on when the connection came up.

use std::time::Duration;

use crate::Version;

/// Which end of the connection a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Sends SUBSCRIBE, UNSUBSCRIBE and PINGREQ.
    Client,
    /// Receives them.
    Server,
}

/// The terms of one network connection, as CONNECT and CONNACK settled them.
///
/// Whoever handles CONNECT and CONNACK (a client's driver, a broker) fills this in and hands it to
/// [`Session::connected`](super::Session::connected). `Link::new` starts from what holds when
/// neither packet says anything (MQTT 5.0 §3.1.2.11, §3.2.2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Link {
    /// Protocol version of the connection.
    pub version: Version,
    /// Whether both ends go on with the session that they had. `false` forgets it.
    pub session_present: bool,
    /// The agreed keep-alive; zero turns it off. Default: zero.
    pub keep_alive: Duration,
    /// The peer's Receive Maximum: how many of our QoS 1 and 2 messages may be open at once.
    /// Default: 65 535.
    pub send_maximum: u16,
    /// Our Receive Maximum. A 5.0 peer that exceeds it has broken the protocol. From a 3.1.1 peer,
    /// who was never told, and from a 5.0 server that resumes a session (mosquitto 2.0 does not
    /// count right then), input pauses instead. Default: 65 535.
    pub receive_maximum: u16,
    /// The largest packet that we accept, in bytes. Default: no limit but the protocol's own.
    pub max_packet: u32,
    /// The largest packet that the peer accepts, in bytes. The session does not encode PUBLISH, so
    /// its caller checks this. Default: no limit but the protocol's own.
    pub peer_max_packet: u32,
    /// The Topic Alias Maximum that we announced. Default: 0.
    pub topic_alias_maximum: u16,
}

impl Link {
    /// A connection of `version` on which nothing was negotiated.
    #[must_use]
    pub fn new(version: Version) -> Self {
        Self {
            version,
            session_present: false,
            keep_alive: Duration::ZERO,
            send_maximum: u16::MAX,
            receive_maximum: u16::MAX,
            max_packet: u32::MAX,
            peer_max_packet: u32::MAX,
            topic_alias_maximum: 0,
        }
    }
}
