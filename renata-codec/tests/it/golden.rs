//! The bytes of each format, written down: they must never change.

use renata_codec::{Codec, Format, Sample, Value};

use crate::samples::{encoded, full, lost};

fn golden(format: Format, sample: &Sample, expected: &[u8]) {
    let codec = Codec::new(format);
    let payload = encoded(codec, sample);
    assert_eq!(
        &payload[..],
        expected,
        "{}",
        String::from_utf8_lossy(&payload)
    );
    assert_eq!(codec.decode(expected).as_ref(), Ok(sample));
}

fn with(value: impl Into<Value>) -> Sample {
    let mut sample = lost();
    sample.quality = renata_codec::Quality::GOOD;
    sample.value = Some(value.into());
    sample
}

#[cfg(feature = "json")]
#[test]
fn json() {
    let full_text = concat!(
        r#"{"value":21.5,"type":"f64","quality":"uncertain","reason":"stale","unit":"Cel","#,
        r#""epoch":3,"seq":42,"source_time":"2026-03-01T05:30:00.250Z","#,
        r#""receive_time":"2026-03-01T05:30:00.260Z"}"#,
    );
    golden(Format::Json, &full(), full_text.as_bytes());
    let lost_text = concat!(
        r#"{"quality":"bad","reason":"not_connected","epoch":1,"seq":0,"#,
        r#""receive_time":"1970-01-01T00:00:00Z"}"#,
    );
    golden(Format::Json, &lost(), lost_text.as_bytes());
    let tail = r#","quality":"good","epoch":1,"seq":0,"receive_time":"1970-01-01T00:00:00Z"}"#;
    for (value, text) in [
        (
            Value::I64(-9_007_199_254_740_991),
            r#"-9007199254740991,"type":"i64""#,
        ),
        (
            Value::I64(-9_007_199_254_740_992),
            r#""-9007199254740992","type":"i64""#,
        ),
        (
            Value::U64(u64::MAX),
            r#""18446744073709551615","type":"u64""#,
        ),
        (Value::F64(f64::NEG_INFINITY), r#""-Infinity","type":"f64""#),
        (Value::F64(1e300), r#"1e+300,"type":"f64""#),
        (
            Value::Bytes((&b"\x00\xff"[..]).into()),
            r#""AP8=","type":"bytes""#,
        ),
        (
            vec![1.0, f64::INFINITY].into(),
            r#"[1.0,"Infinity"],"type":"f64[]""#,
        ),
    ] {
        let text = format!(r#"{{"value":{text}{tail}"#);
        golden(Format::Json, &with(value), text.as_bytes());
    }
}

#[cfg(feature = "cbor")]
#[test]
fn cbor() {
    golden(
        Format::Cbor,
        &full(),
        b"\xa8\x04\xf9\x4d\x60\x07\x1b\x18\x98\xa0\x91\x86\x0d\x22\x80\x08\x03\x09\x18\x2a\
          \x0a\x01\x0b\x06\x0c\x63Cel\x0e\x1b\x18\x98\xa0\x91\x86\xa5\xb9\x00",
    );
    golden(
        Format::Cbor,
        &lost(),
        b"\xa5\x08\x01\x09\x00\x0a\x02\x0b\x04\x0e\x00",
    );
    let tail = b"\x08\x01\x09\x00\x0e\x00";
    for (value, bytes) in [
        (Value::Bool(true), &b"\x01\xf5"[..]),
        (
            Value::I64(i64::MIN),
            b"\x02\x3b\x7f\xff\xff\xff\xff\xff\xff\xff",
        ),
        (Value::U64(1), b"\x03\x01"),
        (Value::F64(0.1), b"\x04\xfb\x3f\xb9\x99\x99\x99\x99\x99\x9a"),
        (Value::F64(f64::INFINITY), b"\x04\xf9\x7c\x00"),
        (Value::Text("µ".into()), b"\x05\x62\xc2\xb5"),
        (Value::Bytes((&b"\x00"[..]).into()), b"\x06\x41\x00"),
        (vec![false, true].into(), b"\x10\x82\xf4\xf5"),
        (vec![-1i64, 24].into(), b"\x11\x82\x20\x18\x18"),
    ] {
        golden(Format::Cbor, &with(value), &[b"\xa4", bytes, tail].concat());
    }
}

#[cfg(feature = "protobuf")]
#[test]
fn protobuf() {
    golden(
        Format::Protobuf,
        &full(),
        b"\x21\x00\x00\x00\x00\x00\x80\x35\x40\x39\x80\x22\x0d\x86\x91\xa0\x98\x18\x40\x03\x48\x2a\
          \x50\x01\x58\x06\x62\x03Cel\x71\x00\xb9\xa5\x86\x91\xa0\x98\x18",
    );
    let tail = b"\x71\x00\x00\x00\x00\x00\x00\x00\x00";
    golden(
        Format::Protobuf,
        &lost(),
        &[&b"\x40\x01\x50\x02\x58\x04"[..], tail].concat(),
    );
    for (value, bytes) in [
        (Value::Bool(false), &b"\x08\x00"[..]),
        (Value::I64(-1), b"\x10\x01"),
        (Value::U64(300), b"\x18\xac\x02"),
        (Value::Text("a".into()), b"\x2a\x01a"),
        (Value::Bytes((&b"\x00"[..]).into()), b"\x32\x01\x00"),
        (vec![-1i64, 1].into(), b"\x8a\x01\x04\x0a\x02\x01\x02"),
        (vec![String::from("a")].into(), b"\xa2\x01\x03\x0a\x01a"),
    ] {
        let payload = [bytes, b"\x40\x01", tail].concat();
        golden(Format::Protobuf, &with(value), &payload);
    }
}
