//! Single operations fail: no room, or a broken device.

use std::io::ErrorKind;

use renata_journal::sim::{Keep, SimDisk};
use renata_journal::{AppendError, Journal, Seq, SyncError};

use crate::model::{Dice, Seen, check, live, payload, small};

/// A life with one failing operation, and whether it got to its end.
fn faulty_life(op: u64, kind: ErrorKind) -> (SimDisk, Seen, bool, bool) {
    let disk = SimDisk::new();
    disk.fail_at(op, kind);
    let mut seen = Seen::default();
    let (mut journal, _) = Journal::open_on(disk.clone(), small()).unwrap();
    let lived = live(&mut journal, 1, &mut Dice(5), 150, &mut seen).is_ok();
    let reached = disk.ops() > op;
    (disk, seen, lived, reached)
}

#[test]
fn what_was_reported_durable_survives_any_failing_operation() {
    for op in 0.. {
        let (disk, seen, _, reached) = faulty_life(op, ErrorKind::Other);
        for keep in [Keep::Nothing, Keep::Everything, Keep::Some { seed: op }] {
            let context = format!("operation {op} failed, {keep:?}");
            let opened = Journal::open_on(disk.restart(keep), small());
            let (journal, _) = opened.unwrap_or_else(|e| panic!("{context}: {e}"));
            check(&journal, &seen, &context);
        }
        if !reached {
            break;
        }
    }
}

/// After a failed fsync the page cache shows records that are on no disk and that no later
/// fsync writes. A restarted program reads them, and must not call them durable for that.
#[test]
fn a_restart_after_a_failed_fsync_trusts_nothing_that_only_the_page_cache_has() {
    for op in 0.. {
        let (disk, seen, _, reached) = faulty_life(op, ErrorKind::Other);
        if !reached {
            break;
        }
        let context = format!("operation {op} failed");
        let opened = Journal::open_on(disk.clone(), small());
        let (journal, _) = opened.unwrap_or_else(|e| panic!("{context}: {e}"));
        let mut seen = seen;
        seen.durable = journal.durable().get();
        drop(journal);
        let (journal, _) = Journal::open_on(disk.restart(Keep::Nothing), small()).unwrap();
        check(&journal, &seen, &context);
    }
}

#[test]
fn a_failed_fsync_stops_the_journal_for_good() {
    let disk = SimDisk::new();
    let (mut journal, _) = Journal::open_on(disk.clone(), small()).unwrap();
    journal.append(b"one").unwrap();
    journal.sync().unwrap();
    journal.append(b"two").unwrap();
    let job = journal.start_sync().unwrap().expect("something to sync");
    disk.fail_at(disk.ops(), ErrorKind::Other);
    let failed = job.run();
    // Another job, begun before the failure is known to the owner, must not pretend.
    journal.append(b"three").ok();
    let other = journal.start_sync();
    assert!(matches!(other, Err(SyncError::Poisoned(_))));
    let error = journal.finish_sync(failed).unwrap_err();
    let SyncError::Poisoned(fault) = error else {
        panic!("{error}")
    };
    assert_eq!(fault.operation, "fsync");
    assert_eq!(journal.durable(), Seq::new(1));
    assert!(matches!(journal.append(b"four"), Err(AppendError::Poisoned(f)) if f == fault));
    assert!(journal.sync().is_err() && journal.flush().is_err());
    let mut reader = journal.read(Seq::new(1)).unwrap();
    assert_eq!(reader.next_record().unwrap().unwrap().payload, b"one");
    assert!(reader.next_record().unwrap().is_none());
}

#[test]
fn a_job_that_waits_behind_a_failed_one_fails_too() {
    let disk = SimDisk::new();
    let (mut journal, _) = Journal::open_on(disk.clone(), small()).unwrap();
    journal.append(b"one").unwrap();
    let first = journal.start_sync().unwrap().unwrap();
    journal.append(b"two").unwrap();
    let second = journal.start_sync().unwrap().unwrap();
    disk.fail_at(disk.ops(), ErrorKind::Other);
    let first = first.run();
    let second = second.run();
    assert!(
        journal.finish_sync(second).is_err(),
        "the kernel told the first one only"
    );
    assert!(journal.finish_sync(first).is_err());
    assert_eq!(journal.durable(), Seq::ZERO);
}

