//! Changes as bytes: one journal record is one batch.
//!
//! ```text
//! batch    version 1 | change*
//! change   tag u8 | fields: numbers as LEB128, texts and bytes with their length in front
//! ```

use super::super::{
    Change, MessageId, QueueRecord, SessionId, SessionRecord, SubscriptionRecord, WillRecord,
};
use crate::message::Message;

/// The first byte of every batch.
pub(super) const VERSION: u8 = 1;

/// What a change is, in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Tag {
    Session = 1,
    EndSession = 2,
    Message = 3,
    Enqueue = 4,
    Received = 5,
    Dequeue = 6,
    OpenInbound = 7,
    CloseInbound = 8,
    Retain = 9,
    ClearRetained = 10,
    /// An entry that the subscriber has received; only in copies.
    EnqueueReceived = 11,
    /// Names that were given out; only in copies.
    Counters = 12,
}

/// Begins a batch in an empty buffer.
pub(super) fn begin(out: &mut Vec<u8>) {
    out.clear();
    out.push(VERSION);
}

/// Adds a change. `next_seq` is what a session's next entry gets, for [`Change::Session`].
pub(super) fn change(out: &mut Vec<u8>, change: &Change<'_>, next_seq: u64) {
    match *change {
        Change::Session(record) => session(out, record, next_seq),
        Change::EndSession(id) => numbers(out, Tag::EndSession, &[id.0]),
        Change::Message(id, m) => message(out, id, m),
        Change::Enqueue(id, record) => enqueue(out, id, record, false),
        Change::Received(id, seq) => numbers(out, Tag::Received, &[id.0, seq]),
        Change::Dequeue(id, seq) => numbers(out, Tag::Dequeue, &[id.0, seq]),
        Change::OpenInbound(id, packet) => {
            numbers(out, Tag::OpenInbound, &[id.0, u64::from(packet)]);
        }
        Change::CloseInbound(id, packet) => {
            numbers(out, Tag::CloseInbound, &[id.0, u64::from(packet)]);
        }
        Change::Retain(id) => numbers(out, Tag::Retain, &[id.0]),
        Change::ClearRetained(topic) => {
            out.push(Tag::ClearRetained as u8);
            bytes(out, topic.as_bytes());
        }
    }
}

/// Adds what a session's next names must be greater than.
pub(super) fn counters(out: &mut Vec<u8>, next_session: u64, next_message: u64) {
    numbers(out, Tag::Counters, &[next_session, next_message]);
}

/// Adds a queue entry.
pub(super) fn enqueue(out: &mut Vec<u8>, id: SessionId, record: &QueueRecord, received: bool) {
    let tag = if received {
        Tag::EnqueueReceived
    } else {
        Tag::Enqueue
    };
    numbers(out, tag, &[id.0, record.seq, record.message.0]);
    out.push(record.qos | u8::from(record.retain) << 2);
    number(out, record.identifiers.len() as u64);
    for &identifier in &record.identifiers {
        number(out, u64::from(identifier));
    }
}

fn session(out: &mut Vec<u8>, record: &SessionRecord, next_seq: u64) {
    numbers(
        out,
        Tag::Session,
        &[record.id.0, next_seq, u64::from(record.expiry_secs)],
    );
    optional(out, record.left_at);
    bytes(out, record.client_id.as_bytes());
    bytes(out, record.principal.as_bytes());
    number(out, record.subscriptions.len() as u64);
    for s in &record.subscriptions {
        subscription(out, s);
    }
    match &record.will {
        None => out.push(0),
        Some(w) => will(out, w),
    }
}

fn will(out: &mut Vec<u8>, will: &WillRecord) {
    out.push(1 | u8::from(will.retain) << 1);
    number(out, u64::from(will.delay_secs));
    optional(out, will.expiry_secs.map(|secs| u64::from(secs) + 1));
    content(out, &will.message);
}

fn subscription(out: &mut Vec<u8>, s: &SubscriptionRecord) {
    bytes(out, s.filter.as_bytes());
    let flags = u8::from(s.no_local) << 2 | u8::from(s.retain_as_published) << 3;
    out.push(s.qos | flags | s.retain_handling << 4);
    number(out, u64::from(s.identifier));
}

fn message(out: &mut Vec<u8>, id: MessageId, message: &Message) {
    numbers(out, Tag::Message, &[id.0]);
    content(out, message);
}

fn content(out: &mut Vec<u8>, message: &Message) {
    out.push(message.qos);
    optional(out, message.expires_at);
    bytes(out, message.topic.as_bytes());
    bytes(out, &message.properties);
    bytes(out, &message.payload);
}

fn numbers(out: &mut Vec<u8>, tag: Tag, values: &[u64]) {
    out.push(tag as u8);
    for &value in values {
        number(out, value);
    }
}

/// Times are never 0, so 0 is none.
fn optional(out: &mut Vec<u8>, value: Option<u64>) {
    number(out, value.unwrap_or(0));
}

fn bytes(out: &mut Vec<u8>, value: &[u8]) {
    number(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
