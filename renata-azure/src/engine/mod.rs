//! [`Engine`]: one journal, any number of sinks behind it.
//!
//! ```text
//! Ingest --queue--> keeper (thread): drop repetitions, append, fsync --> tickets
//!                     |  journal + dead letters + ledger
//!                     v
//!                   worker (task per sink): courier says when; read, encode, deliver, ack
//! ```

mod dead;
mod group;
mod handle;
mod ingest;
mod keeper;
mod ledger;
mod messages;
mod options;
mod stats;
mod worker;

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use renata_journal::{Journal, Seq};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

pub use ingest::{Admitted, Ingest, IngestError, Ticket};
pub use options::{DeadLettersFull, EngineError, EngineOptions, WhenFull};
pub use stats::{EngineStats, SinkStats};

use crate::batcher::Tally;
use crate::courier::Courier;
use crate::{DeadLetter, JournalId, RetryPolicy, Sink};
use dead::Dead;
use group::Group;
use handle::{Gone, Handle};
use keeper::Keeper;
use ledger::Ledger;
use messages::Control;
use worker::{Orders, Worker};

/// The journal and the sinks that it feeds. Must be used inside a tokio runtime with time enabled.
///
/// Attach every sink before the first message: records that no sink waits for are deleted.
/// Dropping the engine stops it as a crash would, losing nothing that a ticket confirmed.
#[derive(Debug)]
pub struct Engine {
    handle: Handle,
    ingest: Ingest,
    retry: RetryPolicy,
    orders: watch::Sender<Orders>,
    sinks: Vec<Attached>,
    workers: JoinSet<()>,
    stats: watch::Receiver<EngineStats>,
}

#[derive(Debug)]
struct Attached {
    stats: Arc<Mutex<SinkStats>>,
    cursor: watch::Receiver<u64>,
}

impl Engine {
    /// Opens the folder `options.dir`, creates it when it is missing, and recovers what an earlier
    /// run left there: the messages, the identities that came, and what each sink was doing.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn open(options: EngineOptions) -> Result<Self, EngineError> {
        let retry = options.retry;
        let (queue_bytes, max_record_bytes) = (options.queue_bytes, options.max_record_bytes);
        options.check()?;
        let opened = tokio::task::spawn_blocking(move || open(&options));
        let opened = opened.await.map_err(|_| EngineError::Closed)??;
        let Opened { keeper, journal } = opened;
        let (appends, appends_in) = mpsc::channel(QUEUE);
        let (control, control_in) = mpsc::channel(QUEUE);
        let handle = Handle {
            control,
            tally: keeper.tally.subscribe(),
            journal,
        };
        let stats = keeper.stats.subscribe();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(EngineError::Io)?;
        std::thread::Builder::new()
            .name("renata-journal".into())
            .spawn(move || runtime.block_on(keeper.run(appends_in, control_in)))
            .map_err(EngineError::Io)?;
        Ok(Self {
            handle,
            ingest: Ingest {
                appends,
                bytes: Arc::new(Semaphore::new(queue_bytes as usize)),
                queue_bytes,
                max_record_bytes,
            },
            retry,
            orders: watch::channel(Orders::default()).0,
            sinks: Vec::new(),
            workers: JoinSet::new(),
            stats,
        })
    }

    /// Starts to feed a sink, from where it was or, when it is new, from the oldest message that
    /// is still in the journal.
    ///
    /// # Errors
    /// [`EngineError::Sink`] when its name is empty, too long or taken.
    pub async fn attach<S: Sink>(&mut self, sink: S) -> Result<(), EngineError> {
        let name = sink.name().to_owned();
        let taken = |a: &Attached| lock(&a.stats).name == name;
        if name.is_empty() || name.len() > 48 || self.sinks.iter().any(taken) {
            let why = "its name must have 1 to 48 bytes and be its own".into();
            return Err(EngineError::Sink { name, why });
        }
        let attached = self.handle.attach(&name).await?;
        let (cursor, plan) = attached.map_err(|why| EngineError::Sink {
            name: name.clone(),
            why,
        })?;
        let tally = *self.handle.tally.borrow();
        let mut courier = Courier::new(sink.limits(), self.retry, random(), cursor, tally);
        if let Some(plan) = plan {
            courier.resume(plan);
        }
        let stats = Arc::new(Mutex::new(SinkStats {
            name,
            cursor,
            ..SinkStats::default()
        }));
        let (cursor_out, cursor) = watch::channel(cursor);
        let worker = Worker {
            sink: Arc::new(sink),
            handle: self.handle.clone(),
            courier,
            orders: self.orders.subscribe(),
            stats: stats.clone(),
            cursor: cursor_out,
            held: None,
            refused_until: 0,
        };
        self.sinks.push(Attached { stats, cursor });
        self.workers.spawn(worker.run());
        Ok(())
    }

    /// Forgets a sink of an earlier run that is not attached in this one: its messages are kept for
    /// it otherwise, until the journal is full. Returns whether there was such a sink.
    ///
    /// # Errors
    /// [`EngineError::Sink`] when it is attached.
    pub async fn remove_sink(&self, name: &str) -> Result<bool, EngineError> {
        if self.sinks.iter().any(|sink| lock(&sink.stats).name == name) {
            let why = "it is attached".into();
            let name = name.to_owned();
            return Err(EngineError::Sink { name, why });
        }
        let remove = |reply| Control::Remove(name.to_owned(), reply);
        Ok(self.handle.ask(remove).await?)
    }

    /// The way in.
    #[must_use]
    pub fn ingest(&self) -> Ingest {
        self.ingest.clone()
    }

    /// Which journal this is.
    #[must_use]
    pub fn journal(&self) -> JournalId {
        self.handle.journal
    }

    /// Figures of the ingest side.
    #[must_use]
    pub fn stats(&self) -> EngineStats {
        self.stats.borrow().clone()
    }

    /// Figures of every sink, in the order in which they were attached.
    #[must_use]
    pub fn sinks(&self) -> Vec<SinkStats> {
        self.sinks.iter().map(|s| lock(&s.stats).clone()).collect()
    }

    /// Closes the open batches without waiting for their limits, and returns when everything that
    /// was durable at the call is delivered by every sink. Waits as long as that takes.
    ///
    /// # Errors
    /// [`EngineError::Closed`] when the journal has failed meanwhile.
    pub async fn flush(&mut self) -> Result<(), EngineError> {
        let durable = self.handle.tally.borrow().durable;
        self.orders.send_modify(|orders| orders.flushes += 1);
        for sink in &mut self.sinks {
            let reached = sink.cursor.wait_for(|cursor| *cursor >= durable);
            reached.await.map_err(|_| EngineError::Closed)?;
        }
        Ok(())
    }

    /// Delivers what is durable, but for no longer than `grace`, and closes the journal. What could
    /// not be delivered is delivered after the next [`open`](Self::open).
    ///
    /// # Errors
    /// When the journal could not be closed in order. Nothing that a ticket confirmed is lost.
    pub async fn close(mut self, grace: Duration) -> Result<(), EngineError> {
        let by = now().checked_add(grace).unwrap_or_else(now);
        self.orders.send_modify(|o| o.close_by = Some(by));
        while self.workers.join_next().await.is_some() {}
        let closed = self.handle.ask(Control::Close).await?;
        closed.map_err(EngineError::Close)
    }

    /// The oldest dead letters that were not released yet, at most `most` of them, with a token for
    /// [`release_dead_letters`](Self::release_dead_letters).
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn dead_letters(&self, most: usize) -> Result<(Vec<DeadLetter>, u64), EngineError> {
        let reader = self.handle.ask(Control::ReadDeadLetters).await?;
        let mut reader = reader.map_err(EngineError::DeadLetters)?;
        let read = tokio::task::spawn_blocking(move || {
            let (mut letters, mut last) = (Vec::new(), 0);
            while letters.len() < most {
                match reader.next_record().map_err(|e| e.to_string())? {
                    Some(record) => {
                        last = record.seq.get();
                        let letter = DeadLetter::decode(record.payload);
                        letters.push(letter.map_err(|e| e.to_string())?);
                    }
                    None => break,
                }
            }
            Ok((letters, last))
        });
        let read = read.await.map_err(|_| EngineError::Closed)?;
        read.map_err(EngineError::DeadLetters)
    }

    /// Lets go of the dead letters up to a token: they were exported, or sent again.
    ///
    /// # Errors
    /// [`EngineError::Closed`] when the journal has failed.
    pub async fn release_dead_letters(&self, token: u64) -> Result<(), EngineError> {
        let release = Control::AckDeadLetters(token);
        let sent = self.handle.control.send(release).await;
        sent.map_err(|_| EngineError::Closed)
    }
}

