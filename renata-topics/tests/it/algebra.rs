//! The set algebra against brute force.

use proptest::collection::vec;
use proptest::prelude::*;
use renata_topics::{covers, meet, meets, union_covers};

use crate::model::{f, filter, matches, t, topics};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn matching_is_what_the_standard_says(filter in filter()) {
        for topic in topics(&[&filter]) {
            prop_assert_eq!(f(&filter).matches(t(&topic)), matches(&filter, &topic), "{} {}", filter, topic);
        }
    }

    #[test]
    fn covers_is_containment_of_the_topics(a in filter(), b in filter()) {
        let all = topics(&[&a, &b]);
        let truth = all.iter().all(|topic| !matches(&b, topic) || matches(&a, topic));
        prop_assert_eq!(covers(f(&a), f(&b)), truth, "{} covers {}", a, b);
    }

    #[test]
    fn meet_is_exactly_the_common_topics(a in filter(), b in filter()) {
        let all = topics(&[&a, &b]);
        let both = meet(f(&a), f(&b));
        prop_assert_eq!(both.is_some(), meets(f(&a), f(&b)));
        for topic in &all {
            let truth = matches(&a, topic) && matches(&b, topic);
            let found = both.as_ref().is_some_and(|both| matches(both.as_str(), topic));
            prop_assert_eq!(found, truth, "{} and {} on {}: {:?}", a, b, topic, both);
        }
        if both.is_some() {
            prop_assert!(all.iter().any(|topic| matches(&a, topic) && matches(&b, topic)));
        }
        prop_assert_eq!(meet(f(&b), f(&a)), both, "meet is symmetrical");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn union_covers_is_containment_in_the_union(rules in vec(filter(), 0..6), inner in filter()) {
        let mut texts: Vec<&str> = rules.iter().map(String::as_str).collect();
        let filters: Vec<_> = texts.iter().map(|text| f(text)).collect();
        texts.push(&inner);
        let covered = |topic: &String| rules.iter().any(|rule| matches(rule, topic));
        let truth = topics(&texts).iter().all(|topic| !matches(&inner, topic) || covered(topic));
        prop_assert_eq!(union_covers(&filters, f(&inner)), truth, "{:?} covers {}", rules, inner);
    }
}

#[test]
fn every_pair_of_short_filters_is_decided_exactly() {
    let mut all: Vec<String> = Vec::new();
    let mut heads = vec![String::new()];
    for depth in 0..2 {
        heads = heads
            .iter()
            .flat_map(|head| {
                ["a", "b", "", "$x", "+"].map(|level| match depth {
                    0 => level.to_owned(),
                    _ => format!("{head}/{level}"),
                })
            })
            .collect();
        all.extend(heads.iter().filter(|text| !text.is_empty()).cloned());
        all.extend(heads.iter().map(|text| format!("{text}/#")));
    }
    all.push("#".to_owned());
    let texts: Vec<&str> = all.iter().map(String::as_str).collect();
    let topics = topics(&texts);
    let sets: Vec<Vec<bool>> = texts
        .iter()
        .map(|filter| topics.iter().map(|topic| matches(filter, topic)).collect())
        .collect();
    for (a, set_a) in texts.iter().zip(&sets) {
        for (b, set_b) in texts.iter().zip(&sets) {
            let inside = set_a.iter().zip(set_b).all(|(a, b)| *a || !b);
            assert_eq!(covers(f(a), f(b)), inside, "{a} covers {b}");
            let common = set_a.iter().zip(set_b).any(|(a, b)| *a && *b);
            assert_eq!(meets(f(a), f(b)), common, "{a} meets {b}");
        }
    }
}

#[test]
fn a_union_covers_what_no_member_covers() {
    let rules = [f("a"), f("a/+"), f("a/+/+/#")];
    assert!(union_covers(&rules, f("a/#")));
    assert!(!rules.iter().any(|&rule| covers(rule, f("a/#"))));
    assert!(union_covers(&[f("+/#")], f("#")));
    assert!(union_covers(&[f("+"), f("+/+/#")], f("#")));
    assert!(!union_covers(&[f("a/#"), f("b/#")], f("#")));
}

#[test]
fn shares_do_not_change_the_set() {
    assert!(covers(f("$share/g/a/+"), f("a/b")));
    assert!(covers(f("a/+"), f("$share/g/a/b")));
    assert_eq!(meet(f("$share/g/a/+"), f("+/b")), Some(f("a/b").to_buf()));
}
