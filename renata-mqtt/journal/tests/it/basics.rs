//! On the file system, as applications use it.

use std::os::unix::fs::PermissionsExt;

use renata_journal::{Journal, OpenError, Options, Seq};

use crate::model::{payload, small};

#[test]
fn records_and_cursors_are_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, recovery) = Journal::open(dir.path(), small()).unwrap();
    assert_eq!((recovery.first, recovery.last), (Seq::new(1), Seq::ZERO));
    journal.cursor("lake").unwrap();
    for seq in 1..=50 {
        assert_eq!(journal.append(&payload(1, seq)), Ok(Seq::new(seq)));
    }
    assert_eq!(journal.durable(), Seq::ZERO);
    assert_eq!(journal.sync(), Ok(Seq::new(50)));
    journal.ack("lake", Seq::new(20)).unwrap();
    journal.close().unwrap();

    let (mut journal, recovery) = Journal::open(dir.path(), small()).unwrap();
    assert_eq!(recovery.last, Seq::new(50));
    assert_eq!(recovery.truncated, None);
    assert_eq!(journal.cursor("lake"), Ok(Seq::new(20)));
    assert_eq!(
        journal.cursors().collect::<Vec<_>>(),
        [("lake", Seq::new(20))]
    );
    let mut reader = journal.read(Seq::new(21)).unwrap();
    for seq in 21..=50 {
        let record = reader.next_record().unwrap().unwrap();
        assert_eq!(
            (record.seq.get(), record.payload),
            (seq, &payload(1, seq)[..])
        );
    }
    assert!(reader.next_record().unwrap().is_none());
    journal.append(b"live").unwrap();
    assert!(reader.next_record().unwrap().is_none(), "not durable yet");
    journal.sync().unwrap();
    assert_eq!(reader.next_record().unwrap().unwrap().payload, b"live");
}

#[test]
fn a_second_owner_is_refused_until_the_first_one_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), small()).unwrap();
    let second = Journal::open(dir.path(), small());
    assert!(matches!(second, Err(OpenError::Locked)));
    drop(journal);
    Journal::open(dir.path(), small()).expect("free again");
}

#[test]
fn files_are_for_their_owner_only() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("a/b");
    let (mut journal, _) = Journal::open(&dir, small()).unwrap();
    journal.append(b"secret").unwrap();
    journal.sync().unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    let mut files = 0;
    for entry in std::fs::read_dir(&dir).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
        files += 1;
    }
    assert_eq!(files, 2, "a segment and the lock");
}

#[test]
fn appends_go_on_while_another_thread_syncs_and_a_third_one_reads() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        segment_bytes: 8 << 10,
        ..Options::default()
    };
    let (mut journal, _) = Journal::open(dir.path(), options).unwrap();
    let mut reader = journal.read(Seq::new(1)).unwrap();
    const LAST: u64 = 5000;
    std::thread::scope(|scope| {
        let reading = scope.spawn(move || {
            let mut seq = 0;
            while seq < LAST {
                match reader.next_record().unwrap() {
                    Some(record) => {
                        seq += 1;
                        assert_eq!(record.seq.get(), seq);
                        assert_eq!(record.payload, payload(1, seq));
                    }
                    None => std::thread::yield_now(),
                }
            }
        });
        let (jobs, inbox) = std::sync::mpsc::sync_channel::<renata_journal::SyncJob>(1);
        let (outbox, results) = std::sync::mpsc::channel();
        scope.spawn(move || {
            for job in inbox {
                outbox.send(job.run()).unwrap();
            }
        });
        for seq in 1..=LAST {
            journal.append(&payload(1, seq)).unwrap();
            for done in results.try_iter() {
                journal.finish_sync(done).unwrap();
            }
            if seq % 50 == 0
                && let Some(job) = journal.start_sync().unwrap()
            {
                jobs.send(job).unwrap();
            }
        }
        drop(jobs);
        for done in results {
            journal.finish_sync(done).unwrap();
        }
        assert_eq!(journal.sync(), Ok(Seq::new(LAST)));
        reading.join().unwrap();
    });
}

#[test]
fn a_record_in_pieces_is_one_record() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = Journal::open(dir.path(), small()).unwrap();
    journal.append_parts(&[b"header", b"", b"body"]).unwrap();
    journal.append(b"").unwrap();
    journal.sync().unwrap();
    let mut reader = journal.read(Seq::new(1)).unwrap();
    assert_eq!(
        reader.next_record().unwrap().unwrap().payload,
        b"headerbody"
    );
    assert_eq!(reader.next_record().unwrap().unwrap().payload, b"");
}
