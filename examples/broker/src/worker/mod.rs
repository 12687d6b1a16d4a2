//! One worker: a readiness loop over mio that owns its connections from the accept to the close.
//!
//! ```text
//!  poll -> accept -> read until a short read -> Core: every packet in the buffer -> commit
//!    ^                                                                               |
//!    '---- wait for the next deadline <- close <- one write per dirty connection <---'
//! ```
//!
//! Nothing of a message leaves this thread: no lock, no channel, no task. What is said on the
//! connections is the [`Core`]'s business; this file moves bytes.

mod mail;
mod socket;

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;

pub(crate) use self::mail::{Mail, Mailbox};
use self::socket::{Got, Socket};
use crate::broker::Settings;
use crate::clock::Now;
use crate::core::{Core, LinkId, Next};
use crate::engine::Engine;
use crate::listener::Listener;

/// The loop with everything that it owns.
pub(crate) struct Worker {
    poll: Poll,
    listeners: Vec<Listener>,
    sockets: Slab<Entry>,
    core: Core,
    settings: Arc<Settings>,
    mail: Receiver<Mail>,
    scratch: Box<[u8]>,
    /// Sockets that have more to read than one turn allows.
    again: Vec<LinkId>,
    /// Listeners that have more to accept, or that failed and are tried again.
    accept_again: bool,
    /// Sockets that were shut and wait for the peer to see it, oldest first.
    lingering: VecDeque<(Instant, usize, u64)>,
    serial: u64,
    draining: bool,
}

struct Entry {
    socket: Socket,
    /// Tells a socket from a later one in the same slot.
    serial: u64,
    stage: Stage,
    /// The core takes nothing for now: nothing is read either, so that the peer has to wait.
    paused: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The TLS handshake is going on: the core has heard nothing yet.
    Handshake,
    /// The core has it.
    Live,
    /// Everything was said; what arrives is thrown away until the peer closes.
    Lingering,
}