#[test]
fn no_space_at_any_write_loses_nothing_and_needs_no_restart() {
    let mut refused = 0;
    for room in (0..4000).step_by(7) {
        let disk = SimDisk::new();
        disk.set_capacity(Some(room));
        let (mut journal, _) = Journal::open_on(disk.clone(), small()).unwrap();
        let mut taken = 0;
        while taken < 60 {
            match journal.append(&payload(1, taken + 1)) {
                Ok(seq) => taken = seq.get(),
                Err(AppendError::NoSpace) => break,
                Err(e) => panic!("{room} bytes of room: {e}"),
            }
            if taken.is_multiple_of(7) {
                match journal.sync() {
                    Ok(_) | Err(SyncError::NoSpace) => {}
                    Err(e) => panic!("{room} bytes of room: {e}"),
                }
            }
        }
        if taken < 60 {
            refused += 1;
            assert_eq!(
                journal.append(&payload(1, taken + 1)),
                Err(AppendError::NoSpace)
            );
        }
        let durable = journal.durable().get();
        let seen = Seen {
            records: vec![1; taken as usize],
            durable,
            ..Seen::default()
        };
        let crashed = disk.restart(Keep::Nothing);
        crashed.set_capacity(None);
        let context = format!("{room} bytes of room");
        check(
            &Journal::open_on(crashed, small()).unwrap().0,
            &seen,
            &context,
        );
    }
    assert!(refused > 300, "{refused}");
}

#[test]
fn when_there_is_room_again_everything_taken_becomes_durable() {
    for room in (0..3000).step_by(11) {
        let disk = SimDisk::new();
        let (mut journal, _) = Journal::open_on(disk.clone(), small()).unwrap();
        disk.set_capacity(Some(room));
        let mut records = 0;
        for round in 0..60 {
            match journal.append(&payload(1, records + 1)) {
                Ok(seq) => records = seq.get(),
                Err(AppendError::NoSpace) => {}
                Err(e) => panic!("{e}"),
            }
            if round % 5 == 4 {
                let _ = journal.sync();
            }
        }
        disk.set_capacity(None);
        assert_eq!(
            journal.sync().unwrap().get(),
            records,
            "{room} bytes of room"
        );
        let after = disk.restart(Keep::Nothing);
        let (journal, _) = Journal::open_on(after, small()).unwrap();
        let seen = Seen {
            records: vec![1; records as usize],
            durable: records,
            ..Seen::default()
        };
        check(&journal, &seen, &format!("{room} bytes of room"));
    }
}

#[test]
fn acknowledged_segments_make_room_on_a_full_disk() {
    let disk = SimDisk::new();
    let (mut journal, _) = Journal::open_on(disk.clone(), small()).unwrap();
    journal.cursor("lake").unwrap();
    for seq in 1..=40 {
        journal.append(&payload(1, seq)).unwrap();
        if seq % 8 == 0 {
            journal.sync().unwrap();
        }
    }
    let used: usize = disk.files().iter().map(|(_, size)| size).sum();
    disk.set_capacity(Some(used as u64));
    while journal.append(&[0; 60]).is_ok() {}
    assert_eq!(journal.sync(), Err(SyncError::NoSpace));

    // Not even the acknowledgement can be written, and still it frees what it says is done with.
    journal.ack("lake", Seq::new(40)).unwrap();
    journal.append(b"x").expect("there is room again");
    journal.sync().expect("and it goes on");
    assert!(journal.first() > Seq::new(1));
}

#[test]
fn a_full_disk_never_deletes_the_last_segment_that_is_durable() {
    let disk = SimDisk::new();
    let (mut journal, _) = Journal::open_on(disk.clone(), small()).unwrap();
    journal.cursor("lake").unwrap();
    for _ in 0..6 {
        let last = journal.append(&[1; 40]).unwrap();
        journal.sync().unwrap();
        journal.ack("lake", last).unwrap();
    }
    journal.sync().unwrap();
    let (only, used) = disk.files()[0].clone();
    assert_eq!(disk.files().len(), 1);
    // The next segment is begun, but there is no room for its first bytes.
    disk.set_capacity(Some(used as u64));
    while journal.append(&[2; 100]).is_ok() {}
    assert_eq!(
        disk.files()[0].0,
        only,
        "it alone knows which numbers are taken"
    );
    let after = disk.restart(Keep::Nothing);
    let (journal, _) = Journal::open_on(after, small()).unwrap();
    assert_eq!(journal.next(), Seq::new(7));
}
