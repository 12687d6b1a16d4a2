//! Batches read back. Every length is checked against the bytes that are there.

use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;

use super::super::{Change, MessageId, QueueRecord, SessionId, SessionRecord, SubscriptionRecord};
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
        let record = SessionRecord {
            id,
            client_id,
            principal,
            expiry_secs,
            left_at,
            subscriptions,
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

    fn message(&mut self) -> Result<Logged, DecodeError> {
        let id = MessageId(self.number()?);
        let qos = self.byte()?;
        let expires_at = self.optional()?;
        let message = Message {
            topic: self.text()?,
            properties: Bytes::copy_from_slice(self.bytes()?),
            payload: Bytes::copy_from_slice(self.bytes()?),
            qos,
            expires_at,
        };
        Ok(Logged::Message(id, Arc::new(message)))
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
