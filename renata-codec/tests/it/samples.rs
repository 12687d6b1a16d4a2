//! Samples to test with.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use renata_codec::{Array, Codec, Level, Quality, Reason, Sample, Timestamp, Unit, Value};

/// A sample with every field.
pub(crate) fn full() -> Sample {
    Sample::new(21.5, Timestamp::from_nanos(1_772_343_000_260_000_000))
        .with_source_time(Timestamp::from_nanos(1_772_343_000_250_000_000))
        .with_quality(Quality::uncertain(Reason::Stale))
        .with_unit(Unit::new("Cel").unwrap())
        .at_position(3, 42)
}

/// A sample without value.
pub(crate) fn lost() -> Sample {
    Sample::missing(Quality::bad(Reason::NotConnected), Timestamp::EPOCH).at_position(1, 0)
}

/// One of each type, with the values that are hard to keep.
pub(crate) fn hard_values() -> Vec<Value> {
    vec![
        true.into(),
        i64::MIN.into(),
        ((1i64 << 53) + 1).into(),
        (-1i64).into(),
        u64::MAX.into(),
        0u64.into(),
        f64::MIN_POSITIVE.into(),
        f64::MAX.into(),
        (-0.0).into(),
        0.1.into(),
        5.0.into(),
        f64::NAN.into(),
        f64::INFINITY.into(),
        f64::NEG_INFINITY.into(),
        "".into(),
        "\"\\\u{0}\u{1f}µ🦀".into(),
        Bytes::from_static(b"\x00\xff\x1f\x8b").into(),
        Bytes::new().into(),
        vec![true, false].into(),
        vec![i64::MIN, 0, i64::MAX].into(),
        vec![u64::MAX, 0].into(),
        vec![f64::NAN, f64::INFINITY, 1.5].into(),
        vec![String::from("a"), String::new()].into(),
        vec![Bytes::from_static(b"\x00"), Bytes::new()].into(),
        Array::U64(Vec::new()).into(),
        Array::Text(Vec::new()).into(),
    ]
}

pub(crate) fn encoded(codec: Codec, sample: &Sample) -> BytesMut {
    let mut payload = BytesMut::new();
    codec.encode(sample, &mut payload).unwrap();
    payload
}

/// The same, with `NaN` the same as itself.
pub(crate) fn same(a: &Sample, b: &Sample) -> bool {
    let values = match (&a.value, &b.value) {
        (Some(a), Some(b)) => a.same(b),
        (a, b) => a.is_none() && b.is_none(),
    };
    let bare = |s: &Sample| Sample {
        value: None,
        ..s.clone()
    };
    values && bare(a) == bare(b)
}

pub(crate) fn any_sample() -> impl Strategy<Value = Sample> {
    let value = proptest::option::of(any_value());
    let quality = (0..3usize, 0..Reason::ALL.len());
    let times = (any::<i64>(), any::<Option<i64>>());
    let unit = proptest::option::of("[!-~]{1,31}");
    (value, quality, times, unit, any::<u32>(), any::<u64>()).prop_map(
        |(value, (level, reason), (receive, source), unit, epoch, seq)| Sample {
            value,
            quality: Quality {
                level: Level::ALL[level],
                reason: Reason::ALL[reason],
            },
            source_time: source.map(Timestamp::from_nanos),
            receive_time: Timestamp::from_nanos(receive),
            unit: unit.map(|u| Unit::new(&u).unwrap()),
            epoch,
            seq,
        },
    )
}

fn any_value() -> impl Strategy<Value = Value> {
    use proptest::collection::vec;
    let float = || proptest::num::f64::ANY.prop_map(|v| if v.is_nan() { f64::NAN } else { v });
    let bytes = || vec(any::<u8>(), 0..40).prop_map(Bytes::from);
    prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        float().prop_map(Value::from),
        "\\PC{0,40}".prop_map(Value::from),
        bytes().prop_map(Value::from),
        vec(any::<bool>(), 0..20).prop_map(Value::from),
        vec(any::<i64>(), 0..200).prop_map(Value::from),
        vec(any::<u64>(), 0..20).prop_map(Value::from),
        vec(float(), 0..20).prop_map(Value::from),
        vec("\\PC{0,20}", 0..9).prop_map(Value::from),
        vec(bytes(), 0..9).prop_map(Value::from),
    ]
}