impl From<Gone> for EngineError {
    fn from(_: Gone) -> Self {
        Self::Closed
    }
}

struct Opened {
    keeper: Keeper,
    journal: JournalId,
}

fn open(options: &EngineOptions) -> Result<Opened, EngineError> {
    let (mut journal, _) = Journal::open(options.dir.join("journal"), options.journal())?;
    let (mut dead, _) = Journal::open(options.dir.join("dead"), options.dead_letters())?;
    dead.cursor(dead::CURSOR)?;
    let ledger_cursor = journal.cursor(ledger::CURSOR)?;
    let mut ledger = Ledger::new(options.max_streams);
    let mut reader = journal.read(ledger_cursor.next())?;
    let mut recovered = 0;
    while let Some(record) = reader.next_record()? {
        recovered += record.payload.len() as u64;
        ledger.recover(record.payload)?;
    }
    let id = match ledger.id {
        Some(id) => id,
        None if journal.next() == Seq::ZERO.next() => {
            let id = JournalId(random());
            ledger.id = Some(id);
            for piece in ledger.encode() {
                journal.append(&piece).map_err(EngineError::Begin)?;
            }
            journal.sync()?;
            id
        }
        None => return Err(EngineError::Foreign),
    };
    let tally = Tally {
        durable: journal.durable().get(),
        ..Tally::default()
    };
    let keeper = Keeper {
        journal,
        dead: Dead::new(dead, options.dead_letters_full),
        ledger,
        when_full: options.when_full,
        tally: watch::channel(tally).0,
        stats: watch::channel(EngineStats::default()).0,
        ledger_at: 0,
        appended: recovered,
        group: Group::new(tally),
    };
    Ok(Opened {
        keeper,
        journal: id,
    })
}

/// The one clock read: a paused tokio clock drives the couriers.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// A number that differs between processes: the standard library draws it from the system.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn lock(stats: &Mutex<SinkStats>) -> std::sync::MutexGuard<'_, SinkStats> {
    stats.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Messages and requests that wait for the keeper at most.
const QUEUE: usize = 1024;
