//! The Delta log: `_delta_log/{version:020}.json`, and a checkpoint now and then.
//!
//! A commit is one file that is created and never changed. Creating it with "must not exist" is
//! the whole concurrency control: who loses reads what won and takes the next number.

pub(crate) mod action;
mod checkpoint;
mod levels;
mod replay;

use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutPayload};
use serde::{Deserialize, Serialize};

use action::Action;
pub(crate) use replay::Head;

/// Why the log of a table could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The store failed.
    #[error("cannot reach the table: {0}")]
    Store(#[from] object_store::Error),
    /// A commit is not what Delta's protocol says.
    #[error("commit {version} of the table is damaged: {why}")]
    Commit {
        /// Its number.
        version: u64,
        /// What is wrong.
        why: String,
    },
    /// A checkpoint is not what Delta's protocol says.
    #[error("checkpoint {version} of the table is damaged: {why}")]
    Checkpoint {
        /// The number of the commit that it stands for.
        version: u64,
        /// What is wrong.
        why: String,
    },
    /// There is no table.
    #[error("no table: there is no commit in _delta_log")]
    NoTable,
    /// The table needs a newer reader.
    #[error("the table needs reader version {reader}, this one is version 1")]
    Reader {
        /// What it needs.
        reader: i32,
    },
}

/// The log of one table.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) root: Path,
}

/// `_last_checkpoint`: where reading may begin.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct LastCheckpoint {
    pub(crate) version: u64,
    pub(crate) size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parts: Option<u32>,
}

impl Log {
    /// The actions of a commit, `None` when there is none of this number.
    pub(crate) async fn read(&self, version: u64) -> Result<Option<Vec<Action>>, LogError> {
        match self.get(&self.commit_path(version)).await? {
            Some(bytes) => Action::parse_commit(version, &bytes).map(Some),
            None => Ok(None),
        }
    }

    /// Creates a commit; `false` when the number is taken.
    pub(crate) async fn create(&self, version: u64, body: Vec<u8>) -> Result<bool, LogError> {
        let path = self.commit_path(version);
        let payload = PutPayload::from(body);
        match self
            .store
            .put_opts(&path, payload, PutMode::Create.into())
            .await
        {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }

    /// Writes the checkpoint of what was committed up to `version`.
    pub(crate) async fn write_checkpoint(&self, version: u64) -> Result<(), LogError> {
        let state = self.replay_to(version).await?;
        let (bytes, size) = checkpoint::write(&state).map_err(|e| LogError::Checkpoint {
            version,
            why: e.to_string(),
        })?;
        let path = self.dir().join(format!("{version:020}.checkpoint.parquet"));
        self.store.put(&path, bytes.into()).await?;
        let last = LastCheckpoint {
            version,
            size,
            parts: None,
        };
        let last = serde_json::to_vec(&last).map_err(|e| LogError::Checkpoint {
            version,
            why: e.to_string(),
        })?;
        self.store
            .put(&self.last_checkpoint_path(), last.into())
            .await?;
        Ok(())
    }

    /// The last checkpoint, as far as `_last_checkpoint` knows. It is a hint: when it is missing or
    /// damaged, the log is read from its beginning.
    pub(crate) async fn last_checkpoint(&self) -> Result<Option<LastCheckpoint>, LogError> {
        let hint = self.get(&self.last_checkpoint_path()).await?;
        Ok(hint.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Every action of a checkpoint, file by file.
    pub(crate) async fn read_checkpoint(
        &self,
        last: LastCheckpoint,
        mut each: impl FnMut(Action),
    ) -> Result<(), LogError> {
        let version = last.version;
        let names = match last.parts {
            None => vec![format!("{version:020}.checkpoint.parquet")],
            Some(parts) => (1..=parts)
                .map(|n| format!("{version:020}.checkpoint.{n:010}.{parts:010}.parquet"))
                .collect(),
        };
        for name in names {
            let why = |why: String| LogError::Checkpoint { version, why };
            let bytes = self.get(&self.dir().join(name.as_str())).await?;
            let bytes = bytes.ok_or_else(|| why(format!("{name} is missing")))?;
            checkpoint::read(bytes, &mut each).map_err(|e| why(e.to_string()))?;
        }
        Ok(())
    }

    async fn get(&self, path: &Path) -> Result<Option<Bytes>, LogError> {
        match self.store.get(path).await {
            Ok(found) => Ok(Some(found.bytes().await?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    fn dir(&self) -> Path {
        self.root.clone().join("_delta_log")
    }

    fn commit_path(&self, version: u64) -> Path {
        self.dir().join(format!("{version:020}.json"))
    }

    fn last_checkpoint_path(&self) -> Path {
        self.dir().join("_last_checkpoint")
    }
}
