//! The rules of a session without sockets and clocks, for both ends of a connection.
//!
//! A [`Session`] starts where CONNECT and CONNACK end and outlives the connection. It keeps
//! identifiers, windows and the owner's handles `M` of messages in flight, never a payload and
//! never a queue of events:
//!
//! ```text
//!  bytes from the peer                            bytes to the peer
//!        |                                               ^
//!        v                                               |
//!  handle_input --> decode --> rules --> Handler    WriteQueue <-- acknowledgements, PUBREL, PINGREQ
//!                                |          |            ^
//!                                |          '-- the owner's own PUBLISH, SUBSCRIBE, SUBACK, ..
//!                                '-- open, request, ack, committed <-- the owner
//! ```
//!
//! How a connection is driven, in either role:
//!
//! 1. CONNECT and CONNACK are the owner's. With both settled, fill in a [`Link`] and call
//!    [`connected`](Session::connected): a resumed session sends its open messages again.
//! 2. Bytes arrive: [`handle_input`](Session::handle_input). It calls the [`Handler`] for each packet
//!    and says how many bytes it used; keep the rest. An error ends the connection: write
//!    [`disconnect`](Session::disconnect) with its reason, flush, close.
//! 3. A message goes out: QoS 0 needs nothing of the session. QoS 1 and 2 take an identifier from
//!    [`open`](Session::open) and write the PUBLISH with it. `Refused::WindowFull` means: keep it in
//!    your own queue until [`window`](Session::window) is above zero again.
//! 4. What was judged `Hold` or `AckAfter` is acknowledged by [`ack`](Session::ack) and
//!    [`committed`](Session::committed).
//! 5. At [`poll_timeout`](Session::poll_timeout) call [`handle_timeout`](Session::handle_timeout).
//! 6. The connection is gone: [`lost`](Session::lost). Keep the session if it has not expired.
//!
//! A server writes SUBACK, UNSUBACK itself, in [`Handler::subscribe`] or later; PINGRESP is the
//! session's.

mod acks;
mod alias;
mod error;
mod handler;
mod inbound;
mod input;
mod keep_alive;
mod link;
mod outbound;
mod resend;
mod ring;
mod snapshot;
mod wire;

use std::time::Instant;

pub use error::{ProtocolError, Refused};
pub use handler::{AckId, Arrival, Commit, Completion, Handler, StoreSeq, Verdict};
pub use input::{Input, Next};
pub use link::{Link, Role};
pub use outbound::{Request, Stage};
pub use snapshot::{Restore, RestoreError};

use self::alias::Aliases;
use self::inbound::Inbound;
use self::keep_alive::{Due, KeepAlive};
use self::outbound::Outbound;
use crate::{PacketId, QoS, ReasonCode, WriteQueue};

/// One MQTT session: what survives a connection, and the rules of the current connection.
///
/// See the [module](self) for how it is driven. `M` is the owner's handle of a message that was
/// sent at QoS 1 or 2: a stored frame in a client, a journal position in a broker.
///
/// Memory is bounded by the two Receive Maximums, the Topic Alias Maximum, and by the 65 535 packet
/// identifiers of each direction; nothing is allocated for what is not used.
#[derive(Debug)]
pub struct Session<M> {
    role: Role,
    outbound: Outbound<M>,
    inbound: Inbound,
    connection: Option<Connection>,
}

/// What is only true for the current connection.
#[derive(Debug)]
struct Connection {
    link: Link,
    keep_alive: KeepAlive,
    aliases: Aliases,
    /// The owner has stopped reading, or 3.1.1's window is full: silence is our own doing.
    paused: bool,
    closed: bool,
}

impl<M> Session<M> {
    /// A session in which nothing has happened yet.
    #[must_use]
    pub fn new(role: Role) -> Self {
        Self::starting_at(role, PacketId::MIN)
    }

    /// Like [`new`](Self::new), with the first packet identifier that it gives out.
    ///
    /// A client that comes back to a server's session without having kept its own half picks one at
    /// random, because the server may still remember identifiers of QoS 2.
    #[must_use]
    pub fn starting_at(role: Role, first: PacketId) -> Self {
        Self {
            role,
            outbound: Outbound::new(first),
            inbound: Inbound::default(),
            connection: None,
        }
    }

    /// Which end this is.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// The terms of the current connection.
    #[must_use]
    pub fn link(&self) -> Option<&Link> {
        self.connection.as_ref().map(|connection| &connection.link)
    }

    /// A connection is up. A resumed session sends what is open again, in its order; a fresh one
    /// gives messages that are open to [`Handler::abandoned`].
    pub fn connected(
        &mut self,
        now: Instant,
        link: Link,
        handler: &mut impl Handler<M>,
        out: &mut WriteQueue,
    ) {
        self.lost();
        if link.session_present {
            self.outbound
                .resume(link.version, link.send_maximum, handler, out);
        } else {
            self.inbound.start();
            self.outbound
                .start(link.version, link.send_maximum, handler);
        }
        self.connection = Some(Connection {
            keep_alive: KeepAlive::new(self.role, link.keep_alive, now),
            aliases: Aliases::new(link.topic_alias_maximum),
            paused: false,
            closed: false,
            link,
        });
    }

