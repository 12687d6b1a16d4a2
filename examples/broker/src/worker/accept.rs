//! New connections: admitted within the limits, registered, handed to the core.

use std::io;
use std::net::SocketAddr;

use mio::net::TcpStream;
use mio::{Interest, Token};

use super::socket::Socket;
use super::{Entry, FIRST_LISTENER, Stage, Worker};
use crate::clock::Now;
use crate::core::LinkId;

impl Worker {
    /// Takes what waits at the listeners, a share of it each turn.
    pub(super) fn accept(&mut self, now: Now) {
        for index in 0..self.listeners.len() {
            for attempt in 0.. {
                if attempt == ACCEPTS_PER_TURN {
                    self.accept_again = true;
                    break;
                }
                match self.listeners[index].socket.accept() {
                    Ok((stream, peer)) => {
                        self.accept_failed = false;
                        self.admit(now, index, stream, peer);
                    }
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                    Err(e) if e.kind() == io::ErrorKind::ConnectionAborted => {}
                    Err(e) => {
                        if !self.accept_failed {
                            tracing::warn!("cannot accept: {e}; raise the limit of open files");
                        }
                        (self.accept_again, self.accept_failed) = (true, true);
                        break;
                    }
                }
            }
        }
    }

    fn admit(&mut self, now: Now, listener: usize, stream: TcpStream, peer: SocketAddr) {
        // A connection over the limit is closed by dropping it here.
        if !self.core.has_room() {
            return;
        }
        let _ = stream.set_nodelay(true);
        let wants_tls = self.listeners[listener].is_tls();
        let tls = match &self.settings.tls {
            Some(tls) if wants_tls => Some(tls),
            // Never plain by mistake.
            None if wants_tls => return,
            _ => None,
        };
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
        self.core.open(now, link, peer);
        self.serial += 1;
        let stage = if wants_tls {
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
}

/// New connections of one listener before the others have their turn; bounds TLS handshakes too.
const ACCEPTS_PER_TURN: usize = 64;
