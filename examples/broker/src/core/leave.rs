//! How connections and sessions end: goodbye, loss, takeover, expiry; and what follows, the will.

use std::sync::Arc;
use std::time::Duration;

use renata_mqtt::ReasonCode;
use renata_mqtt::packet::{DisconnectRef, Property};
use renata_topics::{TopicFilter, TopicName};

use super::client::{Client, ClientKey, Held, Will};
use super::link::{LinkId, Phase};
use super::parcel::Parcel;
use super::{Core, Timer};
use crate::clock::Now;
use crate::engine::{Change, SessionId};
use crate::message::Message;

/// How a client left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goodbye {
    /// DISCONNECT without the wish to have the will sent, perhaps with another session expiry.
    Clean(Option<u32>),
    /// DISCONNECT with the wish to have the will sent.
    WithWill(Option<u32>),
    /// The connection broke, or we closed it.
    Lost,
}

impl Goodbye {
    pub(super) fn of(packet: &DisconnectRef<'_>) -> Self {
        let expiry = packet.properties().find(|property| match property {
            Property::SessionExpiryInterval(secs) => Some(secs),
            _ => None,
        });
        if packet.reason() == ReasonCode::DISCONNECT_WITH_WILL {
            Self::WithWill(expiry)
        } else {
            Self::Clean(expiry)
        }
    }
}

impl Core {
    /// The socket of `id` is gone.
    pub(crate) fn lost(&mut self, now: Now, id: LinkId) {
        if let Some(link) = self.links.remove(id)
            && let Phase::Up(client) = link.phase
        {
            self.detach(now, client, Goodbye::Lost);
        }
    }

    /// What waits on `id` is written, then it is closed.
    pub(super) fn close(&mut self, now: Now, id: LinkId) {
        self.links.set_phase(id, Phase::Closing);
        self.set_dirty(id);
        if let Some(link) = self.links.get(id) {
            self.timers
                .set(now.mono + CLOSE_WITHIN, Timer::Close(id, link.serial));
        }
    }

    /// Tells the client of `id` why, and closes its connection.
    pub(super) fn expel(&mut self, now: Now, id: LinkId, reason: ReasonCode) {
        if let Some(Phase::Up(key)) = self.links.get(id).map(|link| link.phase) {
            let client = self.clients.get_mut(key.0 as usize);
            if let (Some(client), Some(link)) = (client, self.links.get_mut(id))
                && let Some(session) = client.session.as_mut()
            {
                session.disconnect(reason, &mut link.out);
            }
            self.detach(now, key, Goodbye::Lost);
        }
        self.close(now, id);
    }

    /// The session of `key` has no connection any more.
    pub(super) fn detach(&mut self, now: Now, key: ClientKey, goodbye: Goodbye) {
        let Some(client) = self.clients.get_mut(key.0 as usize) else {
            return;
        };
        if client.link.take().is_none() {
            return;
        }
        if let Some(session) = client.session.as_mut() {
            session.lost();
        }
        match goodbye {
            Goodbye::Clean(expiry) | Goodbye::WithWill(expiry) => {
                if let Some(secs) = expiry.filter(|_| client.expiry_secs > 0) {
                    let most = self.settings.config.limits.session_expiry_secs;
                    client.expiry_secs = secs.min(most);
                }
                if matches!(goodbye, Goodbye::Clean(_)) {
                    client.will = None;
                }
            }
            Goodbye::Lost => {}
        }
        client.left_at = Some(now.unix_ms);
        tracing::info!(client = %client.who.client_id, ?goodbye, "disconnected");
        let expiry = client.expiry_secs;
        if let Some(will) = &client.will {
            let delay = will.delay_secs.min(expiry);
            client.will_at = Some(now.mono + Duration::from_secs(delay.into()));
            if delay == 0 {
                self.fire_will(now, key);
            }
        }
        if expiry == 0 {
            return self.end_session(now, key);
        }
        self.drop_at_most_once(key);
        self.look_later(now, key);
        self.record(now, key);
    }

    /// QoS 0 is not kept for those who are away.
    fn drop_at_most_once(&mut self, key: ClientKey) {
        if let Some(client) = self.clients.get_mut(key.0 as usize)
            && client.queue.holds_at_most_once()
        {
            self.stats.dropped.away += client.queue.drop_at_most_once() as u64;
        }
    }

