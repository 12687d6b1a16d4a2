//! Bytes from somebody who means no good: a precise error, never a panic, a hang or memory.

use proptest::prelude::*;
use renata_codec::{Codec, DecodeError, Limits};

use crate::samples::{any_sample, encoded, full, hard_values, lost};

#[test]
fn a_payload_cut_anywhere_is_refused() {
    for codec in Codec::all() {
        let mut samples = vec![full(), lost()];
        samples.extend(hard_values().into_iter().map(|value| {
            let mut sample = full();
            sample.value = Some(value);
            sample
        }));
        for sample in samples {
            let payload = encoded(codec, &sample);
            for cut in 0..payload.len() {
                let short = codec.decode(&payload[..cut]);
                assert!(
                    short.is_err(),
                    "{codec}: cut at {cut} of {sample:?} gave {short:?}"
                );
            }
        }
    }
}

#[test]
fn a_payload_that_goes_on_is_refused() {
    for codec in Codec::all() {
        let mut payload = encoded(codec, &full());
        payload.extend_from_slice(b"\x07");
        assert!(codec.decode(&payload).is_err(), "{codec}");
    }
}

#[test]
fn a_payload_over_the_byte_limit_is_refused_before_it_is_read() {
    for codec in Codec::all() {
        let mut limits = Limits::DEFAULT;
        limits.max_bytes = 10;
        let refused = codec.decode_within(&encoded(codec, &full()), &limits);
        assert_eq!(refused, Err(DecodeError::TooLarge { limit: 10 }));
    }
}

#[test]
fn an_array_over_the_item_limit_is_refused() {
    let mut limits = Limits::DEFAULT;
    limits.max_items = 2;
    let mut sample = full();
    for codec in Codec::all() {
        sample.value = Some(vec![1i64, 2].into());
        assert!(
            codec
                .decode_within(&encoded(codec, &sample), &limits)
                .is_ok()
        );
        sample.value = Some(vec![1i64, 2, 3].into());
        let refused = codec.decode_within(&encoded(codec, &sample), &limits);
        assert_eq!(
            refused,
            Err(DecodeError::TooManyItems { limit: 2 }),
            "{codec}"
        );
    }
}

