//! The durable engine of one broker: renata-journal is the log, the state is held in memory.
//!
//! ```text
//!  append(batch) -> encode -> journal -----> turn: sync due? -----> thread: fsync, delete files
//!                   `-> State (the same code reads it back)           |
//!                          `-> clean: copy what is needed forward     '-> wake -> turn: committed()
//! ```
//! One journal record is one batch, so a batch is all or nothing. A message is stored once; queues hold
//! references. [`State`](state) knows what is still needed; when most of the log is not,
//! [`clean`] copies the rest to its end and the files in front are deleted.

mod clean;
mod decode;
mod encode;
mod log;
mod state;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use renata_journal::{FsDisk, OpenError, SyncDone, SyncJob};

use self::log::{Limits, Log};
use super::{Change, Engine, EngineError, Recovered, Ticket};
use crate::config::Durability;

/// An engine over a journal in a folder, with a thread for the fsync.
pub struct Local {
    log: Log<FsDisk>,
    jobs: Option<SyncSender<SyncJob>>,
    results: Receiver<SyncDone>,
    wake: Wake,
    thread: Option<JoinHandle<()>>,
    now: Instant,
}

type Wake = Arc<Mutex<Option<Box<dyn Fn() + Send + Sync>>>>;

impl Local {
    /// Opens the journal in `dir`, which is created when it is missing.
    ///
    /// # Errors
    /// When the journal is damaged, held by another process, or cannot be read or written.
    pub fn open(dir: &Path, durability: &Durability) -> Result<Self, OpenError> {
        let disk = FsDisk::new(dir).map_err(|e| io("create directory", e))?;
        let log = Log::open(disk, limits(durability))?;
        let (jobs, inbox) = sync_channel::<SyncJob>(1);
        let (outbox, results) = channel();
        let wake = Wake::default();
        let waker = wake.clone();
        let thread = std::thread::Builder::new()
            .name("journal-fsync".to_owned())
            .spawn(move || {
                for job in inbox {
                    if outbox.send(job.run()).is_err() {
                        return;
                    }
                    let wake = waker.lock().unwrap_or_else(PoisonError::into_inner);
                    if let Some(wake) = &*wake {
                        wake();
                    }
                }
            })
            .map_err(|e| io("start the fsync thread", e))?;
        Ok(Self {
            log,
            jobs: Some(jobs),
            results,
            wake,
            thread: Some(thread),
            now: Instant::now(),
        })
    }

    fn hand_over(&mut self, job: SyncJob) -> Result<(), EngineError> {
        let jobs = self.jobs.as_ref();
        if jobs.is_some_and(|jobs| jobs.send(job).is_ok()) {
            return Ok(());
        }
        Err(EngineError::Failed("its thread has ended".to_owned()))
    }
}

impl Engine for Local {
    fn recover(&mut self) -> Result<Recovered, EngineError> {
        self.log.recover()
    }

    fn append(&mut self, now: Instant, changes: &[Change<'_>]) -> Result<Ticket, EngineError> {
        self.log.append(now, changes)
    }

    fn committed(&self) -> Ticket {
        self.log.committed()
    }

    fn turn(&mut self, now: Instant) -> Result<(), EngineError> {
        self.now = now;
        if let Ok(done) = self.results.try_recv() {
            self.log.finish_sync(now, done)?;
        }
        match self.log.turn(now)? {
            Some(job) => self.hand_over(job),
            None => Ok(()),
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.log.due()
    }

    fn on_commit(&mut self, wake: Box<dyn Fn() + Send + Sync>) {
        *self.wake.lock().unwrap_or_else(PoisonError::into_inner) = Some(wake);
    }

    fn is_durable(&self) -> bool {
        true
    }

    fn sync(&mut self) -> Result<(), EngineError> {
        if self.log.is_in_flight()
            && let Ok(done) = self.results.recv()
        {
            self.log.finish_sync(self.now, done)?;
        }
        if let Some(job) = self.log.start_sync(self.now)? {
            self.log.finish_sync(self.now, job.run())?;
        }
        Ok(())
    }
}

/// Ends the thread; what was not synced is not waited for.
impl Drop for Local {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // It has nothing to tell: a job's result would be dropped as well.
            let _ = thread.join();
        }
    }
}

fn io(operation: &'static str, source: std::io::Error) -> OpenError {
    OpenError::Io { operation, source }
}

fn limits(durability: &Durability) -> Limits {
    Limits {
        commit_interval: Duration::from_millis(durability.commit_interval_ms),
        commit_records: durability.commit_records,
        max_bytes: durability.max_bytes,
        segment_bytes: (durability.max_bytes / 32).clamp(32 << 10, 16 << 20),
    }
}
