//! What the command line says and ends with.

use std::fs;
use std::process::Output;

use crate::gateway::command;

fn run(args: &[&str]) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command().args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/gateway.toml");

#[test]
fn help_teaches_and_is_no_error() {
    let (code, out, _) = run(&["--help"]);
    assert_eq!(code, 0);
    for part in ["check", "plan", "--config", "--stats", "Examples:", "ready"] {
        assert!(out.contains(part), "{part} in {out}");
    }
}

#[test]
fn the_example_is_good_and_its_plan_shows_requests_and_topics() {
    let (code, out, err) = run(&["check", "--config", EXAMPLE]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(
        out.contains("gateway.toml: good; 1 device(s) with 4 tag(s), 1 uplink(s)"),
        "{out}"
    );
    let (code, out, _) = run(&["plan", "--config", EXAMPLE]);
    assert_eq!(code, 0);
    assert!(
        out.contains("renata/biel/hall-2/line-7/s7-1500/press-1/axis-1/torque"),
        "{out}"
    );
}

#[test]
fn a_wrong_configuration_ends_with_2_before_anything_starts() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("g.toml");
    let good = fs::read_to_string(EXAMPLE).unwrap();
    fs::write(&file, good.replace("when_full", "when_ful")).unwrap();
    let path = file.to_str().unwrap();
    for args in [
        &["--config", path][..],
        &["check", "--config", path],
        &["plan", "--config", path],
    ] {
        let (code, _, err) = run(args);
        assert_eq!(code, 2, "{args:?}");
        let start = format!("{path}:19:1: unknown key `when_ful`; known here are ");
        assert!(err.starts_with(&start), "{err}");
    }
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        1,
        "no data folder"
    );
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    for args in [
        &[][..],
        &["--confg", "x"],
        &["--config", "x", "check"],
        &["--config", "/no/such"],
    ] {
        let (code, _, err) = run(args);
        assert_eq!(code, 2, "{args:?}: {err}");
        assert!(!err.is_empty());
    }
}
