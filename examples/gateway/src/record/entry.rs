//! The records of the journal between devices and uplinks.
//!
//! ```text
//! message     1 | flags u8 | epoch u32 | seq u64 | topic u16 | type u8 | topic | content type | payload
//! checkpoint  2 | epoch u32 | part u32 | parts u32 | streams u32, each: next seq u64 | topic u16 | topic
//! ```
//! Little-endian; `topic` and `type` are lengths. The journal frames each record and checks its sum.

use bytes::{Buf, BufMut, Bytes};

/// A record, as it is read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entry<'a> {
    Message(Message<'a>),
    Checkpoint(Checkpoint<'a>),
}

/// A message that waits for its uplinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    pub(crate) retain: bool,
    /// 0, 1 or 2.
    pub(crate) qos: u8,
    pub(crate) epoch: u32,
    pub(crate) seq: u64,
    pub(crate) topic: &'a str,
    pub(crate) content_type: &'a str,
    pub(crate) payload: &'a [u8],
}

/// A part of what the counters stood at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint<'a> {
    pub(crate) epoch: u32,
    /// From 0.
    pub(crate) part: u32,
    pub(crate) parts: u32,
    streams: u32,
    rest: &'a [u8],
}

impl<'a> Checkpoint<'a> {
    /// Each stream with the number that its next sample gets.
    pub(crate) fn streams(mut self) -> impl Iterator<Item = Result<(&'a str, u64), BadEntry>> {
        (0..self.streams).map(move |_| {
            let next = self.rest.try_get_u64_le().map_err(|_| BadEntry)?;
            let len = self.rest.try_get_u16_le().map_err(|_| BadEntry)?;
            Ok((take_text(&mut self.rest, len.into())?, next))
        })
    }
}

/// A record that this version does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("journal record of an unknown kind or shape: was it written by a later version")]
pub(crate) struct BadEntry;

const MESSAGE: u8 = 1;
const CHECKPOINT: u8 = 2;
const RETAIN: u8 = 4;
const QOS: u8 = 3;

impl Message<'_> {
    /// Everything but the payload, which follows it.
    pub(crate) fn put_head(&self, out: &mut Vec<u8>) {
        out.put_u8(MESSAGE);
        out.put_u8(self.qos | if self.retain { RETAIN } else { 0 });
        out.put_u32_le(self.epoch);
        out.put_u64_le(self.seq);
        // A topic name has at most 65 535 bytes, our content types have at most 30.
        out.put_u16_le(self.topic.len() as u16);
        out.put_u8(self.content_type.len() as u8);
        out.put_slice(self.topic.as_bytes());
        out.put_slice(self.content_type.as_bytes());
    }
}

/// Writes the checkpoint of all streams, in parts of about `part_bytes`.
pub(crate) fn checkpoint<'s>(
    epoch: u32,
    streams: impl Iterator<Item = (&'s str, u64)>,
    part_bytes: usize,
) -> Vec<Vec<u8>> {
    let mut bodies = vec![(0u32, Vec::new())];
    for (topic, next) in streams {
        if bodies
            .last()
            .is_some_and(|(_, body)| body.len() >= part_bytes)
        {
            bodies.push((0, Vec::new()));
        }
        if let Some((count, body)) = bodies.last_mut() {
            *count += 1;
            body.put_u64_le(next);
            body.put_u16_le(topic.len() as u16);
            body.put_slice(topic.as_bytes());
        }
    }
    let parts = bodies.len() as u32;
    let with_head = |(part, (count, body)): (u32, (u32, Vec<u8>))| {
        let mut out = Vec::with_capacity(17 + body.len());
        out.put_u8(CHECKPOINT);
        out.put_u32_le(epoch);
        out.put_u32_le(part);
        out.put_u32_le(parts);
        out.put_u32_le(count);
        out.put_slice(&body);
        out
    };
    (0u32..).zip(bodies).map(with_head).collect()
}

