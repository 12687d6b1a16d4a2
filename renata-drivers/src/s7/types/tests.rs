use super::super::pdu::unhex;
use super::*;
use proptest::prelude::*;
use renata_codec::Value;

fn read(ty: Type, bytes: &str) -> Result<Value, ValueError> {
    decode(ty, None, 0, &unhex(bytes))
}

/// (type, bytes, value): the bytes are STEP 7's, checked by hand against the type's definition.
fn examples() -> Vec<(Type, &'static str, Value)> {
    let text = |t: &str| Value::Text(t.to_owned());
    vec![
        (Type::Bool, "01", Value::Bool(true)),
        (Type::Byte, "ff", Value::U64(255)),
        (Type::USInt, "80", Value::U64(128)),
        (Type::SInt, "80", Value::I64(-128)),
        (Type::Char, "e9", text("é")),
        (Type::Word, "ffff", Value::U64(65_535)),
        (Type::UInt, "8000", Value::U64(32_768)),
        (Type::Int, "8000", Value::I64(-32_768)),
        (Type::WChar, "20ac", text("€")),
        (Type::Date, "0000", text("1990-01-01")),
        (Type::Date, "ffff", text("2169-06-06")),
        (Type::S5Time, "0127", Value::I64(1_270)),
        (Type::S5Time, "1127", Value::I64(12_700)),
        (Type::S5Time, "3999", Value::I64(9_990_000)),
        (Type::Counter, "0999", Value::U64(999)),
        (Type::DWord, "deadbeef", Value::U64(0xDEAD_BEEF)),
        (Type::UDInt, "ffffffff", Value::U64(u32::MAX.into())),
        (Type::DInt, "ffffffff", Value::I64(-1)),
        (Type::Real, "40500000", Value::F64(3.25)),
        (Type::Time, "fffffc18", Value::I64(-1_000)),
        (Type::TimeOfDay, "0526 5bff", text("23:59:59.999")),
        (Type::LWord, "ffffffffffffffff", Value::U64(u64::MAX)),
        (Type::ULInt, "0000000000000001", Value::U64(1)),
        (Type::LInt, "8000000000000000", Value::I64(i64::MIN)),
        (Type::LReal, "3ff0000000000000", Value::F64(1.0)),
        (Type::LTime, "ffffffffffffffff", Value::I64(-1)),
        (
            Type::LTimeOfDay,
            "0000000000000001",
            text("00:00:00.000000001"),
        ),
        (
            Type::LDateTime,
            "0000000000000000",
            text("1970-01-01T00:00:00.000000000"),
        ),
        (
            Type::LDateTime,
            "ffffffffffffffff",
            text("2554-07-21T23:34:33.709551615"),
        ),
        (
            Type::DateTime,
            "26 11 22 05 15 41 12 31",
            text("2026-11-22T05:15:41.123"),
        ),
        (
            Type::DateTime,
            "90 01 01 00 00 00 00 02",
            text("1990-01-01T00:00:00.000"),
        ),
        (
            Type::Dtl,
            "07ea 0b 16 01 05 0f 29 00000001",
            text("2026-11-22T05:15:41.000000001"),
        ),
    ]
}

#[test]
fn every_type_reads_and_writes_its_known_bytes() {
    for (ty, bytes, value) in examples() {
        assert_eq!(read(ty, bytes).as_ref(), Ok(&value), "{ty} {bytes}");
        let mut written = Vec::new();
        encode(ty, &value, &mut written).unwrap();
        assert_eq!(written, unhex(bytes), "{ty} {value:?}");
        for cut in 0..written.len() {
            let short = decode(ty, None, 0, &written[..cut]);
            assert!(matches!(short, Err(ValueError::Length { .. })), "{ty}");
        }
    }
    let covered: Vec<_> = examples().iter().map(|(t, ..)| t.name()).collect();
    let missing = Type::ALL.iter().filter(|t| !covered.contains(&t.name()));
    assert_eq!(
        missing.map(|t| t.name()).collect::<Vec<_>>(),
        ["STRING", "WSTRING"]
    );
}

#[test]
fn texts_have_a_header_that_writing_leaves_alone() {
    let hello = "05 02 48e9 000000";
    assert_eq!(read(Type::String(5), hello), Ok("Hé".into()));
    let mut out = Vec::new();
    encode(Type::String(5), &"Hé".into(), &mut out).unwrap();
    assert_eq!(out, unhex("02 48e9"));
    let wide = "0003 0002 0048 20ac 0000";
    assert_eq!(read(Type::WString(3), wide), Ok("H€".into()));
    out.clear();
    encode(Type::WString(3), &"H€".into(), &mut out).unwrap();
    assert_eq!(out, unhex("0002 0048 20ac"));
    let never_initialised = read(Type::String(2), "ff ff ffff");
    assert_eq!(
        never_initialised,
        Err(ValueError::TextHeader { len: 255, max: 2 })
    );
}

