//! A PLC that we did not write, from its memory to the lake, read by programs that we did not write.

mod check;
mod schedule;
mod tags;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use renata_peers::{Snap7Server, python_script, wait_for};

use crate::parts::{WITHIN, alone, broker, gateway};
use check::{POLL, Row};
use tags::{Expected, Kind, Tag};

#[test]
fn the_lake_holds_what_the_plc_held_when_it_held_it() {
    let _alone = alone();
    let dir = tempfile::tempdir().expect("a folder");
    let (tags, blocks) = tags::tags(500);
    let mut plc = Snap7Server::start(&blocks).expect("snap7 starts");
    let mut histories = schedule::begin(&mut plc, &tags).expect("first values");

    let (mut broker, broker_addr) = broker(dir.path());
    let mut lake = gateway("lake", &lake_config(broker_addr), dir.path());
    let config = gateway_config(&tags, plc.addr(), broker_addr);
    let mut collector = gateway("collector", &config, dir.path());

    let lasting = Duration::from_secs(20);
    schedule::run(&mut plc, &tags, &mut histories, lasting).expect("the PLC lives on");
    // Two whole scans later the last values have been read.
    let polled = || {
        stats(dir.path(), "collector")["polled"]
            .as_u64()
            .unwrap_or(0)
    };
    let scans = polled() + 2 * 500;
    assert!(
        wait_for(WITHIN, || polled() > scans),
        "the collector goes on"
    );
    assert!(
        collector
            .terminate(WITHIN)
            .expect("the collector ends")
            .success()
    );
    let figures = stats(dir.path(), "collector");
    let sent = figures["committed"].as_u64().expect("figures");
    wait_for(WITHIN, || {
        stats(dir.path(), "lake")["in_lake"].as_u64() == Some(sent)
    });
    assert!(
        lake.terminate(WITHIN)
            .expect("the lake writer ends")
            .success()
    );
    assert!(broker.terminate(WITHIN).expect("the broker ends").success());

    let table = dir.path().join("lake/measurements");
    let rows = with_duckdb(&table);
    assert_eq!(rows.len() as u64, sent, "rows in DuckDB: {figures}");
    assert_eq!(with_delta_rs(&table), sent, "distinct rows in delta-rs");
    let faults = check::faults(&tags, &histories, &rows);
    let first: Vec<_> = faults.iter().take(10).collect();
    assert!(
        faults.is_empty(),
        "{} faults in {} rows: {first:#?}",
        faults.len(),
        rows.len()
    );
}

fn gateway_config(tags: &[Tag], plc: SocketAddr, broker: SocketAddr) -> String {
    let mut text = format!(
        "[gateway]\nid = \"collector\"\ndata_dir = \"collector\"\nlocation = \"itingen\"\n\
         area = \"test\"\nline = \"real\"\n\
         [[uplink]]\nname = \"plant\"\nurl = \"mqtt://{broker}\"\n\
         [[device]]\nname = \"plc\"\ndriver = \"s7\"\nhost = \"{}\"\nport = {}\n\
         [[device.group]]\nname = \"fast\"\nperiod_ms = {}\n",
        plc.ip(),
        plc.port(),
        POLL.as_millis()
    );
    for tag in tags {
        let (name, address) = (&tag.name, tag.address());
        let _ = write!(
            text,
            "[[device.tag]]\nname = \"{name}\"\naddress = \"{address}\"\ngroup = \"fast\"\n"
        );
    }
    text
}

fn lake_config(broker: SocketAddr) -> String {
    format!(
        "[gateway]\nid = \"lake\"\ndata_dir = \"lake-writer\"\n\
         [[subscription]]\nname = \"all\"\nurl = \"mqtt://{broker}\"\n\
         filters = [\"renata/+/+/+/+/plc/+\"]\n\
         [lake]\npath = \"lake\"\ntable = \"measurements\"\nfile_age_s = 2\n"
    )
}

fn stats(dir: &Path, name: &str) -> serde_json::Value {
    let text = std::fs::read_to_string(dir.join(format!("{name}.stats"))).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    serde_json::from_str(whole.lines().last().unwrap_or_default()).unwrap_or_default()
}

/// All rows, read by DuckDB.
fn with_duckdb(table: &Path) -> Vec<Row> {
    let script = "import sys, json, duckdb\n\
        rows = duckdb.sql(f\"\"\"select measurement, epoch_us(time), epoch, seq, quality, value_f64, \
        value_i64, value_u64::varchar, value_bool, value_string \
        from read_parquet('{sys.argv[1]}/**/*.parquet')\"\"\").fetchall()\n\
        for row in rows: print(json.dumps(row))";
    let printed = python_script(script, &[table.to_str().expect("UTF-8")]).expect("DuckDB reads");
    printed.lines().map(row).collect()
}

fn row(line: &str) -> Row {
    let cells: Vec<serde_json::Value> = serde_json::from_str(line).expect("a row");
    let values = &cells[5..];
    let there: Vec<_> = (0..values.len())
        .filter(|at| !values[*at].is_null())
        .collect();
    let [at] = there[..] else {
        panic!("not one value: {line}")
    };
    let cell = &values[at];
    let value = match at {
        0 => Expected::F64(cell.as_f64().expect("f64")),
        1 => Expected::I64(cell.as_i64().expect("i64")),
        2 => Expected::U64(cell.as_str().expect("decimal").parse().expect("u64")),
        3 => Expected::Bool(cell.as_bool().expect("bool")),
        _ => Expected::Text(cell.as_str().expect("text").to_owned()),
    };
    Row {
        measurement: cells[0].as_str().expect("text").to_owned(),
        time_ns: cells[1].as_i64().expect("microseconds") * 1_000,
        value,
        position: (
            cells[2].as_u64().expect("epoch"),
            cells[3].as_u64().expect("seq"),
        ),
    }
}

/// How many distinct places in streams delta-rs sees.
fn with_delta_rs(table: &Path) -> u64 {
    let script = "import sys, deltalake\n\
        rows = deltalake.DeltaTable(sys.argv[1]).to_pyarrow_table()\n\
        keys = rows.select(['measurement', 'epoch', 'seq']).to_pylist()\n\
        print(len({tuple(key.values()) for key in keys}))";
    let printed = python_script(script, &[table.to_str().expect("UTF-8")]).expect("delta-rs reads");
    printed.trim().parse().expect("a number")
}

#[test]
fn every_type_is_among_the_tags() {
    let (tags, _) = tags::tags(500);
    assert_eq!(tags.len(), 500);
    for kind in [Kind::Bool, Kind::Dtl, Kind::Wstring, Kind::S5Time] {
        assert!(tags.iter().any(|tag| tag.kind == kind));
    }
    // A value and the next one always differ, or a change could not be seen.
    for tag in &tags {
        for step in 0..60 {
            assert_ne!(tag.expected(step), tag.expected(step + 1), "{}", tag.name);
        }
    }
}