/// Reads a record.
pub(crate) fn read(mut from: &[u8]) -> Result<Entry<'_>, BadEntry> {
    let bad = |_| BadEntry;
    match from.try_get_u8().map_err(bad)? {
        MESSAGE => {
            let flags = from.try_get_u8().map_err(bad)?;
            let epoch = from.try_get_u32_le().map_err(bad)?;
            let seq = from.try_get_u64_le().map_err(bad)?;
            let topic = usize::from(from.try_get_u16_le().map_err(bad)?);
            let content_type = usize::from(from.try_get_u8().map_err(bad)?);
            Ok(Entry::Message(Message {
                retain: flags & RETAIN != 0,
                qos: flags & QOS,
                epoch,
                seq,
                topic: take_text(&mut from, topic)?,
                content_type: take_text(&mut from, content_type)?,
                payload: from,
            }))
        }
        CHECKPOINT => Ok(Entry::Checkpoint(Checkpoint {
            epoch: from.try_get_u32_le().map_err(bad)?,
            part: from.try_get_u32_le().map_err(bad)?,
            parts: from.try_get_u32_le().map_err(bad)?,
            streams: from.try_get_u32_le().map_err(bad)?,
            rest: from,
        })),
        _ => Err(BadEntry),
    }
}

fn take_text<'a>(from: &mut &'a [u8], len: usize) -> Result<&'a str, BadEntry> {
    let (text, rest) = from.split_at_checked(len).ok_or(BadEntry)?;
    *from = rest;
    std::str::from_utf8(text).map_err(|_| BadEntry)
}

/// A message with bytes of its own, on its way to an uplink.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) retain: bool,
    pub(crate) qos: u8,
    pub(crate) topic: String,
    pub(crate) content_type: String,
    pub(crate) payload: Bytes,
}

impl From<Message<'_>> for Outgoing {
    fn from(message: Message<'_>) -> Self {
        Self {
            retain: message.retain,
            qos: message.qos,
            topic: message.topic.to_owned(),
            content_type: message.content_type.to_owned(),
            payload: Bytes::copy_from_slice(message.payload),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_back_and_a_cut_one_is_refused() {
        let message = Message {
            retain: true,
            qos: 2,
            epoch: 7,
            seq: u64::MAX,
            topic: "renata/a/b",
            content_type: "application/cbor",
            payload: b"",
        };
        let mut bytes = Vec::new();
        message.put_head(&mut bytes);
        for cut in 0..bytes.len() {
            assert_eq!(read(&bytes[..cut]), Err(BadEntry), "cut at {cut}");
        }
        bytes.extend_from_slice(b"payload");
        let payload = &b"payload"[..];
        assert_eq!(
            read(&bytes),
            Ok(Entry::Message(Message { payload, ..message }))
        );
    }

    #[test]
    fn a_checkpoint_comes_back_in_parts() {
        let topics: Vec<_> = (0..100).map(|n| format!("renata/topic/{n}")).collect();
        let streams = || topics.iter().zip(1u64..).map(|(t, n)| (t.as_str(), n));
        let parts = checkpoint(3, streams(), 500);
        assert!(parts.len() > 3);
        let mut back = Vec::new();
        for (i, bytes) in (0u32..).zip(&parts) {
            let Ok(Entry::Checkpoint(part)) = read(bytes) else {
                panic!("a checkpoint");
            };
            assert_eq!(
                (part.epoch, part.part, part.parts),
                (3, i, parts.len() as u32)
            );
            back.extend(part.streams().map(Result::unwrap));
        }
        assert_eq!(back, streams().collect::<Vec<_>>());
        assert_eq!(
            checkpoint(3, std::iter::empty(), 500).len(),
            1,
            "an empty one has a part too"
        );
    }

    #[test]
    fn a_checkpoint_that_lies_about_its_length_ends_with_an_error() {
        let bytes = b"\x02\x01\0\0\0\0\0\0\0\x01\0\0\0\xff\xff\xff\xff";
        let Ok(Entry::Checkpoint(part)) = read(bytes) else {
            panic!("a checkpoint");
        };
        assert!(part.streams().next().unwrap().is_err());
        assert_eq!(read(b"\x09"), Err(BadEntry));
    }
}
