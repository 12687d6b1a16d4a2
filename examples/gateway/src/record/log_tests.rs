use std::collections::BTreeMap;

use renata_codec::{Format, Timestamp};
use renata_journal::Options;
use renata_journal::sim::{Keep, SimDisk};

use super::*;
use crate::record::entry::Entry;

const UPLINK: &str = "plant";

fn options() -> Options {
    Options {
        max_bytes: 64 << 10,
        segment_bytes: 4 << 10,
        ..Options::default()
    }
}

fn start(disk: &SimDisk, when_full: WhenFull, epoch: u32) -> Result<SampleLog<SimDisk>, LogError> {
    let (journal, _) = Journal::open_on(disk.clone(), options())?;
    let uplinks = [UPLINK.to_owned()];
    SampleLog::start(
        journal,
        &uplinks,
        Codec::new(Format::Json),
        when_full,
        || Ok(epoch),
    )
}

fn stream(name: &str) -> Stream {
    Stream::new(TopicNameBuf::new(&format!("renata/a/b/c/d/e/{name}")).unwrap())
}

fn sample(n: u64) -> Sample {
    Sample::new(n, Timestamp::EPOCH)
}

/// All messages that an uplink would get, as (topic, epoch, seq, value).
fn waiting(log: &SampleLog<SimDisk>) -> Vec<(String, u32, u64)> {
    let mut reader = log.reader_after(log.acked(UPLINK)).unwrap();
    let mut found = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        if let Entry::Message(m) = entry::read(record.payload).unwrap() {
            let sample = log.codec.decode(m.payload).unwrap();
            assert_eq!(
                sample.identity(),
                (m.epoch, m.seq),
                "the payload says the same"
            );
            found.push((m.topic.to_owned(), m.epoch, m.seq));
        }
    }
    found
}

fn last(log: &SampleLog<SimDisk>) -> Seq {
    log.journal.durable()
}

#[test]
fn numbers_go_on_after_a_restart_in_the_same_epoch() {
    let disk = SimDisk::new();
    let mut log = start(&disk, WhenFull::DropOldest, 7).unwrap();
    for n in 0..3 {
        log.append(&stream("x"), sample(n)).unwrap();
    }
    log.append(&stream("y"), sample(0)).unwrap();
    log.commit().unwrap();
    drop(log);
    let disk = disk.restart(Keep::Nothing);
    let mut log = start(&disk, WhenFull::DropOldest, 8).unwrap();
    assert_eq!(log.numbered(), 4);
    log.append(&stream("x"), sample(3)).unwrap();
    log.commit().unwrap();
    let x = |seq| ("renata/a/b/c/d/e/x".to_owned(), 7, seq);
    let y = ("renata/a/b/c/d/e/y".to_owned(), 7, 0);
    assert_eq!(waiting(&log), [x(0), x(1), x(2), y, x(3)]);
}

#[test]
fn deleting_old_segments_loses_no_counter() {
    let mut disk = SimDisk::new();
    let mut log = start(&disk, WhenFull::DropNewest, 7).unwrap();
    log.append(&stream("rare"), sample(0)).unwrap();
    for round in 0..40 {
        for n in 0..20 {
            log.append(&stream("often"), sample(n)).unwrap();
        }
        log.commit().unwrap();
        log.ack(UPLINK, last(&log)).unwrap();
        log.commit().unwrap();
        if round % 10 == 9 {
            drop(log);
            disk = disk.restart(Keep::Nothing);
            log = start(&disk, WhenFull::DropNewest, 8).unwrap();
        }
    }
    assert!(log.journal.first() > Seq::new(500), "segments were deleted");
    assert_eq!(log.dropped(), 0);
    log.append(&stream("rare"), sample(1)).unwrap();
    log.append(&stream("often"), sample(1)).unwrap();
    log.commit().unwrap();
    let expected = [("rare", 1), ("often", 800)];
    let expected = expected.map(|(t, seq)| (format!("renata/a/b/c/d/e/{t}"), 7, seq));
    assert_eq!(waiting(&log), expected);
}

#[test]
fn a_lost_journal_begins_a_new_epoch() {
    let disk = SimDisk::new();
    let log = start(&disk, WhenFull::DropOldest, 7).unwrap();
    assert_eq!(log.epoch(), 7);
    let log = start(&SimDisk::new(), WhenFull::DropOldest, 8).unwrap();
    assert_eq!(log.epoch(), 8);
}

