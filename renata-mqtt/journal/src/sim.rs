//! A disk in memory that forgets: for tests of whatever stands on a journal.
//!
//! [`SimDisk`] keeps what POSIX promises and nothing more. A write lives in the page cache until
//! [`DiskFile::sync`], a name until [`Disk::sync_dir`]. Every operation that changes something has
//! a number; the power can fail at any of them, and [`SimDisk::restart`] then chooses what of
//! the unsynced rest made it to the medium.
//!
//! ```
//! use renata_journal::sim::{Keep, SimDisk};
//! use renata_journal::{Journal, Options, Seq};
//!
//! let disk = SimDisk::new();
//! let (mut journal, _) = Journal::open_on(disk.clone(), Options::default())?;
//! journal.append(b"kept")?;
//! journal.sync()?;
//! journal.append(b"forgotten")?;
//! journal.flush()?;
//! drop(journal);
//!
//! let (_journal, recovery) = Journal::open_on(disk.restart(Keep::Nothing), Options::default())?;
//! assert_eq!(recovery.last, Seq::new(1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::disk::{Disk, DiskFile};

mod keep;
pub use keep::Keep;
use keep::{FileOp, NameOp};

/// A directory in memory with a page cache. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    files: Vec<FileState>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    pending: Vec<(u64, NameOp)>,
    ops: u64,
    crash_at: Option<u64>,
    crashed: bool,
    fail_at: Option<(u64, io::ErrorKind)>,
    capacity: Option<u64>,
    locked: bool,
}

#[derive(Debug, Default)]
struct FileState {
    live: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<(u64, FileOp)>,
}