    /// The session is over: nothing of it stays, and what other members of a group can still take
    /// goes to them.
    pub(super) fn end_session(&mut self, now: Now, key: ClientKey) {
        if self
            .clients
            .get(key.0 as usize)
            .is_some_and(|c| c.will.is_some())
        {
            self.fire_will(now, key);
        }
        let Some(mut client) = self.clients.try_remove(key.0 as usize) else {
            return;
        };
        self.by_id.remove(&client.who.client_id);
        for subscription in &client.subscriptions {
            if let Ok(filter) = TopicFilter::new(&subscription.filter) {
                self.router.remove(filter, key, subscription.options);
            }
        }
        let shared = untaken(&mut client);
        if client.recorded {
            self.append_one(now, Change::EndSession(client.id));
        }
        for held in shared {
            self.redeliver(now, &held);
        }
    }

    /// Gives a message of a group to another member.
    fn redeliver(&mut self, now: Now, held: &Held) {
        let (Some(message), Some(group)) = (&held.message, held.group) else {
            return;
        };
        let clients = &self.clients;
        let live = |key: ClientKey| {
            clients
                .get(key.0 as usize)
                .is_some_and(|c| c.link.is_some())
        };
        let Some(m) = self.router.choose_again(group, live) else {
            return;
        };
        let Ok(topic) = TopicName::new(&message.topic) else {
            return;
        };
        let mut parcel = Parcel::of(message, false);
        if self
            .route_to(now, topic, &mut parcel, None, &mut vec![m])
            .is_err()
        {
            self.stats.dropped.full += 1;
        }
    }

    /// Publishes the will, if the policy still allows it.
    pub(super) fn fire_will(&mut self, now: Now, key: ClientKey) {
        let Some(client) = self.clients.get_mut(key.0 as usize) else {
            return;
        };
        client.will_at = None;
        let Some(will) = client.will.take() else {
            return;
        };
        let who = Arc::clone(&client.who);
        let Ok(topic) = TopicName::new(&will.message.topic) else {
            return;
        };
        if !who.may_leave_will(topic, will.message.qos, will.retain) {
            self.stats.denied += 1;
            tracing::warn!(client = %who.client_id, topic = topic.as_str(), "will denied");
            return;
        }
        let message = Arc::new(stamped(&will, now));
        let mut parcel = Parcel::of(&message, will.retain);
        if self.route(now, topic, &mut parcel, None).is_err() {
            tracing::warn!(client = %who.client_id, "will not taken: a queue or the journal is full");
        }
    }

    /// Sets the next look at a session that is away, unless one is set that comes no later.
    pub(super) fn look_later(&mut self, now: Now, key: ClientKey) {
        let Some(client) = self.clients.get_mut(key.0 as usize) else {
            return;
        };
        let expires_at = client.expires_at().map(|at| now.when(at));
        let Some(at) = client.will_at.into_iter().chain(expires_at).min() else {
            return;
        };
        let at = at.min(now.mono + LOOK_EVERY);
        if client.look_at.is_none_or(|set| at < set) {
            client.look_at = Some(at);
            self.timers.set(at, Timer::Away(key, client.id));
        }
    }

    /// A look at a session: it may have come back meanwhile.
    pub(super) fn due_while_away(&mut self, now: Now, key: ClientKey, id: SessionId) {
        let same = |c: &&mut Client| c.id == id;
        let Some(client) = self.clients.get_mut(key.0 as usize).filter(same) else {
            return;
        };
        client.look_at = client.look_at.filter(|set| *set > now.mono);
        if client.link.is_some() {
            return;
        }
        let will_due = client.will_at.is_some_and(|at| at <= now.mono);
        let expired = client.expires_at().is_some_and(|at| at <= now.unix_ms);
        if will_due {
            self.fire_will(now, key);
            // So that it is not sent once more after a restart.
            self.record(now, key);
        }
        if expired {
            if let Some(client) = self.clients.get(key.0 as usize) {
                tracing::info!(client = %client.who.client_id, "session expired");
            }
            return self.end_session(now, key);
        }
        self.look_later(now, key);
    }
}

/// The longest time between two looks at a session that is away.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How long a peer may take to read the last that we say.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// The will's message with the lifetime that begins now.
fn stamped(will: &Will, now: Now) -> Message {
    let mut message = Message::clone(&will.message);
    message.expires_at = will.expiry_secs.map(|secs| now.after_secs(secs));
    message
}

/// What a session that ends had of its groups and has not acknowledged, oldest first.
fn untaken(client: &mut Client) -> Vec<Held> {
    let mut shared = Vec::new();
    if let Some(session) = client.session.as_mut() {
        let open = session.messages().map(|(_, _, held)| held);
        shared.extend(open.filter(|held| held.group.is_some()).cloned());
    }
    while let Some(held) = client.queue.pop() {
        if held.group.is_some() {
            shared.push(held);
        }
    }
    shared
}
