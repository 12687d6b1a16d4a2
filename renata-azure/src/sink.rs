//! [`Sink`]: what the engine asks of a target, and [`Outcome`], what a target can answer.

use std::future::Future;
use std::time::Duration;

use crate::{JournalId, Record, SeqRange};

/// A target: a lake, a hub, a log store.
///
/// A batch is a pure function of its range of journal numbers: `encoder` starts from nothing,
/// `push` gets the records of the range in order, and the bytes that come out, and the name they
/// go under, are the same each time. Delivering a batch again is therefore harmless for a target
/// that knows names, and [`Outcome::Retry`] with `possibly_written` is not a special case.
pub trait Sink: Send + Sync + 'static {
    /// Turns records into a batch; runs on a thread where it may take its time.
    type Encoder: Encoder<Batch = Self::Batch>;
    /// What [`deliver`](Self::deliver) sends.
    type Batch: Send + Sync + 'static;

    /// Name of the sink: its cursor in the journal, and its label in figures. 1 to 48 bytes.
    fn name(&self) -> &str;

    /// How large a batch may become, and how long a delivery may take.
    fn limits(&self) -> Limits;

    /// Tells the sink the journal it is fed from, and asks up to where the target has it already.
    ///
    /// Called once before the first batch and again until it succeeds. What the target has is not
    /// sent again: this closes the gap between "the target has it" and "the journal knows".
    fn position(
        &self,
        journal: JournalId,
    ) -> impl Future<Output = Result<Option<u64>, Outcome>> + Send;

    /// Whether a target that has paused takes batches again.
    fn probe(&self) -> impl Future<Output = Health> + Send;

    /// Begins a batch.
    fn encoder(&self) -> Self::Encoder;

    /// Sends a batch. The engine gives up on it after [`Limits::timeout`] and tries again, so it
    /// must be safe to drop at any await.
    fn deliver(&self, batch: &Self::Batch) -> impl Future<Output = Outcome> + Send;

    /// Says goodbye; no batch follows.
    fn close(&self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// Builds one batch.
pub trait Encoder: Send + 'static {
    /// What comes out.
    type Batch;

    /// Takes the next record.
    ///
    /// # Errors
    /// When this record can never be delivered to this target: it goes to the dead letters, and the
    /// batch goes on without it. The decision must depend on the record alone.
    fn push(&mut self, record: &Record) -> Result<(), Refusal>;

    /// Whether the batch is to be closed before the next record, for a reason of the encoder's own.
    /// The decision must depend on the records so far alone.
    fn is_full(&self) -> bool {
        false
    }

    /// Closes the batch; `None` when no record of the range is for this target.
    ///
    /// # Errors
    /// What went wrong, in words: the engine pauses the sink and tries again.
    fn finish(self, range: SeqRange) -> Result<Option<Self::Batch>, String>;
}

/// Bounds of a batch; the first that is reached closes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most records in a batch.
    pub max_records: u64,
    /// Most bytes of records (topic, content type and payload, before encoding) in a batch. One
    /// record is taken even when it is longer.
    pub max_bytes: u64,
    /// How long a record waits for company.
    pub max_age: Duration,
    /// How long one delivery may take before it counts as failed. Guards against targets that
    /// accept a connection and then say nothing.
    pub timeout: Duration,
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The target has it and will not lose it.
    Durable,
    /// Not now: throttled, unreachable, broken off.
    Retry {
        /// The target's own wish (`Retry-After`), which wins over the engine's back-off.
        after: Option<Duration>,
        /// The target may have the batch although it did not say so.
        possibly_written: bool,
        /// What happened, for the operator.
        why: String,
    },
    /// Too large for the target: the engine sends it in two halves.
    Split,
    /// The listed records will never be taken; every other record of the batch is durable.
    Reject(Vec<(u64, Refusal)>),
    /// Nothing will be taken until a person or a token refresh changes something. Nothing is
    /// dropped meanwhile.
    Paused(Pause),
}

impl Outcome {
    /// A failure that passes, without a wish of the target.
    #[must_use]
    pub fn retry(why: impl Into<String>) -> Self {
        Self::Retry {
            after: None,
            possibly_written: true,
            why: why.into(),
        }
    }
}

/// Why a target takes nothing at the moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Pause {
    /// Credentials are missing, wrong or expired.
    #[error("not authorised: {0}")]
    Auth(String),
    /// The target is not set up as this sink needs it.
    #[error("configuration: {0}")]
    Config(String),
    /// A quota is used up.
    #[error("quota: {0}")]
    Quota(String),
}

/// Answer to a [`Sink::probe`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// Takes batches.
    Ready,
    /// Still does not.
    Paused(Pause),
}

/// Why a record goes to the dead letters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The payload is not what its content type says.
    #[error("payload cannot be decoded: {0}")]
    Undecodable(String),
    /// The topic has no place in the target.
    #[error("topic does not fit: {0}")]
    Topic(String),
    /// A value has no place in the target.
    #[error("value does not fit: {0}")]
    Value(String),
    /// Larger than the target or the engine takes.
    #[error("too large: {0}")]
    TooLarge(String),
    /// So far behind its stream that nobody can say any more whether it is a repetition.
    #[error("too late to tell whether it is a repetition")]
    TooLate,
    /// There are more streams than the engine is set up for.
    #[error("too many streams: raise max_streams")]
    TooManyStreams,
    /// The target's own words.
    #[error("refused by the target: {0}")]
    Target(String),
}
