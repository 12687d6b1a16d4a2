//! Reads the figures that the gateway and the lake writer write, a JSON object a line.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use serde_json::Value;

/// The last whole line of figures, if there is one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures(Value);

impl Figures {
    /// The last whole line of the file; no file or no line yet is no figures.
    pub(crate) fn last(path: &Path) -> Self {
        let text = piece(path, |len| len.saturating_sub(PIECE)).unwrap_or_default();
        // A line is whole only when its end is there.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        Self(serde_json::from_str(whole.lines().last().unwrap_or_default()).unwrap_or_default())
    }

    /// The first line of the file.
    pub(crate) fn first(path: &Path) -> Self {
        let text = piece(path, |_| 0).unwrap_or_default();
        let line = text.split_once('\n').map_or("", |(line, _)| line);
        Self(serde_json::from_str(line).unwrap_or_default())
    }

    /// One figure; 0 if it is not there.
    pub(crate) fn get(&self, name: &str) -> u64 {
        self.0[name].as_u64().unwrap_or(0)
    }
}

fn piece(path: &Path, from: impl FnOnce(u64) -> u64) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let len = file.metadata()?.len();
    file.seek(SeekFrom::Start(from(len)))?;
    let mut bytes = Vec::new();
    file.take(PIECE).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// More than one line of figures.
const PIECE: u64 = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_line_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stats");
        assert_eq!(Figures::last(&path).get("acked"), 0);
        std::fs::write(&path, "{\"acked\":1}\n{\"acked\":2}\n{\"ack").unwrap();
        assert_eq!(Figures::first(&path).get("acked"), 1);
        assert_eq!(Figures::last(&path).get("acked"), 2);
        assert_eq!(Figures::last(&path).get("published"), 0);
    }
}
