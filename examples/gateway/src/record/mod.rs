//! From samples to durable messages: one thread owns the journal, everybody else has a handle.
//!
//! ```text
//!  devices --batches (bounded)--> thread: number, encode, append .. fsync --durable--> uplinks
//!                                    ^                                                    |
//!                                    '---------------- positions -------------------------'
//! ```
//! While one fsync runs, batches gather, and the next one covers them all. So the cost of an fsync
//! is shared by as many samples as come in its time, and no async thread ever waits for a disk.

mod counters;
pub(crate) mod entry;
mod epoch;
mod log;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use renata_codec::Sample;
use renata_journal::{FsDisk, Journal, Options, Reader, Seq};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot, watch};

pub(crate) use log::{LogError, SampleLog, Stream};

use crate::config::Config;
use crate::stats::Stats;

/// A handle of the journal's thread; clones are handles of the same one.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    orders: mpsc::Sender<Order>,
    durable: watch::Receiver<Seq>,
    positions: Arc<[(String, AtomicU64)]>,
}

/// Samples of one scan, each with the index of its stream.
pub(crate) type Batch = Vec<(usize, Sample)>;

#[derive(Debug)]
enum Order {
    Record(Batch),
    Read {
        after: Option<Seq>,
        uplink: usize,
        reply: oneshot::Sender<Result<Reader<FsDisk>, LogError>>,
    },
    Flush(oneshot::Sender<()>),
}

/// The journal's thread has ended; its [`Thread::end`] says why.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the journal has stopped")]
pub(crate) struct Stopped;

/// The journal's thread, to wait for.
pub(crate) struct Thread(JoinHandle<Result<(), LogError>>);

impl Thread {
    /// Waits until the last handle is gone and everything is on the disk, or the journal has failed.
    pub(crate) async fn end(self) -> Result<(), LogError> {
        let joined = tokio::task::spawn_blocking(|| self.0.join()).await;
        match joined {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            // The runtime is going down: nobody asks any more.
            Err(_) => Ok(()),
        }
    }
}

/// Opens the journal in the data folder and starts its thread.
pub(crate) fn start(
    config: &Config,
    streams: Vec<Stream>,
    stats: Arc<Stats>,
) -> Result<(Recorder, Thread), LogError> {
    let options = Options {
        max_bytes: config.journal.max_bytes,
        segment_bytes: config.journal.segment_bytes,
        ..Options::default()
    };
    let uplinks: Vec<String> = config.uplinks.iter().map(|u| u.link.name.clone()).collect();
    let (journal, recovery) = Journal::open(config.data_dir.join("journal"), options)?;
    if let Some(cut) = recovery.truncated {
        tracing::info!(
            bytes = cut.bytes,
            "cut off what a crash had left half written"
        );
    }
    let draw = || draw_epoch(&config.data_dir);
    let log = SampleLog::start(
        journal,
        &uplinks,
        config.codec,
        config.journal.when_full,
        draw,
    )?;
    stats.recovered.set(log.numbered());
    let positions: Arc<[_]> = uplinks
        .iter()
        .map(|name| (name.clone(), AtomicU64::new(log.acked(name).get())))
        .collect();
    let (orders, inbox) = mpsc::channel(BATCHES);
    let (durable_sender, durable) = watch::channel(log.last());
    let writer = Writer {
        log,
        streams,
        positions: Arc::clone(&positions),
        durable: durable_sender,
        stats,
        uncommitted: 0,
        flushes: Vec::new(),
    };
    // A runtime of its own, for its clock: it outlives that of the async tasks until all is written.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let runtime = runtime.map_err(LogError::Thread)?;
    let thread = std::thread::Builder::new()
        .name("journal".into())
        .spawn(move || writer.run(inbox, &runtime))
        .map_err(LogError::Thread)?;
    let recorder = Recorder {
        orders,
        durable,
        positions,
    };
    Ok((recorder, Thread(thread)))
}

fn draw_epoch(data_dir: &Path) -> std::io::Result<u32> {
    let epoch = epoch::draw(data_dir, SystemTime::now())?;
    tracing::info!(epoch, "a new journal: the streams begin a new epoch");
    Ok(epoch)
}

impl Recorder {
    /// Hands a batch over; waits while the journal does not keep up.
    pub(crate) async fn record(&self, batch: Batch) -> Result<(), Stopped> {
        let sent = self.orders.send(Order::Record(batch)).await;
        sent.map_err(|_| Stopped)
    }

