//! From a PLC to the lake, through processes that are killed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use renata_azure::lake::{ReadRow, read, verify};
use renata_codec::Value;
use renata_drivers::s7::Tag;
use renata_drivers::s7::sim::{Memory, Simulator};
use renata_peers::{Mosquitto, mosquitto_sub, wait_for};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::gateway::{Gateway, LONG};

const TAGS: usize = 40;

/// A PLC with counters that count, each change a new value, until they are told to stop.
struct Plc {
    runtime: Runtime,
    counting: Arc<AtomicBool>,
    counter: Option<JoinHandle<i64>>,
    simulator: Simulator,
}

fn tag(n: usize) -> Tag {
    format!("DB1.DBD{}:DINT", n * 4).parse().unwrap()
}

impl Plc {
    fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let memory = Memory::new();
        memory.add_db(1, TAGS * 4);
        let counting = Arc::new(AtomicBool::new(true));
        let simulator = Simulator::start("127.0.0.1:0", memory.clone());
        let simulator = runtime.block_on(simulator).unwrap();
        let (all, on) = (memory.clone(), counting.clone());
        let counter = runtime.spawn(async move {
            let tags: Vec<Tag> = (0..TAGS).map(tag).collect();
            let mut beat = tokio::time::interval(Duration::from_millis(15));
            let mut count = 0;
            while on.load(Ordering::Acquire) {
                beat.tick().await;
                count += 1;
                for tag in &tags {
                    all.set(tag, &Value::I64(count)).unwrap();
                }
            }
            count
        });
        Self {
            runtime,
            counting,
            counter: Some(counter),
            simulator,
        }
    }

    /// Stops counting; gives the last value.
    fn settle(&mut self) -> i64 {
        self.counting.store(false, Ordering::Release);
        let counter = self.counter.take().expect("it settles once");
        self.runtime.block_on(counter).unwrap()
    }
}

fn collector(plc: SocketAddr, broker: SocketAddr) -> String {
    let mut config = format!(
        "[gateway]\nid = \"edge\"\ndata_dir = \"edge-data\"\nlocation = \"biel\"\narea = \"hall-2\"\n\
         line = \"line-7\"\nformat = \"application/cbor\"\n\
         [[device]]\nname = \"plc\"\ndriver = \"s7\"\nhost = \"{}\"\nport = {}\n\
         [[device.group]]\nname = \"fast\"\nperiod_ms = 10\n",
        plc.ip(),
        plc.port()
    );
    for n in 0..TAGS {
        let address = tag(n);
        // Every fifth is an alarm, so QoS 2 is in it, too.
        let class = if n % 5 == 0 { "alarm/" } else { "" };
        config += &format!("[[device.tag]]\nname = \"{class}c{n}\"\naddress = \"{address}\"\n");
    }
    config + &format!("[[uplink]]\nname = \"plant\"\nurl = \"mqtt://{broker}\"\n")
}

fn writer(broker: SocketAddr) -> String {
    format!(
        "[gateway]\nid = \"lake\"\ndata_dir = \"lake-data\"\n\
         [[subscription]]\nname = \"all\"\nurl = \"mqtt://{broker}\"\nfilters = [\"renata/#\"]\n\
         [lake]\npath = \"lake\"\nfile_age_s = 1\n"
    )
}

/// The rows of each counter in the lake, in order of `seq`.
fn rows(dir: &Path) -> BTreeMap<String, Vec<ReadRow>> {
    let mut streams: BTreeMap<String, Vec<ReadRow>> = BTreeMap::new();
    // Before the first commit there is no table.
    for row in read(dir.join("lake/samples")).into_iter().flatten() {
        let row = row.unwrap();
        let counter = row.topic.rsplit('/').next().unwrap().to_owned();
        streams.entry(counter).or_default().push(row);
    }
    for rows in streams.values_mut() {
        rows.sort_by_key(|row| (row.epoch, row.seq));
    }
    streams
}