#[test]
fn a_full_journal_drops_what_was_configured_and_the_gap_shows() {
    for when_full in [WhenFull::DropOldest, WhenFull::DropNewest] {
        let disk = SimDisk::new();
        let mut log = start(&disk, when_full, 7).unwrap();
        for n in 0..2_000 {
            log.append(&stream("x"), sample(n)).unwrap();
            if n % 50 == 0 {
                log.commit().unwrap();
            }
        }
        log.commit().unwrap();
        assert!(
            log.bytes() <= options().max_bytes + 1_024,
            "{}",
            log.bytes()
        );
        let seqs: Vec<u64> = waiting(&log).into_iter().map(|(.., seq)| seq).collect();
        assert!(
            seqs.windows(2).all(|w| w[0] + 1 == w[1]),
            "what is kept has no hole"
        );
        assert!(seqs.len() > 100);
        let kept_newest = seqs.last() == Some(&1_999);
        assert_eq!(kept_newest, when_full == WhenFull::DropOldest);
        assert!(log.dropped() >= 2_000 - seqs.len() as u64);
        log.ack(UPLINK, last(&log)).unwrap();
        log.commit().unwrap();
        log.append(&stream("x"), sample(0)).unwrap();
        log.commit().unwrap();
        let next = ("renata/a/b/c/d/e/x".to_owned(), 7, 2_000);
        assert_eq!(
            waiting(&log).last(),
            Some(&next),
            "the dropped ones were counted"
        );
    }
}

#[test]
fn a_full_disk_stops_nothing_and_takes_samples_again_when_there_is_room() {
    for when_full in [WhenFull::DropOldest, WhenFull::DropNewest] {
        let disk = SimDisk::new();
        let mut log = start(&disk, when_full, 7).unwrap();
        log.append(&stream("x"), sample(0)).unwrap();
        log.commit().unwrap();
        disk.set_capacity(Some(16 << 10));
        for n in 1..500 {
            log.append(&stream("x"), sample(n)).unwrap();
            log.commit().unwrap();
        }
        assert!(log.dropped() > 0);
        disk.set_capacity(None);
        log.append(&stream("x"), sample(500)).unwrap();
        log.commit().unwrap();
        let last = ("renata/a/b/c/d/e/x".to_owned(), 7, 500);
        assert_eq!(waiting(&log).last(), Some(&last), "{when_full:?}");
    }
}

#[test]
fn an_uplink_that_is_gone_from_the_configuration_holds_nothing_back() {
    let disk = SimDisk::new();
    let mut log = start(&disk, WhenFull::DropOldest, 7).unwrap();
    log.append(&stream("x"), sample(0)).unwrap();
    log.close().unwrap();
    let disk = disk.restart(Keep::Everything);
    let (journal, _) = Journal::open_on(disk, options()).unwrap();
    let codec = Codec::new(Format::Json);
    let other = ["other".to_owned()];
    let log = SampleLog::start(journal, &other, codec, WhenFull::DropOldest, || Ok(8)).unwrap();
    let names: Vec<&str> = log.journal.cursors().map(|(name, _)| name).collect();
    assert!(!names.contains(&UPLINK) && names.contains(&"other"));
}

/// The power fails at every single operation of the disk, and then once more during the recovery.
#[test]
fn no_crash_repeats_or_skips_a_number_that_was_committed() {
    for crash in 0.. {
        let disk = SimDisk::new();
        disk.crash_at(crash);
        let mut committed: BTreeMap<String, u64> = BTreeMap::new();
        let done = run(&disk, &mut committed).is_ok();
        for keep in [Keep::Nothing, Keep::Everything, Keep::Some { seed: crash }] {
            let disk = disk.restart(keep);
            disk.crash_at(crash % 7);
            let _ = start(&disk, WhenFull::DropOldest, 8);
            let disk = disk.restart(keep);
            let mut log = start(&disk, WhenFull::DropOldest, 9).unwrap();
            let epoch = log.epoch();
            for name in ["x", "y"] {
                let before = committed.get(name).copied();
                log.append(&stream(name), sample(99)).unwrap();
                log.commit().unwrap();
                let topic = stream(name).topic;
                let found: Vec<_> = waiting(&log);
                let seqs: Vec<u64> = (found.iter())
                    .filter(|(t, e, _)| t == topic.as_str() && *e == epoch)
                    .map(|(.., seq)| *seq)
                    .collect();
                assert!(
                    seqs.windows(2).all(|w| w[0] + 1 == w[1]),
                    "{crash} {keep:?}: {seqs:?}"
                );
                if let Some(before) = before {
                    assert_eq!(epoch, 7, "{crash} {keep:?}: what was committed is not lost");
                    assert!(
                        seqs.last() > Some(&before),
                        "{crash} {keep:?}: {seqs:?} {before}"
                    );
                }
            }
        }
        if done {
            assert!(crash > 20, "the crashes reached into the run");
            break;
        }
    }
}

/// Samples, commits, acknowledgements, deleted segments. Notes what was committed.
fn run(disk: &SimDisk, committed: &mut BTreeMap<String, u64>) -> Result<(), LogError> {
    let mut log = start(disk, WhenFull::DropOldest, 7)?;
    log.append(&stream("y"), sample(0))?;
    for round in 0..6u64 {
        for n in 0..20 {
            log.append(&stream("x"), sample(n))?;
        }
        let durable = log.commit()?;
        if log.dropped() == 0 && durable.next() == log.journal.next() {
            committed.insert("x".into(), round * 20 + 19);
            committed.insert("y".into(), 0);
        }
        log.ack(UPLINK, durable)?;
    }
    log.commit()?;
    log.close()
}
