//! What waits for the disk, what does not, and what happens when it is full.

use std::sync::atomic::Ordering;

use super::{Slow, Table, publish, subscribe};
use crate::config::WhenFull;
use crate::core::Next;

#[test]
fn a_puback_waits_for_the_commit_if_a_persistent_session_needs_the_message() {
    let slow = Slow::default();
    let mut table = Table::new(slow.clone(), |_| {});
    let sub = table.keeper(&slow, "sub", "a", 1);
    let publisher = table.connect(4, "pub", true, &[]);
    table.read(publisher);
    table.send(publisher, &publish(0x32, "a", 7, b"x"));
    assert_eq!(slow.changes(), ["Message", "Enqueue"]);
    assert_eq!((table.read(publisher), table.read(sub)), (vec![], vec![]));
    slow.commit();
    table.core.end_turn(table.now);
    assert_eq!(table.read(publisher), [0x40, 2, 0, 7]);
    assert_eq!(table.read(sub), publish(0x32, "a", 1, b"x"));
    table.send(sub, &[0x40, 2, 0, 1]);
    assert_eq!(slow.changes(), ["Dequeue"]);
}

#[test]
fn a_message_for_live_clean_sessions_touches_no_disk() {
    let slow = Slow::default();
    let mut table = Table::new(slow.clone(), |_| {});
    let sub = table.connect(4, "sub", true, &[]);
    table.send(sub, &subscribe(4, "a", 1));
    table.read(sub);
    let publisher = table.connect(4, "pub", true, &[]);
    table.read(publisher);
    table.send(publisher, &publish(0x32, "a", 7, b"x"));
    assert_eq!(table.read(publisher), [0x40, 2, 0, 7]);
    assert_eq!(table.read(sub), publish(0x32, "a", 1, b"x"));
    assert!(slow.changes().is_empty());
}

#[test]
fn qos_2_from_a_persistent_client_shows_each_step_only_when_it_is_safe() {
    let slow = Slow::default();
    let mut table = Table::new(slow.clone(), |_| {});
    let publisher = table.keeper(&slow, "pub", "other", 0);
    table.send(publisher, &publish(0x34, "a", 7, b"x"));
    assert_eq!(slow.changes(), ["OpenInbound"]);
    assert!(table.read(publisher).is_empty());
    slow.commit();
    table.core.end_turn(table.now);
    assert_eq!(table.read(publisher), [0x50, 2, 0, 7], "PUBREC");
    table.send(publisher, &[0x62, 2, 0, 7]);
    assert_eq!(slow.changes(), ["CloseInbound"]);
    assert!(table.read(publisher).is_empty());
    slow.commit();
    table.core.end_turn(table.now);
    assert_eq!(table.read(publisher), [0x70, 2, 0, 7], "PUBCOMP");
}

#[test]
fn a_full_journal_refuses_the_publisher_and_nobody_gets_the_message() {
    let slow = Slow::default();
    let mut table = Table::new(slow.clone(), |_| {});
    let sub = table.keeper(&slow, "sub", "a", 1);
    let old = table.connect(4, "old", true, &[]);
    let new = table.connect(5, "new", true, &[]);
    table.read(old);
    table.read(new);
    slow.full.store(1, Ordering::SeqCst);
    assert_eq!(
        table.send(new, b"\x32\x07\x00\x01a\x00\x07\x00x"),
        Next::Read
    );
    assert_eq!(table.read(new)[..5], [0x40, 3, 0, 7, 0x97]);
    assert_eq!(table.send(old, &publish(0x32, "a", 7, b"x")), Next::Close);
    assert!(table.read(old).is_empty(), "3.1.1 cannot be told");
    assert!(table.read(sub).is_empty());
    slow.full.store(0, Ordering::SeqCst);
    table.send(new, b"\x32\x07\x00\x01a\x00\x08\x00x");
    slow.commit();
    table.core.end_turn(table.now);
    assert_eq!(
        table.read(sub),
        publish(0x32, "a", 1, b"x"),
        "no restart needed"
    );
}

