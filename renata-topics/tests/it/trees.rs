//! The trees against the one-by-one matcher.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use renata_topics::{FilterTree, Limits, TopicFilter, TopicName, TopicTree};

use crate::model::{f, filter, t};

/// Insert or remove, a filter, a value.
fn steps() -> impl Strategy<Value = Vec<(bool, String, u8)>> {
    vec((prop::bool::weighted(0.6), filter(), 0..40u8), 0..120)
}

fn topic() -> impl Strategy<Value = String> {
    vec(
        prop_oneof![Just("a"), Just("b"), Just("c"), Just(""), Just("$x")],
        1..5,
    )
    .prop_map(|levels| levels.join("/"))
    .prop_filter("a topic has a character", |text| !text.is_empty())
}

proptest! {
    #[test]
    fn the_filter_tree_finds_what_one_by_one_finds(steps in steps(), topics in vec(topic(), 20)) {
        let mut tree = FilterTree::new();
        let mut model: BTreeSet<(String, u8)> = BTreeSet::new();
        for (insert, filter, value) in steps {
            if insert {
                prop_assert_eq!(tree.insert(f(&filter), value), model.insert((filter, value)));
            } else {
                let there = model.remove(&(filter.clone(), value));
                prop_assert_eq!(tree.remove(f(&filter), &value), there);
            }
            prop_assert_eq!(tree.len(), model.len());
        }
        for topic in &topics {
            let mut found = Vec::new();
            tree.for_each_match(t(topic), |&value| found.push(value));
            let mut truth: Vec<u8> = model
                .iter()
                .filter(|(filter, _)| f(filter).matches(t(topic)))
                .map(|&(_, value)| value)
                .collect();
            found.sort_unstable();
            truth.sort_unstable();
            prop_assert_eq!(tree.any_match(t(topic)), !truth.is_empty());
            prop_assert_eq!(found, truth, "{}", topic);
        }
        let filters: BTreeSet<_> = model.iter().map(|(filter, _)| filter).collect();
        prop_assert_eq!(tree.filters(), filters.len());
        for filter in filters {
            let mut here = tree.get(f(filter)).to_vec();
            here.sort_unstable();
            let truth = model.iter().filter(|(other, _)| other == filter);
            prop_assert_eq!(here, truth.map(|&(_, value)| value).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_topic_tree_reads_what_one_by_one_reads(
        steps in vec((prop::bool::weighted(0.7), topic(), any::<u16>()), 0..120),
        filters in vec(filter(), 20)
    ) {
        let mut tree = TopicTree::new();
        let mut model = BTreeMap::new();
        for (insert, topic, value) in steps {
            if insert {
                prop_assert_eq!(tree.insert(t(&topic), value), model.insert(topic, value));
            } else {
                prop_assert_eq!(tree.remove(t(&topic)), model.remove(&topic));
            }
            prop_assert_eq!(tree.len(), model.len());
        }
        for filter in &filters {
            let mut found = BTreeMap::new();
            let mut visits = 0;
            tree.for_each_match(f(filter), |topic, &value| {
                found.insert(topic.to_owned(), value);
                visits += 1;
            });
            let mut truth = model.clone();
            truth.retain(|topic, _| f(filter).matches(t(topic)));
            prop_assert_eq!(visits, truth.len(), "each topic once");
            prop_assert_eq!(found, truth, "{}", filter);
        }
        for (topic, value) in &model {
            prop_assert_eq!(tree.get(t(topic)), Some(value));
        }
    }
}

/// Wide nodes, long level names, growth and packing: more than the generated sets reach.
#[test]
fn a_large_tree_stays_right_while_it_grows_and_shrinks() {
    let text = |n: u32| match n % 3 {
        0 => format!(
            "renata/biel/line-{}/device-with-a-rather-long-name-{n}/+",
            n % 50
        ),
        1 => format!("renata/biel/line-{}/{n}/temperature", n % 50),
        _ => format!("renata/+/line-{}/{n}/#", n % 50),
    };
    let topic = |n: u32| match n % 3 {
        0 => format!(
            "renata/biel/line-{}/device-with-a-rather-long-name-{n}/x",
            n % 50
        ),
        _ => format!("renata/biel/line-{}/{n}/temperature", n % 50),
    };
    let mut tree = FilterTree::new();
    for n in 0..20_000 {
        assert!(tree.insert(f(&text(n)), n));
    }
    let check = |tree: &FilterTree<u32>, kept: &dyn Fn(u32) -> bool| {
        for n in (0..20_000).step_by(7) {
            let mut found = Vec::new();
            tree.for_each_match(t(&topic(n)), |&value| found.push(value));
            let truth = if kept(n) { vec![n] } else { vec![] };
            assert_eq!(found, truth, "{}", topic(n));
        }
    };
    check(&tree, &|_| true);
    for n in (0..20_000).filter(|n| n % 10 != 0) {
        assert!(tree.remove(f(&text(n)), &n));
    }
    assert_eq!(tree.len(), 2_000);
    check(&tree, &|n| n % 10 == 0);
    for n in (0..20_000).filter(|n| n % 10 != 0) {
        assert!(tree.insert(f(&text(n)), n));
    }
    check(&tree, &|_| true);
    for n in 0..20_000 {
        assert!(tree.remove(f(&text(n)), &n));
    }
    assert!(tree.is_empty());
    assert_eq!(tree.filters(), 0);
    check(&tree, &|_| false);
}

#[test]
fn many_values_under_one_filter_are_one_set() {
    let mut tree = FilterTree::new();
    for value in 0..1_000u32 {
        assert!(tree.insert(f("a/+"), value));
        assert!(!tree.insert(f("a/+"), value));
    }
    assert_eq!((tree.len(), tree.filters()), (1_000, 1));
    for value in (0..1_000).rev() {
        assert!(tree.remove(f("a/+"), &value));
        assert!(!tree.remove(f("a/+"), &value));
    }
    assert!(tree.is_empty());
}

#[test]
fn a_shared_filter_stands_under_its_plain_one() {
    let mut tree = FilterTree::new();
    assert!(tree.insert(f("$share/g/a/+"), 1));
    assert_eq!(tree.get(f("a/+")), [1]);
    assert!(tree.remove(f("a/+"), &1));
}

/// 65 000 levels: a recursive walk would end the thread's stack.
#[test]
fn depth_costs_heap_not_stack() {
    let limits = Limits::DEFAULT.with_max_levels(u16::MAX);
    let text = "a/".repeat(32_000);
    let mut tree = FilterTree::new();
    tree.insert(TopicFilter::with_limits(&text, limits).unwrap(), 7);
    let pluses = "+/".repeat(32_000);
    tree.insert(TopicFilter::with_limits(&pluses, limits).unwrap(), 8);
    let name = TopicName::with_limits(&text, limits).unwrap();
    let mut found = 0;
    // The last level is empty and so is that of `+/+/..`: both match.
    tree.for_each_match(name, |&value| found += value);
    assert_eq!(found, 15);
    let mut retained = TopicTree::new();
    retained.insert(name, ());
    let mut seen = 0;
    retained.for_each_match(f("#"), |_, ()| seen += 1);
    assert_eq!(seen, 1);
    assert_eq!(retained.remove(name), Some(()));
}
