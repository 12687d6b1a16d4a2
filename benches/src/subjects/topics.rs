//! Topics: validation, matching among a million filters, changing the tree.

use renata_topics::{FilterTree, TopicFilter, TopicName};

use crate::measure::{Cost, Effort, allocations, cost, live_bytes};
use crate::row::Row;
use crate::workload::{self, TOPIC};

const SUBJECT: &str = "topics";

/// All rows.
#[must_use]
pub fn rows(effort: Effort) -> Vec<Row> {
    let filters = if effort.rounds < Effort::FULL.rounds {
        100_000
    } else {
        1_000_000
    };
    let mut rows = vec![Row::within(
        SUBJECT,
        "parse and validate a 69-byte topic",
        validate(effort),
        30.0,
    )];
    let before = live_bytes();
    let tree = tree(filters);
    let bytes = (live_bytes() - before) as f64 / filters as f64;
    for (name, kind) in [("exact", 0), ("+ in the middle", 1), ("# at the end", 2)] {
        let row = format!("match at {filters} filters, {name}");
        rows.push(Row::within(
            SUBJECT,
            &row,
            matching(effort, &tree, kind),
            1_000.0,
        ));
    }
    if allocations() > 0 {
        let row = format!("memory per filter at {filters} (bytes)");
        rows.push(Row::figure(
            SUBJECT,
            &row,
            bytes,
            "<= 120 bytes",
            bytes <= 120.0,
        ));
    }
    let change = change(effort, tree);
    let rate = 1e9 / change.ns;
    rows.push(Row::figure(
        SUBJECT,
        "insert and remove, each (per second)",
        rate,
        ">= 1000000/s",
        rate >= 1e6,
    ));
    rows
}

/// Checks a topic name.
pub fn validate(effort: Effort) -> Cost {
    cost(effort, || {
        TopicName::new(std::hint::black_box(TOPIC)).is_ok()
    })
}

/// A tree of the filters of a plant.
#[must_use]
pub fn tree(filters: usize) -> FilterTree<u32> {
    let mut tree = FilterTree::new();
    for n in 0..filters {
        if let Ok(filter) = TopicFilter::new(&workload::filter(n)) {
            tree.insert(filter, n as u32);
        }
    }
    tree
}

/// Finds the subscribers of topics that a filter of this kind matches.
pub fn matching(effort: Effort, tree: &FilterTree<u32>, kind: usize) -> Cost {
    let topics: Vec<_> = (0..1_000).map(|n| workload::topic(n * 3 + kind)).collect();
    let mut next = 0;
    cost(effort, || {
        next = (next + 1) % topics.len();
        let mut found = 0_u32;
        if let Ok(topic) = TopicName::new(&topics[next]) {
            tree.for_each_match(topic, |value| found ^= value);
        }
        found
    })
}

/// Puts a filter in and takes it out again; the cost of one of both.
pub fn change(effort: Effort, mut tree: FilterTree<u32>) -> Cost {
    let filters: Vec<_> = (0..1_000)
        .map(|n| workload::filter(2_000_000 + n))
        .collect();
    let mut next = 0;
    let both = cost(effort, || {
        next = (next + 1) % filters.len();
        if let Ok(filter) = TopicFilter::new(&filters[next]) {
            tree.insert(filter, 7);
            tree.remove(filter, &7);
        }
    });
    crate::measure::per(both, 2)
}
