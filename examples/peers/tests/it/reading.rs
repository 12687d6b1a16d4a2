//! The README's reading list: what it sends a newcomer to is there, and short.

use std::path::Path;

const LONGEST: usize = 400;

#[test]
fn every_file_of_the_reading_list_is_there_and_short() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = std::fs::read_to_string(top.join("README.md")).expect("README.md");
    let listed: Vec<_> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(path, _)| path)
        .filter(|path| path.ends_with(".rs"))
        .collect();
    assert!(
        listed.len() >= 20,
        "the list leads from the demo to the file: {listed:?}"
    );
    for path in listed {
        let text = std::fs::read_to_string(top.join(path)).expect(path);
        let lines = text.lines().count();
        assert!(lines < LONGEST, "{path} has {lines} lines");
    }
}
