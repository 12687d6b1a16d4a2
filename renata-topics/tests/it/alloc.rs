//! What does not allocate, counted.

// A global allocator is an unsafe trait. The library forbids unsafe code; this counter forwards
// every call to the system's allocator and adds one to a number of its thread.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use renata_topics::{
    FilterTree, PlantTopic, TopicClass, TopicFilter, TopicName, covers, meets, union_covers,
};

use crate::model::{f, t};

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<isize> = const { Cell::new(0) };
}

fn count(allocations: usize, bytes: isize) {
    // A thread that is going away no longer counts.
    let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + allocations));
    let _ = BYTES.try_with(|n| n.set(n.get() + bytes));
}

// SAFETY: every call goes to `System` unchanged, and counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as isize);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(0, -(layout.size() as isize));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

const TOPIC: &str = "renata/biel/hall-2/line-7/s7-1500/plc-3/measurements/axis-temperature";

#[test]
fn validation_and_parsing_do_not_allocate() {
    assert_eq!(TOPIC.len(), 69);
    let counted = allocations(|| {
        let topic = TopicName::from_bytes(TOPIC.as_bytes()).unwrap();
        assert!(PlantTopic::parse(topic).is_ok());
        assert_eq!(TopicClass::of(topic), TopicClass::Process);
        assert!(TopicFilter::new("$share/g/a/+/é/#").is_ok());
        assert!(TopicName::new("a/\0").is_err());
    });
    assert_eq!(counted, 0);
}

#[test]
fn the_set_questions_do_not_allocate() {
    let rules = [f("a"), f("a/+"), f("a/+/+/#")];
    let counted = allocations(|| {
        assert!(covers(f("a/#"), f("a/+/b")));
        assert!(meets(f("a/#"), f("+/b")));
        assert!(union_covers(&rules, f("a/#")));
    });
    assert_eq!(counted, 0);
}

#[test]
fn a_match_does_not_allocate() {
    let mut tree = FilterTree::new();
    for n in 0..2_000u32 {
        tree.insert(f(&format!("renata/+/hall-{}/line-7/+/plc-{n}/#", n % 9)), n);
        tree.insert(f("renata/#"), n);
    }
    let mut found = 0;
    let counted = allocations(|| tree.for_each_match(t(TOPIC), |_| found += 1));
    assert_eq!((counted, found), (0, 2_000));
}

#[test]
fn removal_gives_memory_back() {
    let before = BYTES.get();
    let mut tree = FilterTree::new();
    let text = |n: u32| format!("renata/biel/line-{}/plc-{n}/temperature", n % 100);
    for n in 0..50_000u32 {
        tree.insert(f(&text(n)), n);
    }
    let full = BYTES.get() - before;
    for n in 0..50_000u32 {
        tree.remove(f(&text(n)), &n);
    }
    let empty = BYTES.get() - before;
    assert!(empty * 20 < full, "{empty} bytes left of {full}");
}
