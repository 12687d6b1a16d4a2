//! Packets one by one, for tuning.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use renata_benches::workload;
use renata_mqtt::Version;
use renata_mqtt::packet::PacketRef;

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("mqtt/decode");
    for (name, version, frame) in [
        (
            "publish_v5_64B",
            Version::V5,
            workload::publish_v5(64, false),
        ),
        (
            "publish_v5_64B_properties",
            Version::V5,
            workload::publish_v5(64, true),
        ),
        (
            "publish_v5_64KiB",
            Version::V5,
            workload::publish_v5(64 << 10, false),
        ),
        ("publish_v3_64B", Version::V3_1_1, workload::publish_v4(64)),
        ("subscribe_v3", Version::V3_1_1, workload::subscribe_v4()),
        ("connect_v3", Version::V3_1_1, workload::connect_v4()),
    ] {
        group.throughput(Throughput::Bytes(frame.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| PacketRef::decode(version, black_box(&frame)).is_ok());
        });
    }
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
