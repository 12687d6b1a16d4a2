//! One end of a connection whose other end is a test that writes bytes by hand.

use std::time::Instant;

use renata_mqtt::session::{
    AckId, Arrival, Completion, Handler, Input, Link, Next, ProtocolError, Role, Session, Verdict,
};
use renata_mqtt::{PacketId, QoS, ReasonCode, Version, WriteQueue};

use crate::support;

/// A session with a handler that keeps a diary.
pub(crate) struct Endpoint {
    pub(crate) session: Session<u32>,
    pub(crate) diary: Diary,
    pub(crate) now: Instant,
    pub(crate) out: WriteQueue,
    pub(crate) link: Link,
}

/// What the session has told.
#[derive(Debug)]
pub(crate) struct Diary {
    version: Version,
    /// The verdict over the next messages.
    pub(crate) verdict: Verdict,
    /// Topic and acknowledgement of each message.
    pub(crate) arrived: Vec<(String, Option<AckId>)>,
    pub(crate) completed: Vec<(u16, u32, ReasonCode)>,
    pub(crate) abandoned: Vec<u32>,
    pub(crate) goodbye: Option<ReasonCode>,
    pub(crate) budget: usize,
}

impl Handler<u32> for Diary {
    fn publish(&mut self, arrival: &Arrival<'_>) -> Verdict {
        self.arrived.push((arrival.topic.to_owned(), arrival.ack));
        self.verdict
    }

    fn completed(&mut self, id: PacketId, message: u32, completion: &Completion<'_>) {
        self.completed.push((id.get(), message, completion.reason));
    }

    fn resend(&mut self, id: PacketId, message: &u32, out: &mut WriteQueue) {
        let (qos, number) = unpack(*message);
        support::publish(self.version, qos, id, true, number, out);
    }

    fn abandoned(&mut self, message: u32) {
        self.abandoned.push(message);
    }

    fn disconnect(&mut self, packet: &renata_mqtt::packet::DisconnectRef<'_>) {
        self.goodbye = Some(packet.reason());
    }

    fn pause(&mut self) -> bool {
        if self.budget == 0 {
            return true;
        }
        self.budget -= 1;
        false
    }
}

/// Numbers from 100 on stand for QoS 2.
fn unpack(message: u32) -> (QoS, u32) {
    if message < 100 {
        (QoS::AtLeastOnce, message)
    } else {
        (QoS::ExactlyOnce, message)
    }
}

impl Endpoint {
    /// Connected, in a session that is kept.
    pub(crate) fn new(role: Role, version: Version) -> Self {
        let mut link = Link::new(version);
        link.session_present = true;
        link.topic_alias_maximum = 8;
        let mut this = Self {
            session: Session::new(role),
            diary: Diary {
                version,
                verdict: Verdict::Ack(ReasonCode::SUCCESS),
                arrived: Vec::new(),
                completed: Vec::new(),
                abandoned: Vec::new(),
                goodbye: None,
                budget: usize::MAX,
            },
            now: Instant::now(),
            out: WriteQueue::new(),
            link,
        };
        this.connect();
        this
    }

    /// A new connection on the terms in `link`; gives what is sent at once.
    pub(crate) fn connect(&mut self) -> Vec<u8> {
        let link = self.link.clone();
        self.session
            .connected(self.now, link, &mut self.diary, &mut self.out);
        support::take(&mut self.out)
    }

    /// Bytes arrive; gives what is sent in answer.
    pub(crate) fn hear(&mut self, bytes: &[u8]) -> Result<Vec<u8>, ProtocolError> {
        let input = self.hear_some(bytes)?;
        assert_eq!(input.used, bytes.len(), "all of it is used");
        Ok(support::take(&mut self.out))
    }

    /// Bytes arrive; says how far they were used.
    pub(crate) fn hear_some(&mut self, bytes: &[u8]) -> Result<Input, ProtocolError> {
        self.session
            .handle_input(self.now, bytes, &mut self.diary, &mut self.out)
    }

    /// Sends a message and forgets the bytes; gives its identifier.
    pub(crate) fn send(&mut self, message: u32) -> u16 {
        let (qos, number) = unpack(message);
        let opened = self.session.open(self.now, qos, message);
        let id = opened.expect("the window is open");
        support::publish(self.diary.version, qos, id, false, number, &mut self.out);
        support::take(&mut self.out);
        id.get()
    }

    pub(crate) fn ack(&mut self, ack: AckId) -> (bool, Vec<u8>) {
        let owed = self.session.ack(ack, ReasonCode::SUCCESS, &mut self.out);
        (owed, support::take(&mut self.out))
    }

    pub(crate) fn last_ack(&self) -> AckId {
        let (_, ack) = self.diary.arrived.last().expect("something arrived");
        ack.expect("at QoS 1 or 2")
    }
}

/// A PUBLISH of topic `t` in 5.0: its first byte says how.
pub(crate) fn publish(first: u8, id: u8) -> Vec<u8> {
    vec![first, 6, 0, 1, b't', 0, id, 0]
}

/// A PUBLISH of topic `t` in 3.1.1.
pub(crate) fn publish_3(first: u8, id: u8) -> Vec<u8> {
    vec![first, 5, 0, 1, b't', 0, id]
}

pub(crate) const NEED_TWO: Next = Next::Read(2);
