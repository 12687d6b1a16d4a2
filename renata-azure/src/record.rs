//! The records that the engine keeps in its journals.
//!
//! ```text
//! message     1 | flags u8 | epoch u32 | seq u64 | topic len u16 | type len u8 | topic | type | payload
//! ledger      2 | journal id u64 | plans u8, each: name len u8, name, first u64, last u64
//!               | streams u32, each: topic len u16, topic, epochs u8,
//!                 each: epoch u32, floor u64, ranges u8, each: first u64, last u64
//! plan        3 | name len u8, name | first u64 | last u64
//! dead letter 4 | journal seq u64 | sink len u8, sink | reason len u16, reason | message
//! ```
//! All numbers are little-endian; the journal frames each record and guards it with a checksum.

use bytes::{Buf, BufMut, Bytes};

use crate::{Envelope, Identity, Record, SeqRange};

pub(crate) const MESSAGE: u8 = 1;
pub(crate) const LEDGER: u8 = 2;
pub(crate) const PLAN: u8 = 3;
pub(crate) const DEAD_LETTER: u8 = 4;

/// What precedes topic, type and payload of a message.
pub(crate) const MESSAGE_HEAD: usize = 17;
pub(crate) const MAX_TOPIC: usize = u16::MAX as usize;
pub(crate) const MAX_CONTENT_TYPE: usize = u8::MAX as usize;

const HAS_IDENTITY: u8 = 1;

/// A record that this version of the engine cannot read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("journal record of an unknown kind or shape: was it written by a later version")]
pub struct BadRecord;

/// Everything of a message but its payload, which follows it without a copy.
///
/// The caller has checked the lengths of topic and content type.
pub(crate) fn message_head(envelope: &Envelope, identity: Option<Identity>) -> Vec<u8> {
    let mut out =
        Vec::with_capacity(MESSAGE_HEAD + envelope.topic.len() + envelope.content_type.len());
    out.put_u8(MESSAGE);
    out.put_u8(if identity.is_some() { HAS_IDENTITY } else { 0 });
    let identity = identity.unwrap_or(Identity { epoch: 0, seq: 0 });
    out.put_u32_le(identity.epoch);
    out.put_u64_le(identity.seq);
    out.put_u16_le(envelope.topic.len() as u16);
    out.put_u8(envelope.content_type.len() as u8);
    out.put_slice(envelope.topic.as_bytes());
    out.put_slice(envelope.content_type.as_bytes());
    out
}

/// Reads a message; `Ok(None)` when it is a record of the engine itself.
pub(crate) fn read_message(seq: u64, bytes: &[u8]) -> Result<Option<Record>, BadRecord> {
    match bytes.first() {
        Some(&MESSAGE) => {}
        Some(&(LEDGER | PLAN)) => return Ok(None),
        _ => return Err(BadRecord),
    }
    let (topic, identity, rest) = peek_message(bytes)?;
    let content_type_len = usize::from(bytes[16]);
    let (content_type, payload) = rest.split_at_checked(content_type_len).ok_or(BadRecord)?;
    Ok(Some(Record {
        seq,
        identity,
        envelope: Envelope {
            topic: topic.to_owned(),
            content_type: text(content_type)?.to_owned(),
            payload: Bytes::copy_from_slice(payload),
        },
    }))
}

/// Topic, identity and the rest of a message, without a copy.
pub(crate) fn peek_message(bytes: &[u8]) -> Result<(&str, Option<Identity>, &[u8]), BadRecord> {
    if bytes.len() < MESSAGE_HEAD || bytes[0] != MESSAGE {
        return Err(BadRecord);
    }
    let mut head = &bytes[1..MESSAGE_HEAD];
    let flags = head.get_u8();
    let identity = Identity {
        epoch: head.get_u32_le(),
        seq: head.get_u64_le(),
    };
    let topic_len = usize::from(head.get_u16_le());
    let (topic, rest) = bytes[MESSAGE_HEAD..]
        .split_at_checked(topic_len)
        .ok_or(BadRecord)?;
    let identity = (flags & HAS_IDENTITY != 0).then_some(identity);
    Ok((text(topic)?, identity, rest))
}

/// The range that a sink is about to deliver, so that it delivers the same one after a crash.
pub(crate) fn plan(sink: &str, range: SeqRange) -> Vec<u8> {
    let mut out = vec![PLAN];
    put_plan(&mut out, sink, range);
    out
}

