//! CONNECT: checks, the session that it finds or makes, CONNACK.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use renata_mqtt::packet::{ConnectRef, PacketRef, Property, WillRef};
use renata_mqtt::session::{Link as Terms, Role, Session, StoreSeq};
use renata_mqtt::wire::{Framing, frame_len};
use renata_mqtt::{ReasonCode, Version};
use renata_topics::{Limits, TopicName};
use smallvec::{SmallVec, smallvec};

use super::client::{Client, ClientKey, Queue, Will};
use super::link::{LinkId, Phase};
use super::turn::Turn;
use super::{Core, wire};
use crate::access::Who;
use crate::clock::Now;
use crate::engine::SessionId;
use crate::message::Message;

impl Core {
    /// Handles the CONNECT at the front of `input`; says how many bytes it had, 0 if it is not whole.
    pub(super) fn receive_connect(&mut self, now: Now, id: LinkId, input: &[u8]) -> usize {
        // Nothing is kept of a peer whose first byte is not CONNECT's (MQTT 5.0 §3.1, type 1).
        if input.first().is_some_and(|first| first >> 4 != CONNECT) {
            self.close(now, id);
            return 0;
        }
        let max = self.settings.config.limits.connect_bytes;
        let (header, frame) = match frame_len(input, max) {
            Ok(Framing::Need(_)) => return 0,
            Ok(Framing::Frame { header, body }) => (header, &input[..header + body]),
            Err(e) => {
                self.refuse(now, id, Version::V5, e.reason());
                return 0;
            }
        };
        match PacketRef::decode(Version::V5, frame) {
            Ok(PacketRef::Connect(connect)) => self.connect(now, id, &connect),
            Ok(_) => self.close(now, id),
            Err(e) => self.refuse(now, id, version_of(frame, header), e.reason()),
        }
        frame.len()
    }

    fn connect(&mut self, now: Now, id: LinkId, connect: &ConnectRef<'_>) {
        let version = connect.version();
        if let Some(link) = self.links.get_mut(id) {
            link.version = version;
            link.peer_max_packet = asked(connect).max_packet;
        }
        match self.admit(now, id, connect) {
            Ok(()) => {}
            Err(reason) => self.refuse(now, id, version, reason),
        }
    }

    /// Every check, then the session; an error is what CONNACK says.
    fn admit(&mut self, now: Now, id: LinkId, connect: &ConnectRef<'_>) -> Result<(), ReasonCode> {
        if self.draining {
            return Err(ReasonCode::SERVER_UNAVAILABLE);
        }
        if asked(connect).authentication {
            return Err(ReasonCode::BAD_AUTHENTICATION_METHOD);
        }
        let (client_id, assigned) = self.client_id(now, connect)?;
        let link = self.links.get(id).ok_or(ReasonCode::UNSPECIFIED_ERROR)?;
        let (peer, serial) = (link.peer, link.serial);
        let who = self.settings.access.who(&link.principal, client_id);
        let who = Arc::new(who.map_err(|e| {
            tracing::warn!(%peer, "connect denied: {e}");
            ReasonCode::CLIENT_IDENTIFIER_NOT_VALID
        })?);
        if !who.may_connect() {
            self.stats.denied += 1;
            tracing::warn!(%peer, client = %who.client_id, who = %who.principal, "connect denied");
            return Err(ReasonCode::NOT_AUTHORIZED);
        }
        let will = match connect.will() {
            Some(will) => Some(self.will(&who, &will)?),
            None => None,
        };
        let expiry = self.session_expiry(connect);
        let (key, present) = self.find_or_make(now, connect, &who, expiry)?;
        let client = &mut self.clients[key.0 as usize];
        client.who = who;
        client.will = will;
        client.will_at = None;
        client.expiry_secs = expiry;
        client.left_at = None;
        client.link = Some(id);
        let session_id = client.id;
        tracing::info!(%peer, client = %client.who.client_id, who = %client.who.principal, present, "connected");
        self.links.set_phase(id, Phase::Up(key));
        let ticket = if expiry > 0 {
            self.record(now, key)
        } else {
            self.forget(now, key)
        };
        let terms = self.terms(connect, present);
        if let Some(link) = self.links.get_mut(id) {
            link.flush_after = ticket;
            let client_id = &self.clients[key.0 as usize].who.client_id;
            let mut properties: SmallVec<[Property<'_>; 6]> = smallvec![
                Property::ReceiveMaximum(terms.receive_maximum),
                Property::MaximumPacketSize(terms.max_packet),
                Property::TopicAliasMaximum(terms.topic_alias_maximum),
            ];
            if asked(connect).session_expiry != expiry {
                properties.push(Property::SessionExpiryInterval(expiry));
            }
            let keep_alive = terms.keep_alive.as_secs() as u16;
            if connect.keep_alive() != keep_alive {
                properties.push(Property::ServerKeepAlive(keep_alive));
            }
            if assigned {
                properties.push(Property::AssignedClientIdentifier(client_id));
            }
            wire::connack(link.version, present, &properties, &mut link.out);
        }
        self.start(now, id, key, terms);
        self.keep_alive(now, key, session_id, serial);
        if present {
            // Its rights may be others than when it left.
            self.recheck(now, key);
        }
        self.set_pending_if_queued(key);
        Ok(())
    }