#[test]
fn a_full_queue_refuses_or_drops_as_configured() {
    for when_full in [WhenFull::Refuse, WhenFull::Drop] {
        let slow = Slow::default();
        let mut table = Table::new(slow.clone(), |config| {
            config.queue.messages = 2;
            config.queue.when_full = when_full;
        });
        let sub = table.keeper(&slow, "sub", "a", 1);
        table.core.lost(table.now, sub);
        let publisher = table.connect(5, "pub", true, &[]);
        table.read(publisher);
        let mut reasons = Vec::new();
        for id in 1..4 {
            table.send(publisher, &[0x32, 7, 0, 1, b'a', 0, id, 0, b'x']);
            slow.commit();
            table.core.end_turn(table.now);
            let puback = table.read(publisher);
            reasons.push(
                puback
                    .get(4)
                    .copied()
                    .filter(|_| puback[1] > 2)
                    .unwrap_or(0),
            );
        }
        let last = [0x97, 0][usize::from(when_full == WhenFull::Drop)];
        assert_eq!(reasons, [0, 0, last], "{when_full:?}");
    }
}

#[test]
fn pubrels_of_a_later_commit_leave_with_it() {
    let slow = Slow::default();
    let mut table = Table::new(slow.clone(), |_| {});
    let sub = table.keeper(&slow, "sub", "a", 2);
    let publisher = table.connect(4, "pub", true, &[]);
    for id in 1..3 {
        table.send(publisher, &publish(0x34, "a", id, b"x"));
    }
    slow.commit();
    table.core.end_turn(table.now);
    table.read(sub);
    // The first PUBREC is committed while the second is not.
    table.send(sub, &[0x50, 2, 0, 1]);
    let first = slow.appended.load(Ordering::SeqCst);
    table.send(sub, &[0x50, 2, 0, 2]);
    slow.committed.store(first, Ordering::SeqCst);
    table.core.end_turn(table.now);
    assert_eq!(table.read(sub), [0x62, 2, 0, 1]);
    slow.commit();
    table.core.end_turn(table.now);
    assert_eq!(table.read(sub), [0x62, 2, 0, 2]);
}

#[test]
fn a_pubrel_whose_commit_came_while_the_client_was_away_leaves_when_it_is_back() {
    for commit_while_away in [true, false] {
        let slow = Slow::default();
        let mut table = Table::new(slow.clone(), |_| {});
        let sub = table.keeper(&slow, "sub", "a", 2);
        let publisher = table.connect(4, "pub", true, &[]);
        table.send(publisher, &publish(0x34, "a", 1, b"x"));
        slow.commit();
        table.core.end_turn(table.now);
        table.read(sub);
        table.send(sub, &[0x50, 2, 0, 1]);
        table.core.lost(table.now, sub);
        if commit_while_away {
            slow.commit();
            table.core.end_turn(table.now);
        }
        let sub = table.connect(4, "sub", false, &[]);
        slow.commit();
        table.core.end_turn(table.now);
        let said = table.read(sub);
        assert_eq!(said, [0x20, 2, 1, 0, 0x62, 2, 0, 1], "{commit_while_away}");
    }
}

#[test]
fn pubcomps_of_a_later_commit_leave_with_it() {
    let slow = Slow::default();
    let mut table = Table::new(slow.clone(), |_| {});
    let publisher = table.keeper(&slow, "pub", "unrelated", 0);
    for id in 1..3 {
        table.send(publisher, &publish(0x34, "a", id, b"x"));
    }
    slow.commit();
    table.core.end_turn(table.now);
    table.read(publisher);
    // The end of the first exchange is committed while that of the second is not.
    table.send(publisher, &[0x62, 2, 0, 1]);
    let first = slow.appended.load(Ordering::SeqCst);
    table.send(publisher, &[0x62, 2, 0, 2]);
    slow.committed.store(first, Ordering::SeqCst);
    table.core.end_turn(table.now);
    assert_eq!(table.read(publisher), [0x70, 2, 0, 1]);
    slow.commit();
    table.core.end_turn(table.now);
    assert_eq!(table.read(publisher), [0x70, 2, 0, 2]);
}
