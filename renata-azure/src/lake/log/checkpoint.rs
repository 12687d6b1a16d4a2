//! Checkpoints: the state of a table as one Parquet file, a row for each action.
//!
//! Every column sits in an optional group named after its action, so in a row exactly one group is
//! there. Definition levels count how far down a value is there: 1 for the group, one more for each
//! optional or repeated thing below it.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArrayType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::Value;

use super::action::{Action, MetaData};
use super::levels::{Leaf, MapLeaves, text};
use super::replay::State;

/// Reads the actions of a checkpoint, ours or another writer's.
pub(super) fn read(bytes: Bytes, mut each: impl FnMut(Action)) -> Result<(), ParquetError> {
    let file = SerializedFileReader::new(bytes)?;
    for row in file.get_row_iter(None)? {
        for (name, field) in row?.into_columns() {
            if let Some(action) = action(&name, field.to_json_value())? {
                each(action);
            }
        }
    }
    Ok(())
}

fn action(name: &str, value: Value) -> Result<Option<Action>, ParquetError> {
    if value.is_null() {
        return Ok(None);
    }
    fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, ParquetError> {
        serde_json::from_value(value).map_err(|e| ParquetError::General(e.to_string()))
    }
    Ok(match name {
        "add" => Some(Action::Add(read(value)?)),
        "remove" => Some(Action::Remove(read(value)?)),
        "txn" => Some(Action::Txn(read(value)?)),
        "metaData" => Some(Action::MetaData(read(value)?)),
        "protocol" => Some(Action::Protocol(read(value)?)),
        _ => None,
    })
}

/// Writes a state, and says how many actions it has.
pub(super) fn write(state: &State) -> Result<(Vec<u8>, u64), ParquetError> {
    let mut columns = Columns::default();
    let mut row = 0;
    if let Some(protocol) = state.protocol {
        columns.reader.some(row, 2, protocol.min_reader_version);
        columns.writer.some(row, 2, protocol.min_writer_version);
        row += 1;
    }
    if let Some(meta) = &state.meta {
        columns.meta(row, meta);
        row += 1;
    }
    let mut txns: Vec<_> = state.txns.values().collect();
    txns.sort_by(|a, b| a.app_id.cmp(&b.app_id));
    for txn in txns {
        columns.txn_app.some(row, 2, text(&txn.app_id));
        columns.txn_version.some(row, 2, txn.version);
        columns.txn_updated.maybe(row, txn.last_updated);
        row += 1;
    }
    for add in &state.adds {
        columns.add_path.some(row, 2, text(&add.path));
        columns.add_partitions.map(row, 2, &add.partition_values);
        columns.add_size.some(row, 2, add.size);
        columns.add_time.some(row, 2, add.modification_time);
        columns.add_change.some(row, 2, add.data_change);
        columns.add_stats.maybe(row, add.stats.as_deref().map(text));
        row += 1;
    }
    for remove in &state.removes {
        columns.remove_path.some(row, 2, text(&remove.path));
        columns.remove_time.maybe(row, remove.deletion_timestamp);
        columns.remove_change.some(row, 2, remove.data_change);
        row += 1;
    }
    Ok((columns.write(row)?, row as u64))
}

macro_rules! columns {
    ($($name:ident: $kind:ty, $repeated:literal;)*) => {
        /// The leaves of [`SCHEMA`], in its order.
        #[derive(Default)]
        struct Columns { $($name: $kind,)* }

        impl Columns {
            fn write(mut self, rows: usize) -> Result<Vec<u8>, ParquetError> {
                let schema = Arc::new(parse_message_type(SCHEMA)?);
                let properties = WriterProperties::builder()
                    .set_compression(Compression::SNAPPY)
                    .build();
                let mut file = SerializedFileWriter::new(Vec::new(), schema, properties.into())?;
                let mut group = file.next_row_group()?;
                $(self.$name.write_to(rows, $repeated, &mut group)?;)*
                group.close()?;
                file.into_inner()
            }
        }
    };
}

columns! {
    reader: Leaf<Int32Type>, false;
    writer: Leaf<Int32Type>, false;
    meta_id: Leaf<ByteArrayType>, false;
    meta_name: Leaf<ByteArrayType>, false;
    meta_description: Leaf<ByteArrayType>, false;
    meta_provider: Leaf<ByteArrayType>, false;
    meta_options: MapLeaves, true;
    meta_schema: Leaf<ByteArrayType>, false;
    meta_partitions: Leaf<ByteArrayType>, true;
    meta_configuration: MapLeaves, true;
    meta_created: Leaf<Int64Type>, false;
    txn_app: Leaf<ByteArrayType>, false;
    txn_version: Leaf<Int64Type>, false;
    txn_updated: Leaf<Int64Type>, false;
    add_path: Leaf<ByteArrayType>, false;
    add_partitions: MapLeaves, true;
    add_size: Leaf<Int64Type>, false;
    add_time: Leaf<Int64Type>, false;
    add_change: Leaf<BoolType>, false;
    add_stats: Leaf<ByteArrayType>, false;
    remove_path: Leaf<ByteArrayType>, false;
    remove_time: Leaf<Int64Type>, false;
    remove_change: Leaf<BoolType>, false;
}

