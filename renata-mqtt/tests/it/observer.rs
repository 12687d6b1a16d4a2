//! Reads the bytes that one end sends and receives, and checks what the standard asks of them.
//!
//! It decodes by hand, so that it does not believe what it is to judge.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::support;

const PUBLISH: u8 = 3;
const PUBACK: u8 = 4;
const PUBREC: u8 = 5;
const PUBCOMP: u8 = 7;

/// Watches one end.
pub(crate) struct Observer {
    seed: u64,
    /// Identifiers whose exchange has not ended, by what this end has received, with the numbers of
    /// their messages.
    open: BTreeMap<u16, u32>,
    connection: Connection,
}

#[derive(Default)]
struct Connection {
    maximum: usize,
    in_flight: BTreeSet<u16>,
    /// The number of the last message that was sent.
    last: Option<u32>,
    new_sent: bool,
    /// Messages that arrived, in order, and are not acknowledged.
    owed: VecDeque<u16>,
    arriving: Vec<u8>,
}

struct Packet<'a> {
    kind: u8,
    flags: u8,
    body: &'a [u8],
}

impl Observer {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            open: BTreeMap::new(),
            connection: Connection::default(),
        }
    }

    pub(crate) fn connected(&mut self, maximum: u16) {
        self.connection = Connection {
            maximum: usize::from(maximum),
            ..Connection::default()
        };
    }

    pub(crate) fn lost(&mut self) {
        self.connection = Connection::default();
    }

    /// Whole packets go out.
    pub(crate) fn sends(&mut self, mut bytes: &[u8]) {
        while let Some(packet) = next(&mut bytes) {
            match packet.kind {
                PUBLISH if packet.flags & 0b0110 != 0 => self.publish(&packet),
                PUBACK | PUBREC => {
                    let owed = self.connection.owed.pop_front();
                    self.check(
                        owed == Some(id(packet.body)),
                        "acknowledgements leave in order",
                    );
                }
                _ => {}
            }
        }
        self.check(bytes.is_empty(), "an end writes whole packets");
    }

    /// Some bytes come in.
    pub(crate) fn arrives(&mut self, bytes: &[u8]) {
        let mut arriving = std::mem::take(&mut self.connection.arriving);
        arriving.extend(bytes);
        let mut rest = &arriving[..];
        while let Some(packet) = next(&mut rest) {
            match packet.kind {
                PUBLISH if packet.flags & 0b0110 != 0 => {
                    self.connection.owed.push_back(publish_id(packet.body));
                }
                PUBACK | PUBCOMP => {
                    self.open.remove(&id(packet.body));
                    self.connection.in_flight.remove(&id(packet.body));
                }
                _ => {}
            }
        }
        self.connection.arriving = rest.to_vec();
    }

    fn publish(&mut self, packet: &Packet<'_>) {
        let id = publish_id(packet.body);
        let (_, payload) = packet.body.split_at(packet.body.len() - 4);
        let number = support::number(payload);
        self.check(id != 0, "zero is no identifier");
        let other = self.open.insert(id, number);
        if packet.flags & 0b1000 == 0 {
            self.check(
                other.is_none(),
                "an identifier is not reused while it is open",
            );
            self.connection.new_sent = true;
        } else {
            self.check(
                other.is_none_or(|other| other == number),
                "DUP sends the same again",
            );
            self.check(
                !self.connection.new_sent,
                "what is sent again goes before what is new",
            );
        }
        let in_order = Some(number) > self.connection.last;
        self.check(
            in_order,
            "messages are sent, and sent again, in their order",
        );
        self.connection.last = Some(number);
        self.connection.in_flight.insert(id);
        let within = self.connection.in_flight.len() <= self.connection.maximum;
        self.check(within, "no more in flight than the peer's Receive Maximum");
    }

    fn check(&self, holds: bool, what: &str) {
        assert!(holds, "seed {}: {what}", self.seed);
    }
}

/// Cuts the first packet off `bytes`, if all of it is there. Packets here are shorter than 16 KiB.
fn next<'a>(bytes: &mut &'a [u8]) -> Option<Packet<'a>> {
    let (&first, rest) = bytes.split_first()?;
    let (&low, mut rest) = rest.split_first()?;
    let mut len = usize::from(low & 0x7f);
    if low & 0x80 != 0 {
        let (&high, more) = rest.split_first()?;
        len |= usize::from(high) << 7;
        rest = more;
    }
    let (body, rest) = rest.split_at_checked(len)?;
    *bytes = rest;
    Some(Packet {
        kind: first >> 4,
        flags: first & 0x0f,
        body,
    })
}

fn id(body: &[u8]) -> u16 {
    u16::from_be_bytes([body[0], body[1]])
}

fn publish_id(body: &[u8]) -> u16 {
    let topic = usize::from(id(body));
    id(&body[2 + topic..])
}
