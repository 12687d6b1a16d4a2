//! [`Pump`]: moves one uplink through the journal.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use renata_journal::{FsDisk, ReadError, Reader, Seq};
use tokio::sync::watch;
use tokio::time::sleep;

use super::DeadLetters;
use crate::record::entry::{self, BadEntry, Entry, Outgoing};
use crate::record::{ReadRefused, Recorder};
use crate::stats::Stats;

/// Something that takes messages and later says what became of each.
pub(crate) trait Link: Send + Sync + 'static {
    /// Resolves to what became of one message.
    type Receipt: Future<Output = Verdict> + Send + Unpin;

    /// Hands a message over; waits for room, not for the network.
    fn send(
        &self,
        message: &Outgoing,
    ) -> impl Future<Output = Result<Self::Receipt, Closed>> + Send;
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The broker has taken responsibility.
    Delivered,
    /// Nobody knows: send it again. The sample's `seq` tells the receiver of a repetition.
    Again,
    /// The broker cannot take it now: send it again after a while.
    Later,
    /// The broker will never take it.
    Refused(String),
    /// The link was closed before it was sent.
    Closed,
}

/// The link is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed;

/// Why a pump cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PumpError {
    #[error(transparent)]
    Refused(#[from] ReadRefused),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("record {0} of the journal: {1}")]
    Entry(Seq, BadEntry),
    #[error("cannot write a dead letter: {0}")]
    DeadLetter(std::io::Error),
}

/// Moves one uplink through the journal: a window of messages is on its way, and the position follows
/// the oldest of them. What is not known to have arrived is sent again, so every message arrives at
/// least once; one that is sent again may come after a later one.
pub(crate) struct Pump<L: Link> {
    uplink: usize,
    link: L,
    window: usize,
    recorder: Recorder,
    dead: DeadLetters,
    stats: Arc<Stats>,
    /// Read, not sent.
    chunk: VecDeque<(Seq, Option<Outgoing>)>,
    /// Sent, not known to have arrived; the oldest first.
    flight: VecDeque<Flight<L::Receipt>>,
}

struct Flight<R> {
    seq: Seq,
    /// `None`: a record that is for nobody.
    message: Option<(Outgoing, R)>,
    tries: u32,
}

impl<L: Link> Pump<L> {
    pub(crate) fn new(
        uplink: usize,
        link: L,
        window: usize,
        recorder: Recorder,
        dead: DeadLetters,
        stats: Arc<Stats>,
    ) -> Self {
        Self {
            uplink,
            link,
            window: window.max(1),
            recorder,
            dead,
            stats,
            chunk: VecDeque::new(),
            flight: VecDeque::new(),
        }
    }

    /// Runs until the link is closed. When it is told to stop, it still sends what is durable, but for
    /// no longer than `grace`; what is left is sent after the next start.
    pub(crate) async fn run(
        mut self,
        stop: watch::Receiver<bool>,
        grace: Duration,
    ) -> Result<(), PumpError> {
        let mut told = stop.clone();
        let too_late = async move {
            crate::stop::told(&mut told).await;
            sleep(grace).await;
        };
        // Dropping the pump anywhere is safe: no position moves after that.
        tokio::select! {
            ended = self.pump(stop) => ended,
            () = too_late => Ok(()),
        }
    }

    async fn pump(&mut self, mut stop: watch::Receiver<bool>) -> Result<(), PumpError> {
        let mut durable = self.recorder.durable();
        let mut reader = Some(self.recorder.read(self.uplink, None).await?);
        let mut stopping = false;
        loop {
            while self.flight.len() < self.window
                && let Some((seq, message)) = self.chunk.pop_front()
            {
                if self.send(seq, message).await == Err(Closed) {
                    return Ok(());
                }
            }
            let hungry = self.chunk.is_empty() && self.flight.len() < self.window;
            if hungry && self.read(&mut reader, &mut durable).await? {
                continue;
            }
            if stopping && hungry && self.flight.is_empty() {
                return Ok(());
            }
            tokio::select! {
                verdict = first(&mut self.flight), if !self.flight.is_empty() => {
                    if self.settle(verdict).await? == Err(Closed) {
                        return Ok(());
                    }
                }
                changed = durable.changed(), if hungry => {
                    if changed.is_err() {
                        return Ok(());
                    }
                }
                () = crate::stop::told(&mut stop), if !stopping => stopping = true,
            }
        }
    }

