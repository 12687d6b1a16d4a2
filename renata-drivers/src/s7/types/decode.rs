//! From bytes to values.

use renata_codec::{Array, Value};

use super::civil::{Decimals, NANOS_PER_DAY};
use super::{Civil, Type};

/// Why bytes are not a value of the type, or a value cannot become bytes of the type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// Fewer bytes than the type has.
    #[error("{found} bytes where the type has {expected}")]
    Length {
        /// Bytes of the type.
        expected: usize,
        /// Bytes that are there.
        found: usize,
    },
    /// A BCD digit above 9.
    #[error("not BCD: is there really a value of this type at this address?")]
    Bcd,
    /// A month 13, an hour 25.
    #[error("not a date or time: is there really a value of this type at this address?")]
    Civil,
    /// A text that claims more characters than it has room for.
    #[error(
        "text claims {len} characters of at most {max}: not a text, or one never initialised, or \
         its declared length differs"
    )]
    TextHeader {
        /// Characters that it claims.
        len: u16,
        /// The most that fit.
        max: u16,
    },
    /// A value of the wrong kind to be written.
    #[error("cannot write this kind of value: expected {expected}")]
    Kind {
        /// What can be written.
        expected: &'static str,
    },
    /// A number outside the type's range, or with a fraction that the type does not have.
    #[error("value does not fit the type: expected {expected}")]
    Range {
        /// What fits.
        expected: &'static str,
    },
    /// A text longer than its room.
    #[error("text of {len} characters where at most {max} fit")]
    TextLength {
        /// Characters to write.
        len: usize,
        /// The most that fit.
        max: usize,
    },
    /// A character that the type's alphabet does not have.
    #[error("character {0:?} is not in the alphabet of this type")]
    Character(char),
    /// An array of another length.
    #[error("array of {found} values where the tag has {expected}")]
    Count {
        /// Values of the tag.
        expected: usize,
        /// Values to write.
        found: usize,
    },
}

/// Reads one value, or `count` of them as an array. Of a `BOOL`, `bit` is the first bit's place in
/// the first byte; other types have `bit` 0.
///
/// # Errors
/// When there are too few bytes, or they are not a value of the type.
pub fn decode(ty: Type, count: Option<u16>, bit: u8, bytes: &[u8]) -> Result<Value, ValueError> {
    let Some(count) = count.map(usize::from) else {
        return scalar(ty, bit, bytes);
    };
    let at = |i: usize| match ty {
        Type::Bool => {
            let bit = usize::from(bit) + i;
            scalar(
                ty,
                (bit % 8) as u8,
                bytes.get(bit / 8..).unwrap_or_default(),
            )
        }
        _ => scalar(ty, 0, bytes.get(i * ty.size()..).unwrap_or_default()),
    };
    macro_rules! gather {
        ($variant:ident) => {
            (0..count)
                .map(|i| match at(i)? {
                    Value::$variant(v) => Ok(v),
                    // One type gives one kind of value: see `scalar`.
                    _ => Err(ValueError::Kind {
                        expected: "one kind of value",
                    }),
                })
                .collect::<Result<Vec<_>, _>>()
                .map(|v| Value::Array(Array::$variant(v)))
        };
    }
    match at(0)? {
        Value::Bool(_) => gather!(Bool),
        Value::I64(_) => gather!(I64),
        Value::U64(_) => gather!(U64),
        Value::F64(_) => gather!(F64),
        _ => gather!(Text),
    }
}

/// Reads a `DT` or `DTL` as its parts.
///
/// # Errors
/// When there are too few bytes, they are no date, or the type is another.
pub fn civil_of(ty: Type, bytes: &[u8]) -> Result<Civil, ValueError> {
    let bytes = bytes.get(..ty.size()).ok_or(ValueError::Length {
        expected: ty.size(),
        found: bytes.len(),
    })?;
    match ty {
        Type::DateTime => date_and_time(bytes),
        Type::Dtl => dtl(bytes),
        _ => Err(ValueError::Kind {
            expected: "DT or DTL",
        }),
    }
}

