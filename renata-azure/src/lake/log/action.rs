//! The actions of a Delta log that matter to a table of files: one JSON object a line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::LogError;

/// One action.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    Add(Add),
    Remove(Remove),
    Txn(Txn),
    MetaData(Box<MetaData>),
    Protocol(Protocol),
}

/// A file belongs to the table from here on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Add {
    /// Relative to the table, percent-encoded.
    pub(crate) path: String,
    pub(crate) partition_values: BTreeMap<String, Option<String>>,
    pub(crate) size: i64,
    /// Milliseconds since 1970.
    pub(crate) modification_time: i64,
    pub(crate) data_change: bool,
    /// JSON in a string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stats: Option<String>,
}

/// A file belongs to the table no more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Remove {
    pub(crate) path: String,
    pub(crate) deletion_timestamp: Option<i64>,
    #[serde(default)]
    pub(crate) data_change: bool,
}

/// How far a writer has come, in its own numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Txn {
    pub(crate) app_id: String,
    pub(crate) version: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_updated: Option<i64>,
}

/// What the table is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MetaData {
    pub(crate) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    pub(crate) format: Format,
    pub(crate) schema_string: String,
    pub(crate) partition_columns: Vec<String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub(crate) configuration: BTreeMap<String, Option<String>>,
    pub(crate) created_time: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Format {
    pub(crate) provider: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub(crate) options: BTreeMap<String, Option<String>>,
}

/// Which readers and writers may touch the table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Protocol {
    pub(crate) min_reader_version: i32,
    pub(crate) min_writer_version: i32,
}

/// A line as it stands in a commit: exactly one of the fields, or an action that we do not need.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    add: Option<Add>,
    remove: Option<Remove>,
    txn: Option<Txn>,
    meta_data: Option<Box<MetaData>>,
    protocol: Option<Protocol>,
}

impl Action {
    /// The actions of a commit, in its order.
    pub(crate) fn parse_commit(version: u64, bytes: &[u8]) -> Result<Vec<Self>, LogError> {
        let mut actions = Vec::new();
        for line in bytes
            .split(|b| *b == b'\n')
            .filter(|l| !l.trim_ascii().is_empty())
        {
            let line: Line = serde_json::from_slice(line).map_err(|e| LogError::Commit {
                version,
                why: e.to_string(),
            })?;
            actions.extend(line.add.map(Self::Add));
            actions.extend(line.remove.map(Self::Remove));
            actions.extend(line.txn.map(Self::Txn));
            actions.extend(line.meta_data.map(Self::MetaData));
            actions.extend(line.protocol.map(Self::Protocol));
        }
        Ok(actions)
    }

    fn to_json(&self) -> Value {
        match self {
            Self::Add(add) => json!({"add": add}),
            Self::Remove(remove) => json!({"remove": remove}),
            Self::Txn(txn) => json!({"txn": txn}),
            Self::MetaData(meta) => json!({"metaData": meta}),
            Self::Protocol(protocol) => json!({"protocol": protocol}),
        }
    }
}

/// A commit's bytes: what happened for a person, then the actions.
pub(crate) fn commit_body(operation: &str, now_millis: i64, actions: &[Action]) -> Vec<u8> {
    let info = json!({"commitInfo": {
        "timestamp": now_millis,
        "operation": operation,
        "operationParameters": {"mode": "Append"},
        "isBlindAppend": true,
        "engineInfo": concat!("renata-azure/", env!("CARGO_PKG_VERSION")),
    }});
    let mut body = info.to_string();
    for action in actions {
        body.push('\n');
        body.push_str(&action.to_json().to_string());
    }
    body.push('\n');
    body.into_bytes()
}

/// Other writers say "no entries" with null in checkpoints.
fn null_is_empty<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_comes_back_without_what_is_not_an_action_of_ours() {
        let actions = vec![
            Action::Txn(Txn {
                app_id: "a".into(),
                version: 7,
                last_updated: None,
            }),
            Action::Remove(Remove {
                path: "x".into(),
                deletion_timestamp: Some(1),
                data_change: true,
            }),
        ];
        let mut body = commit_body("WRITE", 5, &actions);
        body.extend_from_slice(b"{\"cdc\":{\"path\":\"y\"}}\n\n");
        assert_eq!(Action::parse_commit(1, &body).unwrap(), actions);
        assert!(Action::parse_commit(1, b"{\"add\":1}").is_err());
        assert!(Action::parse_commit(1, b"garbage").is_err());
    }
}
