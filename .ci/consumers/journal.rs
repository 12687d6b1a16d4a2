//! What was synced is there after the journal was opened again.

use renata_journal::{Journal, Options};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::temp_dir().join(format!("consumer-journal-{}", std::process::id()));
    let (mut journal, _) = Journal::open(&dir, Options::default())?;
    let seq = journal.append(b"21.5 Cel")?;
    journal.sync()?;
    journal.close()?;

    let (journal, _) = Journal::open(&dir, Options::default())?;
    let mut reader = journal.read(seq)?;
    let record = reader.next_record()?.expect("the record is kept");
    assert_eq!(record.payload, b"21.5 Cel");
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}
