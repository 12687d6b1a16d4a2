//! Group commit: the fsync may run on another thread while appends go on.
//!
//! ```text
//! owner    append append start_sync ---- append append append ---- finish_sync: durable moves
//! other                      `-> SyncJob::run: fsync files, fsync directory, delete segments -'
//! ```

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::cursors::Positions;
use crate::disk::{Disk, DiskFile};
use crate::{Fault, Journal, Seq, SyncError};

/// What owner, sync jobs and readers share.
#[derive(Debug)]
pub(crate) struct Shared {
    durable: AtomicU64,
    fault: OnceLock<Fault>,
    /// Jobs run one after the other: a kernel reports a failed write-back to one fsync only, so
    /// none may succeed beside one that fails.
    running: Mutex<()>,
}

impl Shared {
    pub(crate) fn new(durable: u64) -> Self {
        Self {
            durable: AtomicU64::new(durable),
            fault: OnceLock::new(),
            running: Mutex::new(()),
        }
    }

    pub(crate) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    pub(crate) fn fault(&self) -> Option<Fault> {
        self.fault.get().copied()
    }

    /// Stops the journal; returns the first fault, which is the one that counts.
    pub(crate) fn poison(&self, fault: Fault) -> Fault {
        *self.fault.get_or_init(|| fault)
    }
}

/// What was written and what was synced.
pub(crate) struct SyncState<D: Disk> {
    /// Files with writes that no finished sync covers, the active one last, each with the write
    /// position behind its last byte (known once it is closed).
    dirty: Vec<(Arc<D::File>, u64)>,
    position: u64,
    created: u64,
    created_synced: u64,
    /// What the last record says that was durable when it was appended, and the same for the last
    /// record that is durable itself.
    vouching: u64,
    vouched: u64,
}

impl<D: Disk> SyncState<D> {
    /// Everything is durable; the active file, if there is one, will be written to.
    pub(crate) fn new(active: Option<Arc<D::File>>, proven: u64) -> Self {
        Self {
            dirty: active.into_iter().map(|file| (file, u64::MAX)).collect(),
            position: 0,
            created: 0,
            created_synced: 0,
            vouching: proven,
            vouched: proven,
        }
    }

    /// A record was appended which says that everything up to `durable` is.
    pub(crate) fn vouch(&mut self, durable: u64) {
        self.vouching = durable;
    }

    /// Everything up to here is durable, and something durable says so.
    pub(crate) fn vouched(&self) -> u64 {
        self.vouched
    }

    /// The write position up to which everything is durable.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// A new segment became the active one, with everything before it written up to `position`.
    pub(crate) fn segment_created(&mut self, file: Arc<D::File>, position: u64) {
        if let Some((_, end)) = self.dirty.last_mut() {
            *end = position;
        }
        self.dirty.push((file, u64::MAX));
        self.created += 1;
    }
}

/// One fsync to be run, on any thread. Dropping it unrun does nothing.
#[must_use = "nothing becomes durable until the job has run"]
pub struct SyncJob<D: Disk = crate::FsDisk> {
    disk: Arc<D>,
    shared: Arc<Shared>,
    files: Vec<Arc<D::File>>,
    sync_dir: bool,
    delete: Vec<String>,
    point: Point,
}

/// What a job makes durable.
#[derive(Debug)]
struct Point {
    seq: u64,
    position: u64,
    created: u64,
    vouching: u64,
    positions: Positions,
}

/// A job that has run, to be given to [`Journal::finish_sync`].
#[must_use = "nothing is reported durable until the journal has it"]
#[derive(Debug)]
pub struct SyncDone {
    shared: Arc<Shared>,
    point: Point,
    deleted: Vec<String>,
    result: Result<(), Fault>,
}

impl<D: Disk> SyncJob<D> {
    /// The last record that becomes durable.
    #[must_use]
    pub fn upto(&self) -> Seq {
        Seq::new(self.point.seq)
    }

    /// Runs the job; blocks for as long as the disk takes.
    pub fn run(self) -> SyncDone {
        let shared = self.shared.clone();
        let guard = shared.running.lock();
        let _guard = guard.unwrap_or_else(PoisonError::into_inner);
        let result = match shared.fault() {
            Some(fault) => Err(fault),
            None => self.try_run().map_err(|fault| shared.poison(fault)),
        };
        SyncDone {
            shared: self.shared,
            point: self.point,
            deleted: self.delete,
            result,
        }
    }