impl Columns {
    fn meta(&mut self, row: usize, meta: &MetaData) {
        self.meta_id.some(row, 2, text(&meta.id));
        self.meta_name.maybe(row, meta.name.as_deref().map(text));
        self.meta_description
            .maybe(row, meta.description.as_deref().map(text));
        self.meta_provider.some(row, 3, text(&meta.format.provider));
        self.meta_options.map(row, 3, &meta.format.options);
        self.meta_schema.some(row, 2, text(&meta.schema_string));
        let partitions = meta.partition_columns.iter().map(|p| (4, Some(text(p))));
        self.meta_partitions.items(row, 2, partitions);
        self.meta_configuration.map(row, 2, &meta.configuration);
        self.meta_created.maybe(row, meta.created_time);
    }
}

const SCHEMA: &str = "message checkpoint {
    optional group protocol {
        optional int32 minReaderVersion;
        optional int32 minWriterVersion;
    }
    optional group metaData {
        optional binary id (STRING);
        optional binary name (STRING);
        optional binary description (STRING);
        optional group format {
            optional binary provider (STRING);
            optional group options (MAP) {
                repeated group key_value {
                    required binary key (STRING);
                    optional binary value (STRING);
                }
            }
        }
        optional binary schemaString (STRING);
        optional group partitionColumns (LIST) {
            repeated group list { optional binary element (STRING); }
        }
        optional group configuration (MAP) {
            repeated group key_value {
                required binary key (STRING);
                optional binary value (STRING);
            }
        }
        optional int64 createdTime;
    }
    optional group txn {
        optional binary appId (STRING);
        optional int64 version;
        optional int64 lastUpdated;
    }
    optional group add {
        optional binary path (STRING);
        optional group partitionValues (MAP) {
            repeated group key_value {
                required binary key (STRING);
                optional binary value (STRING);
            }
        }
        optional int64 size;
        optional int64 modificationTime;
        optional boolean dataChange;
        optional binary stats (STRING);
    }
    optional group remove {
        optional binary path (STRING);
        optional int64 deletionTimestamp;
        optional boolean dataChange;
    }
}";

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::action::{Add, Format, Protocol, Remove, Txn};
    use super::*;

    fn pairs(pairs: &[(&str, Option<&str>)]) -> BTreeMap<String, Option<String>> {
        let owned = |(k, v): &(&str, Option<&str>)| (k.to_string(), v.map(str::to_owned));
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn every_action_comes_back() {
        let protocol = Protocol {
            min_reader_version: 1,
            min_writer_version: 2,
        };
        let meta = MetaData {
            id: "id".into(),
            name: None,
            description: Some("d".into()),
            format: Format {
                provider: "parquet".into(),
                options: pairs(&[]),
            },
            schema_string: "{}".into(),
            partition_columns: vec!["date".into(), "hour".into()],
            configuration: pairs(&[("a", Some("1")), ("b", None)]),
            created_time: Some(4),
        };
        let txn = |app: &str, version| Txn {
            app_id: app.into(),
            version,
            last_updated: None,
        };
        let add = |path: &str| Add {
            path: path.into(),
            partition_values: pairs(&[("date", Some("2026-03-01")), ("hour", None)]),
            size: 9,
            modification_time: 8,
            data_change: true,
            stats: Some("{}".into()),
        };
        let remove = Remove {
            path: "z".into(),
            deletion_timestamp: None,
            data_change: false,
        };
        let state = State {
            protocol: Some(protocol),
            meta: Some(Box::new(meta.clone())),
            txns: [("a", 1), ("b", 2)]
                .map(|(app, version)| (app.to_owned(), txn(app, version)))
                .into(),
            adds: vec![add("x"), add("y")],
            removes: vec![remove.clone()],
        };
        let (bytes, rows) = write(&state).unwrap();
        let mut read_back = Vec::new();
        read(bytes.into(), |action| read_back.push(action)).unwrap();
        let expected = [
            Action::Protocol(protocol),
            Action::MetaData(Box::new(meta)),
            Action::Txn(txn("a", 1)),
            Action::Txn(txn("b", 2)),
            Action::Add(add("x")),
            Action::Add(add("y")),
            Action::Remove(remove),
        ];
        assert_eq!(read_back, expected);
        assert_eq!(rows, 7);
    }
}
