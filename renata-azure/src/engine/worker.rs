//! [`run`]: the loop that does what a [`Courier`] says, for one sink.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use renata_journal::Reader;
use tokio::sync::watch;

use super::handle::{Gone, Handle};
use super::now;
use super::stats::SinkStats;
use crate::courier::{Courier, Step, Verdict};
use crate::record::{DeadLetter, read_message};
use crate::{Encoder, Health, Limits, Outcome, Pause, Record, Refusal, SeqRange, Sink};

/// What the engine wants of its sinks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Orders {
    /// Grows with each flush that was asked for.
    pub(crate) flushes: u64,
    /// Deliver what is durable until this instant, then end.
    pub(crate) close_by: Option<Instant>,
}

pub(crate) struct Worker<S: Sink> {
    pub(crate) sink: Arc<S>,
    pub(crate) handle: Handle,
    pub(crate) courier: Courier,
    pub(crate) orders: watch::Receiver<Orders>,
    pub(crate) stats: Arc<Mutex<SinkStats>>,
    pub(crate) cursor: watch::Sender<u64>,
    pub(crate) held: Option<Held<S::Batch>>,
    /// Refusals up to here are among the dead letters already.
    pub(crate) refused_until: u64,
}

/// The batch that is being delivered.
pub(crate) struct Held<B> {
    batch: B,
    range: SeqRange,
    records: u64,
    bytes: u64,
}

impl<S: Sink> Worker<S> {
    /// Delivers until the engine ends or its grace is over. Stopping in the middle of anything is
    /// as harmless as a crash.
    pub(crate) async fn run(mut self) {
        let orders = self.orders.clone();
        tokio::select! {
            // Either everything is delivered, or the engine is gone.
            _ = self.deliver_all() => {}
            () = grace_over(orders) => {}
        }
        self.sink.close().await;
    }

    async fn deliver_all(&mut self) -> Result<(), Gone> {
        let mut flushed = 0;
        loop {
            let at = now();
            let tally = *self.handle.tally.borrow_and_update();
            self.courier.handle_durable(tally, at);
            let orders = *self.orders.borrow_and_update();
            if orders.flushes > flushed || orders.close_by.is_some() {
                flushed = orders.flushes;
                self.courier.handle_flush();
            }
            let empty = self.courier.cursor() >= self.courier.durable();
            if orders.close_by.is_some() && empty {
                return Ok(());
            }
            self.publish(at);
            let limits = self.sink.limits();
            match self.courier.poll(at) {
                Step::Position => {
                    let sink = self.sink.clone();
                    let asked = sink.position(self.handle.journal);
                    let answer = match tokio::time::timeout(limits.timeout, asked).await {
                        Ok(answer) => answer,
                        Err(_) => Err(Outcome::retry("the target did not answer")),
                    };
                    if let Err(Outcome::Retry { why, .. }) = &answer {
                        self.note_error(why);
                    }
                    let verdict = self.courier.handle_position(answer, now());
                    self.obey(verdict).await?;
                }
                Step::Encode { first, upto } => self.encode(first, upto, limits).await?,
                Step::Deliver => self.deliver(limits).await?,
                Step::Probe => {
                    let sink = self.sink.clone();
                    let probed = tokio::time::timeout(limits.timeout, sink.probe()).await;
                    let no_answer = Pause::Config("the target did not answer".into());
                    let health = probed.unwrap_or(Health::Paused(no_answer));
                    self.courier.handle_health(health, now());
                }
                Step::Wait(until) => self.wait(until).await?,
            }
        }
    }

    /// Reads and encodes one batch, away from the runtime's threads.
    async fn encode(&mut self, first: u64, upto: u64, limits: Limits) -> Result<(), Gone> {
        let reader = match self.handle.read(first).await? {
            Ok(reader) => reader,
            Err(why) => return self.stuck(why),
        };
        let planned = self.courier.has_plan();
        let sink = self.sink.clone();
        let build = move || {
            let encoder = sink.encoder();
            build(reader, encoder, first, upto, limits, sink.name(), planned)
        };
        let built = match tokio::task::spawn_blocking(build).await {
            Ok(Ok(built)) => built,
            Ok(Err(why)) => return self.stuck(why),
            Err(panicked) => return self.stuck(panicked.to_string()),
        };
        let mut refused = built.refused;
        refused.retain(|letter| letter.seq > self.refused_until);
        if !refused.is_empty() {
            let (count, last) = (refused.len() as u64, built.range.last);
            self.handle.dead_letters(refused).await?;
            self.refused_until = last;
            self.with_stats(|stats| stats.refused += count);
        }
        let empty = built.batch.is_none();
        if let Some(batch) = built.batch {
            if !planned {
                self.handle.plan(self.sink.name(), built.range).await?;
            }
            self.held = Some(Held {
                batch,
                range: built.range,
                records: built.records,
                bytes: built.bytes,
            });
        }
        let (records, bytes) = (built.records, built.bytes);
        let verdict = self
            .courier
            .handle_encoded(built.range, records, bytes, empty, now());
        self.obey(verdict).await
    }

