//! [`Ingest`]: the way in. A message is acknowledged to its source when its [`Ticket`] says so.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use renata_codec::Codec;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::messages::Append;
use crate::record::{MAX_CONTENT_TYPE, MAX_TOPIC, message_head};
use crate::{Envelope, Identity, Refusal};

/// Puts messages into the journal; cheap to clone.
#[derive(Clone, Debug)]
pub struct Ingest {
    pub(crate) appends: mpsc::Sender<Append>,
    pub(crate) bytes: Arc<Semaphore>,
    pub(crate) queue_bytes: u32,
    pub(crate) max_record_bytes: usize,
}

impl Ingest {
    /// Hands a message over; waits while the queue to the journal is full.
    ///
    /// A payload whose content type names a codec is a [`Sample`](renata_codec::Sample): its
    /// epoch and `seq` tell a repetition. One that cannot be decoded, or is larger than
    /// [`EngineOptions::max_record_bytes`](crate::EngineOptions::max_record_bytes), goes to the dead
    /// letters. A payload of any other type has no identity, so every copy of it is kept.
    ///
    /// Order is kept among the calls of one task.
    ///
    /// # Errors
    /// [`IngestError::Closed`] when the engine has ended, [`IngestError::Topic`] for a topic that
    /// MQTT does not allow.
    pub async fn append(&self, envelope: Envelope) -> Result<Ticket, IngestError> {
        if envelope.topic.len() > MAX_TOPIC {
            return Err(IngestError::Topic);
        }
        let (identity, refusal) = match self.identify(&envelope) {
            Ok(identity) => (identity, None),
            Err(refusal) => (None, Some(refusal)),
        };
        let mut envelope = envelope;
        if refusal.is_some() {
            let cut = envelope.content_type.floor_char_boundary(MAX_CONTENT_TYPE);
            envelope.content_type.truncate(cut);
            envelope.payload.truncate(self.max_record_bytes);
        }
        let head = message_head(&envelope, identity);
        let len = u32::try_from(head.len() + envelope.payload.len()).unwrap_or(u32::MAX);
        let permit = self
            .bytes
            .clone()
            .acquire_many_owned(len.min(self.queue_bytes));
        let permit = permit.await.map_err(|_| IngestError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let append = Append {
            topic: envelope.topic,
            identity,
            head,
            payload: envelope.payload,
            refusal,
            reply,
            _permit: permit,
        };
        let sent = self.appends.send(append).await;
        sent.map_err(|_| IngestError::Closed)?;
        Ok(Ticket(answer))
    }

    fn identify(&self, envelope: &Envelope) -> Result<Option<Identity>, Refusal> {
        if envelope.content_type.len() > MAX_CONTENT_TYPE {
            let why = format!("content type of {} bytes", envelope.content_type.len());
            return Err(Refusal::TooLarge(why));
        }
        if envelope.payload.len() > self.max_record_bytes {
            let (len, most) = (envelope.payload.len(), self.max_record_bytes);
            let why = format!("payload of {len} bytes, only the first {most} are kept");
            return Err(Refusal::TooLarge(why));
        }
        let Ok(codec) = envelope.content_type.parse::<Codec>() else {
            return Ok(None);
        };
        let sample = codec.decode(&envelope.payload);
        let sample = sample.map_err(|e| Refusal::Undecodable(e.to_string()))?;
        let (epoch, seq) = sample.identity();
        Ok(Some(Identity { epoch, seq }))
    }
}

/// Resolves when the message needs no acknowledgement from anybody else any more: acknowledge it
/// to its source then, and not before.
///
/// Dropping a ticket does not take the message back.
#[derive(Debug)]
pub struct Ticket(oneshot::Receiver<Result<Admitted, IngestError>>);

impl Future for Ticket {
    type Output = Result<Admitted, IngestError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = Pin::new(&mut self.0).poll(cx);
        answer.map(|answer| answer.unwrap_or(Err(IngestError::Closed)))
    }
}

/// What became of a message. Each of these is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admitted {
    /// It is in the journal.
    Stored {
        /// Its number there.
        seq: u64,
    },
    /// It came before, and that one is in the journal or behind it.
    Repetition,
    /// It is among the dead letters.
    DeadLettered(Refusal),
}

/// Why a message was not taken: do not acknowledge it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IngestError {
    /// The journal is full, and the engine is set up to refuse then.
    #[error("journal full: a sink does not keep up; raise max_journal_bytes or see to the sink")]
    Full,
    /// The journal has failed. The engine must be opened again.
    #[error("{0}")]
    Journal(Arc<str>),
    /// The engine has ended.
    #[error("the engine is closed")]
    Closed,
    /// MQTT allows topics of up to 65 535 bytes.
    #[error("topic longer than 65535 bytes")]
    Topic,
}
