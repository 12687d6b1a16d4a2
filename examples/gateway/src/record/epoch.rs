//! The epoch of a journal that begins with nothing.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::SystemTime;

/// Draws an epoch for a new journal and remembers it beside the journal.
///
/// It is the time in seconds, so that it grows even when the whole disk was lost; and it is above the
/// last one that was remembered, so that it grows even when the clock is wrong.
pub(crate) fn draw(data_dir: &Path, now: SystemTime) -> io::Result<u32> {
    let path = data_dir.join("epoch");
    let last: u32 = match fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().unwrap_or(0),
        Err(e) if e.kind() == io::ErrorKind::NotFound => 0,
        Err(e) => return Err(e),
    };
    let seconds = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let epoch = u32::try_from(seconds)
        .unwrap_or(0)
        .max(last.saturating_add(1));
    let new = data_dir.join("epoch.new");
    let mut file = File::create(&new)?;
    writeln!(file, "{epoch}")?;
    file.sync_all()?;
    fs::rename(&new, &path)?;
    File::open(data_dir)?.sync_all()?;
    Ok(epoch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn it_grows_with_the_clock_and_without() {
        let dir = tempfile::tempdir().unwrap();
        let at = |secs| SystemTime::UNIX_EPOCH + Duration::from_secs(secs);
        assert_eq!(draw(dir.path(), at(1_000)).unwrap(), 1_000);
        assert_eq!(draw(dir.path(), at(1_000)).unwrap(), 1_001);
        assert_eq!(
            draw(dir.path(), at(7)).unwrap(),
            1_002,
            "the clock was set back"
        );
        assert_eq!(draw(dir.path(), at(5_000)).unwrap(), 5_000);
        fs::remove_file(dir.path().join("epoch")).unwrap();
        assert_eq!(
            draw(dir.path(), at(6_000)).unwrap(),
            6_000,
            "the disk was lost"
        );
    }
}
