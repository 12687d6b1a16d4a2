//! Reading a log: where a table stands, and which files belong to it.

use std::collections::{HashMap, HashSet};

use super::action::{Action, Add, MetaData, Protocol, Remove, Txn};
use super::{Log, LogError};

/// Where a table stands, as far as a writer must know: small, whatever the size of the table.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// The last commit.
    pub(crate) version: u64,
    pub(crate) protocol: Option<Protocol>,
    pub(crate) meta: Option<Box<MetaData>>,
    /// How far the writer in question has come.
    pub(crate) txn: Option<i64>,
}

impl Head {
    /// Takes in one action, where `app_id` names the writer in question.
    pub(crate) fn apply(&mut self, action: Action, app_id: &str) {
        match action {
            Action::Txn(txn) if txn.app_id == app_id => self.txn = Some(txn.version),
            Action::MetaData(meta) => self.meta = Some(meta),
            Action::Protocol(protocol) => self.protocol = Some(protocol),
            _ => {}
        }
    }
}

/// Everything that a checkpoint holds.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) protocol: Option<Protocol>,
    pub(crate) meta: Option<Box<MetaData>>,
    pub(crate) txns: HashMap<String, Txn>,
    pub(crate) adds: Vec<Add>,
    pub(crate) removes: Vec<Remove>,
}

impl Log {
    /// Where the table stands; `None` when there is no table.
    pub(crate) async fn head(&self, app_id: &str) -> Result<Option<Head>, LogError> {
        let mut head = Head {
            version: 0,
            protocol: None,
            meta: None,
            txn: None,
        };
        let mut next = 0;
        if let Some(last) = self.last_checkpoint().await? {
            self.read_checkpoint(last, |action| head.apply(action, app_id))
                .await?;
            head.version = last.version;
            next = last.version + 1;
        }
        // Commits are numbered without holes, so the first one that is missing is the end: no
        // listing, and at most as many reads as there are commits between two checkpoints.
        while let Some(actions) = self.read(next).await? {
            for action in actions {
                head.apply(action, app_id);
            }
            head.version = next;
            next += 1;
        }
        Ok((next > 0).then_some(head))
    }

    /// Everything that is in force after commit `version`.
    pub(crate) async fn replay_to(&self, version: u64) -> Result<State, LogError> {
        let mut state = State::default();
        let mut files: HashMap<String, Add> = HashMap::new();
        let mut gone: HashMap<String, Remove> = HashMap::new();
        let mut apply = |action| match action {
            Action::Add(add) => {
                gone.remove(&add.path);
                files.insert(add.path.clone(), add);
            }
            Action::Remove(remove) => {
                files.remove(&remove.path);
                gone.insert(remove.path.clone(), remove);
            }
            Action::Txn(txn) => {
                state.txns.insert(txn.app_id.clone(), txn);
            }
            Action::MetaData(meta) => state.meta = Some(meta),
            Action::Protocol(protocol) => state.protocol = Some(protocol),
        };
        let mut next = 0;
        if let Some(last) = self.last_checkpoint().await?
            && last.version <= version
        {
            self.read_checkpoint(last, &mut apply).await?;
            next = last.version + 1;
        }
        while next <= version {
            let actions = self.read(next).await?;
            let missing = || LogError::Commit {
                version: next,
                why: "it is missing".into(),
            };
            actions
                .ok_or_else(missing)?
                .into_iter()
                .for_each(&mut apply);
            next += 1;
        }
        state.adds = files.into_values().collect();
        state.adds.sort_by(|a, b| a.path.cmp(&b.path));
        state.removes = gone.into_values().collect();
        state.removes.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(state)
    }

    /// Calls `each` for every file of the table, older ones first, and returns the last version.
    ///
    /// Holds the actions since the last checkpoint, not the whole table.
    pub(crate) async fn for_each_file(&self, mut each: impl FnMut(Add)) -> Result<u64, LogError> {
        let last = self.last_checkpoint().await?;
        let mut next = last.map_or(0, |last| last.version + 1);
        let mut commits = Vec::new();
        let mut protocol = None;
        while let Some(actions) = self.read(next).await? {
            commits.extend(actions);
            next += 1;
        }
        if next == 0 {
            return Err(LogError::NoTable);
        }
        // From the newest to the oldest, the first word about a file is the last one.
        let mut settled = HashSet::new();
        let mut files = Vec::new();
        for action in commits.into_iter().rev() {
            match action {
                Action::Add(add) if settled.insert(add.path.clone()) => files.push(add),
                Action::Remove(remove) => {
                    settled.insert(remove.path);
                }
                Action::Protocol(p) => {
                    protocol.get_or_insert(p);
                }
                _ => {}
            }
        }
        if let Some(last) = last {
            let before = |action| match action {
                Action::Add(add) if !settled.contains(&add.path) => each(add),
                Action::Protocol(p) => {
                    protocol.get_or_insert(p);
                }
                _ => {}
            };
            self.read_checkpoint(last, before).await?;
        }
        if let Some(reader) = protocol.map(|p| p.min_reader_version).filter(|v| *v > 1) {
            return Err(LogError::Reader { reader });
        }
        files.into_iter().rev().for_each(each);
        Ok(next - 1)
    }
}