    async fn deliver(&mut self, limits: Limits) -> Result<(), Gone> {
        let Some(held) = &self.held else {
            return self.stuck("no batch to deliver".into());
        };
        let delivery = tokio::time::timeout(limits.timeout, self.sink.deliver(&held.batch));
        let outcome = match delivery.await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::retry(format!("no answer within {:?}", limits.timeout)),
        };
        match &outcome {
            Outcome::Retry { why, .. } => {
                let why = why.clone();
                self.with_stats(|stats| stats.retries += 1);
                self.note_error(&why);
            }
            Outcome::Split => self.with_stats(|stats| stats.splits += 1),
            Outcome::Reject(refusals) => {
                let refusals = refusals.clone();
                self.reject(refusals).await?;
            }
            Outcome::Durable | Outcome::Paused(_) => {}
        }
        match self.courier.handle_outcome(outcome, now()) {
            Verdict::DeadLetter(seq) => {
                let refusal = Refusal::TooLarge("for the target, even alone".into());
                self.reject(vec![(seq, refusal)]).await?;
                let verdict = self.courier.handle_outcome(Outcome::Durable, now());
                self.obey(verdict).await
            }
            verdict => self.obey(verdict).await,
        }
    }

    /// Puts records that the target refused among the dead letters.
    async fn reject(&mut self, refusals: Vec<(u64, Refusal)>) -> Result<(), Gone> {
        let mut letters = Vec::with_capacity(refusals.len());
        for (seq, refusal) in refusals {
            let Ok(mut reader) = self.handle.read(seq).await? else {
                continue;
            };
            let sink = self.sink.name().to_owned();
            let read = move || match reader.next_record() {
                Ok(Some(record)) => read_message(seq, record.payload).ok().flatten(),
                _ => None,
            };
            if let Ok(Some(record)) = tokio::task::spawn_blocking(read).await {
                letters.push(letter(&record, &sink, &refusal));
            }
        }
        let count = letters.len() as u64;
        self.with_stats(|stats| stats.refused += count);
        self.handle.dead_letters(letters).await
    }

    async fn obey(&mut self, verdict: Verdict) -> Result<(), Gone> {
        let Verdict::Ack(seq) = verdict else {
            return Ok(());
        };
        if let Some(held) = self.held.take_if(|held| held.range.last <= seq) {
            self.with_stats(|stats| {
                stats.batches += 1;
                stats.records += held.records;
                stats.bytes += held.bytes;
            });
        }
        self.handle.ack(self.sink.name(), seq).await?;
        self.cursor.send_replace(seq);
        Ok(())
    }

    async fn wait(&mut self, until: Option<Instant>) -> Result<(), Gone> {
        let sleep = async {
            match until {
                Some(until) => tokio::time::sleep_until(until.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            more = self.handle.tally.changed() => more.map_err(|_| Gone),
            order = self.orders.changed() => order.map_err(|_| Gone),
            () = sleep => Ok(()),
        }
    }

    fn stuck(&mut self, why: String) -> Result<(), Gone> {
        self.note_error(&why);
        self.courier.handle_stuck(Pause::Config(why), now());
        Ok(())
    }

    fn note_error(&self, why: &str) {
        self.with_stats(|stats| stats.last_error = Some(why.to_owned()));
    }

    fn publish(&self, now: Instant) {
        let courier = &self.courier;
        let batcher = courier.batcher();
        self.with_stats(|stats| {
            stats.cursor = courier.cursor();
            stats.waiting_records = batcher.waiting_records();
            stats.waiting_bytes = batcher.waiting_bytes();
            stats.oldest_age = batcher.oldest_age(now);
            stats.paused = courier.paused().map(ToString::to_string);
        });
    }

    fn with_stats(&self, change: impl FnOnce(&mut SinkStats)) {
        change(&mut self.stats.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// A batch and what was refused on the way.
struct Built<B> {
    batch: Option<B>,
    range: SeqRange,
    records: u64,
    bytes: u64,
    refused: Vec<DeadLetter>,
}

/// Reads from `first` on until a limit, `upto` or the end of what is durable. A range that was
/// planned before is read to its end, whatever the limits are by now.
fn build<E: Encoder>(
    mut reader: Reader,
    mut encoder: E,
    first: u64,
    upto: u64,
    limits: Limits,
    sink: &str,
    planned: bool,
) -> Result<Built<E::Batch>, String> {
    let mut read = None;
    let (mut records, mut bytes) = (0, 0);
    let mut refused = Vec::new();
    while reader.position().get() <= upto {
        let Some(record) = reader.next_record().map_err(|e| e.to_string())? else {
            break;
        };
        let (seq, len) = (record.seq.get(), record.payload.len() as u64);
        if let Some(message) = read_message(seq, record.payload).map_err(|e| e.to_string())? {
            let full = records >= limits.max_records
                || bytes + len > limits.max_bytes
                || encoder.is_full();
            if full && records > 0 && !planned {
                break;
            }
            records += 1;
            bytes += len;
            if let Err(refusal) = encoder.push(&message) {
                refused.push(letter(&message, sink, &refusal));
            }
        }
        read = Some(SeqRange { first, last: seq });
    }
    // Never pass over a record that was not read.
    let range = read.ok_or_else(|| format!("record {first} cannot be read yet"))?;
    if planned && range.last != upto {
        return Err(format!(
            "the journal ends before record {upto}, which was planned"
        ));
    }
    Ok(Built {
        batch: encoder.finish(range)?,
        range,
        records,
        bytes,
        refused,
    })
}

fn letter(record: &Record, sink: &str, refusal: &Refusal) -> DeadLetter {
    DeadLetter {
        seq: record.seq,
        sink: sink.to_owned(),
        reason: refusal.to_string(),
        envelope: record.envelope.clone(),
    }
}

/// Resolves when the engine is being closed and the time for it is over.
async fn grace_over(mut orders: watch::Receiver<Orders>) {
    let by = loop {
        if let Some(by) = orders.borrow_and_update().close_by {
            break by;
        }
        if orders.changed().await.is_err() {
            // The engine was dropped, and the sinks with it.
            return;
        }
    };
    tokio::time::sleep_until(by.into()).await;
}
