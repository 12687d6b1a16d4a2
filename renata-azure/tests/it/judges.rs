//! Readers that we did not write, on tables that we did, and the other way round.

use std::path::Path;
use std::time::Duration;

use renata_azure::lake;
use renata_codec::{Array, Sample, Value};
use renata_peers::python_script;
use serde_json::{Value as Json, json};

use crate::lake::{engine, put, quick};
use crate::samples::{every_type, float, message};

const JUDGE: &str = include_str!("judge.py");
const TOPIC: &str = "renata/biel/press/l1/s7-1500/plc-1/axis-1/torque";

fn rows(reader: &str, table: &Path) -> Vec<Json> {
    let out = python_script(JUDGE, &[reader, &table.display().to_string()]);
    let mut rows: Vec<Json> = out
        .unwrap_or_else(|e| panic!("{e}"))
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    rows.sort_by_key(|row| (row["topic"].to_string(), row["seq"].as_u64()));
    rows
}

/// A row as the judge prints it.
fn expected(sample: &Sample) -> Json {
    let micros = sample.time().as_micros();
    let (year, month, day) = sample.time().date();
    let mut values = serde_json::Map::new();
    if let Some(value) = &sample.value {
        let (column, text) = text(value);
        values.insert(column.into(), text);
    }
    let quality = sample.quality;
    json!({
        "topic": TOPIC, "time": micros, "receive_time": sample.receive_time.as_micros(),
        "date": format!("{year:04}-{month:02}-{day:02}"), "hour": sample.time().hour(),
        "quality": quality.level.name(),
        "reason": (quality.reason.name() != "none").then(|| quality.reason.name()),
        "unit": sample.unit.map(|u| u.to_string()),
        "epoch": sample.epoch, "seq": sample.seq, "values": values,
    })
}

fn text(value: &Value) -> (&'static str, Json) {
    let bits = |v: &f64| format!("{:016x}", v.to_bits());
    let hex = |v: &[u8]| v.iter().map(|b| format!("{b:02x}")).collect::<String>();
    match value {
        Value::F64(v) => ("value_f64", json!(bits(v))),
        Value::I64(v) => ("value_i64", json!(v.to_string())),
        Value::U64(v) => ("value_u64", json!(v.to_string())),
        Value::Bool(v) => ("value_bool", json!(v.to_string())),
        Value::Text(v) => ("value_string", json!(v)),
        Value::Bytes(v) => ("value_binary", json!(hex(v))),
        Value::Array(Array::F64(v)) => (
            "value_f64_list",
            v.iter().map(bits).collect::<Vec<_>>().into(),
        ),
        Value::Array(Array::I64(v)) => ("value_i64_list", texts(v)),
        Value::Array(Array::U64(v)) => ("value_u64_list", texts(v)),
        Value::Array(Array::Bool(v)) => ("value_bool_list", texts(v)),
        Value::Array(Array::Text(v)) => ("value_string_list", texts(v)),
        Value::Array(Array::Bytes(v)) => (
            "value_binary_list",
            v.iter().map(|v| hex(v)).collect::<Vec<_>>().into(),
        ),
    }
}

fn texts<T: ToString>(values: &[T]) -> Json {
    values
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .into()
}

#[tokio::test]
async fn three_readers_find_every_value_of_every_type() {
    let dir = tempfile::tempdir().unwrap();
    let table = dir.path().join("lake");
    let samples = every_type();
    let mut options = quick();
    // Several row groups in a file, so that pages and groups have borders.
    options.row_group_rows = 2;
    let engine = engine(dir.path(), options).await;
    put(
        &engine,
        samples
            .iter()
            .map(|s| message(TOPIC, s, "application/cbor")),
    )
    .await;
    engine.close(Duration::from_secs(20)).await.unwrap();
    let expected: Vec<_> = samples.iter().map(expected).collect();
    for reader in ["delta-rs", "duckdb", "pyarrow"] {
        let rows = rows(reader, &table);
        assert_eq!(rows.len(), expected.len(), "{reader}");
        for (row, expected) in rows.iter().zip(&expected) {
            assert_eq!(row, expected, "{reader}");
        }
    }
}

/// The table's checkpoint is all that is left of the log's beginning.
fn forget_commits_before(table: &Path, version: u64) {
    for n in 0..version {
        std::fs::remove_file(table.join(format!("_delta_log/{n:020}.json"))).unwrap();
    }
}