    /// The client's identifier, or one that we assign (`true`).
    fn client_id(
        &mut self,
        now: Now,
        connect: &ConnectRef<'_>,
    ) -> Result<(Arc<str>, bool), ReasonCode> {
        let given = connect.client_id();
        if !given.is_empty() {
            return Ok((given.into(), false));
        }
        if connect.version() != Version::V5 && !connect.clean_start() {
            return Err(ReasonCode::CLIENT_IDENTIFIER_NOT_VALID);
        }
        loop {
            self.next_serial += 1;
            let name: Arc<str> = format!("auto-{:x}-{:x}", now.unix_ms, self.next_serial).into();
            if !self.by_id.contains_key(&name) {
                return Ok((name, true));
            }
        }
    }

    fn will(&self, who: &Who, will: &WillRef<'_>) -> Result<Will, ReasonCode> {
        let levels = self.settings.config.limits.topic_levels;
        let topic = TopicName::with_limits(will.topic, Limits::DEFAULT.with_max_levels(levels))
            .map_err(|_| ReasonCode::TOPIC_NAME_INVALID)?;
        let qos = will.qos as u8;
        if !who.may_leave_will(topic, qos, will.retain) {
            tracing::warn!(client = %who.client_id, topic = topic.as_str(), "will denied");
            return Err(ReasonCode::NOT_AUTHORIZED);
        }
        let mut properties = Vec::new();
        wire::forwarded(&will.properties, &mut properties);
        let (mut delay_secs, mut expiry_secs) = (0, None);
        for property in will.properties.iter() {
            match property {
                Property::WillDelayInterval(secs) => delay_secs = secs,
                Property::MessageExpiryInterval(secs) => expiry_secs = Some(secs),
                _ => {}
            }
        }
        let message = Message {
            topic: topic.as_str().into(),
            payload: Bytes::copy_from_slice(will.payload),
            properties: properties.into(),
            qos,
            expires_at: None,
        };
        Ok(Will {
            message: Arc::new(message),
            retain: will.retain,
            delay_secs,
            expiry_secs,
        })
    }

    /// How long the session outlives the connection, within the limit.
    fn session_expiry(&self, connect: &ConnectRef<'_>) -> u32 {
        let asked = match connect.version() {
            Version::V5 => asked(connect).session_expiry,
            // 3.1.1 has no number: the session is kept, or it is not.
            _ if connect.clean_start() => 0,
            _ => u32::MAX,
        };
        asked.min(self.settings.config.limits.session_expiry_secs)
    }

    /// The session for this CONNECT, with whether it was there before.
    fn find_or_make(
        &mut self,
        now: Now,
        connect: &ConnectRef<'_>,
        who: &Arc<Who>,
        expiry_secs: u32,
    ) -> Result<(ClientKey, bool), ReasonCode> {
        if let Some(key) = self.by_id.get(&who.client_id).copied() {
            let owner = &self.clients[key.0 as usize].who;
            if !who.owns(owner) {
                self.stats.denied += 1;
                tracing::warn!(client = %who.client_id, "takeover by another principal denied");
                return Err(ReasonCode::NOT_AUTHORIZED);
            }
            if let Some(old) = self.clients[key.0 as usize].link {
                if !who.may_take_over() {
                    self.stats.denied += 1;
                    tracing::warn!(client = %who.client_id, "takeover denied");
                    return Err(ReasonCode::NOT_AUTHORIZED);
                }
                self.expel(now, old, ReasonCode::SESSION_TAKEN_OVER);
            }
            // A session without expiry has ended with its connection just now.
            let still = self.by_id.get(&who.client_id) == Some(&key);
            if still && !connect.clean_start() {
                // A will that waits is not sent: the client is back (MQTT 5.0 §3.1.3.2.2).
                return Ok((key, true));
            }
            if still {
                self.end_session(now, key);
            }
        }
        if expiry_secs > 0 && self.clients.len() >= self.settings.config.limits.sessions {
            return Err(ReasonCode::QUOTA_EXCEEDED);
        }
        let id = SessionId(self.next_session);
        self.next_session += 1;
        let key = self.clients.insert(Client {
            id,
            who: Arc::clone(who),
            link: None,
            session: Some(Box::new(Session::new(Role::Server))),
            queue: Queue::default(),
            subscriptions: Vec::new(),
            expiry_secs,
            left_at: None,
            will: None,
            will_at: None,
            look_at: None,
            next_seq: 0,
            recorded: false,
            pending: false,
            waiting: false,
        });
        let key = ClientKey(key as u32);
        self.by_id.insert(Arc::clone(&who.client_id), key);
        Ok((key, false))
    }