#[test]
fn kill_9_anywhere_leaves_no_gap_and_no_duplicate_in_the_lake() {
    let dir = tempfile::tempdir().unwrap();
    let mut plc = Plc::start();
    let broker = Mosquitto::start().unwrap();
    let edge = collector(plc.simulator.addr(), broker.addr());
    let lake = writer(broker.addr());
    let mut store = Gateway::start(dir.path(), "lake", &lake);
    assert!(
        wait_for(LONG, || store.log().contains("Up")),
        "{}",
        store.log()
    );
    let mut gateway = Gateway::start(dir.path(), "edge", &edge);
    for round in 0..3 {
        gateway.wait_for("acked", 2_000);
        gateway.kill();
        gateway = Gateway::start(dir.path(), "edge", &edge);
        if round != 1 {
            store.wait_for("stored", 2_000);
            store.kill();
            store = Gateway::start(dir.path(), "lake", &lake);
        }
    }
    gateway.wait_for("acked", 1_000);
    let last = plc.settle();
    let settled = |dir: &Path| {
        let rows = rows(dir);
        let at_end = |s: &Vec<ReadRow>| s.last().is_some_and(|s| s.value == Some(Value::I64(last)));
        (0..TAGS).all(|n| rows.get(&format!("c{n}")).is_some_and(at_end))
    };
    assert!(
        wait_for(LONG, || settled(dir.path())),
        "{}\n{}",
        gateway.log(),
        store.log()
    );
    assert_eq!(gateway.figure("dropped"), 0);
    let numbered = gateway.figure("recovered") + gateway.figure("committed");
    assert!(gateway.terminate().success(), "a graceful stop ends with 0");
    assert!(store.terminate().success(), "a graceful stop ends with 0");

    let report = verify(dir.path().join("lake/samples")).unwrap();
    assert_eq!((report.gaps, report.duplicates), (0, 0), "{report}");
    assert_eq!(
        report.rows, numbered,
        "the lake has what the collector had counted"
    );
    assert!(report.rows > 4_000, "{report}");
    let rows = rows(dir.path());
    for n in 0..TAGS {
        let samples = &rows[&format!("c{n}")];
        assert_eq!(samples[0].seq, 0);
        let epochs: Vec<u32> = samples.iter().map(|s| s.epoch).collect();
        assert!(
            epochs.windows(2).all(|w| w[0] == w[1]),
            "kill -9 begins no new epoch"
        );
        let values: Vec<f64> = samples
            .iter()
            .filter_map(|s| s.value.as_ref()?.as_f64())
            .collect();
        assert!(
            values.windows(2).all(|w| w[0] <= w[1]),
            "in the order of the device"
        );
    }
    drop(plc.runtime);
}

/// The writer is killed while it works off a backlog, so that at every moment many messages are
/// between the broker and the disk.
#[test]
fn kill_9_of_the_writer_in_a_flood_loses_nothing_that_it_has_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut plc = Plc::start();
    let broker = Mosquitto::start().unwrap();
    let lake = writer(broker.addr());
    let store = Gateway::start(dir.path(), "lake", &lake);
    assert!(wait_for(LONG, || store.log().contains("Up")));
    let edge = collector(plc.simulator.addr(), broker.addr());
    let gateway = Gateway::start(dir.path(), "edge", &edge);
    store.wait_for("stored", 100);
    store.kill();
    gateway.wait_for("acked", 8_000);
    plc.settle();
    gateway.wait_for("polled", gateway.figure("polled") + 3 * TAGS as u64);
    let all = || gateway.figure("acked") >= gateway.figure("committed");
    assert!(wait_for(LONG, all), "{}", gateway.log());
    let sent = gateway.figure("committed");
    let mut store = Gateway::start(dir.path(), "lake", &lake);
    let table = dir.path().join("lake/samples");
    let rows = || verify(&table).map_or(0, |report| report.rows);
    let mut kills = 0;
    while rows() + 2_000 < sent && kills < 5 {
        store.catch("received", 300);
        store.kill();
        kills += 1;
        store = Gateway::start(dir.path(), "lake", &lake);
    }
    assert!(kills > 0, "the backlog was gone too soon to be a test");
    assert!(
        wait_for(LONG, || rows() >= sent),
        "{} of {sent}: {}",
        rows(),
        store.log()
    );
    let report = verify(&table).unwrap();
    assert_eq!(
        (report.rows, report.gaps, report.duplicates),
        (sent, 0, 0),
        "{report}"
    );
    assert!(store.terminate().success());
}

#[test]
fn a_plc_that_is_lost_is_told_and_its_status_is_retained() {
    let dir = tempfile::tempdir().unwrap();
    let mut plc = Plc::start();
    let broker = Mosquitto::start().unwrap();
    let edge = collector(plc.simulator.addr(), broker.addr());
    let edge = edge.replace("application/cbor", "application/json");
    let gateway = Gateway::start(dir.path(), "edge", &edge);
    gateway.wait_for("acked", 500);
    plc.settle();
    let status = || {
        let port = broker.addr().port().to_string();
        let topic = "renata/biel/hall-2/line-7/s7/plc/status";
        let args = ["-p", &port, "-V", "5", "-C", "1", "-W", "10", "-t", topic];
        let mut command = mosquitto_sub().unwrap();
        let output = command.args(args).stdin(Stdio::null()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(
        wait_for(LONG, || status().contains(r#""value":"online""#)),
        "{}",
        gateway.log()
    );
    let before = gateway.figure("acked");
    plc.runtime.block_on(plc.simulator.stop());
    gateway.wait_for("acked", before + TAGS as u64 + 1);
    assert!(
        wait_for(LONG, || status().contains(r#""value":"offline""#)),
        "{}",
        gateway.log()
    );
    assert!(gateway.terminate().success());
}

#[test]
fn a_broker_that_was_away_gets_everything() {
    let dir = tempfile::tempdir().unwrap();
    let mut plc = Plc::start();
    let mut broker = Mosquitto::start().unwrap();
    let edge = collector(plc.simulator.addr(), broker.addr());
    broker.kill();
    let gateway = Gateway::start(dir.path(), "edge", &edge);
    gateway.wait_for("committed", 2_000);
    assert_eq!(gateway.figure("acked"), 0);
    plc.settle();
    broker.restart().unwrap();
    let all = || gateway.figure("acked") >= gateway.figure("committed");
    assert!(
        wait_for(LONG, || gateway.figure("acked") > 0 && all()),
        "{}",
        gateway.log()
    );
    assert!(gateway.terminate().success());
    drop(plc.runtime);
}