fn scalar(ty: Type, bit: u8, bytes: &[u8]) -> Result<Value, ValueError> {
    let bytes = bytes.get(..ty.size()).ok_or(ValueError::Length {
        expected: ty.size(),
        found: bytes.len(),
    })?;
    Ok(match ty {
        Type::Bool => Value::Bool(bytes[0] >> (bit & 7) & 1 == 1),
        Type::Byte | Type::USInt => Value::U64(bytes[0].into()),
        Type::SInt => Value::I64((bytes[0] as i8).into()),
        Type::Char => Value::Text(latin1(bytes)),
        Type::Word | Type::UInt => Value::U64(u16_at(bytes).into()),
        Type::Int => Value::I64((u16_at(bytes) as i16).into()),
        Type::WChar => Value::Text(utf16(bytes)),
        Type::Date => {
            Value::Text(Civil::from_days(DAYS_TO_1990 + u32::from(u16_at(bytes))).date_text())
        }
        Type::S5Time => Value::I64(s5time(u16_at(bytes))?),
        Type::Counter => Value::U64(bcd3(u16_at(bytes))?.into()),
        Type::DWord | Type::UDInt => Value::U64(u32_at(bytes).into()),
        Type::DInt | Type::Time => Value::I64((u32_at(bytes) as i32).into()),
        Type::Real => Value::F64(f32::from_bits(u32_at(bytes)).into()),
        Type::TimeOfDay => {
            let nanos = u64::from(u32_at(bytes)) * 1_000_000;
            Value::Text(time_of_day(nanos)?.time_text(Decimals::Three))
        }
        Type::LWord | Type::ULInt => Value::U64(u64_at(bytes)),
        Type::LInt | Type::LTime => Value::I64(u64_at(bytes) as i64),
        Type::LReal => Value::F64(f64::from_bits(u64_at(bytes))),
        Type::LTimeOfDay => Value::Text(time_of_day(u64_at(bytes))?.time_text(Decimals::Nine)),
        Type::LDateTime => {
            let nanos = u64_at(bytes);
            // 2^64 nanoseconds are 213 503 days.
            let date = Civil::from_days((nanos / NANOS_PER_DAY) as u32);
            Value::Text(date.at(nanos % NANOS_PER_DAY).text(Decimals::Nine))
        }
        Type::DateTime => Value::Text(date_and_time(bytes)?.text(Decimals::Three)),
        Type::Dtl => Value::Text(dtl(bytes)?.text(Decimals::Nine)),
        Type::String(max) => {
            let (header, chars) = bytes.split_at(2);
            Value::Text(latin1(text(chars, header[1].into(), max.into(), 1)?))
        }
        Type::WString(max) => {
            let (header, chars) = bytes.split_at(4);
            Value::Text(utf16(text(chars, u16_at(&header[2..]), max, 2)?))
        }
    })
}

fn text(chars: &[u8], len: u16, max: u16, width: usize) -> Result<&[u8], ValueError> {
    chars
        .get(..usize::from(len) * width)
        .ok_or(ValueError::TextHeader { len, max })
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|b| char::from(*b)).collect()
}

fn utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(u16_at);
    char::decode_utf16(units)
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

fn s5time(word: u16) -> Result<i64, ValueError> {
    let base = [10, 100, 1_000, 10_000][usize::from(word >> 12 & 3)];
    Ok(i64::from(bcd3(word)?) * base)
}

fn bcd3(word: u16) -> Result<u16, ValueError> {
    [word >> 8 & 15, word >> 4 & 15, word & 15]
        .into_iter()
        .try_fold(0, |n, digit| (digit < 10).then_some(n * 10 + digit))
        .ok_or(ValueError::Bcd)
}

fn bcd2(byte: u8) -> Result<u8, ValueError> {
    let (high, low) = (byte >> 4, byte & 15);
    (high < 10 && low < 10)
        .then_some(high * 10 + low)
        .ok_or(ValueError::Bcd)
}

fn time_of_day(nanos: u64) -> Result<Civil, ValueError> {
    (nanos < NANOS_PER_DAY)
        .then(|| Civil::EPOCH.at(nanos))
        .ok_or(ValueError::Civil)
}

fn date_and_time(b: &[u8]) -> Result<Civil, ValueError> {
    let year = u16::from(bcd2(b[0])?);
    let millis = u32::from(bcd2(b[6])?) * 10 + u32::from(bcd2(b[7] & 0xF0)? / 10);
    let civil = Civil {
        year: if year < 90 { 2000 + year } else { 1900 + year },
        month: bcd2(b[1])?,
        day: bcd2(b[2])?,
        hour: bcd2(b[3])?,
        minute: bcd2(b[4])?,
        second: bcd2(b[5])?,
        nanos: millis * 1_000_000,
    };
    civil.is_valid().then_some(civil).ok_or(ValueError::Civil)
}

fn dtl(b: &[u8]) -> Result<Civil, ValueError> {
    // b[4] is the day of the week, which follows from the date.
    let civil = Civil {
        year: u16_at(b),
        month: b[2],
        day: b[3],
        hour: b[5],
        minute: b[6],
        second: b[7],
        nanos: u32_at(&b[8..]),
    };
    civil.is_valid().then_some(civil).ok_or(ValueError::Civil)
}

// The callers have checked the length.
fn u16_at(b: &[u8]) -> u16 {
    u16::from_be_bytes([b[0], b[1]])
}

fn u32_at(b: &[u8]) -> u32 {
    u32::from_be_bytes([b[0], b[1], b[2], b[3]])
}

fn u64_at(b: &[u8]) -> u64 {
    u64::from(u32_at(b)) << 32 | u64::from(u32_at(&b[4..]))
}

pub(super) const DAYS_TO_1990: u32 = 7305;
