//! The demo as a person starts it.

use std::process::Output;

use renata_peers::python_script;

use crate::parts::{alone, demo};

fn run(arguments: &[&str], dir: &std::path::Path) -> (Output, String) {
    let output = demo()
        .args(arguments)
        .arg("--data-dir")
        .arg(dir)
        .output()
        .expect("it runs");
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let shown = format!("{stdout}\n{}", String::from_utf8_lossy(&output.stderr));
    (output, shown)
}

#[test]
fn a_run_ends_with_every_message_once_and_a_lost_file_is_noticed() {
    let _alone = alone();
    let dir = tempfile::tempdir().expect("a folder");
    let (output, shown) = run(&["--for", "8s"], dir.path());
    assert_eq!(output.status.code(), Some(0), "{shown}");
    assert!(shown.contains("0 gaps, 0 duplicates"), "{shown}");
    assert!(shown.contains("result: every message once"), "{shown}");

    // The same data goes on.
    let (output, shown) = run(&["--for", "5s"], dir.path());
    assert_eq!(output.status.code(), Some(0), "{shown}");

    // And this time something is lost.
    let (output, shown) = run(&["--for", "4s", "--sabotage"], dir.path());
    assert_eq!(output.status.code(), Some(1), "{shown}");
}

#[test]
fn nothing_is_lost_or_doubled_when_everything_is_killed_once() {
    let _alone = alone();
    let dir = tempfile::tempdir().expect("a folder");
    let (output, shown) = run(&["--for", "25s", "--faults"], dir.path());
    assert_eq!(output.status.code(), Some(0), "{shown}");
    for killed in [
        "the gateway is killed",
        "the broker is killed",
        "the lake writer is killed",
    ] {
        assert!(shown.contains(killed), "{shown}");
    }
    assert!(shown.contains("0 gaps, 0 duplicates"), "{shown}");

    // A reader that is not ours sees the same table.
    let table = dir.path().join("lake/measurements");
    let script = "import sys, deltalake\n\
                  rows = deltalake.DeltaTable(sys.argv[1]).to_pyarrow_table()\n\
                  keys = ['location', 'area', 'line', 'device_type', 'device_id', 'measurement', 'epoch', 'seq']\n\
                  print(rows.num_rows, rows.select(keys).group_by(keys).aggregate([]).num_rows)";
    let counted = python_script(script, &[table.to_str().expect("UTF-8")]).expect("delta-rs reads");
    let (rows, distinct) = counted.trim().split_once(' ').expect("two numbers");
    assert_eq!(rows, distinct, "no row is there twice");
    assert!(rows.parse::<u64>().expect("a number") > 100, "{rows} rows");
}

#[test]
fn wrong_arguments_are_explained() {
    let output = demo().args(["--for", "soon"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("such as 30s"), "{stderr}");
}
