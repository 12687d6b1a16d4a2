//! Durable records per second on this machine's disk.
//!
//! `cargo run --release -p renata-journal --example throughput -- [DIR] [RECORDS] [PER_FSYNC]`

use std::sync::mpsc::{channel, sync_channel};
use std::time::Instant;

use renata_journal::{Journal, Options, SyncJob};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let scratch = tempfile::tempdir()?;
    let dir = args.next().map_or(scratch.path().to_path_buf(), Into::into);
    let records: u64 = args.next().map_or(Ok(400_000), |n| n.parse())?;
    let batch: u64 = args.next().map_or(Ok(1000), |n| n.parse())?;
    let record = [0x5a; 256];

    let options = Options {
        max_bytes: 4 << 30,
        ..Options::default()
    };
    let (mut journal, _) = Journal::open(&dir, options)?;

    let start = Instant::now();
    for n in 1..=records {
        journal.append(&record)?;
        if n % batch == 0 {
            journal.sync()?;
        }
    }
    journal.sync()?;
    report("fsync in line", records, batch, start);

    // The same with the fsync on another thread, at most one begun and one waiting.
    let (jobs, inbox) = sync_channel::<SyncJob>(1);
    let (outbox, results) = channel();
    let worker = std::thread::spawn(move || {
        for job in inbox {
            if outbox.send(job.run()).is_err() {
                break;
            }
        }
    });
    let start = Instant::now();
    for n in 1..=records {
        journal.append(&record)?;
        if n % batch == 0
            && let Some(job) = journal.start_sync()?
        {
            jobs.send(job)?;
            for done in results.try_iter() {
                journal.finish_sync(done)?;
            }
        }
    }
    drop(jobs);
    for done in results {
        journal.finish_sync(done)?;
    }
    journal.sync()?;
    report("fsync on a thread", records, batch, start);
    worker.join().map_err(|_| "the sync thread panicked")?;
    Ok(())
}

fn report(how: &str, records: u64, batch: u64, start: Instant) {
    let rate = records as f64 / start.elapsed().as_secs_f64();
    println!("{how}: {rate:.0} durable records of 256 bytes a second, one fsync per {batch}");
}
