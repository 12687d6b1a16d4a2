//! What is said on the connections, without sockets and clocks.
//!
//! ```text
//!  bytes -> receive -> [connect] -> Session -> Turn (publish, subscribe, acks) -> route -> deliver
//!                                                                                   |       |
//!                                                                                engine   queue -> pump
//!                                                                                           |
//!  bytes <- out(link) <- next_dirty <------------- end_turn: commits, timers <--------------'
//! ```
//!
//! The worker calls [`Core::receive`] with what a socket brought and [`Core::end_turn`] once it has
//! read them all; then it writes [`Core::out`] of every [dirty](Core::next_dirty) link. Everything is
//! owned by one thread.

mod client;
mod connect;
mod leave;
mod link;
mod parcel;
mod recover;
mod retained;
mod route;
mod router;
mod send;
mod stats;
mod subscribe;
#[cfg(test)]
mod tests;
mod timers;
mod turn;
mod upkeep;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use renata_auth::Principal;
use renata_mqtt::{Version, WriteQueue};
use rustc_hash::FxHashMap;
use slab::Slab;

use self::client::{Client, ClientKey};
pub(crate) use self::link::LinkId;
use self::link::{Link, Links, Phase};
use self::retained::Retained;
use self::router::{Match, Router};
use self::stats::Stats;
use self::timers::Timers;
use crate::access;
use crate::broker::Settings;
use crate::clock::Now;
use crate::engine::{Engine, EngineError, SessionId, Ticket};

/// Everything that one worker's clients share.
pub(crate) struct Core {
    settings: Arc<Settings>,
    engine: Box<dyn Engine>,
    started: Instant,
    links: Links,
    clients: Slab<Client>,
    by_id: FxHashMap<Arc<str>, ClientKey>,
    router: Router,
    retained: Retained,
    timers: Timers<Timer>,
    stats: Stats,
    /// Links with something to write.
    dirty: Vec<LinkId>,
    /// Clients with something to send.
    pending: Vec<ClientKey>,
    /// Clients that wait for the engine, and links whose output does.
    waiting: Vec<ClientKey>,
    waiting_links: Vec<LinkId>,
    resumed: Vec<LinkId>,
    doomed: Vec<LinkId>,
    committed: Ticket,
    /// Scratch of one routing.
    matches: Vec<Match>,
    properties: Vec<u8>,
    /// Out-buffers that nobody needs: an idle connection holds none.
    spare: Vec<WriteQueue>,
    next_session: u64,
    next_message: u64,
    next_serial: u64,
    complained: Option<Instant>,
    draining: bool,
}

/// What a deadline is about. Slots are used again, so each carries what tells its owner.
#[derive(Clone, Copy, Debug)]
enum Timer {
    /// CONNECT has to be here.
    Connect(LinkId, u64),
    /// A peer that does not take what closes its connection has had its time.
    Close(LinkId, u64),
    /// The client may have been silent for too long.
    KeepAlive(ClientKey, SessionId, u64),
    /// The session may have expired, or its will may be due.
    Away(ClientKey, SessionId),
    /// `$SYS` is due.
    Sys,
}

/// What the core has taken of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Bytes; the rest is the beginning of a packet and has to come again.
    pub(crate) used: usize,
    /// What to do with this connection now.
    pub(crate) next: Next,
}

/// How a connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// More can be read.
    Read,
    /// The rest comes again once the link is [resumed](Core::next_resumed).
    Pause,
    /// Nothing more is read.
    Close,
}

impl Core {
    /// The state as `engine` has it, without connections.
    pub(crate) fn new(
        now: Now,
        settings: Arc<Settings>,
        engine: Box<dyn Engine>,
    ) -> Result<Self, EngineError> {
        let mut core = Self {
            settings,
            engine,
            started: now.mono,
            links: Links::default(),
            clients: Slab::new(),
            by_id: FxHashMap::default(),
            router: Router::default(),
            retained: Retained::default(),
            timers: Timers::new(),
            stats: Stats::default(),
            dirty: Vec::new(),
            pending: Vec::new(),
            waiting: Vec::new(),
            waiting_links: Vec::new(),
            resumed: Vec::new(),
            doomed: Vec::new(),
            committed: Ticket::default(),
            matches: Vec::new(),
            properties: Vec::new(),
            spare: Vec::new(),
            next_session: 0,
            next_message: 0,
            next_serial: 0,
            complained: None,
            draining: false,
        };
        core.recover(now)?;
        core.publish_sys(now);
        Ok(core)
    }

