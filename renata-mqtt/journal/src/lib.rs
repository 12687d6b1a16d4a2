#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod seq;
pub use seq::Seq;
mod options;
pub use options::Options;
mod error;
pub use error::{
    AppendError, Corruption, CursorError, Fault, OpenError, Problem, ReadError, SyncError,
};

mod disk;
pub use disk::{Disk, DiskFile};
mod fs;
pub use fs::{FsDisk, FsLock};
pub mod sim;

mod format;
mod scan;

mod journal;
mod segment;
mod space;
pub use journal::{Journal, Recovery, Truncated};
mod consume;
mod cursors;
pub use cursors::{MAX_CURSOR_NAME, MAX_CURSORS};
mod sync;
pub use sync::{SyncDone, SyncJob};
mod reader;
pub use reader::{Reader, Record};
mod recover;
