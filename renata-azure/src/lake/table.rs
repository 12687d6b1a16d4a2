//! [`Table`]: the steps from files in memory to rows in the table, each safe to repeat.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutPayload};
use renata_codec::Timestamp;

use super::log::action::{Action, Add, Format, MetaData, Protocol, Txn, commit_body};
use super::log::{Head, Log, LogError};
use super::part::{LakeBatch, Part};
use super::schema;
use crate::{JournalId, Outcome, Pause};

/// One table, and where this writer thinks it stands.
#[derive(Debug)]
pub(crate) struct Table {
    log: Log,
    app_id: String,
    /// The table's folder, when it is on this machine.
    folder: Option<PathBuf>,
    /// Never locked across an await.
    head: Mutex<Head>,
}

impl Table {
    /// Opens a table, or begins it.
    pub(crate) async fn open(
        store: Arc<dyn ObjectStore>,
        root: Path,
        app_id: String,
        folder: Option<PathBuf>,
    ) -> Result<Self, Outcome> {
        let log = Log { store, root };
        let read = {
            let (log, app_id) = (log.clone(), app_id.clone());
            async move { log.head(&app_id).await }
        };
        let mut head = off_runtime(read).await.map_err(outcome)?;
        if head.is_none() {
            let body = commit_body("CREATE TABLE", now_millis(), &first_actions()?);
            // Whoever loses this race uses the winner's table.
            log.create(0, body).await.map_err(outcome)?;
            head = log.head(&app_id).await.map_err(outcome)?;
        }
        let head = head.ok_or_else(|| outcome(LogError::NoTable))?;
        check(&head)?;
        let head = Mutex::new(head);
        Ok(Self {
            log,
            app_id,
            folder,
            head,
        })
    }

    /// The last journal number that the table has.
    pub(crate) fn position(&self) -> Option<u64> {
        self.head().txn.and_then(|txn| u64::try_from(txn).ok())
    }

    pub(crate) async fn deliver(&self, batch: &LakeBatch, checkpoint_every: u64) -> Outcome {
        match self.try_deliver(batch, checkpoint_every).await {
            Ok(()) => Outcome::Durable,
            Err(outcome) => outcome,
        }
    }

    async fn try_deliver(&self, batch: &LakeBatch, checkpoint_every: u64) -> Result<(), Outcome> {
        let last = i64::try_from(batch.range.last)
            .map_err(|_| Outcome::Paused(Pause::Config("journal number above 2^63-1".into())))?;
        if self.has(last) {
            return Ok(());
        }
        for part in &batch.parts {
            self.remove_leftovers(part).await.map_err(outcome)?;
            self.put(part).await.map_err(outcome)?;
        }
        let mut actions = vec![Action::Txn(Txn {
            app_id: self.app_id.clone(),
            version: last,
            last_updated: Some(now_millis()),
        })];
        actions.extend(batch.parts.iter().map(add));
        let body = commit_body("WRITE", now_millis(), &actions);
        loop {
            let next = self.head().version + 1;
            if self.log.create(next, body.clone()).await.map_err(outcome)? {
                let mut head = self.head();
                head.version = next;
                head.txn = Some(last);
                break;
            }
            // Somebody was faster, or it was ourselves in an attempt that got no answer.
            self.catch_up(next).await?;
            if self.has(last) {
                break;
            }
        }
        let version = self.head().version;
        if checkpoint_every > 0 && version.is_multiple_of(checkpoint_every) {
            // The rows are in the table already: without the checkpoint it only reads slower.
            let log = self.log.clone();
            let _ = off_runtime(async move { log.write_checkpoint(version).await }).await;
        }
        Ok(())
    }

    fn has(&self, last: i64) -> bool {
        self.head().txn.is_some_and(|txn| txn >= last)
    }

    /// Takes in a commit that another writer, or an earlier attempt of ours, has put there.
    async fn catch_up(&self, version: u64) -> Result<(), Outcome> {
        let actions = self.log.read(version).await.map_err(outcome)?;
        let Some(actions) = actions else {
            return Err(Outcome::retry(format!("commit {version} is not readable")));
        };
        let mut head = self.head();
        head.version = head.version.max(version);
        for action in actions {
            head.apply(action, &self.app_id);
        }
        check(&head)
    }

    /// Puts a file. One of the same name is ours from an attempt that was cut off: the table does
    /// not know it, or this batch would not be delivered. It holds the same bytes, except when
    /// another version of this crate wrote it.
    async fn put(&self, part: &Part) -> Result<(), LogError> {
        let path = self.path(part);
        let store = &self.log.store;
        let payload = PutPayload::from(part.bytes.clone());
        match store.put_opts(&path, payload, PutMode::Create.into()).await {
            Ok(_) => return Ok(()),
            Err(object_store::Error::AlreadyExists { .. }) => {}
            Err(e) => return Err(e.into()),
        }
        if store.get(&path).await?.bytes().await? != part.bytes {
            let payload = PutPayload::from(part.bytes.clone());
            store
                .put_opts(&path, payload, PutMode::Overwrite.into())
                .await?;
        }
        Ok(())
    }