#[test]
fn bits_are_found_in_their_byte_and_arrays_run_over_bytes() {
    let bits = [0b1000_0000, 0b0000_0101];
    assert_eq!(decode(Type::Bool, None, 7, &bits), Ok(Value::Bool(true)));
    assert_eq!(decode(Type::Bool, None, 6, &bits), Ok(Value::Bool(false)));
    let expected = Value::from(vec![true, true, false, true]);
    assert_eq!(decode(Type::Bool, Some(4), 7, &bits), Ok(expected));
    let ints = decode(Type::Int, Some(2), 0, &unhex("0001 ffff"));
    assert_eq!(ints, Ok(Value::from(vec![1i64, -1])));
    let texts = decode(Type::String(1), Some(2), 0, &unhex("01 01 41 01 00 42"));
    assert_eq!(texts, Ok(Value::from(vec!["A".to_owned(), String::new()])));
    assert!(decode(Type::Int, Some(3), 0, &unhex("0001 ffff")).is_err());
}

#[test]
fn bytes_that_are_no_value_say_so() {
    assert_eq!(read(Type::Counter, "0a00"), Err(ValueError::Bcd));
    assert_eq!(read(Type::S5Time, "000f"), Err(ValueError::Bcd));
    assert_eq!(
        read(Type::DateTime, "26 13 22 05 15 41 00 00"),
        Err(ValueError::Civil)
    );
    assert_eq!(
        read(Type::Dtl, "07ea 02 1d 01 05 0f 29 00000000"),
        Err(ValueError::Civil)
    );
    assert_eq!(read(Type::TimeOfDay, "05265c00"), Err(ValueError::Civil));
}

#[test]
fn values_that_do_not_fit_are_refused() {
    let refused = |ty, value: Value| encode(ty, &value, &mut Vec::new()).unwrap_err();
    let range = |e| matches!(e, ValueError::Range { .. });
    let kind = |e| matches!(e, ValueError::Kind { .. });
    assert!(range(refused(Type::Int, Value::I64(32_768))));
    assert!(range(refused(Type::Int, Value::F64(1.5))));
    assert!(range(refused(Type::Int, Value::F64(f64::NAN))));
    assert!(range(refused(Type::UInt, Value::I64(-1))));
    assert!(range(refused(Type::Real, Value::F64(1e39))));
    assert!(range(refused(Type::S5Time, Value::I64(12_345))));
    assert!(range(refused(Type::TimeOfDay, "12:00:00.0001".into())));
    assert!(range(refused(Type::Date, "1989-12-31".into())));
    assert!(range(refused(Type::DateTime, "2090-01-01T00:00:00".into())));
    assert!(kind(refused(Type::Int, Value::Bool(true))));
    assert!(kind(refused(Type::Real, Value::Bool(true))));
    assert!(kind(refused(Type::Bool, Value::I64(1))));
    assert_eq!(refused(Type::Char, "€".into()), ValueError::Character('€'));
    assert_eq!(
        refused(Type::WChar, "😀".into()),
        ValueError::Character('😀')
    );
    let long = ValueError::TextLength { len: 3, max: 2 };
    assert_eq!(refused(Type::String(2), "abc".into()), long);
}

#[test]
fn numbers_convert_where_nothing_is_lost() {
    for five in [Value::I64(5), Value::U64(5), Value::F64(5.0)] {
        let mut out = Vec::new();
        encode(Type::Int, &five, &mut out).unwrap();
        encode(Type::Real, &five, &mut out).unwrap();
        assert_eq!(out, unhex("0005 40a00000"));
    }
}

#[test]
fn names_lead_back_to_types() {
    for ty in Type::ALL {
        assert_eq!(Type::from_name(ty.name()), Some(ty));
    }
    assert_eq!(Type::from_name("DATE_AND_TIME"), Some(Type::DateTime));
    assert_eq!(Type::from_name("FLOAT"), None);
}

proptest! {
    /// Any bytes of any type are a value or an error; a value goes back to bytes that read the same.
    #[test]
    fn whatever_is_read_can_be_written(
        at in 0..Type::ALL.len(),
        bytes in prop::collection::vec(any::<u8>(), 12),
    ) {
        let ty = match Type::ALL[at] {
            Type::String(_) => Type::String(10),
            Type::WString(_) => Type::WString(4),
            other => other,
        };
        if let Ok(value) = decode(ty, None, 0, &bytes) {
            let mut written = Vec::new();
            match encode(ty, &value, &mut written) {
                Ok(()) => {}
                // A lone surrogate was read as U+FFFD, which fits as well.
                Err(e) => prop_assert!(false, "{ty} {value:?}: {e}"),
            }
            let header = match ty {
                Type::String(_) => vec![10],
                Type::WString(_) => vec![0, 4],
                _ => vec![],
            };
            let mut whole = [header, written].concat();
            whole.resize(ty.size().max(whole.len()), 0);
            let again = decode(ty, None, 0, &whole).unwrap();
            prop_assert!(again.same(&value), "{ty}: {value:?} became {again:?}");
        }
    }
}
