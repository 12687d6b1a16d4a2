//! One connection as the core sees it: who speaks, and what waits to be written.

use std::net::SocketAddr;

use renata_auth::Principal;
use renata_mqtt::{Version, WriteQueue};

use super::client::ClientKey;
use crate::engine::Ticket;

/// Names a connection of this worker: the slot of its socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LinkId(pub(crate) usize);

/// One connection.
#[derive(Debug)]
pub(super) struct Link {
    /// Tells it from a later one in the same slot.
    pub(super) serial: u64,
    pub(super) peer: SocketAddr,
    /// Whom the transport has proved; nobody in particular on a plain connection.
    pub(super) principal: Principal,
    pub(super) phase: Phase,
    pub(super) version: Version,
    /// The longest packet that the client accepts.
    pub(super) peer_max_packet: u32,
    pub(super) out: WriteQueue,
    /// It is in the list of those to write.
    pub(super) dirty: bool,
    /// The kernel has not taken everything.
    pub(super) blocked: bool,
    /// Nothing is written before the engine has committed this.
    pub(super) flush_after: Ticket,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// CONNECT has not been taken.
    Opening,
    /// A session is attached.
    Up(ClientKey),
    /// What is in `out` is the last that is said.
    Closing,
}

/// All connections, by the slot of their socket.
#[derive(Debug, Default)]
pub(super) struct Links {
    slots: Vec<Option<Box<Link>>>,
    open: usize,
    opening: usize,
}

impl Links {
    pub(super) fn insert(&mut self, id: LinkId, link: Link) {
        if self.slots.len() <= id.0 {
            self.slots.resize_with(id.0 + 1, || None);
        }
        self.open += 1;
        self.opening += usize::from(link.phase == Phase::Opening);
        self.slots[id.0] = Some(Box::new(link));
    }

    pub(super) fn get(&self, id: LinkId) -> Option<&Link> {
        self.slots.get(id.0)?.as_deref()
    }

    pub(super) fn get_mut(&mut self, id: LinkId) -> Option<&mut Link> {
        self.slots.get_mut(id.0)?.as_deref_mut()
    }

    pub(super) fn remove(&mut self, id: LinkId) -> Option<Box<Link>> {
        let link = self.slots.get_mut(id.0)?.take()?;
        self.open -= 1;
        self.opening -= usize::from(link.phase == Phase::Opening);
        Some(link)
    }

    /// Moves a connection on; the only way, so that the counts stay right.
    pub(super) fn set_phase(&mut self, id: LinkId, phase: Phase) {
        if let Some(link) = self.slots.get_mut(id.0).and_then(Option::as_deref_mut) {
            self.opening -= usize::from(link.phase == Phase::Opening);
            self.opening += usize::from(phase == Phase::Opening);
            link.phase = phase;
        }
    }

    /// Connections in all.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    /// Connections that have not sent their CONNECT.
    pub(super) fn opening(&self) -> usize {
        self.opening
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = LinkId> + '_ {
        let slots = self.slots.iter().enumerate();
        slots.filter_map(|(i, slot)| slot.as_ref().map(|_| LinkId(i)))
    }
}