    /// Reads durable records behind `after`; without it, behind the uplink's position. Where records
    /// were given up because the journal was full, it starts behind those.
    pub(crate) async fn read(
        &self,
        uplink: usize,
        after: Option<Seq>,
    ) -> Result<Reader<FsDisk>, ReadRefused> {
        let (reply, answer) = oneshot::channel();
        let order = Order::Read {
            after,
            uplink,
            reply,
        };
        self.orders.send(order).await.map_err(|_| Stopped)?;
        Ok(answer.await.map_err(|_| Stopped)??)
    }

    /// Waits until everything that was handed over before is durable.
    pub(crate) async fn flush(&self) -> Result<(), Stopped> {
        let (reply, done) = oneshot::channel();
        self.orders
            .send(Order::Flush(reply))
            .await
            .map_err(|_| Stopped)?;
        done.await.map_err(|_| Stopped)
    }

    /// Waits until the journal has stopped, which it does by itself only when it has failed.
    pub(crate) async fn stopped(&self) {
        self.orders.closed().await;
    }

    /// The last durable record, to wait for the next.
    pub(crate) fn durable(&self) -> watch::Receiver<Seq> {
        self.durable.clone()
    }

    /// Says that an uplink is done with the records up to `seq`. Durable soon, with other things.
    pub(crate) fn done(&self, uplink: usize, seq: Seq) {
        if let Some((_, position)) = self.positions.get(uplink) {
            position.fetch_max(seq.get(), Ordering::Relaxed);
        }
    }
}

/// Why there is no reader.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadRefused {
    #[error(transparent)]
    Stopped(#[from] Stopped),
    #[error(transparent)]
    Log(#[from] LogError),
}

/// What the thread works on.
struct Writer {
    log: SampleLog,
    streams: Vec<Stream>,
    positions: Arc<[(String, AtomicU64)]>,
    durable: watch::Sender<Seq>,
    stats: Arc<Stats>,
    uncommitted: u64,
    /// Who waits for the next commit.
    flushes: Vec<oneshot::Sender<()>>,
}

impl Writer {
    fn run(mut self, mut inbox: mpsc::Receiver<Order>, runtime: &Runtime) -> Result<(), LogError> {
        loop {
            // An idle journal still writes positions down, so that little is sent twice after a crash.
            let first = runtime.block_on(async {
                let next = inbox.recv();
                tokio::time::timeout(POSITIONS_EVERY, next).await
            });
            match first {
                Ok(Some(order)) => self.handle(order)?,
                Ok(None) => break,
                Err(_) => {}
            }
            while let Ok(order) = inbox.try_recv() {
                self.handle(order)?;
                if self.uncommitted >= MOST_IN_A_COMMIT {
                    break;
                }
            }
            self.commit()?;
        }
        self.commit()?;
        self.log.close()
    }

    fn handle(&mut self, order: Order) -> Result<(), LogError> {
        match order {
            Order::Record(batch) => {
                for (stream, sample) in batch {
                    if let Some(stream) = self.streams.get(stream)
                        && self.log.append(stream, sample)?
                    {
                        self.uncommitted += 1;
                    } else {
                        self.stats.refused.add(1);
                    }
                }
                self.stats.dropped.set(self.log.dropped());
            }
            Order::Read {
                after,
                uplink,
                reply,
            } => {
                let name = self
                    .positions
                    .get(uplink)
                    .map_or("", |(name, _)| name.as_str());
                let after = after.unwrap_or_else(|| self.log.acked(name));
                // Whoever asked may be gone; then nobody needs it.
                let _ = reply.send(self.log.reader_after(after));
            }
            Order::Flush(reply) => self.flushes.push(reply),
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), LogError> {
        for (name, position) in self.positions.iter() {
            let seq = Seq::new(position.load(Ordering::Relaxed));
            self.log.ack(name, seq)?;
        }
        let durable = self.log.commit()?;
        if durable >= self.log.last() {
            self.stats.committed.add(self.uncommitted);
            self.uncommitted = 0;
            for flush in self.flushes.drain(..) {
                // Whoever asked may be gone; then nobody needs it.
                let _ = flush.send(());
            }
        }
        self.stats.journal_bytes.set(self.log.bytes());
        self.durable.send_if_modified(|known| {
            let moved = *known != durable;
            *known = durable;
            moved
        });
        Ok(())
    }
}

/// Batches that may wait for the thread; then the devices wait, too.
const BATCHES: usize = 64;

/// A commit is begun after so many samples, even when more are waiting.
const MOST_IN_A_COMMIT: u64 = 20_000;

/// How often the positions of the uplinks are written down when nothing else is.
const POSITIONS_EVERY: Duration = Duration::from_millis(200);
