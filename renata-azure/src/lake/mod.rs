//! The lake: a Delta table of Parquet files, written exactly once.
//!
//! ```text
//! records -> rows -> one Parquet file an hour touched -> put (must not exist)
//!                                                     -> _delta_log/N.json (must not exist)
//!                                                        with txn(app id, last journal number)
//! ```
//! [`Lake`] is a [`Sink`]; [`verify`] counts what is in a table, and [`read`] gives its rows.

mod columns;
mod log;
mod options;
mod part;
mod read;
mod report;
mod row;
mod schema;
mod stats;
mod table;
mod verify;

use std::path::{Path as FsPath, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::path::Path;

pub use log::LogError;
pub use options::{LakeError, LakeOptions};
pub use part::{LakeBatch, LakeEncoder};
pub use read::{ReadRow, read};
pub use report::{Duplicate, Gap, Report};
pub use verify::{VerifyError, VerifyLimits, verify, verify_within};

use crate::{Health, JournalId, Limits, Outcome, Pause, Sink};
use part::Format;
use table::Table;

/// Writes samples to a Delta table.
///
/// A message that is no sample of a plant topic (see `renata_topics::PlantTopic`) is refused and
/// goes to the dead letters.
#[derive(Debug)]
pub struct Lake {
    store: Arc<dyn ObjectStore>,
    root: Path,
    /// The table's folder, when it is on this machine.
    folder: Option<PathBuf>,
    options: LakeOptions,
    /// Set once the table is open. Never locked across an await.
    open: Mutex<Option<Open>>,
}

#[derive(Clone, Debug)]
struct Open {
    table: Arc<Table>,
    format: Arc<Format>,
}

impl Lake {
    /// A table in a folder of this machine, which is created when it is missing. Files and folders
    /// are made durable (fsync) before the journal lets go of their records.
    ///
    /// # Errors
    /// See [`LakeError`].
    pub fn local(dir: impl AsRef<FsPath>, options: LakeOptions) -> Result<Self, LakeError> {
        let store = Arc::new(local(dir.as_ref(), true)?);
        let mut lake = Self::on(store, Path::default(), options)?;
        lake.folder = Some(dir.as_ref().to_owned());
        Ok(lake)
    }

    /// A table below `root` in a store.
    ///
    /// # Errors
    /// See [`LakeError`].
    pub fn on(
        store: Arc<dyn ObjectStore>,
        root: Path,
        options: LakeOptions,
    ) -> Result<Self, LakeError> {
        options.check()?;
        Ok(Self {
            store,
            root,
            folder: None,
            options,
            open: Mutex::new(None),
        })
    }

    fn opened(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Lake {
    type Encoder = LakeEncoder;
    type Batch = LakeBatch;

    fn name(&self) -> &str {
        &self.options.name
    }

    fn limits(&self) -> Limits {
        Limits {
            max_records: self.options.max_rows,
            max_bytes: self.options.max_bytes,
            max_age: self.options.max_age,
            timeout: self.options.timeout,
        }
    }

    async fn position(&self, journal: JournalId) -> Result<Option<u64>, Outcome> {
        let LakeOptions { gateway, name, .. } = &self.options;
        let app_id = table::app_id(gateway, name, journal);
        let (store, root, folder) = (self.store.clone(), self.root.clone(), self.folder.clone());
        let table = Table::open(store, root, app_id, folder).await?;
        let position = table.position();
        let format = Format::new(self.options.row_group_rows, format!("{gateway}-{journal}"))
            .map_err(|e| Outcome::Paused(Pause::Config(e.to_string())))?;
        *self.opened() = Some(Open {
            table: Arc::new(table),
            format: Arc::new(format),
        });
        Ok(position)
    }

    async fn probe(&self) -> Health {
        // The next delivery is the probe: every step of it is safe to repeat.
        Health::Ready
    }

    fn encoder(&self) -> LakeEncoder {
        LakeEncoder::new(self.opened().as_ref().map(|open| open.format.clone()))
    }

    async fn deliver(&self, batch: &LakeBatch) -> Outcome {
        let Some(open) = self.opened().clone() else {
            return Outcome::retry("the table was not opened yet");
        };
        open.table
            .deliver(batch, self.options.checkpoint_every)
            .await
    }
}

fn local(dir: &FsPath, create: bool) -> Result<LocalFileSystem, LakeError> {
    let folder = |source| LakeError::Folder {
        dir: dir.display().to_string(),
        source,
    };
    if create {
        std::fs::create_dir_all(dir).map_err(folder)?;
    } else {
        std::fs::metadata(dir).map_err(folder)?;
    }
    Ok(LocalFileSystem::new_with_prefix(dir)?.with_fsync(true))
}
