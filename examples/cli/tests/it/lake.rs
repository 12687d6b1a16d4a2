//! `renata lake verify`.

use std::path::Path;
use std::time::Duration;

use bytes::BytesMut;
use renata_azure::lake::{Lake, LakeOptions};
use renata_azure::{Engine, EngineOptions, Envelope};
use renata_codec::{Codec, Format, Sample, Timestamp};

use crate::support::run;

const TOPIC: &str = "renata/biel/press/l1/s7/plc-1/level";

/// A lake that holds samples with these numbers.
fn write(folder: &Path, seqs: &[u64]) {
    let codec = Codec::new(Format::Cbor);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut engine = Engine::open(EngineOptions::new(folder.join("engine")))
            .await
            .unwrap();
        let mut options = LakeOptions::new("gw1");
        options.max_age = Duration::from_millis(10);
        engine
            .attach(Lake::local(folder.join("lake"), options).unwrap())
            .await
            .unwrap();
        let ingest = engine.ingest();
        for seq in seqs {
            let time = Timestamp::from_nanos(1_772_343_000_000_000_000 + *seq as i64);
            let sample = Sample::new(*seq as f64, time).at_position(1, *seq);
            let mut payload = BytesMut::new();
            codec.encode(&sample, &mut payload).unwrap();
            let message = Envelope::new(TOPIC, codec.content_type(), payload.freeze());
            let _ = ingest.append(message).await.unwrap().await.unwrap();
        }
        engine.flush().await.unwrap();
    });
}

#[test]
fn a_whole_lake_is_clean() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[0, 1, 2, 3]);
    let lake = folder.path().join("lake");
    let lake = lake.to_str().unwrap();
    let (code, out, err) = run(&["lake", "verify", lake]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("4 rows of 1 streams") && out.contains("0 gaps"),
        "{out}"
    );
    let (_, out, _) = run(&["lake", "verify", lake, "--json"]);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&report["clean"], &report["rows"]),
        (&true.into(), &4.into())
    );
}

#[test]
fn a_gap_is_named_and_ends_with_1() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[0, 1, 5]);
    let lake = folder.path().join("lake");
    let (code, out, _) = run(&["lake", "verify", lake.to_str().unwrap(), "--json"]);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, &report["gaps"], &report["missing"]),
        (1, &1.into(), &3.into())
    );
    let gap = &report["first_gaps"][0];
    assert_eq!(
        (&gap["stream"], &gap["first"], &gap["last"]),
        (&TOPIC.into(), &2.into(), &4.into())
    );
}

#[test]
fn what_is_no_lake_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let (code, _, err) = run(&["lake", "verify", missing.to_str().unwrap()]);
    assert_eq!(code, 2);
    assert!(err.contains("missing"), "{err}");
    assert_eq!(
        run(&["lake", "verify", folder.path().to_str().unwrap()]).0,
        2,
        "an empty folder is no table"
    );
}

#[test]
fn a_damaged_lake_is_not_called_clean() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[0, 1]);
    let lake = folder.path().join("lake");
    let file = find_parquet(&lake).expect("a Parquet file");
    std::fs::remove_file(file).unwrap();
    let (code, _, err) = run(&["lake", "verify", lake.to_str().unwrap()]);
    assert_eq!(code, 2, "{err}");
}

fn find_parquet(folder: &Path) -> Option<std::path::PathBuf> {
    std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|e| e.path())
        .find_map(|path| {
            if path.is_dir() {
                find_parquet(&path)
            } else {
                (path.extension()? == "parquet").then_some(path)
            }
        })
}
