//! Batches read back. Every length is checked against the bytes that are there.

use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;

use super::super::{
    Change, MessageId, QueueRecord, SessionId, SessionRecord, SubscriptionRecord, WillRecord,
};
use super::encode::{Tag, VERSION};
use crate::message::Message;

/// One change as it stands in the log.
#[derive(Debug)]
pub(super) enum Logged {
    Session(SessionRecord, u64),
    Message(MessageId, Arc<Message>),
    Enqueue(SessionId, QueueRecord, bool),
    ClearRetained(Arc<str>),
    Counters(u64, u64),
    /// One that holds nothing but numbers.
    Plain(Change<'static>),
}

/// Why a record is not a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DecodeError {
    #[error("batch of version {0}, this broker reads {VERSION}")]
    Version(u8),
    #[error("batch ends inside a change")]
    Cut,
    #[error("no change has tag {0}")]
    Tag(u8),
    #[error("a number is too large for its field")]
    Range,
    #[error("a text is not UTF-8")]
    Text,
}

/// The changes of one batch, in order.
pub(super) struct Changes<'a> {
    rest: &'a [u8],
}

impl<'a> Changes<'a> {
    /// The changes in `batch`.
    pub(super) fn new(batch: &'a [u8]) -> Result<Self, DecodeError> {
        let mut changes = Self { rest: batch };
        match changes.byte()? {
            VERSION => Ok(changes),
            other => Err(DecodeError::Version(other)),
        }
    }

