//! The power fails at every single operation, and at every operation of the recovery after it.

use renata_journal::Journal;
use renata_journal::sim::{Keep, SimDisk};

use crate::model::{Dice, Seen, check, live, small};

const KEEPS: [Keep; 8] = [
    Keep::Nothing,
    Keep::Everything,
    Keep::Some { seed: 1 },
    Keep::Some { seed: 2 },
    Keep::Some { seed: 3 },
    Keep::Some { seed: 4 },
    Keep::Some { seed: 5 },
    Keep::Some { seed: 6 },
];

/// One life that is cut at an operation; `None` when the script ended before.
fn cut_life(seed: u64, steps: u32, op: u64) -> (SimDisk, Seen, bool) {
    let disk = SimDisk::new();
    disk.crash_at(op);
    // Every other life runs into a full disk again and again.
    disk.set_capacity((seed % 2 == 1).then_some(2500));
    let mut seen = Seen::default();
    let (mut journal, _) = Journal::open_on(disk.clone(), small()).expect("an empty disk opens");
    let ended = live(&mut journal, 1, &mut Dice(seed), steps, &mut seen).is_ok();
    (disk, seen, ended)
}

#[test]
fn a_crash_at_any_operation_leaves_a_prefix_with_everything_durable() {
    let mut crashes = 0;
    for seed in 0..12 {
        for op in 0.. {
            let (disk, seen, ended) = cut_life(seed, 160, op);
            for keep in KEEPS {
                let context = format!("seed {seed}, operation {op}, {keep:?}");
                let after = disk.restart(keep);
                after.set_capacity(None);
                let opened = Journal::open_on(after.clone(), small());
                let (mut journal, _) = opened.unwrap_or_else(|e| panic!("{context}: {e}"));
                check(&journal, &seen, &context);

                // A second life on top, with other records at the numbers that were lost.
                let mut both = seen.clone();
                let lived = live(&mut journal, 2, &mut Dice(op), 30, &mut both);
                lived.unwrap_or_else(|e| panic!("{context}: second life: {e}"));
                drop(journal);
                let opened = Journal::open_on(after.restart(Keep::Nothing), small());
                let (journal, _) = opened.unwrap_or_else(|e| panic!("{context}: {e}"));
                check(&journal, &both, &context);
            }
            crashes += 1;
            if ended {
                break;
            }
        }
    }
    assert!(crashes > 1000, "the script is long enough: {crashes}");
}

#[test]
fn a_crash_at_any_operation_of_the_recovery_changes_nothing() {
    for op in 0.. {
        let (disk, seen, ended) = cut_life(7, 120, op);
        for (keep, again) in KEEPS.into_iter().zip(KEEPS.into_iter().rev()) {
            for cut in 0.. {
                let recovering = disk.restart(keep);
                recovering.crash_at(cut);
                let opened = Journal::open_on(recovering.clone(), small()).is_ok();
                let context = format!("operation {op}, {keep:?}, then {cut}, {again:?}");
                let result = Journal::open_on(recovering.restart(again), small());
                let (journal, _) = result.unwrap_or_else(|e| panic!("{context}: {e}"));
                check(&journal, &seen, &context);
                if opened {
                    break;
                }
            }
        }
        if ended {
            break;
        }
    }
}

#[test]
fn a_write_torn_at_any_byte_leaves_a_prefix() {
    for op in 0.. {
        let (disk, seen, ended) = cut_life(3, 60, op);
        let torn = |bytes| Keep::Prefix { ops: op, bytes };
        let is_write = disk.restart(torn(0)).files() != disk.restart(torn(400)).files();
        let bytes = if is_write { 0..=310 } else { 0..=0 };
        for keep in bytes.map(torn) {
            let context = format!("operation {op}, {keep:?}");
            let result = Journal::open_on(disk.restart(keep), small());
            let (journal, _) = result.unwrap_or_else(|e| panic!("{context}: {e}"));
            check(&journal, &seen, &context);
        }
        if ended {
            break;
        }
    }
}

#[test]
fn a_torn_tail_is_reported() {
    let disk = SimDisk::new();
    let (mut journal, _) = Journal::open_on(disk.clone(), small()).unwrap();
    journal.append(b"durable").unwrap();
    journal.sync().unwrap();
    journal.append(b"torn apart").unwrap();
    let op = disk.ops();
    journal.flush().unwrap();
    drop(journal);
    let after = disk.restart(Keep::Prefix { ops: op, bytes: 25 });
    let (journal, recovery) = Journal::open_on(after.clone(), small()).unwrap();
    let torn = recovery.truncated.expect("reported");
    assert_eq!((torn.offset, torn.bytes), (40 + 27, 25));
    assert_eq!(torn.segment, "00000000000000000001.seg");
    drop(journal);
    let (_, recovery) = Journal::open_on(after.restart(Keep::Nothing), small()).unwrap();
    assert_eq!(recovery.truncated, None, "it was cut durably");
}
