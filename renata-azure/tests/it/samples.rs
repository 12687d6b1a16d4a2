//! Samples for tests.

use bytes::{Bytes, BytesMut};
use renata_azure::Envelope;
use renata_codec::{Array, Codec, Quality, Reason, Sample, Timestamp, Value};

/// 2026-03-01T05:30:00Z in nanoseconds.
pub(crate) const START: i64 = 1_772_343_000_000_000_000;
const SECOND: i64 = 1_000_000_000;

/// The topic of stream `n`.
pub(crate) fn topic(n: u64) -> String {
    format!(
        "renata/biel/press/line-{}/s7-1500/plc-{n}/axis/torque",
        n % 3
    )
}

/// A message with one sample in it.
pub(crate) fn message(topic: &str, sample: &Sample, content_type: &str) -> Envelope {
    let codec: Codec = content_type.parse().unwrap();
    let mut payload = BytesMut::new();
    codec.encode(sample, &mut payload).unwrap();
    Envelope::new(topic, content_type, payload.freeze())
}

/// Sample `seq` of a stream: a float that says which one it is, one a second.
pub(crate) fn float(stream: u64, seq: u64) -> Envelope {
    let time = Timestamp::from_nanos(START + seq as i64 * SECOND);
    let sample = Sample::new(seq as f64 / 8.0, time).at_position(1, seq);
    message(&topic(stream), &sample, "application/cbor")
}

/// One sample for each type of value and its corner cases, in the order of their `seq`.
pub(crate) fn every_type() -> Vec<Sample> {
    let values: Vec<Value> = vec![
        true.into(),
        false.into(),
        i64::MIN.into(),
        i64::MAX.into(),
        0u64.into(),
        u64::MAX.into(),
        1.5f64.into(),
        f64::MIN_POSITIVE.into(),
        f64::INFINITY.into(),
        f64::NEG_INFINITY.into(),
        f64::NAN.into(),
        "Drehmoment °µ 力矩".into(),
        "".into(),
        Bytes::from_static(b"\x00\xff binary").into(),
        Bytes::new().into(),
        vec![true, false, true].into(),
        vec![i64::MIN, 0, i64::MAX].into(),
        vec![0, u64::MAX].into(),
        vec![0.5f64, -1.25].into(),
        vec!["a".to_owned(), String::new()].into(),
        Array::Bytes(vec![Bytes::from_static(b"\x01"), Bytes::new()]).into(),
        Vec::<f64>::new().into(),
        Vec::<u64>::new().into(),
    ];
    let mut samples: Vec<_> = values
        .into_iter()
        .map(|value| Sample::new(value, Timestamp::EPOCH))
        .collect();
    samples.push(Sample::missing(
        Quality::bad(Reason::NotConnected),
        Timestamp::EPOCH,
    ));
    let uncertain = Sample::new(2.5, Timestamp::EPOCH);
    let uncertain = uncertain.with_quality(Quality::uncertain(Reason::Stale));
    samples.push(uncertain.with_unit("bar".parse().unwrap()));
    for (seq, sample) in samples.iter_mut().enumerate() {
        // Every half hour one, so that several partitions are touched; received a second later.
        let time = START + seq as i64 * 1800 * SECOND + 123_456_789;
        sample.source_time = Some(Timestamp::from_nanos(time));
        sample.receive_time = Timestamp::from_nanos(time + SECOND);
        (sample.epoch, sample.seq) = (7, seq as u64);
    }
    samples
}