#[cfg(feature = "json")]
#[test]
fn json_errors_say_what_and_where() {
    use DecodeError::{Invalid, Missing, Repeated, Syntax, TooDeep, TrailingBytes, Truncated};
    let codec = Codec::new(renata_codec::Format::Json);
    let tail = r#""epoch":1,"seq":1,"receive_time":"1970-01-01T00:00:00Z"}"#;
    let deep = format!(r#"{{"x":{}{},{tail}"#, "[".repeat(9), "]".repeat(9));
    let with = |head: &str| format!("{{{head}{tail}");
    for (text, error) in [
        (String::new(), Truncated),
        ("{\n \"value\": oops".into(), Syntax { at: 12 }),
        ("[1]".into(), Syntax { at: 0 }),
        (with("") + " x", TrailingBytes { at: 58 }),
        (with(r#""seq":2,"#), Repeated("seq")),
        (r#"{"epoch":1,"seq":1}"#.into(), Missing("receive_time")),
        (
            r#"{"seq":1,"receive_time":"1970-01-01T00:00:00Z"}"#.into(),
            Missing("epoch"),
        ),
        (with(r#""value":[[1]],"#), Invalid("value")),
        (with(r#""value":{},"#), Invalid("value")),
        (with(r#""value":[1,"a"],"#), Invalid("value")),
        (with(r#""value":1.5,"type":"i64","#), Invalid("value")),
        (with(r#""value":-1,"type":"u64","#), Invalid("value")),
        (
            with(r#""value":18446744073709551616,"type":"u64","#),
            Invalid("value"),
        ),
        (with(r#""value":"%%","type":"bytes","#), Invalid("value")),
        (with(r#""value":"nan","type":"f64","#), Invalid("value")),
        (with(r#""value":1,"type":"int","#), Invalid("type")),
        (with(r#""quality":"ok","#), Invalid("quality")),
        (with(r#""unit":"°C","#), Invalid("unit")),
        (
            with(r#""source_time":"yesterday","#),
            Invalid("source_time"),
        ),
        (deep, TooDeep { limit: 8 }),
    ] {
        assert_eq!(codec.decode(text.as_bytes()), Err(error), "{text}");
    }
    let unknown = with(r#""x":[{"y":[1,null,"z"]}],"value":null,"#);
    assert_eq!(codec.decode(unknown.as_bytes()).unwrap().value, None);
}

#[cfg(feature = "cbor")]
#[test]
fn cbor_errors_say_what_and_where() {
    use DecodeError::{Invalid, Missing, Repeated, Syntax, TooDeep, TooManyItems, TrailingBytes};
    let codec = Codec::new(renata_codec::Format::Cbor);
    for (bytes, error) in [
        (&b""[..], DecodeError::Truncated),
        (b"\x01", Syntax { at: 0 }),
        (b"\xa1\x1c", Syntax { at: 1 }),
        (b"\xa3\x08\x01\x09\x01\x0e\x00\x00", TrailingBytes { at: 7 }),
        (b"\xa4\x08\x01\x09\x01\x0e\x00\x08\x01", Repeated("epoch")),
        (b"\xa4\x01\xf4\x02\x01\x0e\x00\x08\x01", Repeated("value")),
        (b"\xa2\x08\x01\x09\x01", Missing("receive_time")),
        (b"\xa1\x01\x00", Invalid("value")),
        (b"\xa1\x0a\x03", Invalid("level")),
        (
            b"\xa1\x08\x1b\x00\x00\x00\x01\x00\x00\x00\x00",
            Invalid("epoch"),
        ),
        // Lengths that lie: 2^63 items, 4 GiB of text.
        (
            b"\xa1\x11\x9b\x80\x00\x00\x00\x00\x00\x00\x00",
            TooManyItems { limit: 65_536 },
        ),
        (b"\xa1\x05\x7a\xff\xff\xff\xff", DecodeError::Truncated),
        (b"\xa1\x05\x7f\x61a\xff", Invalid("value")),
        (
            b"\xa1\x18\x63\x81\x81\x81\x81\x81\x81\x81\x81\x81\x00",
            TooDeep { limit: 8 },
        ),
        (
            b"\xa1\x18\x63\xc1\xc1\xc1\xc1\xc1\xc1\xc1\xc1\xc1\x00",
            TooDeep { limit: 8 },
        ),
    ] {
        assert_eq!(codec.decode(bytes), Err(error), "{bytes:02x?}");
    }
    // An indefinite map with a text key, a tag and a nested map in unknown places.
    let unknown = b"\xbf\x61x\xa1\x01\xc0\x01\x08\x01\x09\x02\x0e\x00\x18\x63\x9f\x01\xff\xff";
    assert_eq!(codec.decode(unknown).unwrap().seq, 2);
}

#[cfg(feature = "protobuf")]
#[test]
fn protobuf_skips_what_it_does_not_know_and_asks_for_the_receive_time() {
    let codec = Codec::new(renata_codec::Format::Protobuf);
    let mut payload = encoded(codec, &full());
    payload.extend_from_slice(b"\xfa\x3e\x02ab");
    assert_eq!(codec.decode(&payload), Ok(full()));
    assert_eq!(
        codec.decode(b"\x40\x01"),
        Err(DecodeError::Missing("receive_time"))
    );
    assert_eq!(codec.decode(b""), Err(DecodeError::Missing("receive_time")));
}

proptest! {
    #[test]
    fn noise_never_panics(noise in proptest::collection::vec(any::<u8>(), 0..200)) {
        for codec in Codec::all() {
            let _ = codec.decode(&noise);
        }
    }

    #[test]
    fn a_flipped_byte_never_panics(sample in any_sample(), at: prop::sample::Index, by in 1..=255u8) {
        for codec in Codec::all() {
            let mut payload = encoded(codec, &sample);
            let at = at.index(payload.len());
            payload[at] ^= by;
            let _ = codec.decode(&payload);
        }
    }
}
