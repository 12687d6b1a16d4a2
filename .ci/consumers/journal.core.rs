//! On a disk that forgets what was not synced.

use renata_journal::sim::{Keep, SimDisk};
use renata_journal::{Journal, Options};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let disk = SimDisk::new();
    let (mut journal, _) = Journal::open_on(disk.clone(), Options::default())?;
    journal.append(b"kept")?;
    let durable = journal.sync()?;
    journal.append(b"not synced")?;
    drop(journal);

    let (journal, _) = Journal::open_on(disk.restart(Keep::Nothing), Options::default())?;
    assert_eq!(journal.durable(), durable);
    Ok(())
}
