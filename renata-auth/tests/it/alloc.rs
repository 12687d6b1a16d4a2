//! What does not allocate, counted.

// A global allocator is an unsafe trait. The library forbids unsafe code; this counter forwards
// every call to the system's allocator and adds one to a number of its thread.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt::Write as _;

use crate::model::{f, session, t};

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to `System` unchanged, and counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that is going away no longer counts.
        let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + 1));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

#[test]
fn decisions_do_not_allocate_however_many_rules_there_are() {
    let mut text =
        "[[bindings]]\nusername = \"u\"\nroles = [\"r\"]\n[roles.r]\nrules = [\n".to_owned();
    for n in 0..3_000 {
        let topics = format!("renata/biel/hall-{}/+/+/plc-{n}/#", n % 9);
        writeln!(
            text,
            "{{ allow = [\"publish\", \"subscribe\"], topics = [\"{topics}\"] }},"
        )
        .unwrap();
    }
    text.push_str("{ allow = [\"publish\"], topics = [\"renata/+/+/+/+/${client_id}/#\"] },\n");
    text.push_str("{ deny = [\"publish\"], topics = [\"renata/+/+/+/+/+/cmd/+\"] },\n]\n");
    let rights = session(&text);
    let (topic, own) = (
        "renata/biel/hall-7/l/s7/plc-7/speed",
        "renata/biel/x/l/s7/b/speed",
    );
    let counted = allocations(|| {
        assert!(rights.may_publish(t(topic), 1, false));
        assert!(rights.may_publish(t(own), 1, false));
        assert!(!rights.may_publish(t("renata/biel/hall-7/l/s7/plc-7/cmd/start"), 1, false));
        assert!(!rights.may_publish(t("elsewhere"), 1, false));
        assert!(rights.may_be_given(t(topic), 1));
        assert!(rights.may_subscribe(f("renata/biel/hall-7/+/+/plc-7/#"), 1));
        assert!(!rights.may_subscribe(f("renata/biel/hall-7/+/+/+/#"), 1));
    });
    assert_eq!(counted, 0);
}