    /// Removes what a process left that was killed while it wrote this file: the store writes under
    /// the name and `#1`, `#2` .. first. Some readers take every file in a folder.
    async fn remove_leftovers(&self, part: &Part) -> Result<(), LogError> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let file = folder.join(&part.path);
        off_runtime(async move {
            for n in 1.. {
                let mut leftover = file.clone().into_os_string();
                leftover.push(format!("#{n}"));
                if std::fs::remove_file(leftover).is_err() {
                    break;
                }
            }
            Ok(())
        })
        .await
    }

    fn path(&self, part: &Part) -> Path {
        let levels = part.path.split('/');
        levels.fold(self.log.root.clone(), Path::join)
    }

    fn head(&self) -> MutexGuard<'_, Head> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name under which a table remembers how far a journal's sink has come.
pub(crate) fn app_id(gateway: &str, name: &str, journal: JournalId) -> String {
    format!("renata/{gateway}/{name}/{journal}")
}

fn add(part: &Part) -> Action {
    let values = [("date", part.date.clone()), ("hour", part.hour.to_string())];
    Action::Add(Add {
        path: part.path.clone(),
        partition_values: values.map(|(k, v)| (k.to_owned(), Some(v))).into(),
        size: part.bytes.len() as i64,
        modification_time: now_millis(),
        data_change: true,
        stats: Some(part.stats.clone()),
    })
}

fn first_actions() -> Result<[Action; 2], Outcome> {
    let meta = MetaData {
        id: table_id(),
        name: None,
        description: Some("industrial measurements".into()),
        format: Format {
            provider: "parquet".into(),
            options: BTreeMap::new(),
        },
        schema_string: schema::delta().to_string(),
        partition_columns: schema::PARTITIONS.map(|(name, _)| name.to_owned()).into(),
        configuration: BTreeMap::new(),
        created_time: Some(now_millis()),
    };
    let protocol = Protocol {
        min_reader_version: READER,
        min_writer_version: WRITER,
    };
    Ok([Action::Protocol(protocol), Action::MetaData(Box::new(meta))])
}

/// Whether we may write to this table.
fn check(head: &Head) -> Result<(), Outcome> {
    let config = |why: String| Outcome::Paused(Pause::Config(why));
    let (Some(protocol), Some(meta)) = (head.protocol, &head.meta) else {
        return Err(config("the table has no protocol or no metadata".into()));
    };
    if protocol.min_reader_version > READER || protocol.min_writer_version > WRITER {
        return Err(config(format!(
            "the table needs reader {} and writer {}, this writer has {READER} and {WRITER}: \
             write to a table of its own",
            protocol.min_reader_version, protocol.min_writer_version
        )));
    }
    let partitions = schema::PARTITIONS.map(|(name, _)| name);
    if meta.partition_columns != partitions {
        return Err(config(format!(
            "the table is partitioned by {:?}, this writer by {partitions:?}: write to a table of \
             its own",
            meta.partition_columns
        )));
    }
    schema::fits(&meta.schema_string)
        .map_err(|why| config(format!("{why}: write to a table of its own")))
}

/// What the engine shall do after a failure of the store or the log.
pub(crate) fn outcome(error: LogError) -> Outcome {
    use object_store::Error;
    match error {
        LogError::Store(Error::PermissionDenied { .. } | Error::Unauthenticated { .. }) => {
            Outcome::Paused(Pause::Auth(error.to_string()))
        }
        LogError::Store(_) => Outcome::retry(error.to_string()),
        other => Outcome::Paused(Pause::Config(other.to_string())),
    }
}

/// Runs what computes for a while, a checkpoint of a large table, away from the runtime's threads.
async fn off_runtime<T: Send + 'static>(
    work: impl Future<Output = Result<T, LogError>> + Send + 'static,
) -> Result<T, LogError> {
    let runtime = tokio::runtime::Handle::current();
    let done = tokio::task::spawn_blocking(move || runtime.block_on(work)).await;
    done.unwrap_or_else(|e| {
        Err(LogError::Store(object_store::Error::Generic {
            store: "runtime",
            source: e.into(),
        }))
    })
}

fn now_millis() -> i64 {
    Timestamp::from(SystemTime::now()).as_nanos() / 1_000_000
}

/// A random UUID (RFC 9562, version 4).
fn table_id() -> String {
    let (a, b) = (crate::engine::random(), crate::engine::random());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        0x8000 | (b >> 48) & 0x3fff,
        b & 0xffff_ffff_ffff
    )
}

/// Delta protocol versions that every reader and writer of the last years knows.
const READER: i32 = 1;
const WRITER: i32 = 2;