    /// Whether the limits allow one more connection.
    pub(crate) fn has_room(&self) -> bool {
        let limits = &self.settings.config.limits;
        self.links.open() < limits.connections && self.links.opening() < limits.half_open
    }

    /// A connection was accepted.
    pub(crate) fn open(&mut self, now: Now, id: LinkId, peer: SocketAddr) {
        let limits = &self.settings.config.limits;
        self.next_serial += 1;
        self.stats.connections += 1;
        self.timers.set(
            now.mono + Duration::from_millis(limits.connect_timeout_ms),
            Timer::Connect(id, self.next_serial),
        );
        let link = Link {
            serial: self.next_serial,
            peer,
            principal: Principal::anonymous(),
            phase: Phase::Opening,
            version: Version::V3_1_1,
            peer_max_packet: u32::MAX,
            out: WriteQueue::default(),
            dirty: false,
            blocked: false,
            flush_after: Ticket::default(),
        };
        self.links.insert(id, link);
    }

    /// The transport is up and has proved who the peer is, if it does that.
    pub(crate) fn identify(&mut self, now: Now, id: LinkId, certificate: Option<&[u8]>) {
        let Some(certificate) = certificate else {
            return;
        };
        match access::principal_of(certificate) {
            Ok(principal) => {
                if let Some(link) = self.links.get_mut(id) {
                    link.principal = principal;
                }
            }
            Err(e) => {
                if let Some(link) = self.links.get(id) {
                    tracing::warn!(peer = %link.peer, "the certificate names nobody: {e}");
                }
                self.close(now, id);
            }
        }
    }

    /// Handles every whole packet in `input`.
    pub(crate) fn receive(&mut self, now: Now, id: LinkId, input: &[u8]) -> Taken {
        let mut used = 0;
        if let Some(Phase::Opening) = self.links.get(id).map(|link| link.phase) {
            used = self.receive_connect(now, id, input);
        }
        if let Some(Phase::Up(client)) = self.links.get(id).map(|link| link.phase) {
            used += self.receive_packets(now, id, client, &input[used..]);
        }
        self.stats.bytes_received += used as u64;
        let next = match self.links.get(id).map(|link| link.phase) {
            Some(Phase::Up(key)) if self.is_paused(key) => Next::Pause,
            Some(Phase::Opening | Phase::Up(_)) => Next::Read,
            Some(Phase::Closing) | None => Next::Close,
        };
        Taken { used, next }
    }

    /// 3.1.1 knows no Receive Maximum: with too many acknowledgements owed, reading stops instead.
    fn is_paused(&self, key: ClientKey) -> bool {
        let client = self.clients.get(key.0 as usize);
        client.is_some_and(|c| c.session.as_ref().is_some_and(|s| s.is_paused()))
    }

    /// Everything was read: makes what was appended durable, sends what may leave, obeys timers.
    pub(crate) fn end_turn(&mut self, now: Now) {
        while let Some(timer) = self.timers.pop(now.mono) {
            self.due(now, timer);
        }
        // Failures are told once a second; meanwhile nothing is acknowledged.
        if let Err(e) = self.engine.turn(now.mono) {
            self.complain(now, &e);
        }
        let committed = self.engine.committed();
        if committed > self.committed {
            self.committed = committed;
            self.committed_up_to(now, committed);
        }
        for key in std::mem::take(&mut self.pending) {
            if let Some(client) = self.clients.get_mut(key.0 as usize) {
                client.pending = false;
                self.pump(now, key);
            }
        }
    }

