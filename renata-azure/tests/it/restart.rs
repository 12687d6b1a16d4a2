//! No gap and no duplicate, wherever it breaks.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use renata_azure::lake::{self, Lake, LakeOptions, Report};
use renata_azure::{Admitted, Engine, EngineOptions, RetryPolicy};

use crate::flaky::{Fault, Flaky};
use crate::lake::{open, put};
use crate::samples::float;

/// Three commits, each with two files, and a checkpoint at every second version.
const ROUNDS: u64 = 3;
const PER_ROUND: u64 = 8;
const ROWS: u64 = ROUNDS * PER_ROUND;

fn options() -> LakeOptions {
    let mut options = LakeOptions::new("gw1");
    options.max_age = Duration::from_secs(3600);
    options.checkpoint_every = 2;
    options
}

fn engine_options(dir: &Path) -> EngineOptions {
    let mut retry = RetryPolicy::default();
    retry.first = Duration::from_millis(1);
    retry.longest = Duration::from_millis(5);
    retry.probe_every = Duration::from_millis(5);
    let mut options = EngineOptions::new(dir.join("engine"));
    options.retry = retry;
    options
}

async fn reopen(dir: &Path) -> Engine {
    open(engine_options(dir)).await
}

/// Puts every round in and flushes after each; repetitions do not matter.
async fn put_all(engine: &mut Engine) {
    for round in 0..ROUNDS {
        // Sixteen minutes and more between messages, so each round touches several hours.
        let messages = (0..PER_ROUND).map(|n| float(n % 2, (round * PER_ROUND + n) / 2 * 1000));
        put(engine, messages).await;
        engine.flush().await.unwrap();
    }
}

async fn dead(store: &Flaky) {
    while !store.dead.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Files below the table that are data or half of it, whether the table knows them or not.
fn files_on_disk(dir: &Path) -> u64 {
    let mut count = 0;
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() && name != "_delta_log" {
            count += files_on_disk(&entry.path());
        } else if name.contains(".parquet") {
            count += 1;
        }
    }
    count
}

