//! The cap, cursors and the deletion of segments.

use renata_journal::sim::SimDisk;
use renata_journal::{AppendError, CursorError, Journal, OpenError, Options, ReadError, Seq};

use crate::model::{payload, small};

fn fill(journal: &mut Journal<SimDisk>, records: u64) {
    for _ in 0..records {
        let seq = journal.next().get();
        journal.append(&payload(1, seq)).unwrap();
    }
    journal.sync().unwrap();
}

#[test]
fn the_cap_is_an_error_that_harms_nothing_and_ends_with_an_acknowledgement() {
    let options = Options {
        max_bytes: 2000,
        ..small()
    };
    let (mut journal, _) = Journal::open_on(SimDisk::new(), options).unwrap();
    journal.cursor("lake").unwrap();
    let error = loop {
        if let Err(e) = journal.append(&[7; 100]) {
            break e;
        }
    };
    let AppendError::Full { used, cap, needed } = error else {
        panic!("{error}")
    };
    assert!(used <= cap && used + needed > cap && cap == 2000);
    assert!(journal.bytes() <= 2000);
    let last = journal.sync().unwrap();
    assert_eq!(
        last.next(),
        journal.next(),
        "what was taken before is all there"
    );
    journal.ack("lake", last).unwrap();
    journal.sync().unwrap();
    assert_eq!(journal.append(&[8; 100]), Ok(last.next()));
}

#[test]
fn segments_are_deleted_behind_the_slowest_cursor_only() {
    let disk = SimDisk::new();
    let (mut journal, _) = Journal::open_on(disk.clone(), small()).unwrap();
    journal.cursor("lake").unwrap();
    journal.cursor("hub").unwrap();
    fill(&mut journal, 60);
    let all = disk.files().len();
    journal.ack("lake", Seq::new(60)).unwrap();
    journal.sync().unwrap();
    assert_eq!((disk.files().len(), journal.first()), (all, Seq::new(1)));
    journal.ack("hub", Seq::new(30)).unwrap();
    journal.sync().unwrap();
    assert!(disk.files().len() < all);
    assert!(journal.first() > Seq::new(1) && journal.first() <= Seq::new(31));
    assert!(matches!(
        journal.read(Seq::new(1)),
        Err(ReadError::Gone { .. })
    ));
    assert!(journal.remove_cursor("hub"));
    journal.sync().unwrap();
    assert_eq!(disk.files().len(), 1, "the active one stays");
}

#[test]
fn without_a_cursor_nothing_is_deleted_until_the_owner_says_so() {
    let disk = SimDisk::new();
    let (mut journal, _) = Journal::open_on(disk.clone(), small()).unwrap();
    fill(&mut journal, 60);
    let all = disk.files().len();
    journal.sync().unwrap();
    assert_eq!(disk.files().len(), all);
    journal.truncate_before(Seq::new(41));
    journal.sync().unwrap();
    assert!(disk.files().len() < all);
    assert!(journal.first() <= Seq::new(41) && journal.first() > Seq::new(30));
    journal.truncate_before(Seq::new(1000));
    journal.sync().unwrap();
    assert_eq!(disk.files().len(), 1, "numbers never start again");
    assert_eq!(journal.append(b"x"), Ok(Seq::new(61)));
}

#[test]
fn truncation_never_passes_a_cursor() {
    let (mut journal, _) = Journal::open_on(SimDisk::new(), small()).unwrap();
    journal.cursor("lake").unwrap();
    fill(&mut journal, 60);
    journal.truncate_before(Seq::new(61));
    journal.sync().unwrap();
    assert_eq!(journal.first(), Seq::new(1));
}

#[test]
fn the_disk_does_not_grow_when_consumers_keep_up() {
    let disk = SimDisk::new();
    let (mut journal, _) = Journal::open_on(disk.clone(), small()).unwrap();
    journal.cursor("lake").unwrap();
    for _ in 0..300 {
        fill(&mut journal, 10);
        journal.ack("lake", journal.durable()).unwrap();
        journal.sync().unwrap();
        let used: usize = disk.files().iter().map(|(_, size)| size).sum();
        assert!(used < 2000, "{used}");
        assert_eq!(used as u64, journal.bytes(), "the books are right");
    }
}

#[test]
fn what_is_not_durable_cannot_be_acknowledged() {
    let (mut journal, _) = Journal::open_on(SimDisk::new(), small()).unwrap();
    journal.cursor("lake").unwrap();
    let seq = journal.append(b"x").unwrap();
    let durable = Seq::ZERO;
    assert_eq!(
        journal.ack("lake", seq),
        Err(CursorError::NotDurable { seq, durable })
    );
    assert_eq!(journal.ack("hub", Seq::ZERO), Err(CursorError::Unknown));
    journal.sync().unwrap();
    assert_eq!(journal.ack("lake", seq), Ok(()));
}

#[test]
fn a_record_over_the_limit_is_refused_and_one_over_the_segment_size_is_not() {
    let (mut journal, _) = Journal::open_on(SimDisk::new(), small()).unwrap();
    let error = AppendError::TooLarge {
        len: 4097,
        max: 4096,
    };
    assert_eq!(journal.append(&[0; 4097]), Err(error));
    journal.append(b"before").unwrap();
    journal.append(&[1; 4096]).unwrap();
    journal.append(b"after").unwrap();
    journal.sync().unwrap();
    let mut reader = journal.read(Seq::new(2)).unwrap();
    assert_eq!(reader.next_record().unwrap().unwrap().payload, [1; 4096]);
    assert_eq!(reader.next_record().unwrap().unwrap().payload, b"after");
}

#[test]
fn contradicting_options_are_refused() {
    for options in [
        Options {
            max_bytes: 1000,
            ..small()
        },
        Options {
            segment_bytes: 10,
            ..small()
        },
    ] {
        let error = Journal::open_on(SimDisk::new(), options).unwrap_err();
        assert!(matches!(error, OpenError::Options(_)), "{error}");
    }
}
