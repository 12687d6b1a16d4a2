//! Session state to and from a store.
//!
//! A store that follows along needs no export: each change reaches the owner as a call that it made
//! ([`Session::open`]) or that it received ([`Handler::received`](super::Handler::received),
//! [`completed`](super::Handler::completed), [`publish`](super::Handler::publish) at QoS 2,
//! [`released`](super::Handler::released)).

use super::{Role, Session, Stage};
use super::{inbound::Inbound, outbound::Outbound};
use crate::PacketId;

/// What a session needs to go on after a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restore<M> {
    /// The packet identifier to give out next. It has to lie behind every identifier that the lost
    /// session gave out, or the peer may take a new QoS 2 message for an old one.
    pub next: PacketId,
    /// Messages in flight, in the order in which they were opened.
    pub messages: Vec<(PacketId, Stage, M)>,
    /// Identifiers of QoS 2 messages that were received and not released.
    pub recorded: Vec<PacketId>,
}

/// Why records do not make up a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// Two messages in flight have the same packet identifier, or are not in their order.
    #[error("packet identifier {} is there twice or out of order", .0.get())]
    Identifier(PacketId),
}

impl<M> Session<M> {
    /// A session as it was before a restart, without a connection.
    ///
    /// # Errors
    /// The records contradict each other.
    pub fn restore(role: Role, state: Restore<M>) -> Result<Self, RestoreError> {
        let outbound = Outbound::restore(state.next, state.messages)
            .map_err(|(id, _)| RestoreError::Identifier(id))?;
        Ok(Self {
            role,
            outbound,
            inbound: Inbound::restore(state.recorded),
            connection: None,
        })
    }

    /// The packet identifier that is given out next.
    #[must_use]
    pub fn next_id(&self) -> PacketId {
        self.outbound.next_id()
    }

    /// The message that is in flight under `id`.
    #[must_use]
    pub fn get(&self, id: PacketId) -> Option<&M> {
        self.outbound.get(id)
    }

    /// Takes back a message for which nothing was written after all.
    pub fn withdraw(&mut self, id: PacketId) -> Option<M> {
        self.outbound.withdraw(id)
    }

    /// Messages in flight, in the order in which they were opened.
    pub fn messages(&self) -> impl Iterator<Item = (PacketId, Stage, &M)> {
        self.outbound.messages()
    }

    /// Identifiers of QoS 2 messages that were received and not released.
    pub fn recorded(&self) -> impl Iterator<Item = PacketId> {
        self.inbound.identifiers()
    }
}
