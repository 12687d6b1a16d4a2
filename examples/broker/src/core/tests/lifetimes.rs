//! What ends with time: connections, sessions, wills, messages.

use super::{Table, frame, publish, subscribe};
use crate::core::Next;
use crate::engine::Memory;

#[test]
fn a_silent_client_is_let_go_and_its_will_follows_the_delay() {
    let mut table = Table::new(Memory, |_| {});
    let watcher = table.connect(5, "watcher", true, &[]);
    table.send(watcher, &subscribe(5, "will", 0));
    let id = table.open();
    // Clean start, will at QoS 0; session expiry 100 s; will delay 10 s; keep-alive 60 s.
    let body = b"\x00\x04MQTT\x05\x06\x00\x3c\x05\x11\x00\x00\x00\x64\x00\x01m\x05\x18\x00\x00\x00\x0a\x00\x04will\x00\x01x";
    table.send(id, &frame(0x10, body));
    table.read(id);
    table.read(watcher);
    table.wait(80);
    table.send(watcher, &[0xc0, 0]);
    table.read(watcher);
    table.wait(15);
    assert_eq!(
        table.read(id),
        [0xe0, 1, 0x8d],
        "keep-alive timeout at 1.5 x 60 s"
    );
    table.core.lost(table.now, id);
    assert!(table.read(watcher).is_empty(), "not before the delay");
    table.wait(11);
    assert_eq!(table.read(watcher), b"\x30\x08\x00\x04will\x00x");
}

#[test]
fn a_connection_without_connect_is_closed_in_time() {
    let mut table = Table::new(Memory, |_| {});
    let id = table.open();
    assert_eq!(table.send(id, &[0x10]), Next::Read);
    table.wait(11);
    assert!(table.core.is_closing(id));
}

#[test]
fn messages_expire_in_queues_and_in_the_retained_store() {
    let mut table = Table::new(Memory, |_| {});
    let keeper = table.connect(5, "keeper", true, b"\x11\x00\x00\x03\xe8");
    table.send(keeper, &subscribe(5, "q", 1));
    table.read(keeper);
    table.core.lost(table.now, keeper);
    let publisher = table.connect(5, "pub", true, &[]);
    // QoS 1 to q with 5 s to live, then for ever; retained to r with 5 s.
    table.send(
        publisher,
        b"\x32\x0c\x00\x01q\x00\x01\x05\x02\x00\x00\x00\x05s",
    );
    table.send(publisher, b"\x32\x07\x00\x01q\x00\x02\x00e");
    table.send(publisher, b"\x31\x0a\x00\x01r\x05\x02\x00\x00\x00\x05s");
    table.read(publisher);
    table.send(publisher, &subscribe(5, "r", 0));
    let said = table.read(publisher);
    assert_eq!(
        said[said.len() - 12..],
        *b"\x31\x0a\x00\x01r\x05\x02\x00\x00\x00\x05s"
    );
    table.wait(6);
    let keeper = table.connect(5, "keeper", false, b"\x11\x00\x00\x03\xe8");
    let said = table.read(keeper);
    // The packet id counts the one that expired.
    assert_eq!(said[said.len() - 9..], *b"\x32\x07\x00\x01q\x00\x02\x00e");
    table.send(publisher, &subscribe(5, "r", 0));
    assert_eq!(
        table.read(publisher),
        [0x90, 4, 0, 1, 0, 0],
        "nothing behind SUBACK"
    );
}

#[test]
fn a_session_ends_when_its_expiry_is_over_and_not_before() {
    for (wait, present) in [(99, 1), (101, 0)] {
        let mut table = Table::new(Memory, |_| {});
        let id = table.connect(5, "s", true, b"\x11\x00\x00\x00\x64");
        table.send(id, &subscribe(5, "a", 1));
        table.read(id);
        table.core.lost(table.now, id);
        table.wait(wait);
        let id = table.connect(5, "s", false, &[]);
        assert_eq!(table.read(id)[2], present, "after {wait} s");
    }
}

#[test]
fn a_session_without_expiry_ends_with_its_connection() {
    let mut table = Table::new(Memory, |_| {});
    let id = table.connect(5, "s", false, &[]);
    table.read(id);
    table.core.lost(table.now, id);
    let id = table.connect(5, "s", false, &[]);
    assert_eq!(table.read(id)[2], 0, "no session present");
}

#[test]
fn qos_0_is_dropped_for_a_client_that_does_not_read() {
    let mut table = Table::new(Memory, |config| config.queue.bytes = 2_000);
    let slow = table.connect(4, "slow", true, &[]);
    table.send(slow, &subscribe(4, "a", 0));
    table.read(slow);
    let publisher = table.connect(4, "pub", true, &[]);
    for _ in 0..100 {
        table.send(publisher, &publish(0x30, "a", 0, &[7; 100]));
    }
    let waits = table.core.out(slow).map_or(0, |out| out.len());
    assert!((1_900..2_300).contains(&waits), "{waits}");
    assert!(table.core.stats.dropped.slow >= 80);
}

#[test]
fn a_client_that_comes_and_goes_leaves_no_pile_of_timers() {
    let mut table = Table::new(Memory, |_| {});
    for _ in 0..500 {
        let id = table.connect(5, "flapping", false, b"\x11\x00\x0f\x00\x00");
        table.read(id);
        table.core.lost(table.now, id);
        table.wait(1);
    }
    let count = table.core.timers.len();
    assert!(count < 100, "{count} timers after 500 connections");
}

#[test]
fn a_will_that_waits_is_not_sent_when_the_client_is_back_and_a_new_one_waits_anew() {
    let mut table = Table::new(Memory, |_| {});
    let watcher = table.connect(5, "watcher", true, &[]);
    table.send(watcher, &subscribe(5, "will", 0));
    // Session expiry 100 s, will delay 20 s.
    let body = b"\x00\x04MQTT\x05\x04\x00\x00\x05\x11\x00\x00\x00\x64\x00\x01m\x05\x18\x00\x00\x00\x14\x00\x04will\x00\x01x";
    let away = |table: &mut Table| {
        let id = table.open();
        table.send(id, &frame(0x10, body));
        table.read(id);
        table.core.lost(table.now, id);
    };
    away(&mut table);
    table.wait(15);
    away(&mut table);
    table.read(watcher);
    table.wait(15);
    table.send(watcher, &[0xc0, 0]);
    assert_eq!(
        table.read(watcher),
        [0xd0, 0],
        "30 s after the first, 15 s after the second"
    );
    table.wait(6);
    assert_eq!(table.read(watcher), b"\x30\x08\x00\x04will\x00x");
}