#[tokio::test]
async fn our_checkpoint_stands_for_the_log_in_delta_rs_and_in_our_own_reader() {
    let dir = tempfile::tempdir().unwrap();
    let table = dir.path().join("lake");
    let mut options = quick();
    options.checkpoint_every = 5;
    let mut first = engine(dir.path(), options.clone()).await;
    for seq in 0..13 {
        put(&first, [float(1, seq), float(2, seq)]).await;
        first.flush().await.unwrap();
    }
    let app = format!("renata/gw1/lake/{}", first.journal());
    first.close(Duration::from_secs(20)).await.unwrap();
    let before = lake::verify(&table).unwrap();
    assert!(before.version >= 13, "{before}");
    forget_commits_before(&table, before.version / 5 * 5);
    assert_eq!(lake::verify(&table).unwrap(), before);
    assert_eq!(rows("delta-rs", &table).len(), 26);
    let script = "import sys; from deltalake import DeltaTable; t = DeltaTable(sys.argv[1]); \
                  print(t.version(), t.transaction_version(sys.argv[2]), t.count())";
    let table_arg = table.display().to_string();
    let out = python_script(script, &[&table_arg, &app]).unwrap();
    let (version, rest) = out.trim().split_once(' ').unwrap();
    let (txn, count) = rest.split_once(' ').unwrap();
    assert_eq!(version, before.version.to_string());
    assert!(txn.parse::<u64>().unwrap() >= 26, "{out}");
    assert_eq!(count, "26");
    // The writer finds its place in the checkpoint too.
    let second = engine(dir.path(), options).await;
    put(&second, (0..14).map(|seq| float(1, seq))).await;
    second.close(Duration::from_secs(20)).await.unwrap();
    let report = lake::verify(&table).unwrap();
    assert!(report.is_clean() && report.rows == 27, "{report}");
}

#[tokio::test]
async fn delta_rs_compacts_and_checkpoints_our_table_while_we_write() {
    let dir = tempfile::tempdir().unwrap();
    let table = dir.path().join("lake");
    let mut engine = engine(dir.path(), quick()).await;
    for seq in 0..6 {
        put(&engine, [float(1, seq)]).await;
        engine.flush().await.unwrap();
    }
    let script = "import sys; from deltalake import DeltaTable; t = DeltaTable(sys.argv[1]); \
                  print(t.optimize.compact()['numFilesRemoved']); t.create_checkpoint()";
    let out = python_script(script, &[&table.display().to_string()]).unwrap();
    assert_eq!(out.trim(), "6");
    let report = lake::verify(&table).unwrap();
    assert!(
        report.is_clean() && report.rows == 6 && report.files == 1,
        "{report}"
    );
    // Our next number is taken: the writer reads what is there and goes on behind it.
    put(&engine, (6..9).map(|seq| float(1, seq))).await;
    engine.close(Duration::from_secs(20)).await.unwrap();
    let report = lake::verify(&table).unwrap();
    assert!(report.is_clean() && report.rows == 9, "{report}");
    assert_eq!(lake::read(&table).unwrap().filter(Result::is_ok).count(), 9);
    assert_eq!(rows("delta-rs", &table).len(), 9);
}

#[tokio::test]
async fn readers_skip_files_by_partition_and_statistics() {
    let dir = tempfile::tempdir().unwrap();
    let table = dir.path().join("lake");
    let engine = engine(dir.path(), quick()).await;
    put(&engine, (0..10).map(|n| float(1, n * 1000))).await;
    engine.close(Duration::from_secs(20)).await.unwrap();
    let script = r"
import sys
from datetime import datetime, timezone
import pyarrow.dataset as ds
from deltalake import DeltaTable
t = DeltaTable(sys.argv[1])
print(len(t.file_uris([('date', '=', '2026-03-01'), ('hour', '=', '6')])), len(t.file_uris()))
data = t.to_pyarrow_dataset()
after = ds.field('time') >= datetime(2026, 3, 1, 7, 30, tzinfo=timezone.utc)
print(data.to_table(filter=after).num_rows, sum(1 for _ in data.get_fragments(after)))
stats = t.get_add_actions(flatten=True)
names = stats.schema.names if hasattr(stats, 'schema') else []
print('min.time' in names, 'null_count.value_f64' in names)
";
    let out = python_script(script, &[&table.display().to_string()]).unwrap();
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines[0], "1 4", "one hour of four");
    assert_eq!(
        lines[1], "2 2",
        "8000 s and 9000 s after 05:30, in two files of four"
    );
    assert_eq!(lines[2], "True True");
}
