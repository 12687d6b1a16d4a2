//! From bytes to the handler: one packet after the other, each checked once.

use std::time::Instant;

use super::inbound::Novelty;
use super::{
    Arrival, Completion, Connection, Handler, Link, ProtocolError, Request, Role, Session,
    StoreSeq, Verdict, wire,
};
use crate::packet::{AckRef, PacketRef, PublishRef};
use crate::wire::{Framing, frame_len};
use crate::{QoS, Version, WriteQueue};

/// What became of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// Bytes that were used. The caller keeps the rest and hands it in again, in front of more.
    pub used: usize,
    /// What has to happen next.
    pub next: Next,
}

/// Why [`Session::handle_input`] stopped where it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The rest is an incomplete packet: at least this many more bytes are needed.
    Read(usize),
    /// Whole packets may be left: see [`Session::is_paused`].
    Paused,
    /// The peer said goodbye, or there is no connection: nothing more is read.
    Closed,
}

impl<M> Session<M> {
    /// Handles every complete packet at the front of `input`.
    ///
    /// # Errors
    /// The peer broke the protocol: the connection has to end. Packets before the offending one
    /// have been handled.
    pub fn handle_input(
        &mut self,
        now: Instant,
        input: &[u8],
        handler: &mut impl Handler<M>,
        out: &mut WriteQueue,
    ) -> Result<Input, ProtocolError> {
        let mut used = 0;
        let stop = |used, next| Ok(Input { used, next });
        if let Some(connection) = &mut self.connection
            && !input.is_empty()
        {
            connection.keep_alive.heard(now);
            connection.paused = false;
        }
        loop {
            let Some(connection) = self.connection.as_mut().filter(|c| !c.closed) else {
                return stop(used, Next::Closed);
            };
            let rest = &input[used..];
            let (version, max) = (connection.link.version, connection.link.max_packet);
            let frame = match frame_len(rest, max)? {
                Framing::Need(more) => return stop(used, Next::Read(more)),
                Framing::Frame { header, body } => &rest[..header + body],
            };
            if handler.pause() || self.window_is_shut(frame) {
                if let Some(connection) = &mut self.connection {
                    connection.paused = true;
                }
                return stop(used, Next::Paused);
            }
            let packet = PacketRef::decode(version, frame)?;
            self.handle_packet(now, packet, handler, out)?;
            used += frame.len();
        }
    }

    /// Whether we stop reading in front of the next message instead of refusing it.
    fn window_is_shut(&self, frame: &[u8]) -> bool {
        let Some(Connection { link, .. }) = &self.connection else {
            return false;
        };
        // The fixed header of a PUBLISH: type 3, then DUP, QoS, RETAIN (MQTT 3.1.1 §3.3.1).
        let acknowledged = frame[0] >> 4 == 3 && frame[0] & 0b0110 != 0;
        self.bears_with(link)
            && acknowledged
            && self.inbound.owed() >= usize::from(link.receive_maximum)
    }

    /// Whether a peer that sends more than our Receive Maximum does no wrong, or a wrong that must be
    /// borne. 3.1.1 knows no Receive Maximum. And mosquitto 2.0 exceeds it when it resumes a session
    /// with a backlog: a client that hangs up then would do so at every attempt, for ever.
    fn bears_with(&self, link: &Link) -> bool {
        link.version != Version::V5 || (self.role == Role::Client && link.session_present)
    }

    fn handle_packet(
        &mut self,
        now: Instant,
        packet: PacketRef<'_>,
        handler: &mut impl Handler<M>,
        out: &mut WriteQueue,
    ) -> Result<(), ProtocolError> {
        let Some(connection) = &mut self.connection else {
            return Ok(());
        };
        let version = connection.link.version;
        match (packet, self.role) {
            (PacketRef::Publish(publish), _) => {
                self.handle_publish(publish, handler)?;
                self.flush_acks(StoreSeq::default(), out);
            }
            (PacketRef::PubAck(ack), _) => {
                self.outbound
                    .puback(ack.id(), &completion(&ack), handler, out)?;
            }
            (PacketRef::PubRec(ack), _) => {
                self.outbound
                    .pubrec(ack.id(), &completion(&ack), handler, out)?;
            }
            (PacketRef::PubRel(ack), _) => {
                let id = ack.id();
                self.inbound.pubrel(id, || handler.released(id))?;
                self.flush_acks(StoreSeq::default(), out);
            }
            (PacketRef::PubComp(ack), _) => self.outbound.pubcomp(ack.id(), handler, out)?,
            (PacketRef::Subscribe(subscribe), Role::Server) => handler.subscribe(&subscribe, out),
            (PacketRef::Unsubscribe(unsubscribe), Role::Server) => {
                handler.unsubscribe(&unsubscribe, out);
            }
            (PacketRef::SubAck(ack), Role::Client) => {
                let codes = ack.codes().count();
                self.outbound
                    .answered(ack.id(), Request::Subscribe, Some(codes))?;
                handler.suback(ack.id(), &ack);
            }
            (PacketRef::UnsubAck(ack), Role::Client) => {
                let codes = (version == Version::V5).then(|| ack.codes().count());
                self.outbound
                    .answered(ack.id(), Request::Unsubscribe, codes)?;
                handler.unsuback(ack.id(), &ack);
            }
            (PacketRef::PingReq, Role::Server) => {
                connection.keep_alive.said(now);
                wire::pingresp(version, out);
            }
            (PacketRef::PingResp, Role::Client) => {}
            (PacketRef::Disconnect(disconnect), role)
                if role == Role::Server || version == Version::V5 =>
            {
                connection.closed = true;
                handler.disconnect(&disconnect);
            }
            (packet, _) => return Err(ProtocolError::Unexpected(packet.packet_type())),
        }
        Ok(())
    }

    fn handle_publish(
        &mut self,
        packet: PublishRef<'_>,
        handler: &mut impl Handler<M>,
    ) -> Result<(), ProtocolError> {
        let strict = (self.connection.as_ref()).is_some_and(|c| !self.bears_with(&c.link));
        let Some(Connection { link, aliases, .. }) = &mut self.connection else {
            return Ok(());
        };
        let topic = aliases.resolve(packet.topic(), packet.topic_alias())?;
        let qos = packet.qos();
        let Some(id) = packet.id().filter(|_| qos != QoS::AtMostOnce) else {
            let arrival = Arrival {
                packet,
                topic,
                ack: None,
            };
            return match handler.publish(&arrival) {
                Verdict::Close(reason) => Err(ProtocolError::Closed(reason)),
                Verdict::Ack(_) | Verdict::AckAfter(..) | Verdict::Hold => Ok(()),
            };
        };
        if qos == QoS::ExactlyOnce && self.inbound.repeated(id, packet.dup()) == Novelty::Repeated {
            return Ok(());
        }
        let maximum = link.receive_maximum;
        if strict && self.inbound.open() >= usize::from(maximum) {
            return Err(ProtocolError::ReceiveMaximum { maximum });
        }
        let ack = Some(self.inbound.next_ack());
        let verdict = handler.publish(&Arrival { packet, topic, ack });
        self.inbound.judged(id, qos, verdict)
    }
}

fn completion<'a>(ack: &AckRef<'a>) -> Completion<'a> {
    Completion {
        reason: ack.reason(),
        reason_string: ack.reason_string(),
    }
}
