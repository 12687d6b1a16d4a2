//! What the keeper of the journals is asked.

use bytes::Bytes;
use renata_journal::Reader;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::ingest::{Admitted, IngestError};
use crate::{DeadLetter, Identity, Refusal, SeqRange};

/// A message on its way into the journal.
pub(crate) struct Append {
    pub(crate) topic: String,
    pub(crate) identity: Option<Identity>,
    pub(crate) head: Vec<u8>,
    pub(crate) payload: Bytes,
    /// Set when it shall go to the dead letters instead.
    pub(crate) refusal: Option<Refusal>,
    pub(crate) reply: Reply,
    /// Its share of the queue's bytes.
    pub(crate) _permit: OwnedSemaphorePermit,
}

pub(crate) type Reply = oneshot::Sender<Result<Admitted, IngestError>>;

/// What sinks and the engine ask for.
pub(crate) enum Control {
    /// The position of a sink, which is created when it is new, and its plan.
    Attach(
        String,
        oneshot::Sender<Result<(u64, Option<SeqRange>), String>>,
    ),
    /// Nothing is kept for a sink any more; whether there was one.
    Remove(String, oneshot::Sender<bool>),
    Read(u64, oneshot::Sender<Result<Reader, String>>),
    Plan(String, SeqRange, oneshot::Sender<()>),
    Ack(String, u64),
    DeadLetters(Vec<DeadLetter>, oneshot::Sender<()>),
    ReadDeadLetters(oneshot::Sender<Result<Reader, String>>),
    AckDeadLetters(u64),
    Close(oneshot::Sender<Result<(), String>>),
}