impl Worker {
    /// A worker that will serve `listeners`, and the mailbox that reaches it.
    pub(crate) fn new(
        settings: Arc<Settings>,
        mut listeners: Vec<Listener>,
        mut engine: Box<dyn Engine>,
    ) -> io::Result<(Self, Mailbox)> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        for (index, listener) in listeners.iter_mut().enumerate() {
            let token = Token(FIRST_LISTENER + index);
            poll.registry()
                .register(&mut listener.socket, token, Interest::READABLE)?;
        }
        let (mailbox, mail) = Mailbox::new(Arc::clone(&waker));
        engine.on_commit(Box::new(move || {
            // A worker that has ended has nobody left to acknowledge to.
            let _ = waker.wake();
        }));
        let core =
            Core::new(Now::get(), Arc::clone(&settings), engine).map_err(io::Error::other)?;
        let worker = Self {
            poll,
            listeners,
            sockets: Slab::new(),
            core,
            settings,
            mail,
            scratch: vec![0; SCRATCH].into_boxed_slice(),
            again: Vec::new(),
            accept_again: false,
            lingering: VecDeque::new(),
            serial: 0,
            draining: false,
        };
        Ok((worker, mailbox))
    }

    /// Runs until it is drained; `false` when the poll itself fails.
    pub(crate) fn run(mut self) -> bool {
        let mut events = Events::with_capacity(1_024);
        loop {
            let timeout = self.timeout(Instant::now());
            if let Err(e) = self.poll.poll(&mut events, Some(timeout))
                && e.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!("poll failed: {e}");
                return false;
            }
            if self.turn(&events) {
                return true;
            }
        }
    }

    /// One turn of the loop; `true` when drained.
    fn turn(&mut self, events: &Events) -> bool {
        let now = Now::get();
        let mut accept = std::mem::take(&mut self.accept_again);
        let again = std::mem::take(&mut self.again);
        for event in events {
            match event.token() {
                WAKER => {}
                Token(token) if token < FIRST_LISTENER + self.listeners.len() => accept = true,
                Token(token) => {
                    self.ready(now, token - FIRST_LISTENER - self.listeners.len(), event)
                }
            }
        }
        while let Some(link) = self.core.next_resumed() {
            self.resume(now, link);
        }
        for link in again {
            self.read(now, link);
        }
        if accept && !self.draining {
            self.accept(now);
        }
        while let Ok(mail) = self.mail.try_recv() {
            self.open_mail(now, mail);
        }
        self.core.end_turn(now);
        while let Some(link) = self.core.next_dirty() {
            self.flush(now, link);
        }
        while let Some(link) = self.core.next_doomed() {
            self.end(now, link);
        }
        self.end_lingering(now.mono);
        self.draining && self.core.is_quiet() && self.sockets.is_empty()
    }

    fn timeout(&self, now: Instant) -> Duration {
        if !self.again.is_empty() || self.core.is_busy() {
            return Duration::ZERO;
        }
        let mut until = now + LONGEST_WAIT;
        if self.accept_again {
            until = until.min(now + ACCEPT_RETRY);
        }
        if let Some((deadline, ..)) = self.lingering.front() {
            until = until.min(*deadline);
        }
        if let Some(deadline) = self.core.poll_timeout() {
            until = until.min(deadline);
        }
        // epoll counts whole milliseconds: one more makes sure that the deadline has passed then.
        let wait = until.saturating_duration_since(now);
        if wait.is_zero() {
            wait
        } else {
            wait + Duration::from_millis(1)
        }
    }

    fn accept(&mut self, now: Now) {
        for index in 0..self.listeners.len() {
            for attempt in 0.. {
                if attempt == ACCEPTS_PER_TURN {
                    self.accept_again = true;
                    break;
                }
                match self.listeners[index].socket.accept() {
                    Ok((stream, peer)) => self.admit(now, index, stream, peer),
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                    Err(e) if e.kind() == io::ErrorKind::ConnectionAborted => {}
                    Err(e) => {
                        tracing::warn!("cannot accept: {e}; raise the limit of open files");
                        self.accept_again = true;
                        break;
                    }
                }
            }
        }
    }

    fn admit(
        &mut self,
        now: Now,
        listener: usize,
        stream: mio::net::TcpStream,
        peer: std::net::SocketAddr,
    ) {
        // A connection over the limit is closed by dropping it here.
        if !self.core.has_room() {
            return;
        }
        let _ = stream.set_nodelay(true);
        let listener = &self.listeners[listener];
        let tls = self.settings.tls.as_ref().filter(|_| listener.is_tls());
        let mut socket = match Socket::new(stream, peer, tls) {
            Ok(socket) => socket,
            Err(e) => {
                tracing::error!("cannot start TLS: {e}");
                return;
            }
        };
        let slot = self.sockets.vacant_entry();
        let token = Token(FIRST_LISTENER + self.listeners.len() + slot.key());
        let interest = Interest::READABLE | Interest::WRITABLE;
        if let Err(e) = self
            .poll
            .registry()
            .register(socket.stream(), token, interest)
        {
            tracing::warn!(%peer, "cannot watch a connection: {e}");
            return;
        }
        let link = LinkId(slot.key());
        self.core.open(now, link, &listener.url, peer);
        self.serial += 1;
        let stage = if listener.is_tls() {
            Stage::Handshake
        } else {
            self.core.identify(now, link, None);
            Stage::Live
        };
        slot.insert(Entry {
            socket,
            serial: self.serial,
            stage,
            paused: false,
        });
    }

    fn ready(&mut self, now: Now, key: usize, event: &Event) {
        let Some(entry) = self.sockets.get_mut(key) else {
            return;
        };
        if event.is_writable() && entry.socket.blocked {
            self.flush(now, LinkId(key));
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            self.read(now, LinkId(key));
        }
    }

    /// Reads until the socket has nothing more, or until its share of this turn is used up.
    fn read(&mut self, now: Now, link: LinkId) {
        for _ in 0..READS_PER_TURN {
            let Some(entry) = self.sockets.get_mut(link.0) else {
                return;
            };
            if entry.paused {
                return;
            }
            let got = entry.socket.read(&mut self.scratch);
            if entry.stage == Stage::Handshake && !entry.socket.is_handshaking() {
                entry.stage = Stage::Live;
                self.core
                    .identify(now, link, entry.socket.client_certificate());
            }
            if entry.socket.wants_write() && entry.socket.write(&[]).is_err() {
                return self.end(now, link);
            }
            match got {
                Got::Bytes(n) if entry.stage == Stage::Live => {
                    if !self.hand_over(now, link, n) {
                        return;
                    }
                    // A short read of a plain socket has emptied it.
                    if n < self.scratch.len() && !self.is_tls(link) {
                        return self.read_end(now, link);
                    }
                }
                Got::Bytes(_) => {}
                Got::Nothing => return,
                Got::End | Got::Refused => return self.end(now, link),
            }
        }
        self.again.push(link);
    }

    /// After a short read only an end can follow: edge-triggered readiness has told of both at once.
    fn read_end(&mut self, now: Now, link: LinkId) {
        let Some(entry) = self.sockets.get_mut(link.0) else {
            return;
        };
        match entry.socket.read(&mut self.scratch) {
            Got::Nothing => {}
            Got::Bytes(n) => {
                if self.hand_over(now, link, n) {
                    self.again.push(link);
                }
            }
            Got::End | Got::Refused => self.end(now, link),
        }
    }

    fn is_tls(&self, link: LinkId) -> bool {
        self.sockets
            .get(link.0)
            .is_some_and(|entry| entry.socket.is_tls())
    }

    /// Gives the core the first `n` bytes of the scratch buffer, behind what was kept of the last
    /// read. `false` when the connection takes no more.
    fn hand_over(&mut self, now: Now, link: LinkId, n: usize) -> bool {
        let Some(entry) = self.sockets.get_mut(link.0) else {
            return false;
        };
        let partial = &mut entry.socket.partial;
        let fresh = &self.scratch[..n];
        let next = if partial.is_empty() {
            let taken = self.core.receive(now, link, fresh);
            partial.extend_from_slice(&fresh[taken.used..]);
            taken.next
        } else {
            partial.extend_from_slice(fresh);
            let taken = self.core.receive(now, link, partial);
            partial.drain(..taken.used);
            taken.next
        };
        if partial.is_empty() || next == Next::Close {
            *partial = Vec::new();
        }
        entry.paused = next == Next::Pause;
        next == Next::Read
    }

    /// The core takes input again: first what was kept, then what the socket has.
    fn resume(&mut self, now: Now, link: LinkId) {
        if let Some(entry) = self.sockets.get_mut(link.0) {
            entry.paused = false;
            if self.hand_over(now, link, 0) {
                self.read(now, link);
            }
        }
    }

    /// Writes what waits; one call to the kernel in the usual case. Closes when all is said.
    fn flush(&mut self, now: Now, link: LinkId) {
        let Some(entry) = self.sockets.get_mut(link.0) else {
            return;
        };
        if entry.stage == Stage::Lingering {
            return;
        }
        let mut total = 0;
        while let Some(out) = self.core.out(link) {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let count = out.chunks(&mut slices);
            let Ok(taken) = entry.socket.write(&slices[..count]) else {
                return self.end(now, link);
            };
            out.advance(taken);
            total += taken;
            if entry.socket.blocked || out.is_empty() {
                break;
            }
        }
        self.core.flushed(link, total, entry.socket.blocked);
        if self.core.is_closing(link) && !entry.socket.blocked {
            self.core.lost(now, link);
            self.linger(now.mono, link);
        }
    }

    /// The connection is over on the peer's side.
    fn end(&mut self, now: Now, link: LinkId) {
        self.core.lost(now, link);
        self.remove(link.0);
    }

    /// Everything is said. Closing at once could reset the connection under our last packet while
    /// the peer still sends, so only our side is shut, and the rest is thrown away for a moment.
    fn linger(&mut self, now: Instant, link: LinkId) {
        let Some(entry) = self.sockets.get_mut(link.0) else {
            return;
        };
        entry.stage = Stage::Lingering;
        entry.socket.partial = Vec::new();
        entry.socket.close_notify();
        let _ = entry.socket.write(&[]);
        let _ = entry.socket.stream().shutdown(std::net::Shutdown::Write);
        self.lingering
            .push_back((now + LINGER, link.0, entry.serial));
        self.again.push(link);
    }

    fn end_lingering(&mut self, now: Instant) {
        while let Some((deadline, key, serial)) = self.lingering.front().copied() {
            let entry = self.sockets.get(key).filter(|e| e.serial == serial);
            if entry.is_some() && deadline > now {
                return;
            }
            self.lingering.pop_front();
            if entry.is_some() {
                self.remove(key);
            }
        }
    }

    fn remove(&mut self, key: usize) {
        if let Some(mut entry) = self.sockets.try_remove(key) {
            let _ = self.poll.registry().deregister(entry.socket.stream());
        }
    }

    fn open_mail(&mut self, now: Now, mail: Mail) {
        match mail {
            Mail::Reload(settings, done) => {
                self.core.reload(now, Arc::clone(&settings));
                self.settings = settings;
                // The sender may have given up waiting.
                let _ = done.try_send(());
            }
            Mail::Drain => {
                self.draining = true;
                for listener in &mut self.listeners {
                    let _ = self.poll.registry().deregister(&mut listener.socket);
                }
                self.core.drain(now);
            }
        }
    }
}

const WAKER: Token = Token(0);
const FIRST_LISTENER: usize = 1;
/// What one read can bring.
const SCRATCH: usize = 64 << 10;
/// Reads of one connection before the others have their turn.
const READS_PER_TURN: usize = 8;
/// New connections of one listener before the others have their turn; bounds TLS handshakes too.
const ACCEPTS_PER_TURN: usize = 64;
/// Slices that one write hands to the kernel.
const SLICES: usize = 64;
/// How long a connection that we closed may take to see it.
const LINGER: Duration = Duration::from_secs(1);
const ACCEPT_RETRY: Duration = Duration::from_millis(100);
/// Bounds the sleep of an idle worker; nothing depends on it.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
