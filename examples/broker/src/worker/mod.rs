//! One worker: a readiness loop over mio that owns its connections from the accept to the close.
//!
//! ```text
//!  poll -> accept -> read until a short read -> Core: every packet in the buffer -> commit
//!    ^                                                                               |
//!    '---- wait for the next deadline <- close <- one write per dirty connection <---'
//! ```
//!
//! Nothing of a message leaves this thread: no lock, no channel, no task. What is said on the
//! connections is the [`Core`]'s business; `accept.rs` and `traffic.rs` move bytes.

mod accept;
mod mail;
mod socket;
mod traffic;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;

pub(crate) use self::mail::{Mail, Mailbox};
use self::socket::Socket;
use crate::broker::Settings;
use crate::clock::Now;
use crate::core::{Core, LinkId};
use crate::engine::{Engine, EngineError};
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
    /// It was told already.
    accept_failed: bool,
    /// Sockets that were shut and wait for the peer to see it, oldest first.
    lingering: VecDeque<(Instant, usize, u64)>,
    serial: u64,
    draining: bool,
    /// Closed, it would take a wake that is on its way with it.
    _waker: Arc<Waker>,
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

/// Why a worker cannot begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The operating system gives no poll, or no descriptor.
    #[error("cannot wait for sockets: {0}; raise the limit of open files (ulimit -n)")]
    Io(#[from] io::Error),
    /// The state cannot be recovered.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Worker {
    /// A worker that will serve `listeners`, and the mailbox that reaches it.
    pub(crate) fn new(
        settings: Arc<Settings>,
        mut listeners: Vec<Listener>,
        mut engine: Box<dyn Engine>,
    ) -> Result<(Self, Mailbox), StartError> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        for (index, listener) in listeners.iter_mut().enumerate() {
            let token = Token(FIRST_LISTENER + index);
            poll.registry()
                .register(&mut listener.socket, token, Interest::READABLE)?;
        }
        let (mailbox, mail) = Mailbox::new(Arc::clone(&waker));
        let on_commit = Arc::clone(&waker);
        engine.on_commit(Box::new(move || {
            // A worker that has ended has nobody left to acknowledge to.
            let _ = on_commit.wake();
        }));
        let core = Core::new(Now::get(), Arc::clone(&settings), engine)?;
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
            accept_failed: false,
            lingering: VecDeque::new(),
            serial: 0,
            draining: false,
            _waker: waker,
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
                    self.ready(now, token - FIRST_LISTENER - self.listeners.len(), event);
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
const ACCEPT_RETRY: Duration = Duration::from_millis(100);
/// Bounds the sleep of an idle worker; nothing depends on it.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
