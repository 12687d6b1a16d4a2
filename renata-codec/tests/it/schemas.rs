//! The schema files say what the code does.

use bytes::BytesMut;
use renata_codec::{Codec, Format, Reason, Sample, ValueType};

use crate::samples::{encoded, full, hard_values, lost};

/// Every sample that shows something: one of each type, one with every field, one without value.
fn shown() -> impl Iterator<Item = Sample> {
    let typed = hard_values().into_iter().map(|value| {
        let mut sample = full();
        sample.value = Some(value);
        sample
    });
    typed.chain([full(), lost()])
}

#[test]
fn the_json_schema_names_what_is_written() {
    let schema = include_str!("../../schema/sample.schema.json");
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
    let names = |pointer: &str| -> Vec<String> {
        let list = schema.pointer(pointer).unwrap().as_array().unwrap();
        list.iter()
            .map(|v| v.as_str().unwrap().to_owned())
            .collect()
    };
    let types: Vec<_> = ValueType::ALL.iter().map(|t| t.name()).collect();
    assert_eq!(names("/properties/type/enum"), types);
    let reasons: Vec<_> = Reason::ALL.iter().map(|r| r.name()).collect();
    assert_eq!(names("/properties/reason/examples"), reasons);
    let properties = schema.pointer("/properties").unwrap().as_object().unwrap();
    let codec = Codec::new(Format::Json);
    let mut written = std::collections::BTreeSet::new();
    for sample in shown() {
        let payload: serde_json::Value = serde_json::from_slice(&encoded(codec, &sample)).unwrap();
        let keys = payload.as_object().unwrap();
        for required in names("/required") {
            assert!(keys.contains_key(&required), "{required} in {payload}");
        }
        written.extend(keys.keys().cloned());
    }
    assert_eq!(written, properties.keys().cloned().collect());
    for example in schema.pointer("/examples").unwrap().as_array().unwrap() {
        let text = example.to_string();
        let sample = codec.decode(text.as_bytes()).unwrap();
        let again: serde_json::Value = serde_json::from_slice(&encoded(codec, &sample)).unwrap();
        assert_eq!(&again, example);
    }
}

/// `name -> (type, number, in a oneof or message)` of each field line of a `.proto` text.
fn proto_fields(text: &str) -> Vec<(String, String, u64)> {
    let mut fields = Vec::new();
    for line in text.lines() {
        let line = line.split("//").next().unwrap().trim();
        let line = line
            .rsplit('{')
            .next()
            .unwrap()
            .trim_end_matches('}')
            .trim();
        let Some((left, number)) = line.strip_suffix(';').and_then(|l| l.split_once(" = ")) else {
            continue;
        };
        let mut words = left.split_whitespace().rev();
        if let (Some(name), Some(kind), Ok(number)) = (words.next(), words.next(), number.parse()) {
            fields.push((name.to_owned(), kind.to_owned(), number));
        }
    }
    fields
}

#[test]
fn the_proto_file_has_the_numbers_and_types_that_are_written() {
    use bytes::Buf;
    let fields = proto_fields(include_str!("../../schema/sample.proto"));
    let top: Vec<_> = fields.iter().filter(|(name, ..)| name != "items").collect();
    let wire_of = |kind: &str| match kind {
        "bool" | "sint64" | "uint64" | "uint32" => 0,
        "double" | "sfixed64" => 1,
        _ => 2,
    };
    let mut seen = std::collections::BTreeSet::new();
    for sample in shown() {
        let payload = encoded(Codec::new(Format::Protobuf), &sample);
        let mut rest = &payload[..];
        while rest.has_remaining() {
            let tag = varint(&mut rest);
            let (number, wire) = (tag >> 3, tag & 7);
            let (name, kind, _) = top
                .iter()
                .find(|(.., n)| *n == number)
                .expect("in the file");
            assert_eq!(wire_of(kind), wire, "{name}: {kind}");
            let len = match wire {
                0 => {
                    varint(&mut rest);
                    0
                }
                1 => 8,
                _ => varint(&mut rest) as usize,
            };
            rest.advance(len);
            seen.insert(number);
        }
    }
    assert_eq!(
        seen,
        top.iter().map(|(.., n)| *n).collect(),
        "every field is written once"
    );
}

fn varint(rest: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, tail) = rest.split_first().expect("a varint");
        *rest = tail;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}

#[test]
fn cbor_keys_are_the_field_numbers_of_the_proto_file() {
    let proto = proto_fields(include_str!("../../schema/sample.proto"));
    let cddl = include_str!("../../schema/sample.cddl");
    let keys: Vec<u64> = cddl
        .lines()
        .filter_map(|line| line.trim().trim_start_matches("? ").split_once(" =>"))
        .filter_map(|(key, _)| key.parse().ok())
        .collect();
    let mut numbers: Vec<u64> = proto
        .iter()
        .filter(|f| f.0 != "items")
        .map(|f| f.2)
        .collect();
    for sample in shown() {
        // The first key after the map header is the value's, as the first tag is in Protobuf.
        let cbor = encoded(Codec::new(Format::Cbor), &sample);
        let mut tag = &encoded(Codec::new(Format::Protobuf), &sample)[..];
        assert_eq!(u64::from(cbor[1]), varint(&mut tag) >> 3, "{sample:?}");
    }
    let mut keys = keys;
    keys.sort_unstable();
    numbers.sort_unstable();
    assert_eq!(keys, numbers);
}

#[test]
fn payload_sizes_are_what_the_readme_says() {
    for (format, size) in [
        (Format::Json, 181),
        (Format::Cbor, 39),
        (Format::Protobuf, 40),
    ] {
        let mut payload = BytesMut::new();
        Codec::new(format).encode(&full(), &mut payload).unwrap();
        assert_eq!(payload.len(), size, "{format:?}");
    }
}