impl SimDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many changing operations were asked for.
    #[must_use]
    pub fn ops(&self) -> u64 {
        self.state().ops
    }

    /// Cuts the power at operation number `op`: it fails, as does everything after it.
    pub fn crash_at(&self, op: u64) {
        self.state().crash_at = Some(op);
    }

    /// Whether the power is cut.
    #[must_use]
    pub fn is_crashed(&self) -> bool {
        self.state().crashed
    }

    /// Makes operation number `op` fail, once. A write is half done, a sync drops what was pending
    /// while the cache still shows it: that is what Linux does.
    pub fn fail_at(&self, op: u64, kind: io::ErrorKind) {
        self.state().fail_at = Some((op, kind));
    }

    /// Limits the bytes in all files; a write that does not fit is cut short, then refused.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity = bytes;
    }

    /// The names and sizes of all files, as a running program sees them.
    #[must_use]
    pub fn files(&self) -> Vec<(String, usize)> {
        let state = self.state();
        let sized = |(name, &id): (&String, &usize)| (name.clone(), state.files[id].live.len());
        state.names.iter().map(sized).collect()
    }

    /// Changes the bytes of a file behind everybody's back, durably. `false` when there is none.
    pub fn tamper(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> bool {
        let mut state = self.state();
        let Some(&id) = state.names.get(name) else {
            return false;
        };
        let file = &mut state.files[id];
        change(&mut file.live);
        file.durable.clone_from(&file.live);
        file.pending.clear();
        true
    }

    /// Takes a file away behind everybody's back, durably. `false` when there is none.
    pub fn take_away(&self, name: &str) -> bool {
        let mut state = self.state();
        state.durable_names.remove(name);
        state.names.remove(name).is_some()
    }

    /// The disk after a power failure and a restart. The old handles are of no use any more.
    #[must_use]
    pub fn restart(&self, keep: Keep) -> Self {
        let mut state = self.state();
        state.crashed = true;
        let mut names = state.durable_names.clone();
        for (op, change) in &state.pending {
            if keep.whole(*op) {
                change.apply(&mut names);
            }
        }
        let mut fresh = State::default();
        for (name, id) in names {
            let mut image = state.files[id].durable.clone();
            for (op, change) in &state.files[id].pending {
                keep.apply(*op, change, &mut image);
            }
            let id = fresh.files.len();
            fresh.files.push(FileState {
                live: image.clone(),
                durable: image,
                pending: Vec::new(),
            });
            fresh.names.insert(name.clone(), id);
            fresh.durable_names.insert(name, id);
        }
        fresh.capacity = state.capacity;
        Self {
            state: Arc::new(Mutex::new(fresh)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What shall become of an operation that changes something. One that fails takes effect in the
/// cache as far as it goes, but the caller gets the error.
struct Fate {
    op: u64,
    error: Option<io::Error>,
}

impl State {
    fn alive(&self) -> io::Result<()> {
        if self.crashed {
            return Err(io::Error::other("the power is off"));
        }
        Ok(())
    }

    fn begin(&mut self) -> io::Result<Fate> {
        self.alive()?;
        let op = self.ops;
        self.ops += 1;
        self.crashed = self.crash_at == Some(op);
        let error = match self.fail_at {
            _ if self.crashed => Some(io::Error::other("the power failed")),
            Some((at, kind)) if at == op => Some(kind.into()),
            _ => None,
        };
        Ok(Fate { op, error })
    }

    fn lookup(&self, name: &str) -> io::Result<usize> {
        self.alive()?;
        let found = self.names.get(name).copied();
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn rename(&mut self, op: u64, change: NameOp) {
        change.apply(&mut self.names);
        self.pending.push((op, change));
    }

    fn change(&mut self, id: usize, op: u64, change: FileOp) {
        change.apply(&mut self.files[id].live);
        self.files[id].pending.push((op, change));
    }

    fn used(&self) -> u64 {
        let sizes = self.names.values().map(|&id| self.files[id].live.len());
        sizes.sum::<usize>() as u64
    }
}

/// A file of a [`SimDisk`].
#[derive(Debug)]
pub struct SimFile {
    disk: SimDisk,
    id: usize,
}

/// The held lock of a [`SimDisk`].
#[derive(Debug)]
pub struct SimLock {
    disk: SimDisk,
}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.disk.state().locked = false;
    }
}

impl Disk for SimDisk {
    type File = SimFile;
    type Lock = SimLock;

    fn lock(&self) -> io::Result<SimLock> {
        let mut state = self.state();
        state.alive()?;
        if std::mem::replace(&mut state.locked, true) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(SimLock { disk: self.clone() })
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let state = self.state();
        state.alive()?;
        Ok(state.names.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<SimFile> {
        let mut state = self.state();
        let fate = state.begin()?;
        if state.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let id = state.files.len();
        state.files.push(FileState::default());
        state.rename(fate.op, NameOp::Add(name.to_owned(), id));
        fate.end(SimFile {
            disk: self.clone(),
            id,
        })
    }

    fn open(&self, name: &str) -> io::Result<SimFile> {
        let id = self.state().lookup(name)?;
        Ok(SimFile {
            disk: self.clone(),
            id,
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        let fate = state.begin()?;
        if !state.names.contains_key(name) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.rename(fate.op, NameOp::Remove(name.to_owned()));
        fate.end(())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut state = self.state();
        let fate = state.begin()?;
        if fate.error.is_none() {
            state.durable_names = state.names.clone();
            state.pending.clear();
        }
        fate.end(())
    }
}

impl DiskFile for SimFile {
    fn size(&self) -> io::Result<u64> {
        let state = self.disk.state();
        state.alive()?;
        Ok(state.files[self.id].live.len() as u64)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.state();
        state.alive()?;
        let live = &state.files[self.id].live;
        let rest = live.get(offset as usize..).unwrap_or_default();
        let n = rest.len().min(buf.len());
        buf[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.state();
        let fate = state.begin()?;
        let size = state.files[self.id].live.len() as u64;
        let room = state
            .capacity
            .map_or(u64::MAX, |c| c.saturating_sub(state.used()));
        let fits = size
            .saturating_add(room)
            .saturating_sub(offset)
            .min(bytes.len() as u64) as usize;
        if fits == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        // When the power fails, `Keep` decides how much of the write survives.
        let half = fate.error.is_some() && !state.crashed;
        let n = if half { fits / 2 } else { fits };
        let change = FileOp::Write(offset as usize, bytes[..n].to_vec());
        state.change(self.id, fate.op, change);
        fate.end(n)
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        let fate = state.begin()?;
        state.change(self.id, fate.op, FileOp::SetSize(size as usize));
        fate.end(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        let fate = state.begin()?;
        let crashed = state.crashed;
        let file = &mut state.files[self.id];
        if fate.error.is_none() {
            for (_, change) in std::mem::take(&mut file.pending) {
                change.apply(&mut file.durable);
            }
        } else if !crashed {
            file.pending.clear();
        }
        fate.end(())
    }
}

impl Fate {
    fn end<T>(self, value: T) -> io::Result<T> {
        self.error.map_or(Ok(value), Err)
    }
}
