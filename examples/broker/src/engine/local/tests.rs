//! The engine on a disk that forgets: whatever was committed is there again, as one state.

mod model;

use std::time::{Duration, Instant};

use renata_journal::sim::{Keep, SimDisk};

use self::model::{Model, View, limits, publish};
use super::super::{Change, EngineError, MessageId, SessionId, Ticket};
use super::log::Log;

const KEEPS: [Keep; 6] = [
    Keep::Nothing,
    Keep::Everything,
    Keep::Some { seed: 1 },
    Keep::Some { seed: 2 },
    Keep::Some { seed: 3 },
    Keep::Some { seed: 4 },
];

fn open(disk: &SimDisk, context: &str) -> (Log<SimDisk>, View) {
    let opened = Log::open(disk.clone(), limits());
    let mut log = opened.unwrap_or_else(|e| panic!("{context}: {e}"));
    let recovered = log.recover();
    let view = View::of(recovered.unwrap_or_else(|e| panic!("{context}: {e}")));
    (log, view)
}

/// Power fails at every operation of lives with publishing, acknowledging, QoS 2, retained messages,
/// new and ended sessions, and cleaning: what is recovered is the state after some batch, and no
/// committed batch is missing.
#[test]
fn a_crash_at_any_operation_leaves_the_state_after_some_batch_and_no_committed_one_is_missing() {
    let mut cuts = 0;
    for seed in 0..6 {
        for op in 0.. {
            let disk = SimDisk::new();
            disk.crash_at(op);
            // Every other life runs into a full disk.
            disk.set_capacity((seed % 2 == 1).then_some(6000));
            let (mut log, _) = open(&disk, "a new disk");
            let mut model = Model::new(seed);
            model.live(&mut log, 300);
            let crashed = disk.is_crashed();
            for keep in KEEPS {
                let context = format!("seed {seed}, operation {op}, {keep:?}");
                let after = disk.restart(keep);
                after.set_capacity(None);
                let (mut log, view) = open(&after, &context);
                let at = log.committed();
                assert!(
                    at >= model.committed,
                    "{context}: {at:?} < {:?}",
                    model.committed
                );
                assert_eq!(view, model.view_at(at), "{context}");

                // A second life from there, to its end.
                let mut second = Model::resume(seed + op, view, at);
                second.live(&mut log, 25);
                log.journal.sync().unwrap();
                let (log, view) = open(&after.restart(Keep::Nothing), &context);
                assert_eq!(
                    view,
                    second.view_at(log.committed()),
                    "{context}: second life"
                );
                assert_eq!(view, second.view, "{context}: second life");
            }
            cuts += 1;
            if !crashed {
                break;
            }
        }
    }
    assert!(cuts > 300, "the lives are long enough: {cuts}");
}

#[test]
fn one_idle_session_does_not_pin_the_disk() {
    let disk = SimDisk::new();
    let (mut log, _) = open(&disk, "a new disk");
    let mut model = Model::new(0);
    let (idle, busy) = (model.add_session(&mut log), model.add_session(&mut log));
    publish(&mut model, &mut log, &[idle], true);
    // Of this one nothing is left but the number of its next entry.
    let done = model.add_session(&mut log);
    publish(&mut model, &mut log, &[done], false);
    model.acknowledge(&mut log, done);
    for round in 0..3000 {
        publish(&mut model, &mut log, &[busy], false);
        model.acknowledge(&mut log, busy);
        model.turn(&mut log);
        if round % 100 == 0 {
            let used: usize = disk.files().iter().map(|(_, size)| size).sum();
            assert!(used < 12 << 10, "{used} bytes after {round} messages");
        }
    }
    log.journal.sync().unwrap();
    let (_, view) = open(&disk.restart(Keep::Nothing), "after 3000 messages");
    assert_eq!(view, model.view);
    assert_eq!(view.sessions[&idle].queue.len(), 1);
}

#[test]
fn a_full_journal_refuses_messages_and_takes_acknowledgements_until_there_is_room() {
    let disk = SimDisk::new();
    let mut small = limits();
    small.max_bytes = 32 << 10;
    let mut log = Log::open(disk.clone(), small).unwrap();
    log.recover().unwrap();
    let mut model = Model::new(0);
    let session = model.add_session(&mut log);
    let mut taken = 0;
    while publish(&mut model, &mut log, &[session], false) {
        taken += 1;
        model.turn(&mut log);
    }
    assert!(taken > 100, "{taken}");
    for _ in 0..taken {
        assert!(
            model.acknowledge(&mut log, session),
            "acknowledgements are taken"
        );
        model.turn(&mut log);
    }
    for _ in 0..20 {
        model.turn(&mut log);
    }
    assert!(
        publish(&mut model, &mut log, &[session], false),
        "room again, without a restart"
    );
    log.journal.sync().unwrap();
    let (_, view) = open(&disk.restart(Keep::Nothing), "after a full journal");
    assert_eq!(view, model.view);
}