    fn try_run(&self) -> Result<(), Fault> {
        for file in &self.files {
            file.sync().map_err(|e| Fault::new("fsync", &e))?;
        }
        if self.sync_dir {
            self.sync_dir()?;
        }
        // Oldest first and one at a time, so that no crash leaves a hole between segments.
        for name in &self.delete {
            match self.disk.remove(name) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    return Err(Fault::new("delete segment", &e));
                }
                _ => self.sync_dir()?,
            }
        }
        Ok(())
    }

    fn sync_dir(&self) -> Result<(), Fault> {
        let result = self.disk.sync_dir();
        result.map_err(|e| Fault::new("fsync directory", &e))
    }
}

impl<D: Disk> Journal<D> {
    /// Flushes, and returns the fsync that makes everything appended and acknowledged so far
    /// durable; `None` when there is nothing to do.
    ///
    /// One job at a time is enough; a second one covers what the first one does and more. After
    /// the fsync the job deletes the segments that all cursors are done with.
    ///
    /// # Errors
    /// See [`SyncError`].
    pub fn start_sync(&mut self) -> Result<Option<SyncJob<D>>, SyncError> {
        self.check()?;
        if self.cursors.is_dirty() {
            self.push_positions()?;
        }
        self.flush()?;
        // The job deletes after the fsync, and the positions that it syncs vouch for all records
        // that they are done with: only what is durable can be acknowledged.
        let done = self.cursors.slowest();
        let delete: Vec<String> = self.deletable(done, self.position).collect();
        let sync_dir = self.sync.created > self.sync.created_synced;
        let write = self.position > self.sync.position;
        if !write && !sync_dir && delete.is_empty() {
            return Ok(None);
        }
        let files = if write {
            self.sync
                .dirty
                .iter()
                .map(|(file, _)| file.clone())
                .collect()
        } else {
            Vec::new()
        };
        Ok(Some(SyncJob {
            disk: self.disk.clone(),
            shared: self.shared.clone(),
            files,
            sync_dir,
            delete,
            point: Point {
                seq: self.next().get() - 1,
                position: self.position,
                created: self.sync.created,
                vouching: self.sync.vouching,
                positions: self.cursors.written(),
            },
        }))
    }

    /// Takes the result of a job: [`durable`](Self::durable) moves, or the journal stops.
    ///
    /// # Errors
    /// [`SyncError::Poisoned`] when the fsync failed. Nothing beyond `durable` may be believed
    /// then, not even after an fsync that succeeds: the kernel forgets a failed write-back once it
    /// has told of it.
    pub fn finish_sync(&mut self, done: SyncDone) -> Result<Seq, SyncError> {
        let ours = Arc::ptr_eq(&done.shared, &self.shared);
        debug_assert!(ours, "the result of another journal's sync");
        let SyncDone { point, deleted, .. } = done;
        done.result.map_err(SyncError::Poisoned)?;
        if ours {
            let state = &mut self.sync;
            state.position = state.position.max(point.position);
            state.vouched = state.vouched.max(point.vouching);
            state.created_synced = state.created_synced.max(point.created);
            let synced = state.position;
            state.dirty.retain(|(_, end)| *end > synced);
            self.cursors.synced(&point.positions);
            self.shared.durable.fetch_max(point.seq, Ordering::AcqRel);
            for name in &deleted {
                self.forget_front(name);
            }
        }
        Ok(self.durable())
    }

    /// Makes everything appended and acknowledged so far durable, and deletes what nobody needs.
    ///
    /// # Errors
    /// See [`SyncError`].
    pub fn sync(&mut self) -> Result<Seq, SyncError> {
        match self.start_sync()? {
            Some(job) => self.finish_sync(job.run()),
            None => Ok(self.durable()),
        }
    }

    /// Syncs, and notes at the end of the journal that all of it is durable, so that the next
    /// opening can tell any damage from a torn write.
    ///
    /// # Errors
    /// See [`SyncError`].
    pub fn close(mut self) -> Result<(), SyncError> {
        self.sync()?;
        if self.active.is_some() {
            self.push_control();
        }
        self.flush()
    }
}
