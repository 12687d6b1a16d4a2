//! Topics one by one, for tuning.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use renata_benches::{subjects, workload};
use renata_topics::TopicName;

fn topics(c: &mut Criterion) {
    let mut group = c.benchmark_group("topics/match");
    for filters in [1_000, 100_000] {
        let tree = subjects::topics::tree(filters);
        let text = workload::topic(501);
        group.bench_function(format!("{filters}_filters"), |b| {
            b.iter(|| {
                let mut found = 0_u32;
                if let Ok(topic) = TopicName::new(black_box(&text)) {
                    tree.for_each_match(topic, |value| found ^= value);
                }
                found
            });
        });
    }
    group.finish();
    c.bench_function("topics/validate", |b| {
        b.iter(|| TopicName::new(black_box(workload::TOPIC)).is_ok());
    });
}

criterion_group!(benches, topics);
criterion_main!(benches);