    /// Fills the chunk; `false` when the journal has nothing new.
    async fn read(
        &mut self,
        slot: &mut Option<Reader<FsDisk>>,
        durable: &mut watch::Receiver<Seq>,
    ) -> Result<bool, PumpError> {
        let Some(mut reader) = slot.take() else {
            return Ok(false);
        };
        let position = reader.position();
        if *durable.borrow_and_update() < position {
            *slot = Some(reader);
            return Ok(false);
        }
        let task = tokio::task::spawn_blocking(move || {
            let chunk = read_chunk(&mut reader);
            (reader, chunk)
        });
        // The task neither panics nor is it aborted, unless the runtime goes down.
        let Ok((reader, chunk)) = task.await else {
            return Ok(false);
        };
        match chunk {
            Ok(chunk) => {
                self.chunk = chunk;
                *slot = Some(reader);
            }
            // The journal was full, and the oldest records were given up.
            Err(PumpError::Read(ReadError::Gone { .. })) => {
                let after = Seq::new(position.get().saturating_sub(1));
                *slot = Some(self.recorder.read(self.uplink, Some(after)).await?);
                return Ok(true);
            }
            Err(error) => return Err(error),
        }
        Ok(!self.chunk.is_empty())
    }

    async fn send(&mut self, seq: Seq, message: Option<Outgoing>) -> Result<(), Closed> {
        let message = match message {
            None => None,
            Some(message) => {
                let receipt = self.link.send(&message).await?;
                self.stats.published.add(1);
                Some((message, receipt))
            }
        };
        self.flight.push_back(Flight {
            seq,
            message,
            tries: 0,
        });
        Ok(())
    }

    /// What became of the oldest message on its way.
    async fn settle(&mut self, verdict: Verdict) -> Result<Result<(), Closed>, PumpError> {
        let Some(mut flight) = self.flight.pop_front() else {
            return Ok(Ok(()));
        };
        match (verdict, flight.message.take()) {
            (Verdict::Delivered, message) => {
                self.stats.acked.add(u64::from(message.is_some()));
                self.recorder.done(self.uplink, flight.seq);
            }
            (Verdict::Refused(reason), Some((message, _))) => {
                tracing::warn!(topic = %message.topic, %reason, "refused: see the dead letters");
                self.stats.rejected.add(1);
                let dead = self.dead.clone();
                let write = tokio::task::spawn_blocking(move || dead.write(&message, &reason));
                if let Ok(Err(error)) = write.await {
                    return Err(PumpError::DeadLetter(error));
                }
                self.recorder.done(self.uplink, flight.seq);
            }
            (Verdict::Again | Verdict::Later, Some((message, _))) if flight.tries < u32::MAX => {
                if flight.tries > 0 {
                    sleep(PAUSE.saturating_mul(1 << flight.tries.min(6))).await;
                }
                let receipt = match self.link.send(&message).await {
                    Ok(receipt) => receipt,
                    Err(Closed) => return Ok(Err(Closed)),
                };
                self.stats.published.add(1);
                flight.message = Some((message, receipt));
                flight.tries += 1;
                self.flight.push_front(flight);
            }
            _ => return Ok(Err(Closed)),
        }
        Ok(Ok(()))
    }
}

/// The verdict on the oldest message; pending when there is none. Cancel-safe.
async fn first<R: Future<Output = Verdict> + Unpin>(flight: &mut VecDeque<Flight<R>>) -> Verdict {
    match flight.front_mut().map(|f| f.message.as_mut()) {
        Some(Some((_, receipt))) => receipt.await,
        Some(None) => Verdict::Delivered,
        None => std::future::pending().await,
    }
}

type Chunk = VecDeque<(Seq, Option<Outgoing>)>;

fn read_chunk(reader: &mut Reader<FsDisk>) -> Result<Chunk, PumpError> {
    let mut chunk = Chunk::new();
    let mut bytes = 0;
    while chunk.len() < CHUNK_RECORDS && bytes < CHUNK_BYTES {
        let Some(record) = reader.next_record()? else {
            break;
        };
        bytes += record.payload.len();
        let entry = entry::read(record.payload);
        match entry.map_err(|e| PumpError::Entry(record.seq, e))? {
            Entry::Message(message) => chunk.push_back((record.seq, Some(message.into()))),
            Entry::Checkpoint(_) => chunk.push_back((record.seq, None)),
        }
    }
    Ok(chunk)
}

/// Read from the journal at a time.
const CHUNK_RECORDS: usize = 512;
const CHUNK_BYTES: usize = 1 << 20;

/// Wait before a message is sent a third time; doubles up to 64 times that.
const PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
#[path = "pump_tests.rs"]
mod tests;
