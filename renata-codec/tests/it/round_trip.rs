//! What is written is read back, exactly.

use proptest::prelude::*;
use renata_codec::{Array, Codec, EncodeError, Limits, Sample, Timestamp, Value};

use crate::samples::{any_sample, encoded, full, hard_values, lost, same};

#[test]
fn hard_values_survive_every_codec() {
    for codec in Codec::all() {
        for value in hard_values() {
            let sample = Sample::new(value, Timestamp::MIN).at_position(u32::MAX, u64::MAX);
            let back = codec.decode(&encoded(codec, &sample)).unwrap();
            assert!(same(&back, &sample), "{codec}: {sample:?} became {back:?}");
        }
        for sample in [full(), lost()] {
            assert_eq!(codec.decode(&encoded(codec, &sample)), Ok(sample));
        }
    }
}

#[test]
fn a_sample_that_no_receiver_would_take_is_refused_and_leaves_the_buffer_alone() {
    let limits = Limits::DEFAULT;
    let long = Sample::new("x".repeat(limits.max_bytes), Timestamp::EPOCH);
    let many = Array::Bool(vec![true; limits.max_items + 1]);
    let many = Sample::new(Value::Array(many), Timestamp::EPOCH);
    for codec in Codec::all() {
        let mut out = bytes::BytesMut::from(&b"before"[..]);
        let refused = codec.encode(&long, &mut out);
        assert!(matches!(refused, Err(EncodeError::TooLarge { .. })));
        let refused = codec.encode(&many, &mut out);
        assert!(matches!(refused, Err(EncodeError::TooManyItems { .. })));
        assert_eq!(out, &b"before"[..]);
    }
}

#[test]
fn the_largest_sample_that_is_sent_is_also_received() {
    let most = Array::U64(vec![1; Limits::DEFAULT.max_items]);
    let most = Sample::new(Value::Array(most), Timestamp::EPOCH);
    for codec in Codec::all() {
        assert_eq!(codec.decode(&encoded(codec, &most)).as_ref(), Ok(&most));
    }
}

proptest! {
    #[test]
    fn every_sample_survives_every_codec(sample in any_sample()) {
        for codec in Codec::all() {
            let payload = encoded(codec, &sample);
            let back = codec.decode(&payload).unwrap();
            prop_assert!(same(&back, &sample), "{}: {:?}", codec, back);
        }
    }

    #[test]
    fn encoding_appends(sample in any_sample()) {
        for codec in Codec::all() {
            let mut out = bytes::BytesMut::from(&b"before"[..]);
            codec.encode(&sample, &mut out).unwrap();
            prop_assert_eq!(&out[..6], b"before");
            prop_assert_eq!(&out[6..], &encoded(codec, &sample)[..]);
        }
    }
}