    /// What both ends keep to.
    fn terms(&self, connect: &ConnectRef<'_>, session_present: bool) -> Terms {
        let config = &self.settings.config;
        let limits = &config.limits;
        let mut terms = Terms::new(connect.version());
        terms.session_present = session_present;
        // Only a 5.0 client can be told of another keep-alive than its own.
        let own = connect.keep_alive();
        let keep_alive = match connect.version() {
            Version::V5 if own == 0 => limits.keep_alive_secs,
            Version::V5 => own.min(limits.keep_alive_secs),
            _ => own,
        };
        terms.keep_alive = Duration::from_secs(keep_alive.into());
        terms.send_maximum = asked(connect).receive_maximum.min(config.queue.in_flight);
        terms.receive_maximum = limits.receive_maximum;
        terms.max_packet = limits.packet_bytes;
        terms.peer_max_packet = asked(connect).max_packet;
        terms.topic_alias_maximum = limits.topic_alias_maximum;
        terms
    }

    /// Attaches the session to its new connection; a resumed one sends again what is open.
    fn start(&mut self, now: Now, id: LinkId, key: ClientKey, terms: Terms) {
        let client = &mut self.clients[key.0 as usize];
        let (Some(mut session), Some(link)) = (client.session.take(), self.links.get_mut(id))
        else {
            return;
        };
        let mut out = std::mem::take(&mut link.out);
        let version = link.version;
        let mut turn = Turn::new(self, now, id, key, version);
        session.connected(now.mono, terms, &mut turn, &mut out);
        // What was committed while nobody was there to be told.
        session.committed(StoreSeq(self.committed.0), &mut out);
        let waits = session.is_waiting();
        if let Some(client) = self.clients.get_mut(key.0 as usize) {
            client.session = Some(session);
        }
        if let Some(link) = self.links.get_mut(id) {
            link.out = out;
        }
        self.set_dirty(id);
        if waits {
            self.wait_for_commit(key);
        }
    }

    /// CONNACK with an error, then the end. Versions that cannot say it are just closed.
    fn refuse(&mut self, now: Now, id: LinkId, version: Version, reason: ReasonCode) {
        if let Some(link) = self.links.get_mut(id) {
            tracing::info!(peer = %link.peer, "connection refused: {reason:?}");
            wire::connack_error(version, reason, &mut link.out);
        }
        self.close(now, id);
    }
}

/// What a CONNECT asks for in its properties, with what holds when it says nothing.
struct Asked {
    session_expiry: u32,
    receive_maximum: u16,
    max_packet: u32,
    authentication: bool,
}

fn asked(connect: &ConnectRef<'_>) -> Asked {
    let mut asked = Asked {
        session_expiry: 0,
        receive_maximum: u16::MAX,
        max_packet: u32::MAX,
        authentication: false,
    };
    for property in connect.properties().iter() {
        match property {
            Property::SessionExpiryInterval(secs) => asked.session_expiry = secs,
            Property::ReceiveMaximum(maximum) => asked.receive_maximum = maximum,
            Property::MaximumPacketSize(size) => asked.max_packet = size,
            Property::AuthenticationMethod(_) => asked.authentication = true,
            _ => {}
        }
    }
    asked
}

/// The version to answer in to a CONNECT that cannot be decoded: its level byte stands behind the name.
fn version_of(frame: &[u8], header: usize) -> Version {
    let name_len = match frame.get(header..header + 2) {
        Some(len) => usize::from(u16::from_be_bytes([len[0], len[1]])),
        None => return Version::V5,
    };
    match frame.get(header + 2 + name_len) {
        Some(3 | 4) => Version::V3_1_1,
        _ => Version::V5,
    }
}

const CONNECT: u8 = 1;
