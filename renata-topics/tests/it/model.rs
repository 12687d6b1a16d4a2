//! The small model: every topic that a given list of filters can tell apart.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use renata_topics::{TopicFilter, TopicName};

/// The definition of matching, written as the standard says it, over plain level lists.
pub(crate) fn matches(filter: &str, topic: &str) -> bool {
    fn rest(filter: &[&str], topic: &[&str]) -> bool {
        match (filter, topic) {
            (["#"], _) | ([], []) => true,
            (["+", filter @ ..], [_, topic @ ..]) => rest(filter, topic),
            ([a, filter @ ..], [b, topic @ ..]) => a == b && rest(filter, topic),
            _ => false,
        }
    }
    let wild = filter.starts_with(['+', '#']);
    let filter: Vec<_> = filter.split('/').collect();
    let topic_levels: Vec<_> = topic.split('/').collect();
    !(wild && topic.starts_with('$')) && rest(&filter, &topic_levels)
}

/// All topics over the literals of `filters`, a fresh level and a fresh `$` level, one level
/// deeper than the longest filter. Two topics outside of it that differ are treated alike by all
/// the filters, so brute force over it is the truth.
pub(crate) fn topics(filters: &[&str]) -> Vec<String> {
    let mut alphabet: BTreeSet<&str> = ["fresh", "$fresh"].into();
    let mut depth = 0;
    for filter in filters {
        depth = depth.max(filter.split('/').count());
        alphabet.extend(
            filter
                .split('/')
                .filter(|level| !matches!(*level, "+" | "#")),
        );
    }
    let mut all = Vec::new();
    let mut longest = vec![String::new()];
    for level in 0..=depth {
        longest = longest
            .iter()
            .flat_map(|head| {
                alphabet.iter().map(move |next| match level {
                    0 => (*next).to_owned(),
                    _ => format!("{head}/{next}"),
                })
            })
            .collect();
        all.extend(longest.iter().filter(|topic| !topic.is_empty()).cloned());
    }
    all
}

/// Filters of up to three levels over a few literals, the empty one and a `$` one among them.
pub(crate) fn filter() -> impl Strategy<Value = String> {
    let level = prop_oneof![
        3 => Just("a"), 2 => Just("b"), 1 => Just(""), 1 => Just("$x"), 4 => Just("+")
    ];
    (vec(level, 0..=3), any::<bool>())
        .prop_map(|(mut levels, hash)| {
            if hash {
                levels.push("#");
            }
            levels.join("/")
        })
        .prop_filter("a filter has a character", |text| !text.is_empty())
}

pub(crate) fn f(text: &str) -> TopicFilter<'_> {
    TopicFilter::new(text).expect(text)
}

pub(crate) fn t(text: &str) -> TopicName<'_> {
    TopicName::new(text).expect(text)
}