    /// When [`end_turn`](Self::end_turn) has something to do at the latest.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        [self.timers.next(), self.engine.poll_timeout()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Work is left that no socket and no deadline will tell of.
    pub(crate) fn is_busy(&self) -> bool {
        !self.pending.is_empty() || !self.resumed.is_empty()
    }

    /// The next link that was paused and takes its input again.
    pub(crate) fn next_resumed(&mut self) -> Option<LinkId> {
        self.resumed.pop()
    }

    /// The next link that has been closing for too long: it ends whatever waits on it.
    pub(crate) fn next_doomed(&mut self) -> Option<LinkId> {
        self.doomed.pop()
    }

    /// The next link with something to write.
    pub(crate) fn next_dirty(&mut self) -> Option<LinkId> {
        while let Some(id) = self.dirty.pop() {
            let committed = self.engine.committed();
            if let Some(link) = self.links.get_mut(id) {
                link.dirty = false;
                if link.flush_after > committed {
                    self.waiting_links.push(id);
                } else if !link.blocked {
                    return Some(id);
                }
            }
        }
        None
    }

    /// What waits to be written to `id`; `None` when there is no such link.
    pub(crate) fn out(&mut self, id: LinkId) -> Option<&mut WriteQueue> {
        self.links.get_mut(id).map(|link| &mut link.out)
    }

    /// `n` bytes of it were written; `blocked` says that the kernel takes no more for now.
    pub(crate) fn flushed(&mut self, id: LinkId, n: usize, blocked: bool) {
        self.stats.bytes_sent += n as u64;
        let Some(link) = self.links.get_mut(id) else {
            return;
        };
        link.blocked = blocked;
        if link.out.is_empty() && self.spare.len() < SPARE {
            self.spare.push(std::mem::take(&mut link.out));
        } else if link.out.is_empty() {
            link.out = WriteQueue::new();
        }
        if let (Phase::Up(client), false) = (link.phase, blocked) {
            self.set_pending_if_queued(client);
        }
    }

    /// Whether all is said on `id`, so that it is closed once it is written.
    pub(crate) fn is_closing(&self, id: LinkId) -> bool {
        self.links
            .get(id)
            .is_some_and(|link| link.phase == Phase::Closing)
    }

    /// Every client has been told of the drain and the engine holds everything.
    pub(crate) fn is_quiet(&self) -> bool {
        self.draining && self.links.open() == 0
    }

    /// Takes the out-buffer of `link` for a while, with memory in it.
    fn borrow_out(spare: &mut Vec<WriteQueue>, link: &mut Link) -> WriteQueue {
        if link.out.is_empty() && !link.dirty {
            spare.pop().unwrap_or_default()
        } else {
            std::mem::take(&mut link.out)
        }
    }

    fn set_dirty(&mut self, id: LinkId) {
        if let Some(link) = self.links.get_mut(id)
            && !link.dirty
        {
            link.dirty = true;
            self.dirty.push(id);
        }
    }

    fn set_pending(&mut self, key: ClientKey) {
        if let Some(client) = self.clients.get_mut(key.0 as usize)
            && !client.pending
        {
            client.pending = true;
            self.pending.push(key);
        }
    }

    fn set_pending_if_queued(&mut self, key: ClientKey) {
        let queued = |client: &Client| !client.queue.is_empty();
        if self.clients.get(key.0 as usize).is_some_and(queued) {
            self.set_pending(key);
        }
    }

    fn wait_for_commit(&mut self, key: ClientKey) {
        if let Some(client) = self.clients.get_mut(key.0 as usize)
            && !client.waiting
        {
            client.waiting = true;
            self.waiting.push(key);
        }
    }

    /// Logs a failure of the engine, at most once a second.
    fn complain(&mut self, now: Now, error: &EngineError) {
        let again = |at: Instant| now.mono.saturating_duration_since(at) >= Duration::from_secs(1);
        if self.complained.is_none_or(again) {
            self.complained = Some(now.mono);
            tracing::error!("{error}");
        }
    }
}

/// Empty out-buffers that are kept for the next connections that need one.
const SPARE: usize = 1_024;