#[test]
fn a_full_disk_loses_nothing_and_needs_no_restart() {
    for room in (500..6000).step_by(250) {
        let disk = SimDisk::new();
        let (mut log, _) = open(&disk, "a new disk");
        let mut model = Model::new(0);
        let session = model.add_session(&mut log);
        log.journal.sync().unwrap();
        disk.set_capacity(Some(room));
        let mut taken = 0;
        for _ in 0..200 {
            taken += u32::from(publish(&mut model, &mut log, &[session], false));
            model.turn(&mut log);
        }
        assert!(taken < 200, "{room} bytes of room");
        let committed = log.committed();
        disk.set_capacity(None);
        for _ in 0..10 {
            model.turn(&mut log);
        }
        assert!(log.committed() > committed, "what waited is committed");
        assert!(publish(&mut model, &mut log, &[session], false));
        log.journal.sync().unwrap();
        let (_, view) = open(&disk.restart(Keep::Nothing), "after a full disk");
        assert_eq!(view, model.view, "{room} bytes of room");
    }
}

/// The journal makes room on a full disk by deleting what it was told is not needed. That must not
/// be what was copied a moment ago and is on no disk yet.
#[test]
fn originals_stay_until_their_copies_are_durable_however_full_the_disk() {
    let disk = SimDisk::new();
    let (mut log, _) = open(&disk, "a new disk");
    let mut model = Model::new(0);
    let (idle, busy) = (model.add_session(&mut log), model.add_session(&mut log));
    publish(&mut model, &mut log, &[idle], true);
    for _ in 0..60 {
        publish(&mut model, &mut log, &[busy], false);
        model.acknowledge(&mut log, busy);
        log.journal.sync().unwrap();
    }
    let used: usize = disk.files().iter().map(|(_, size)| size).sum();
    disk.set_capacity(Some(used as u64));
    let (clean, begin) = (Instant::now(), Instant::now() + Duration::from_secs(1));
    let turns = [log.turn(clean), log.turn(begin)];
    assert!(
        turns.iter().any(|turn| !matches!(turn, Ok(None))),
        "it cleans"
    );
    let after = disk.restart(Keep::Nothing);
    after.set_capacity(None);
    let (_, view) = open(&after, "after a crash on a full disk");
    assert_eq!(view, model.view);
}

#[test]
fn a_failed_fsync_commits_nothing_more() {
    let disk = SimDisk::new();
    let (mut log, _) = open(&disk, "a new disk");
    let mut model = Model::new(0);
    let session = model.add_session(&mut log);
    model.turn(&mut log);
    let committed = log.committed();
    assert!(publish(&mut model, &mut log, &[session], false));
    let now = Instant::now();
    let job = log.start_sync(now).unwrap().unwrap();
    disk.fail_at(disk.ops(), std::io::ErrorKind::Other);
    let done = job.run();
    assert!(matches!(
        log.finish_sync(now, done),
        Err(EngineError::Failed(_))
    ));
    assert_eq!(log.committed(), committed);
    let change = [Change::Dequeue(session, 0)];
    assert!(matches!(
        log.append(now, &change),
        Err(EngineError::Failed(_))
    ));
    assert!(matches!(log.start_sync(now), Err(EngineError::Failed(_))));
}

#[test]
fn the_first_append_is_synced_at_once_and_the_next_ones_share() {
    let disk = SimDisk::new();
    let mut limits = limits();
    limits.commit_interval = Duration::from_millis(5);
    limits.commit_records = 3;
    let mut log = Log::open(disk, limits).unwrap();
    log.recover().unwrap();
    let start = Instant::now();
    let add =
        |log: &mut Log<SimDisk>, now| log.append(now, &[Change::CloseInbound(SessionId(1), 1)]);
    assert_eq!(log.due(), None);
    add(&mut log, start).unwrap();
    assert_eq!(log.due(), Some(start), "nobody to wait for");
    let job = log.turn(start).unwrap().expect("a sync");
    add(&mut log, start).unwrap();
    assert_eq!(log.due(), None, "one at a time");
    log.finish_sync(start, job.run()).unwrap();
    assert_eq!(log.committed(), Ticket(1));
    assert_eq!(
        log.due(),
        Some(start + Duration::from_millis(5)),
        "syncs keep their distance"
    );
    assert!(log.turn(start).unwrap().is_none());
    add(&mut log, start).unwrap();
    add(&mut log, start).unwrap();
    assert_eq!(log.due(), Some(start), "enough of them");
}

#[test]
fn names_are_never_given_out_twice() {
    let disk = SimDisk::new();
    let (mut log, _) = open(&disk, "a new disk");
    let mut model = Model::new(0);
    let busy = model.add_session(&mut log);
    for _ in 0..500 {
        publish(&mut model, &mut log, &[busy], false);
        model.acknowledge(&mut log, busy);
        model.turn(&mut log);
    }
    model.end_session(&mut log, busy);
    let other = model.add_session(&mut log);
    model.end_session(&mut log, other);
    // The records that named them are cleaned away.
    let last = log.committed();
    for _ in 0..500 {
        log.append(Instant::now(), &[Change::CloseInbound(other, 1)])
            .unwrap();
        model.turn(&mut log);
    }
    assert!(log.journal.first().get() > last.0, "cleaned");
    log.journal.sync().unwrap();
    let mut log = Log::open(disk.restart(Keep::Nothing), limits()).unwrap();
    let recovered = log.recover().unwrap();
    assert!(recovered.next_session > other.0);
    assert_eq!(MessageId(recovered.next_message), model.next_message());
}