fn expect_exactly_once(dir: &Path, rows: u64, what: &str) -> Report {
    let table = dir.join("lake");
    let report = lake::verify(&table).unwrap();
    assert_eq!(
        (report.rows, report.duplicates),
        (rows, 0),
        "{what}: {report}"
    );
    assert_eq!(
        report.files,
        files_on_disk(&table),
        "{what}: files outside of the table"
    );
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_or_a_crash_at_any_call_to_the_store_loses_and_doubles_nothing() {
    for fault in Fault::ALL {
        let mut calls = 0;
        loop {
            let dir = tempfile::tempdir().unwrap();
            let store = Flaky::new(&dir.path().join("lake"), calls, fault);
            let mut engine = reopen(dir.path()).await;
            let lake = Lake::on(store.clone(), "".into(), options()).unwrap();
            engine.attach(lake).await.unwrap();
            tokio::select! {
                () = put_all(&mut engine) => {}
                () = dead(&store) => {}
            }
            let died = store.dead.load(Ordering::SeqCst);
            drop(engine);
            if died {
                let mut engine = reopen(dir.path()).await;
                let lake = Lake::local(dir.path().join("lake"), options()).unwrap();
                engine.attach(lake).await.unwrap();
                put_all(&mut engine).await;
                engine.close(Duration::from_secs(20)).await.unwrap();
            }
            expect_exactly_once(dir.path(), ROWS, &format!("{fault:?} at call {calls}"));
            if !store.was_reached() {
                break;
            }
            calls += 1;
        }
        assert!(calls >= 15, "{fault:?}: only {calls} calls were tried");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_writers_of_one_table_take_turns() {
    let dir = tempfile::tempdir().unwrap();
    let mut writers = Vec::new();
    for gateway in ["gw1", "gw2"] {
        let dir = dir.path().to_owned();
        writers.push(tokio::spawn(async move {
            let mut engine = Engine::open(EngineOptions::new(dir.join(gateway)))
                .await
                .unwrap();
            let mut options = options();
            options.gateway = gateway.into();
            let lake = Lake::local(dir.join("lake"), options).unwrap();
            engine.attach(lake).await.unwrap();
            let stream = u64::from(gateway == "gw2");
            for seq in 0..25 {
                put(&engine, [float(stream, seq)]).await;
                engine.flush().await.unwrap();
            }
            engine.close(Duration::from_secs(20)).await.unwrap();
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let report = expect_exactly_once(dir.path(), 50, "two writers");
    assert!(report.is_clean(), "{report}");
    assert_eq!(
        report.version, 50,
        "one version for each commit, and the table's own"
    );
}

#[tokio::test]
async fn identities_survive_the_deletion_of_their_segments() {
    let dir = tempfile::tempdir().unwrap();
    let small = || {
        let mut options = engine_options(dir.path());
        options.segment_bytes = 16 << 10;
        options.max_journal_bytes = 256 << 10;
        options.max_record_bytes = 4 << 10;
        options
    };
    let attach = async |engine: &mut Engine| {
        let mut options = options();
        options.max_rows = 200;
        let lake = Lake::local(dir.path().join("lake"), options).unwrap();
        engine.attach(lake).await.unwrap();
    };
    let mut first = Engine::open(small()).await.unwrap();
    attach(&mut first).await;
    for chunk in 0..50 {
        put(&first, (0..100).map(|n| float(n % 10, chunk * 10 + n / 10))).await;
    }
    first.flush().await.unwrap();
    let bytes = first.stats().journal_bytes;
    assert!(bytes < 256 << 10, "{bytes}");
    first.close(Duration::from_secs(20)).await.unwrap();
    let mut second = Engine::open(small()).await.unwrap();
    attach(&mut second).await;
    let again = put(&second, (0..100).map(|n| float(n % 10, n / 10))).await;
    assert!(
        again.iter().all(|a| *a == Admitted::Repetition),
        "the very first are known"
    );
    second.flush().await.unwrap();
    expect_exactly_once(dir.path(), 5000, "small segments");
}

#[tokio::test]
async fn a_journal_that_was_lost_does_not_hide_new_rows() {
    let dir = tempfile::tempdir().unwrap();
    for run in 0..2 {
        let mut engine = Engine::open(engine_options(dir.path())).await.unwrap();
        let lake = Lake::local(dir.path().join("lake"), options()).unwrap();
        engine.attach(lake).await.unwrap();
        put(&engine, (0..10).map(|n| float(1, run * 10 + n))).await;
        engine.flush().await.unwrap();
        engine.close(Duration::from_secs(20)).await.unwrap();
        std::fs::remove_dir_all(dir.path().join("engine")).unwrap();
    }
    expect_exactly_once(dir.path(), 20, "a new journal with the old one's numbers");
}

const CHILD: &str = "RENATA_AZURE_TEST_CHILD";

/// Not a test of its own: the process that `kill_minus_nine` kills. It puts messages in from the
/// given number on and says which are durable.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Ok(task) = std::env::var(CHILD) else {
        return;
    };
    let (dir, from) = task.rsplit_once('@').unwrap();
    let mut engine = Engine::open(engine_options(Path::new(dir))).await.unwrap();
    let mut options = options();
    options.max_age = Duration::from_millis(3);
    let lake = Lake::local(Path::new(dir).join("lake"), options).unwrap();
    engine.attach(lake).await.unwrap();
    let mut n: u64 = from.parse().unwrap();
    loop {
        put(&engine, (n..n + 20).map(|n| float(n % 5, n / 5))).await;
        n += 20;
        println!("durable {n}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_minus_nine_at_any_moment_loses_and_doubles_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut durable = 0;
    for round in 0..25u64 {
        // A source sends again what was not acknowledged, and a little more.
        let from = durable - durable.min(20 * (round % 3));
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["restart::child", "--exact", "--nocapture"])
            .env(CHILD, format!("{}@{from}", dir.path().display()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        while let Some(Ok(line)) = lines.next() {
            if let Some(n) = line
                .rsplit_once("durable ")
                .and_then(|(_, n)| n.parse().ok())
            {
                durable = durable.max(n);
                seen += 1;
            }
            // A different moment of the commit cycle each round.
            if seen > round * 7 % 23 {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(seen > 0, "round {round}: the child did nothing");
    }
    let mut engine = reopen(dir.path()).await;
    let lake = Lake::local(dir.path().join("lake"), options()).unwrap();
    engine.attach(lake).await.unwrap();
    put(
        &engine,
        (durable - 100..durable + 20).map(|n| float(n % 5, n / 5)),
    )
    .await;
    engine.close(Duration::from_secs(20)).await.unwrap();
    let table = dir.path().join("lake");
    let report = lake::verify(&table).unwrap();
    assert!(report.is_clean(), "{report}");
    assert!(
        report.rows >= durable + 20,
        "{durable} were durable: {report}"
    );
    assert_eq!(
        report.files,
        files_on_disk(&table),
        "files outside of the table"
    );
}
