//! What happens without a packet: deadlines, commits, `$SYS`, reload, drain.

use std::sync::Arc;
use std::time::Duration;

use renata_mqtt::ReasonCode;
use renata_mqtt::session::StoreSeq;
use renata_topics::TopicName;

use super::client::ClientKey;
use super::link::Phase;
use super::parcel::Parcel;
use super::stats::Gauges;
use super::{Core, Timer};
use crate::broker::Settings;
use crate::clock::Now;
use crate::engine::{Change, SessionId, Ticket};
use crate::message::Message;

impl Core {
    /// A deadline has come.
    pub(super) fn due(&mut self, now: Now, timer: Timer) {
        match timer {
            Timer::Connect(id, serial) => {
                let waits = |phase| matches!(phase, Phase::Opening);
                let link = self.links.get(id).filter(|link| link.serial == serial);
                if let Some(link) = link.filter(|link| waits(link.phase)) {
                    tracing::info!(peer = %link.peer, "closed: no CONNECT in time");
                    self.close(now, id);
                }
            }
            Timer::Close(id, serial) => {
                if self.links.get(id).is_some_and(|link| link.serial == serial) {
                    self.doomed.push(id);
                }
            }
            Timer::KeepAlive(key, id, serial) => self.keep_alive(now, key, id, serial),
            Timer::Away(key, id) => self.due_while_away(now, key, id),
            Timer::Sys => self.publish_sys(now),
        }
    }

    /// Looks whether the client has been silent for too long, and sets the next look.
    pub(super) fn keep_alive(&mut self, now: Now, key: ClientKey, id: SessionId, serial: u64) {
        let Some(client) = self.clients.get_mut(key.0 as usize).filter(|c| c.id == id) else {
            return;
        };
        let Some(link_id) = client.link else { return };
        let Some(link) = self.links.get_mut(link_id).filter(|l| l.serial == serial) else {
            return;
        };
        let Some(session) = client.session.as_mut() else {
            return;
        };
        if session.handle_timeout(now.mono, &mut link.out).is_err() {
            tracing::info!(client = %client.who.client_id, "closed: keep-alive timeout");
            return self.expel(now, link_id, ReasonCode::KEEP_ALIVE_TIMEOUT);
        }
        if let Some(at) = session.poll_timeout() {
            // Too early is harmless, and the heap does not fill with connections that are long gone.
            let at = at.min(now.mono + LOOK_EVERY);
            self.timers.set(at, Timer::KeepAlive(key, id, serial));
        }
    }

    /// The engine has everything up to `ticket`: what waited for it leaves.
    pub(super) fn committed_up_to(&mut self, now: Now, ticket: Ticket) {
        for key in std::mem::take(&mut self.waiting) {
            let Some(client) = self.clients.get_mut(key.0 as usize) else {
                continue;
            };
            client.waiting = false;
            let link = client.link.and_then(|id| self.links.get_mut(id));
            if let (Some(session), Some(link)) = (client.session.as_mut(), link) {
                session.committed(StoreSeq(ticket.0), &mut link.out);
                let (owes, says) = (session.is_waiting(), !link.out.is_empty());
                if let Some(id) = client.link.filter(|_| says) {
                    self.set_dirty(id);
                }
                if owes {
                    self.wait_for_commit(key);
                }
            }
            if self.is_paused(key) {
                let link = self.clients.get(key.0 as usize).and_then(|c| c.link);
                self.resumed.extend(link);
            }
            self.pump(now, key);
        }
        for id in std::mem::take(&mut self.waiting_links) {
            self.set_dirty(id);
        }
    }

    /// Publishes the counters as retained messages, and sets the next time.
    pub(super) fn publish_sys(&mut self, now: Now) {
        self.timers.set(now.mono + SYS_EVERY, Timer::Sys);
        let gauges = Gauges {
            uptime: now.mono.saturating_duration_since(self.started),
            connected: self
                .clients
                .iter()
                .filter(|(_, c)| c.link.is_some())
                .count(),
            sessions: self.clients.len(),
            subscriptions: self.router.len(),
            retained: self.retained.len(),
        };
        for (name, value) in self.stats.topics(&gauges) {
            let topic = format!("$SYS/broker/{name}");
            let message = Arc::new(Message {
                topic: topic.as_str().into(),
                payload: value.into(),
                properties: bytes::Bytes::new(),
                qos: 0,
                expires_at: None,
            });
            if let Ok(topic) = TopicName::new(&topic) {
                // The retained store's own limit may refuse it; the next time comes.
                let _ = self.route(now, topic, &mut Parcel::of(&message, true), None);
            }
        }
    }

    /// A retained message whose time is over.
    pub(super) fn clear_retained(&mut self, now: Now, topic: TopicName<'_>) {
        if self.retained.clear(topic) {
            self.append_one(now, Change::ClearRetained(topic.as_str()));
        }
    }

    /// Obeys new settings; what the policy does not cover any more has ended when this returns.
    pub(crate) fn reload(&mut self, now: Now, settings: Arc<Settings>) {
        self.settings = settings;
        let keys: Vec<_> = self
            .clients
            .iter()
            .map(|(key, _)| ClientKey(key as u32))
            .collect();
        for key in keys {
            let Some(client) = self.clients.get_mut(key.0 as usize) else {
                continue;
            };
            match (self.settings.access.again(&client.who), client.link) {
                (Some(who), _) => {
                    client.who = Arc::new(who);
                    self.recheck(now, key);
                }
                // Nobody any more: what waits for it is not for it, and its will is nobody's.
                (None, link) => {
                    client.will = None;
                    if let Some(link) = link {
                        self.expel(now, link, ReasonCode::NOT_AUTHORIZED);
                    }
                    self.end_session(now, key);
                }
            }
        }
    }

    /// Tells every client that the broker stops, and commits what there is.
    pub(crate) fn drain(&mut self, now: Now) {
        self.draining = true;
        self.sync(now);
        for id in self.links.ids().collect::<Vec<_>>() {
            self.expel(now, id, ReasonCode::SERVER_SHUTTING_DOWN);
        }
        // The ends of the sessions, and the wills that came of them.
        self.sync(now);
    }

    /// Commits everything and lets go what waited for it.
    fn sync(&mut self, now: Now) {
        if let Err(e) = self.engine.sync() {
            self.complain(now, &e);
        }
        self.committed = self.engine.committed();
        self.committed_up_to(now, self.committed);
    }
}

/// How long a timer of a connection that is gone stays at most.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Mosquitto's default.
const SYS_EVERY: Duration = Duration::from_secs(10);