    /// The next one.
    pub(super) fn next(&mut self) -> Result<Option<Logged>, DecodeError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.byte()?;
        Ok(Some(match tag {
            t if t == Tag::Session as u8 => self.session()?,
            t if t == Tag::Message as u8 => self.message()?,
            t if t == Tag::Enqueue as u8 => self.enqueue(false)?,
            t if t == Tag::EnqueueReceived as u8 => self.enqueue(true)?,
            t if t == Tag::ClearRetained as u8 => Logged::ClearRetained(self.text()?),
            t if t == Tag::Counters as u8 => Logged::Counters(self.number()?, self.number()?),
            t => Logged::Plain(self.plain(t)?),
        }))
    }

    fn plain(&mut self, tag: u8) -> Result<Change<'static>, DecodeError> {
        Ok(match tag {
            t if t == Tag::EndSession as u8 => Change::EndSession(self.session_id()?),
            t if t == Tag::Received as u8 => Change::Received(self.session_id()?, self.number()?),
            t if t == Tag::Dequeue as u8 => Change::Dequeue(self.session_id()?, self.number()?),
            t if t == Tag::OpenInbound as u8 => {
                Change::OpenInbound(self.session_id()?, self.small()?)
            }
            t if t == Tag::CloseInbound as u8 => {
                Change::CloseInbound(self.session_id()?, self.small()?)
            }
            t if t == Tag::Retain as u8 => Change::Retain(MessageId(self.number()?)),
            other => return Err(DecodeError::Tag(other)),
        })
    }

    fn session(&mut self) -> Result<Logged, DecodeError> {
        let id = self.session_id()?;
        let next_seq = self.number()?;
        let expiry_secs = self.small()?;
        let left_at = self.optional()?;
        let client_id = self.text()?;
        let principal = self.text()?;
        let count = self.number()?;
        let mut subscriptions = Vec::new();
        for _ in 0..count {
            subscriptions.push(self.subscription()?);
        }
        let will = self.will()?;
        let record = SessionRecord {
            id,
            client_id,
            principal,
            expiry_secs,
            left_at,
            subscriptions,
            will,
        };
        Ok(Logged::Session(record, next_seq))
    }

    fn subscription(&mut self) -> Result<SubscriptionRecord, DecodeError> {
        let filter = self.text()?;
        let flags = self.byte()?;
        Ok(SubscriptionRecord {
            filter,
            qos: flags & 3,
            no_local: flags & 4 != 0,
            retain_as_published: flags & 8 != 0,
            retain_handling: flags >> 4,
            identifier: self.small()?,
        })
    }

    fn will(&mut self) -> Result<Option<WillRecord>, DecodeError> {
        let flags = self.byte()?;
        if flags == 0 {
            return Ok(None);
        }
        let delay_secs = self.small()?;
        let expiry = self.optional()?.map(|secs| u32::try_from(secs - 1));
        Ok(Some(WillRecord {
            retain: flags & 2 != 0,
            delay_secs,
            expiry_secs: expiry.transpose().map_err(|_| DecodeError::Range)?,
            message: self.content()?,
        }))
    }

    fn message(&mut self) -> Result<Logged, DecodeError> {
        let id = MessageId(self.number()?);
        Ok(Logged::Message(id, self.content()?))
    }

    fn content(&mut self) -> Result<Arc<Message>, DecodeError> {
        let qos = self.byte()?;
        let expires_at = self.optional()?;
        Ok(Arc::new(Message {
            topic: self.text()?,
            properties: Bytes::copy_from_slice(self.bytes()?),
            payload: Bytes::copy_from_slice(self.bytes()?),
            qos,
            expires_at,
        }))
    }

    fn enqueue(&mut self, received: bool) -> Result<Logged, DecodeError> {
        let session = self.session_id()?;
        let seq = self.number()?;
        let message = MessageId(self.number()?);
        let flags = self.byte()?;
        let count = self.number()?;
        let mut identifiers = SmallVec::new();
        for _ in 0..count {
            identifiers.push(self.small()?);
        }
        let record = QueueRecord {
            seq,
            message,
            qos: flags & 3,
            retain: flags & 4 != 0,
            identifiers,
        };
        Ok(Logged::Enqueue(session, record, received))
    }

    fn session_id(&mut self) -> Result<SessionId, DecodeError> {
        self.number().map(SessionId)
    }

    fn optional(&mut self) -> Result<Option<u64>, DecodeError> {
        Ok(Some(self.number()?).filter(|&value| value != 0))
    }

    fn text(&mut self) -> Result<Arc<str>, DecodeError> {
        let bytes = self.bytes()?;
        let text = std::str::from_utf8(bytes).map_err(|_| DecodeError::Text)?;
        Ok(text.into())
    }

    fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let len = self.small::<usize>()?;
        let split = self.rest.split_at_checked(len);
        let (bytes, rest) = split.ok_or(DecodeError::Cut)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn small<T: TryFrom<u64>>(&mut self) -> Result<T, DecodeError> {
        T::try_from(self.number()?).map_err(|_| DecodeError::Range)
    }

    fn number(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if part << shift >> shift != part {
                return Err(DecodeError::Range);
            }
            value |= part << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(DecodeError::Range)
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        let (&byte, rest) = self.rest.split_first().ok_or(DecodeError::Cut)?;
        self.rest = rest;
        Ok(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::local::encode;

    fn every_change(check: impl FnOnce(&[Change<'_>])) {
        let message = Arc::new(Message {
            topic: "plant/a".into(),
            payload: Bytes::from_static(b"payload"),
            properties: Bytes::from_static(b"\x01\x01"),
            qos: 2,
            expires_at: Some(u64::MAX),
        });
        let session = SessionRecord {
            id: SessionId(u64::MAX),
            client_id: "gateway".into(),
            principal: "plant".into(),
            expiry_secs: u32::MAX,
            left_at: Some(1),
            subscriptions: vec![SubscriptionRecord {
                filter: "$share/g/plant/#".into(),
                qos: 2,
                no_local: true,
                retain_as_published: true,
                retain_handling: 2,
                identifier: 268_435_455,
            }],
            will: Some(WillRecord {
                message: message.clone(),
                retain: true,
                delay_secs: u32::MAX,
                expiry_secs: Some(u32::MAX),
            }),
        };
        let entry = QueueRecord {
            seq: 1 << 40,
            message: MessageId(300),
            qos: 1,
            retain: true,
            identifiers: SmallVec::from_slice(&[1, 2, 300]),
        };
        check(&[
            Change::Session(&session),
            Change::Message(MessageId(300), &message),
            Change::Enqueue(SessionId(1), &entry),
            Change::Received(SessionId(1), 5),
            Change::Dequeue(SessionId(1), 6),
            Change::OpenInbound(SessionId(1), u16::MAX),
            Change::CloseInbound(SessionId(1), 1),
            Change::Retain(MessageId(300)),
            Change::ClearRetained("plant/a"),
            Change::EndSession(SessionId(1)),
        ]);
    }

    fn read(batch: &[u8]) -> Result<Vec<Logged>, DecodeError> {
        let mut changes = Changes::new(batch)?;
        let mut all = Vec::new();
        while let Some(change) = changes.next()? {
            all.push(change);
        }
        Ok(all)
    }

    #[test]
    fn every_change_is_read_as_it_was_written() {
        every_change(|changes| {
            let mut batch = Vec::new();
            encode::begin(&mut batch);
            for change in changes {
                encode::change(&mut batch, change, 77);
            }
            let back = read(&batch).unwrap();
            assert_eq!(back.len(), changes.len());
            for (logged, change) in back.iter().zip(changes) {
                let same = match (logged, change) {
                    (Logged::Session(a, 77), Change::Session(b)) => a == *b,
                    (Logged::Message(i, a), Change::Message(j, b)) => i == j && a == *b,
                    (Logged::Enqueue(i, a, false), Change::Enqueue(j, b)) => i == j && a == *b,
                    (Logged::ClearRetained(a), Change::ClearRetained(b)) => **a == **b,
                    (Logged::Plain(a), b) => format!("{a:?}") == format!("{b:?}"),
                    _ => false,
                };
                assert!(same, "{logged:?} is not {change:?}");
            }
        });
    }

    #[test]
    fn a_batch_that_is_cut_or_damaged_is_never_a_panic() {
        every_change(|changes| {
            for change in changes {
                let mut batch = Vec::new();
                encode::begin(&mut batch);
                encode::change(&mut batch, change, 77);
                for cut in 2..batch.len() {
                    assert_eq!(
                        read(&batch[..cut]).unwrap_err(),
                        DecodeError::Cut,
                        "{change:?}"
                    );
                }
                for at in 0..batch.len() {
                    for value in [0, 0x7f, 0x80, 0xff] {
                        let mut damaged = batch.clone();
                        damaged[at] = value;
                        let _ = read(&damaged);
                    }
                }
            }
        });
    }

    #[test]
    fn a_later_version_is_refused_by_its_number() {
        assert_eq!(read(&[9, 1]).unwrap_err(), DecodeError::Version(9));
        assert_eq!(read(&[1, 99]).unwrap_err(), DecodeError::Tag(99));
        assert_eq!(read(&[]).unwrap_err(), DecodeError::Cut);
    }
}
