//! What a session tells its owner, and what the owner answers.

use crate::packet::{
    DisconnectRef, PublishRef, SubAckRef, SubscribeRef, UnsubAckRef, UnsubscribeRef,
};
use crate::{PacketId, ReasonCode, WriteQueue};

/// Names an inbound QoS 1 or 2 message whose acknowledgement the owner still owes.
///
/// Counts arrivals of the session, so that a later message has a greater `AckId`. After the
/// connection is lost, those of QoS 1 mean nothing any more: the peer sends the message again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AckId(pub(super) u64);

/// A position in the owner's store, whatever it counts; it only has to grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreSeq(pub u64);

/// What happens to the acknowledgement of a message that has just arrived.
///
/// Acknowledgements leave in the order in which the messages arrived, so one that waits holds back
/// the ones behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Acknowledge with this code, now. A code of 0x80 and above refuses the message; 3.1.1 has no
    /// way to say so and sees a plain acknowledgement.
    Ack(ReasonCode),
    /// Acknowledge with this code once the store has [committed](super::Session::committed) up to
    /// this position.
    AckAfter(StoreSeq, ReasonCode),
    /// The owner will call [`Session::ack`](super::Session::ack).
    Hold,
    /// The peer must not send this at all: end the connection with this code.
    Close(ReasonCode),
}

/// When a change of a QoS 2 exchange may be shown to the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commit {
    /// At once: nothing is stored, or it is stored already.
    Now,
    /// Once the store has [committed](super::Session::committed) up to this position.
    After(StoreSeq),
}

/// A PUBLISH that arrived.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The packet as it stands in the input buffer. Its topic is empty when the peer used an alias.
    pub packet: PublishRef<'a>,
    /// The topic, with an alias resolved. Policy looks at this one.
    pub topic: &'a str,
    /// Names the acknowledgement; `None` at QoS 0.
    pub ack: Option<AckId>,
}

/// How a message that we sent ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completion<'a> {
    /// What the peer said. 3.1.1 always says [`ReasonCode::SUCCESS`].
    pub reason: ReasonCode,
    /// The peer's Reason String, for people.
    pub reason_string: Option<&'a str>,
}

/// The owner of a session: a client's driver or a broker's connection.
///
/// The session calls it for each packet, in order of arrival, with views into the input buffer.
/// Callbacks that a role never receives have empty defaults.
pub trait Handler<M> {
    /// A message arrived. For QoS 2 this is called once, however often the peer sends it.
    ///
    /// At QoS 0 only [`Verdict::Close`] has an effect.
    fn publish(&mut self, arrival: &Arrival<'_>) -> Verdict;

    /// A message that was [opened](super::Session::open) has ended: the peer has it, or refused it.
    fn completed(&mut self, id: PacketId, message: M, completion: &Completion<'_>);

    /// The peer has a QoS 2 message (its PUBREC arrived): the content is not needed again, only
    /// `id` has to survive. PUBREL leaves once this is committed.
    fn received(&mut self, id: PacketId, message: &mut M) -> Commit {
        let _ = (id, message);
        Commit::Now
    }

    /// The peer has closed the QoS 2 exchange `id` (its PUBREL arrived): forget the identifier.
    /// PUBCOMP leaves once this is committed.
    fn released(&mut self, id: PacketId) -> Commit {
        let _ = id;
        Commit::Now
    }

    /// Write the PUBLISH of `message` again, with `id` and the DUP flag.
    fn resend(&mut self, id: PacketId, message: &M, out: &mut WriteQueue);

    /// The peer has forgotten the session in which `message` was open: whether it arrived will
    /// never be known.
    fn abandoned(&mut self, message: M);

    /// Server role: a SUBSCRIBE. The owner writes the SUBACK, now or later.
    fn subscribe(&mut self, packet: &SubscribeRef<'_>, out: &mut WriteQueue) {
        let _ = (packet, out);
    }

    /// Server role: an UNSUBSCRIBE. The owner writes the UNSUBACK, now or later.
    fn unsubscribe(&mut self, packet: &UnsubscribeRef<'_>, out: &mut WriteQueue) {
        let _ = (packet, out);
    }

    /// Client role: the answer to a SUBSCRIBE, with one code for each filter.
    fn suback(&mut self, id: PacketId, packet: &SubAckRef<'_>) {
        let _ = (id, packet);
    }

    /// Client role: the answer to an UNSUBSCRIBE, with one code for each filter (none in 3.1.1).
    fn unsuback(&mut self, id: PacketId, packet: &UnsubAckRef<'_>) {
        let _ = (id, packet);
    }

    /// The peer says goodbye. Nothing that follows it is read.
    fn disconnect(&mut self, packet: &DisconnectRef<'_>) {
        let _ = packet;
    }

    /// Asked before each packet: `true` leaves the rest of the input for a later call, so that an
    /// owner can bound its work per turn.
    fn pause(&mut self) -> bool {
        false
    }
}