pub(crate) fn put_plan(out: &mut Vec<u8>, sink: &str, range: SeqRange) {
    out.put_u8(sink.len() as u8);
    out.put_slice(sink.as_bytes());
    out.put_u64_le(range.first);
    out.put_u64_le(range.last);
}

pub(crate) fn take_plan<'a>(from: &mut &'a [u8]) -> Result<(&'a str, SeqRange), BadRecord> {
    let len = usize::from(from.try_get_u8().map_err(|_| BadRecord)?);
    let name = take_text(from, len)?;
    let range = SeqRange {
        first: from.try_get_u64_le().map_err(|_| BadRecord)?,
        last: from.try_get_u64_le().map_err(|_| BadRecord)?,
    };
    Ok((name, range))
}

/// A message that was refused, with the reason and where it stood.
///
/// It is durable before the message counts as done, so after a crash in between the same message
/// may be there twice, with the same number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its number in the journal; 0 when it was refused before it got one.
    pub seq: u64,
    /// The sink that refused it; empty when the engine did.
    pub sink: String,
    /// Why, in words.
    pub reason: String,
    /// The message.
    pub envelope: Envelope,
}

impl DeadLetter {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let head = message_head(&self.envelope, None);
        dead_letter(
            self.seq,
            &self.sink,
            &self.reason,
            &head,
            &self.envelope.payload,
        )
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, BadRecord> {
        let mut rest = bytes;
        if rest.try_get_u8() != Ok(DEAD_LETTER) {
            return Err(BadRecord);
        }
        let seq = rest.try_get_u64_le().map_err(|_| BadRecord)?;
        let len = usize::from(rest.try_get_u8().map_err(|_| BadRecord)?);
        let sink = take_text(&mut rest, len)?.to_owned();
        let len = usize::from(rest.try_get_u16_le().map_err(|_| BadRecord)?);
        let reason = take_text(&mut rest, len)?.to_owned();
        let record = read_message(seq, rest)?.ok_or(BadRecord)?;
        Ok(Self {
            seq,
            sink,
            reason,
            envelope: record.envelope,
        })
    }
}

/// The record of a dead letter, from the head and the payload of its message.
pub(crate) fn dead_letter(
    seq: u64,
    sink: &str,
    reason: &str,
    head: &[u8],
    payload: &[u8],
) -> Vec<u8> {
    let reason = &reason[..reason.floor_char_boundary(1000)];
    let mut out = vec![DEAD_LETTER];
    out.put_u64_le(seq);
    out.put_u8(sink.len() as u8);
    out.put_slice(sink.as_bytes());
    out.put_u16_le(reason.len() as u16);
    out.put_slice(reason.as_bytes());
    out.put_slice(head);
    out.put_slice(payload);
    out
}

pub(crate) fn take_text<'a>(from: &mut &'a [u8], len: usize) -> Result<&'a str, BadRecord> {
    let (taken, rest) = from.split_at_checked(len).ok_or(BadRecord)?;
    *from = rest;
    text(taken)
}

fn text(bytes: &[u8]) -> Result<&str, BadRecord> {
    std::str::from_utf8(bytes).map_err(|_| BadRecord)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope() -> Envelope {
        Envelope::new("renata/a/b/c/d/e/f", "application/json", &b"{}"[..])
    }

    #[test]
    fn a_message_comes_back_and_a_cut_one_is_an_error() {
        let identity = Some(Identity { epoch: 3, seq: 9 });
        let mut bytes = message_head(&envelope(), identity);
        bytes.extend_from_slice(b"{}");
        let record = read_message(5, &bytes).unwrap().unwrap();
        assert_eq!(record.envelope, envelope());
        assert_eq!((record.seq, record.identity), (5, identity));
        for cut in 0..bytes.len() - 2 {
            assert!(read_message(5, &bytes[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn a_dead_letter_comes_back_and_a_long_reason_is_cut() {
        let mut letter = DeadLetter {
            seq: 7,
            sink: "lake".into(),
            reason: "ü".repeat(2000),
            envelope: envelope(),
        };
        let bytes = letter.encode();
        letter.reason = "ü".repeat(500);
        assert_eq!(DeadLetter::decode(&bytes), Ok(letter));
        for cut in 0..bytes.len() - 2 {
            assert!(DeadLetter::decode(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn a_plan_comes_back() {
        let range = SeqRange { first: 4, last: 9 };
        let bytes = plan("lake", range);
        assert_eq!(take_plan(&mut &bytes[1..]), Ok(("lake", range)));
        assert_eq!(read_message(1, &bytes), Ok(None));
    }
}