    /// The connection is gone. What is open stays open; requests without an answer are forgotten.
    pub fn lost(&mut self) {
        self.connection = None;
        self.outbound.lost();
        self.inbound.lost();
    }

    /// How many messages may be [opened](Self::open) before the next acknowledgement.
    #[must_use]
    pub fn window(&self) -> usize {
        self.outbound.free()
    }

    /// Takes a packet identifier for a message of QoS 1 or 2, which the caller then writes.
    ///
    /// # Errors
    /// Gives the message back, with why it cannot go out now.
    ///
    /// # Panics
    /// At QoS 0, which has no identifier.
    pub fn open(&mut self, now: Instant, qos: QoS, message: M) -> Result<PacketId, (Refused, M)> {
        let stage = Stage::first(qos).expect("a message of QoS 0 is not opened");
        self.said(now);
        self.outbound.open(stage, message)
    }

    /// Uses up the next packet identifier without sending anything under it.
    ///
    /// For an owner whose identifiers follow from its own numbering of messages, when it drops one
    /// of them before it was sent. Only while [`window`](Self::window) is above zero.
    pub fn skip(&mut self) {
        self.outbound.skip();
    }

    /// Client role: takes a packet identifier for a SUBSCRIBE or UNSUBSCRIBE with this many filters,
    /// which the caller then writes. Its answer comes to [`Handler::suback`] or
    /// [`Handler::unsuback`], or never if the connection is lost.
    ///
    /// # Errors
    /// There is no connection, or no identifier.
    pub fn request(
        &mut self,
        now: Instant,
        kind: Request,
        filters: usize,
    ) -> Result<PacketId, Refused> {
        self.said(now);
        self.outbound.request(kind, filters)
    }

    /// The owner has written packets: keep-alive counts from here. [`open`](Self::open),
    /// [`request`](Self::request) and the session's own packets do this themselves.
    pub fn said(&mut self, now: Instant) {
        if let Some(connection) = &mut self.connection {
            connection.keep_alive.said(now);
        }
    }

    /// Acknowledges a message that was [held](Verdict::Hold); what waited behind it leaves as well.
    ///
    /// `false`: nothing is owed under this name, because it was acknowledged before, or because the
    /// connection it came on is gone and the peer will send it again.
    pub fn ack(&mut self, ack: AckId, reason: ReasonCode, out: &mut WriteQueue) -> bool {
        let owed = self.inbound.ack(ack, reason);
        self.flush_acks(StoreSeq::default(), out);
        owed
    }

    /// The owner's store holds everything up to `upto`: acknowledgements and PUBRELs that waited
    /// for it leave, in order.
    pub fn committed(&mut self, upto: StoreSeq, out: &mut WriteQueue) {
        self.outbound.committed(upto, out);
        self.flush_acks(upto, out);
    }

    /// Whether [`handle_input`](Self::handle_input) left input unread because of a full window or
    /// because the handler asked for it. Call it again with that input after the next
    /// [`ack`](Self::ack) or [`committed`](Self::committed), or when the handler can take more.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.connection.as_ref().is_some_and(|c| c.paused)
    }

    /// Acknowledgements of inbound messages that have not left: they wait for the owner, for its
    /// store, or for one that does.
    #[must_use]
    pub fn owed(&self) -> usize {
        self.inbound.owed()
    }

    /// Whether a further [`committed`](Self::committed) would let something leave: an acknowledgement
    /// that is owed, or a PUBREL or PUBCOMP that waits for the store.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.inbound.is_waiting() || self.outbound.is_waiting()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.connection.as_ref()?.keep_alive.deadline()
    }

    /// Time passed: a PINGREQ may be due, or the peer may be gone. Calling too early is harmless.
    ///
    /// # Errors
    /// [`ProtocolError::KeepAlive`]: the peer has been silent for too long.
    pub fn handle_timeout(
        &mut self,
        now: Instant,
        out: &mut WriteQueue,
    ) -> Result<(), ProtocolError> {
        let Some(connection) = &mut self.connection else {
            return Ok(());
        };
        if connection.paused {
            connection.keep_alive.heard(now);
        }
        match connection.keep_alive.due(now) {
            Due::Nothing => {}
            Due::Ping => wire::pingreq(connection.link.version, out),
            Due::Lost => return Err(ProtocolError::KeepAlive),
        }
        Ok(())
    }

    /// Writes a DISCONNECT with this reason. A 3.1.1 server has none to send, and writes nothing.
    pub fn disconnect(&mut self, reason: ReasonCode, out: &mut WriteQueue) {
        if let Some(connection) = &mut self.connection {
            wire::disconnect(connection.link.version, self.role, reason, out);
        }
    }

    fn flush_acks(&mut self, upto: StoreSeq, out: &mut WriteQueue) {
        let version = self.connection.as_ref().map(|c| c.link.version);
        self.inbound.flush(version, upto, out);
    }
}
