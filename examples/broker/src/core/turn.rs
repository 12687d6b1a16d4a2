//! What a session asks of the broker while it handles one read.

use renata_mqtt::packet::{DisconnectRef, Property, SubscribeRef, UnsubscribeRef};
use renata_mqtt::session::{
    Arrival, Commit, Completion, Handler, Next, ProtocolError, StoreSeq, Verdict,
};
use renata_mqtt::{PacketId, QoS, ReasonCode, Version, WriteQueue};
use renata_topics::{Limits, TopicName};

use super::client::{ClientKey, Held};
use super::leave::Goodbye;
use super::parcel::Parcel;
use super::route::NotTaken;
use super::wire::{Outgoing, forwarded};
use super::{Core, LinkId};
use crate::clock::Now;
use crate::engine::Change;

/// The broker while the packets of one connection are handled.
pub(super) struct Turn<'a> {
    core: &'a mut Core,
    now: Now,
    key: ClientKey,
    id: LinkId,
    version: Version,
    goodbye: Option<Goodbye>,
}

impl Core {
    /// Lets the session of `key` handle `input`; says how much of it was used.
    pub(super) fn receive_packets(
        &mut self,
        now: Now,
        id: LinkId,
        key: ClientKey,
        input: &[u8],
    ) -> usize {
        let Some(client) = self.clients.get_mut(key.0 as usize) else {
            return 0;
        };
        let (Some(mut session), Some(link)) = (client.session.take(), self.links.get_mut(id))
        else {
            return 0;
        };
        let mut out = Self::borrow_out(&mut self.spare, link);
        let version = link.version;
        let mut turn = Turn::new(self, now, id, key, version);
        let result = session.handle_input(now.mono, input, &mut turn, &mut out);
        let goodbye = turn.goodbye;
        if let Err(e) = &result {
            session.disconnect(e.reason(), &mut out);
        }
        let owes = session.is_waiting();
        if let Some(client) = self.clients.get_mut(key.0 as usize) {
            client.session = Some(session);
        }
        if let Some(link) = self.links.get_mut(id) {
            let said = !out.is_empty();
            link.out = out;
            if said {
                self.set_dirty(id);
            }
        }
        if owes {
            self.wait_for_commit(key);
        }
        self.set_pending_if_queued(key);
        match result {
            Ok(input) if input.next == Next::Closed => {
                self.detach(now, key, goodbye.unwrap_or(Goodbye::Lost));
                self.close(now, id);
                input.used
            }
            Ok(input) => {
                self.close_if_deaf(now, id);
                input.used
            }
            Err(e) => {
                self.log_protocol_error(id, key, &e);
                self.detach(now, key, Goodbye::Lost);
                self.close(now, id);
                0
            }
        }
    }

    /// A client that sends and does not read would pile up our answers.
    fn close_if_deaf(&mut self, now: Now, id: LinkId) {
        let most = self.settings.config.queue.bytes + MOST_ANSWERS;
        if let Some(link) = self.links.get(id)
            && link.out.len() > most
        {
            tracing::warn!(peer = %link.peer, "closed: it sends, but does not read");
            self.expel(now, id, ReasonCode::QUOTA_EXCEEDED);
        }
    }

    fn log_protocol_error(&self, id: LinkId, key: ClientKey, error: &ProtocolError) {
        if let (Some(link), Some(client)) = (self.links.get(id), self.clients.get(key.0 as usize)) {
            tracing::info!(peer = %link.peer, client = %client.who.client_id, "closed: {error}");
        }
    }
}

/// Bytes of acknowledgements and pings beside the queue's limit.
const MOST_ANSWERS: usize = 1 << 20;

