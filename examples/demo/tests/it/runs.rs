//! The demo as a person starts it.

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use renata_peers::python_script;
use rustix::process::{Pid, Signal, kill_process_group};

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

/// A demo in a process group of its own, as a shell starts it, with everything running.
fn started_in_a_group(dir: &std::path::Path) -> std::process::Child {
    let mut child = demo()
        .args(["--for", "60s", "--data-dir"])
        .arg(dir)
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let stdout = child.stdout.as_mut().expect("piped");
    let mut shown = String::new();
    let mut byte = [0];
    // The second line of figures: by then there is something to verify.
    while shown.matches("polled").count() < 2 {
        assert_eq!(stdout.read(&mut byte).expect("readable"), 1, "{shown}");
        shown.push(char::from(byte[0]));
    }
    child
}

fn pid(child: &std::process::Child) -> Pid {
    Pid::from_raw(child.id().try_into().expect("a pid")).expect("not 0")
}

#[test]
fn ctrl_c_in_a_terminal_ends_with_the_verification() {
    let _alone = alone();
    let dir = tempfile::tempdir().expect("a folder");
    let child = started_in_a_group(dir.path());
    kill_process_group(pid(&child), Signal::INT).expect("a group");
    let output = child.wait_with_output().expect("it ends");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stdout}{stderr}");
    assert!(stdout.contains("every message once"), "{stdout}{stderr}");
}

#[test]
fn a_killed_demo_leaves_no_process_behind() {
    let _alone = alone();
    let dir = tempfile::tempdir().expect("a folder");
    let mut child = started_in_a_group(dir.path());
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    let data = dir.path().to_string_lossy().into_owned();
    let deadline = Instant::now() + Duration::from_secs(20);
    while members_of(&data) > 0 {
        assert!(Instant::now() < deadline, "members go on without the demo");
        std::thread::sleep(Duration::from_millis(50));
    }

    // What it had not handed over comes with the next run, and is not taken for a part of it.
    let (output, shown) = run(&["--for", "5s"], dir.path());
    assert_eq!(output.status.code(), Some(0), "{shown}");
}

/// How many processes have the folder on their command line.
fn members_of(data: &str) -> usize {
    let processes = std::fs::read_dir("/proc").expect("Linux");
    let lines =
        processes.filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok());
    lines
        .filter(|line| String::from_utf8_lossy(line).contains(data))
        .count()
}

#[test]
fn wrong_arguments_are_explained() {
    let output = demo().args(["--for", "soon"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("such as 30s"), "{stderr}");
}
