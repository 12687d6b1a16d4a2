//! The lake, read back by ourselves.

use std::path::Path;
use std::time::{Duration, Instant};

use renata_azure::lake::{self, Lake, LakeOptions};
use renata_azure::{Admitted, Engine, EngineOptions, Envelope};
use renata_codec::{Sample, Timestamp};

use crate::samples::{START, every_type, float, message, topic};

/// Options with which a test sees its rows soon.
pub(crate) fn quick() -> LakeOptions {
    let mut options = LakeOptions::new("gw1");
    options.max_age = Duration::from_millis(10);
    options
}

/// Opens an engine whose folder another one, dropped a moment ago, may still hold.
pub(crate) async fn open(options: EngineOptions) -> Engine {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match Engine::open(options.clone()).await {
            Ok(engine) => return engine,
            Err(e) => assert!(Instant::now() < deadline, "{e}"),
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// An engine in `dir/engine` with a lake in `dir/lake`.
pub(crate) async fn engine(dir: &Path, options: LakeOptions) -> Engine {
    let mut engine = open(EngineOptions::new(dir.join("engine"))).await;
    let lake = Lake::local(dir.join("lake"), options).unwrap();
    engine.attach(lake).await.unwrap();
    engine
}

/// Puts messages in and waits until each is durable.
pub(crate) async fn put(
    engine: &Engine,
    messages: impl IntoIterator<Item = Envelope>,
) -> Vec<Admitted> {
    let ingest = engine.ingest();
    let mut tickets = Vec::new();
    for message in messages {
        tickets.push(ingest.append(message).await.unwrap());
    }
    let mut admitted = Vec::new();
    for ticket in tickets {
        admitted.push(ticket.await.unwrap());
    }
    admitted
}

#[tokio::test]
async fn every_type_of_value_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = engine(dir.path(), quick()).await;
    let samples = every_type();
    for content_type in [
        "application/json",
        "application/cbor+gzip",
        "application/protobuf",
    ] {
        let name = content_type.replace(['/', '+'], "-");
        let topic = format!("renata/biel/press/l1/s7/plc/{name}");
        put(
            &engine,
            samples.iter().map(|s| message(&topic, s, content_type)),
        )
        .await;
    }
    engine.flush().await.unwrap();
    let rows: Vec<_> = lake::read(dir.path().join("lake"))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(rows.len(), 3 * samples.len());
    for row in &rows {
        let sample = &samples[row.seq as usize];
        match (&row.value, &sample.value) {
            (Some(a), Some(b)) => assert!(a.same(b), "{a:?} is not {b:?}"),
            (a, b) => assert_eq!(a, b),
        }
        assert_eq!((row.quality, row.unit), (sample.quality, sample.unit));
        assert_eq!((row.epoch, row.seq), (sample.epoch, sample.seq));
        assert_eq!(row.time.as_micros(), sample.time().as_micros());
        assert_eq!(
            row.receive_time.as_micros(),
            sample.receive_time.as_micros()
        );
    }
    let report = lake::verify(dir.path().join("lake")).unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.rows, report.streams), (rows.len() as u64, 3));
    engine.close(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn repetitions_are_dropped_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let first = engine(dir.path(), quick()).await;
    let admitted = put(&first, (0..50).map(|n| float(n % 5, n / 5))).await;
    assert!(
        admitted
            .iter()
            .all(|a| matches!(a, Admitted::Stored { .. }))
    );
    let again = put(&first, (0..50).map(|n| float(n % 5, n / 5))).await;
    assert!(again.iter().all(|a| *a == Admitted::Repetition));
    drop(first);
    let mut second = engine(dir.path(), quick()).await;
    let again = put(&second, (0..60).map(|n| float(n % 5, n / 5))).await;
    assert!(again[..50].iter().all(|a| *a == Admitted::Repetition));
    assert!(
        again[50..]
            .iter()
            .all(|a| matches!(a, Admitted::Stored { .. }))
    );
    second.flush().await.unwrap();
    let report = lake::verify(dir.path().join("lake")).unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.rows, report.streams), (60, 5));
}

#[tokio::test]
async fn what_does_not_fit_goes_to_the_dead_letters() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = engine(dir.path(), quick()).await;
    let good = float(1, 0);
    let no_sample = Envelope::new(topic(1), "text/plain", &b"hello"[..]);
    let no_plant = Envelope::new("a/b", good.content_type.clone(), good.payload.clone());
    let damaged = Envelope::new(topic(1), "application/json", &b"{\"value\":"[..]);
    let admitted = put(&engine, [no_sample, no_plant, damaged, good]).await;
    assert!(matches!(admitted[2], Admitted::DeadLettered(_)));
    engine.flush().await.unwrap();
    let report = lake::verify(dir.path().join("lake")).unwrap();
    assert_eq!(report.rows, 1);
    let (mut letters, token) = engine.dead_letters(10).await.unwrap();
    letters.sort_by_key(|l| l.seq);
    let reasons: Vec<_> = letters
        .iter()
        .map(|l| (l.sink.as_str(), l.reason.as_str()))
        .collect();
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    assert_eq!(reasons[0].0, "", "refused at the door: {reasons:?}");
    assert!(reasons[1].1.contains("text/plain"), "{reasons:?}");
    assert!(reasons[2].1.contains("topic"), "{reasons:?}");
    assert_eq!(letters[1].envelope.payload, &b"hello"[..]);
    engine.release_dead_letters(token).await.unwrap();
    assert_eq!(engine.dead_letters(10).await.unwrap().0, []);
}

#[tokio::test]
async fn a_source_with_absurd_clocks_makes_more_commits_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = quick();
    options.max_age = Duration::from_secs(3600);
    let mut engine = engine(dir.path(), options).await;
    // Every message in another hour.
    put(&engine, (0..600).map(|n| float(1, n * 3600))).await;
    engine.flush().await.unwrap();
    let report = lake::verify(dir.path().join("lake")).unwrap();
    assert_eq!(
        (report.rows, report.files, report.duplicates),
        (600, 600, 0),
        "{report}"
    );
    assert_eq!(report.version, 3, "256 files and 256 files and the rest");
}

#[tokio::test]
async fn small_messages_with_large_values_do_not_add_up_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = quick();
    options.max_age = Duration::from_secs(3600);
    let mut engine = engine(dir.path(), options).await;
    // Each is a few kB compressed and half a MB as a list: together more than is held at once.
    let list = vec![0.5f64; 60_000];
    let sample = Sample::new(list, Timestamp::from_nanos(START));
    let messages = (0..50).map(|seq| {
        let sample = sample.clone().at_position(1, seq);
        message(&topic(1), &sample, "application/cbor+gzip")
    });
    put(&engine, messages).await;
    engine.flush().await.unwrap();
    let report = lake::verify(dir.path().join("lake")).unwrap();
    assert!(report.is_clean() && report.rows == 50, "{report}");
    let rows = lake::read(dir.path().join("lake"))
        .unwrap()
        .map(Result::unwrap);
    assert!(rows.map(|row| row.value).all(|value| value == sample.value));
}
