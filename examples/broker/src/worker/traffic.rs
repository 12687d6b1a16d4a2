//! Bytes between the sockets and the core, and how a connection is closed.

use std::io::IoSlice;
use std::time::{Duration, Instant};

use mio::event::Event;

use super::socket::Got;
use super::{Stage, Worker};
use crate::clock::Now;
use crate::core::{LinkId, Next};

impl Worker {
    /// A socket is ready.
    pub(super) fn ready(&mut self, now: Now, key: usize, event: &Event) {
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
    pub(super) fn read(&mut self, now: Now, link: LinkId) {
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
    pub(super) fn resume(&mut self, now: Now, link: LinkId) {
        if let Some(entry) = self.sockets.get_mut(link.0) {
            entry.paused = false;
            if self.hand_over(now, link, 0) {
                self.read(now, link);
            }
        }
    }

    /// Writes what waits; one call to the kernel in the usual case. Closes when all is said.
    pub(super) fn flush(&mut self, now: Now, link: LinkId) {
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
    pub(super) fn end(&mut self, now: Now, link: LinkId) {
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

    pub(super) fn end_lingering(&mut self, now: Instant) {
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
}

/// Reads of one connection before the others have their turn.
const READS_PER_TURN: usize = 8;
/// Slices that one write hands to the kernel.
const SLICES: usize = 64;
/// How long a connection that we closed may take to see it.
const LINGER: Duration = Duration::from_secs(1);
