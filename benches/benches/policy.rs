//! Decisions one by one, for tuning.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use renata_benches::{subjects, workload};
use renata_topics::{TopicFilter, TopicName};

fn policy(c: &mut Criterion) {
    for rules in [10, 1_000, 10_000] {
        let rights = subjects::policy::rights(rules).expect("the policy is one");
        let (topic, filter) = (workload::topic(3), workload::filter(2));
        let name = TopicName::new(&topic).expect("a topic");
        c.bench_function(&format!("policy/publish/{rules}"), |b| {
            b.iter(|| rights.may_publish(black_box(name), 1, false));
        });
        let filter = TopicFilter::new(&filter).expect("a filter");
        c.bench_function(&format!("policy/subscribe/{rules}"), |b| {
            b.iter(|| rights.may_subscribe(black_box(filter), 1));
        });
    }
}

criterion_group!(benches, policy);
criterion_main!(benches);
