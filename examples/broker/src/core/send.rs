//! From a queue to the socket's buffer, as far as window, buffer and engine allow.

use renata_mqtt::QoS;

use super::Core;
use super::client::{ClientKey, Held};
use super::parcel::Parcel;
use super::wire::Outgoing;
use crate::clock::Now;
use crate::engine::{Change, Ticket};

impl Core {
    /// Sends a message past the queue; `false` when it has to wait there.
    ///
    /// `held` is what stays until the acknowledgement. Its message is left out when nobody can ask
    /// for it again.
    pub(super) fn send_now(
        &mut self,
        now: Now,
        key: ClientKey,
        parcel: &mut Parcel<'_>,
        held: &mut Held,
    ) -> bool {
        let Some(client) = self.clients.get_mut(key.0 as usize) else {
            return false;
        };
        let Some(link) = client.link.and_then(|link| self.links.get_mut(link)) else {
            return false;
        };
        // Away: this client's own input is being handled, and its buffer is in use there.
        let Some(session) = client.session.as_mut() else {
            return false;
        };
        if held.qos > 0 && (link.out.len() >= HIGH_WATER || session.window() == 0) {
            return false;
        }
        let size = Outgoing::new(link.version, parcel, held, now).len();
        if size > link.peer_max_packet as usize {
            self.stats.dropped.too_large += 1;
            if held.qos > 0 {
                session.skip();
                self.dequeue(now, key, held.seq);
            }
            return true;
        }
        let mut id = None;
        if held.qos > 0 {
            let keeps = client.expiry_secs > 0 || held.group.is_some();
            let stays = Held {
                message: keeps.then(|| parcel.keep().clone()),
                ..held.clone()
            };
            match session.open(now.mono, qos(held.qos), stays) {
                Ok(opened) => id = Some(opened),
                Err(_) => return false,
            }
        }
        if link.out.is_empty() && !link.dirty {
            link.out = self.spare.pop().unwrap_or_default();
        }
        Outgoing::new(link.version, parcel, held, now).write(id, held.dup, &mut link.out);
        self.stats.publish_sent += 1;
        if let Some(link) = client.link {
            self.set_dirty(link);
        }
        true
    }

    /// Moves what it can from the queue of `key` to its socket's buffer.
    pub(super) fn pump(&mut self, now: Now, key: ClientKey) {
        let committed = self.engine.committed();
        loop {
            let Some(client) = self.clients.get_mut(key.0 as usize) else {
                return;
            };
            let Some(front) = client.queue.front() else {
                return;
            };
            let Some(link) = client.link.and_then(|link| self.links.get_mut(link)) else {
                return;
            };
            let Some(session) = client.session.as_mut() else {
                return self.set_pending(key);
            };
            if front.ticket > committed {
                return self.wait_for_commit(key);
            }
            // The socket's buffer is refilled when it has been written.
            if link.out.len() >= HIGH_WATER {
                return;
            }
            let held = &front.held;
            if held.qos > 0 && session.window() == 0 {
                return;
            }
            let expired = held
                .message
                .as_ref()
                .is_none_or(|m| m.is_expired(now.unix_ms));
            let Some(mut held) = client.queue.pop() else {
                return;
            };
            if expired {
                self.stats.dropped.expired += 1;
                if held.qos > 0 {
                    session.skip();
                    self.dequeue(now, key, held.seq);
                }
                continue;
            }
            if let Some(message) = held.message.clone() {
                let mut parcel = Parcel::of(&message, held.retain);
                if !self.send_now(now, key, &mut parcel, &mut held) {
                    tracing::error!("a window that was open has closed; the delivery is dropped");
                }
            }
        }
    }

    /// The entry is done: the engine need not keep it for this session any more.
    pub(super) fn dequeue(&mut self, now: Now, key: ClientKey, seq: u64) {
        let Some(client) = self.clients.get(key.0 as usize) else {
            return;
        };
        if client.is_persistent() && self.engine.is_durable() {
            let change = Change::Dequeue(client.id, seq);
            // Not kept, it is delivered once more after a crash, which QoS 1 allows; and at QoS 2 the
            // receiver has the packet id and refuses it.
            if let Err(e) = self.engine.append(now.mono, &[change]) {
                self.complain(now, &e);
            }
        }
    }

    /// Writes down the session as it is now, if it survives; what has to be committed before the
    /// client may rely on it.
    pub(super) fn record(&mut self, now: Now, key: ClientKey) -> Ticket {
        let Some(client) = self.clients.get_mut(key.0 as usize) else {
            return Ticket::default();
        };
        if !client.is_persistent() || !self.engine.is_durable() {
            return Ticket::default();
        }
        client.recorded = true;
        let record = client.record();
        self.append_one(now, Change::Session(&record))
    }

    /// A session that ends with its connection is nothing to the engine any more.
    pub(super) fn forget(&mut self, now: Now, key: ClientKey) -> Ticket {
        match self.clients.get_mut(key.0 as usize) {
            Some(client) if client.recorded => {
                client.recorded = false;
                let id = client.id;
                self.append_one(now, Change::EndSession(id))
            }
            _ => Ticket::default(),
        }
    }

    /// Appends one change; what has to be committed before it is shown to the client.
    pub(super) fn append_one(&mut self, now: Now, change: Change<'_>) -> Ticket {
        if !self.engine.is_durable() {
            return Ticket::default();
        }
        match self.engine.append(now.mono, &[change]) {
            Ok(ticket) => ticket,
            Err(e) => {
                self.complain(now, &e);
                // Never committed: what depends on it is never said.
                Ticket(u64::MAX)
            }
        }
    }
}

fn qos(level: u8) -> QoS {
    match level {
        0 => QoS::AtMostOnce,
        1 => QoS::AtLeastOnce,
        _ => QoS::ExactlyOnce,
    }
}

/// Bytes in a socket's buffer above which queued messages wait in the queue.
const HIGH_WATER: usize = 256 << 10;