impl Handler<Held> for Turn<'_> {
    fn publish(&mut self, arrival: &Arrival<'_>) -> Verdict {
        let core = &mut *self.core;
        core.stats.publish_received += 1;
        let packet = &arrival.packet;
        let levels = core.settings.config.limits.topic_levels;
        let limits = Limits::DEFAULT.with_max_levels(levels);
        let Ok(topic) = TopicName::with_limits(arrival.topic, limits) else {
            return Verdict::Close(ReasonCode::TOPIC_NAME_INVALID);
        };
        if packet.subscription_ids().next().is_some() {
            // Only a server says for which subscription it sends [MQTT-3.3.4-6].
            return Verdict::Close(ReasonCode::PROTOCOL_ERROR);
        }
        let Some(client) = core.clients.get(self.key.0 as usize) else {
            return Verdict::Close(ReasonCode::UNSPECIFIED_ERROR);
        };
        let qos = packet.qos() as u8;
        if !client.who.may_publish(topic, qos, packet.retain()) {
            core.stats.denied += 1;
            tracing::debug!(client = %client.who.client_id, topic = arrival.topic, "publish denied");
            return Verdict::Ack(ReasonCode::NOT_AUTHORIZED);
        }
        let inbound = packet
            .id()
            .filter(|_| packet.qos() == QoS::ExactlyOnce && client.is_persistent())
            .map(|id| (self.key, id.get()));
        let mut scratch = std::mem::take(&mut core.properties);
        scratch.clear();
        forwarded(&packet.properties(), &mut scratch);
        let mut parcel = Parcel::new(arrival.topic, packet.payload(), &scratch);
        parcel.qos = qos;
        parcel.retain = packet.retain();
        parcel.publisher = Some(self.key);
        parcel.expires_at = packet.properties().find(|property| match property {
            Property::MessageExpiryInterval(secs) => Some(self.now.after_secs(secs)),
            _ => None,
        });
        let routed = core.route(self.now, topic, &mut parcel, inbound);
        core.properties = scratch;
        match routed {
            Ok(routed) => {
                let reason = if routed.matched {
                    ReasonCode::SUCCESS
                } else {
                    ReasonCode::NO_MATCHING_SUBSCRIBERS
                };
                if routed.ticket <= core.engine.committed() {
                    Verdict::Ack(reason)
                } else {
                    Verdict::AckAfter(StoreSeq(routed.ticket.0), reason)
                }
            }
            // 3.1.1 has no refusal: without an acknowledgement the client keeps the message.
            Err(NotTaken::Quota | NotTaken::Engine) if self.version != Version::V5 => {
                Verdict::Close(ReasonCode::QUOTA_EXCEEDED)
            }
            Err(NotTaken::Quota | NotTaken::Engine) => Verdict::Ack(ReasonCode::QUOTA_EXCEEDED),
        }
    }

    fn completed(&mut self, _id: PacketId, held: Held, _completion: &Completion<'_>) {
        self.core.dequeue(self.now, self.key, held.seq);
    }

    fn received(&mut self, _id: PacketId, held: &mut Held) -> Commit {
        held.message = None;
        held.group = None;
        self.commit(Change::Received, held.seq)
    }

    fn released(&mut self, id: PacketId) -> Commit {
        self.commit(Change::CloseInbound, id.get())
    }

    fn resend(&mut self, id: PacketId, held: &Held, out: &mut WriteQueue) {
        if let Some(message) = &held.message {
            let parcel = Parcel::of(message, held.retain);
            Outgoing::new(self.version, &parcel, held, self.now).write(Some(id), true, out);
            self.core.stats.publish_sent += 1;
        }
    }

    fn abandoned(&mut self, held: Held) {
        self.core.dequeue(self.now, self.key, held.seq);
    }

    fn subscribe(&mut self, packet: &SubscribeRef<'_>, out: &mut WriteQueue) {
        self.core
            .subscribe(self.now, self.id, self.key, packet, out);
    }

    fn unsubscribe(&mut self, packet: &UnsubscribeRef<'_>, out: &mut WriteQueue) {
        self.core
            .unsubscribe(self.now, self.id, self.key, packet, out);
    }

    fn disconnect(&mut self, packet: &DisconnectRef<'_>) {
        self.goodbye = Some(Goodbye::of(packet));
    }
}

impl<'a> Turn<'a> {
    pub(super) fn new(
        core: &'a mut Core,
        now: Now,
        id: LinkId,
        key: ClientKey,
        version: Version,
    ) -> Self {
        Self {
            core,
            now,
            key,
            id,
            version,
            goodbye: None,
        }
    }

    /// Appends a change of this client's exchanges, if they survive.
    fn commit<T>(
        &mut self,
        change: impl FnOnce(crate::engine::SessionId, T) -> Change<'static>,
        of: T,
    ) -> Commit {
        let client = self.core.clients.get(self.key.0 as usize);
        let Some(session) = client.filter(|c| c.is_persistent()).map(|c| c.id) else {
            return Commit::Now;
        };
        let ticket = self.core.append_one(self.now, change(session, of));
        if ticket <= self.core.engine.committed() {
            return Commit::Now;
        }
        self.core.wait_for_commit(self.key);
        Commit::After(StoreSeq(ticket.0))
    }
}
