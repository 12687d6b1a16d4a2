//! From values to bytes.

use renata_codec::{Array, Value};

use super::civil::NANOS_PER_DAY;
use super::decode::DAYS_TO_1990;
use super::{Civil, Type, ValueError};

/// Writes one value, as the type's bytes, to the end of `out`. A `BOOL` is one byte, 0 or 1.
///
/// Numbers are converted where nothing is lost: `5`, `5.0` and an unsigned 5 all fit an `INT`; 5.5
/// does not, and 70 000 does not. A `REAL` rounds. A text is written without the bytes for its longest
/// length: first its length, then the characters, so the PLC's own header byte stays.
///
/// # Errors
/// When the value does not fit the type.
pub fn encode(ty: Type, value: &Value, out: &mut Vec<u8>) -> Result<(), ValueError> {
    match ty {
        Type::Bool => match value {
            Value::Bool(bit) => out.push((*bit).into()),
            _ => return Err(ValueError::Kind { expected: "a bool" }),
        },
        Type::Byte | Type::USInt => out.extend(int::<u8>(value, "0 to 255")?.to_be_bytes()),
        Type::SInt => out.extend(int::<i8>(value, "-128 to 127")?.to_be_bytes()),
        Type::Word | Type::UInt => out.extend(int::<u16>(value, "0 to 65535")?.to_be_bytes()),
        Type::Int => out.extend(int::<i16>(value, "-32768 to 32767")?.to_be_bytes()),
        Type::DWord | Type::UDInt => {
            out.extend(int::<u32>(value, "32 bits, unsigned")?.to_be_bytes());
        }
        Type::DInt => out.extend(int::<i32>(value, "32 bits, signed")?.to_be_bytes()),
        Type::Time => out.extend(int::<i32>(value, "milliseconds in 32 bits")?.to_be_bytes()),
        Type::LWord | Type::ULInt => {
            out.extend(int::<u64>(value, "64 bits, unsigned")?.to_be_bytes());
        }
        Type::LInt => out.extend(int::<i64>(value, "64 bits, signed")?.to_be_bytes()),
        Type::LTime => out.extend(int::<i64>(value, "nanoseconds in 64 bits")?.to_be_bytes()),
        Type::Real => {
            let wide = float(value)?;
            let real = wide as f32;
            if wide.is_finite() && real.is_infinite() {
                return Err(ValueError::Range {
                    expected: "a number within 32-bit floats",
                });
            }
            out.extend(real.to_be_bytes());
        }
        Type::LReal => out.extend(float(value)?.to_be_bytes()),
        Type::S5Time => out.extend(s5time(int(value, S5TIME)?)?.to_be_bytes()),
        Type::Counter => {
            let count = int::<u16>(value, COUNTER)?;
            let digits = bcd3(count).ok_or(ValueError::Range { expected: COUNTER })?;
            out.extend(digits.to_be_bytes());
        }
        Type::Char => out.push(latin1(only_char(value)?)?),
        Type::WChar => {
            let c = only_char(value)?;
            let unit = u16::try_from(u32::from(c)).map_err(|_| ValueError::Character(c))?;
            out.extend(unit.to_be_bytes());
        }
        Type::String(max) => {
            let text = text(value)?;
            let len = text.chars().count();
            fits(len, max.into())?;
            out.push(len as u8);
            for c in text.chars() {
                out.push(latin1(c)?);
            }
        }
        Type::WString(max) => {
            let units: Vec<u16> = text(value)?.encode_utf16().collect();
            fits(units.len(), max.into())?;
            out.extend((units.len() as u16).to_be_bytes());
            out.extend(units.into_iter().flat_map(u16::to_be_bytes));
        }
        _ => calendar(ty, text(value)?, out)?,
    }
    Ok(())
}

/// The same as [`encode`], but all bytes that the type has in memory: a text comes with its header and
/// is filled up with zeros.
///
/// # Errors
/// When the value does not fit the type.
pub fn encode_whole(ty: Type, value: &Value, out: &mut Vec<u8>) -> Result<(), ValueError> {
    let end = out.len() + ty.size();
    match ty {
        Type::String(max) => out.push(max),
        Type::WString(max) => out.extend(max.to_be_bytes()),
        _ => {}
    }
    encode(ty, value, out)?;
    out.resize(end, 0);
    Ok(())
}

/// The single values of an array value, or the value itself.
pub(crate) fn elements(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(Array::Bool(v)) => v.iter().map(|v| Value::Bool(*v)).collect(),
        Value::Array(Array::I64(v)) => v.iter().map(|v| Value::I64(*v)).collect(),
        Value::Array(Array::U64(v)) => v.iter().map(|v| Value::U64(*v)).collect(),
        Value::Array(Array::F64(v)) => v.iter().map(|v| Value::F64(*v)).collect(),
        Value::Array(Array::Text(v)) => v.iter().map(|v| Value::Text(v.clone())).collect(),
        Value::Array(Array::Bytes(v)) => v.iter().map(|v| Value::Bytes(v.clone())).collect(),
        scalar => vec![scalar.clone()],
    }
}

fn calendar(ty: Type, text: &str, out: &mut Vec<u8>) -> Result<(), ValueError> {
    let range = |expected| ValueError::Range { expected };
    let civil = match ty {
        Type::Date => Civil::parse_date(text),
        Type::TimeOfDay | Type::LTimeOfDay => Civil::parse_time(text),
        _ => Civil::parse(text),
    };
    let civil = civil.map_err(|_| range("2026-03-01, 05:30:00.250 or 2026-03-01T05:30:00.250"))?;
    match ty {
        Type::Date => {
            let days = civil.days() - i64::from(DAYS_TO_1990);
            let days =
                u16::try_from(days).map_err(|_| range("a date from 1990-01-01 to 2169-06-06"))?;
            out.extend(days.to_be_bytes());
        }
        Type::TimeOfDay => {
            millis(civil)?;
            // A day has 86 400 000 milliseconds.
            out.extend(((civil.nanos_of_day() / 1_000_000) as u32).to_be_bytes());
        }
        Type::LTimeOfDay => out.extend(civil.nanos_of_day().to_be_bytes()),
        Type::LDateTime => {
            let days = u64::try_from(civil.days()).ok();
            let nanos = days
                .and_then(|d| {
                    d.checked_mul(NANOS_PER_DAY)?
                        .checked_add(civil.nanos_of_day())
                })
                .ok_or(range("a date from 1970 to 2554"))?;
            out.extend(nanos.to_be_bytes());
        }
        Type::Dtl => {
            out.extend(civil.year.to_be_bytes());
            let (month, day, weekday) = (civil.month, civil.day, civil.weekday());
            out.extend([month, day, weekday, civil.hour, civil.minute, civil.second]);
            out.extend(civil.nanos.to_be_bytes());
        }
        _ => {
            if !(1990..2090).contains(&civil.year) {
                return Err(range("a date from 1990 to 2089"));
            }
            let millis = millis(civil)?;
            let year = (civil.year % 100) as u8;
            let parts = [
                year,
                civil.month,
                civil.day,
                civil.hour,
                civil.minute,
                civil.second,
            ];
            out.extend(parts.map(bcd2));
            out.push(bcd2((millis / 10) as u8));
            out.push((millis % 10) as u8 * 16 + civil.weekday());
        }
    }
    Ok(())
}

fn millis(civil: Civil) -> Result<u16, ValueError> {
    let millis = (civil.nanos / 1_000_000) as u16;
    if civil.nanos.is_multiple_of(1_000_000) {
        Ok(millis)
    } else {
        Err(ValueError::Range {
            expected: "at most three decimals of a second",
        })
    }
}

fn int<T: TryFrom<i128>>(value: &Value, expected: &'static str) -> Result<T, ValueError> {
    let wide = match *value {
        Value::I64(v) => i128::from(v),
        Value::U64(v) => i128::from(v),
        Value::F64(v) if v.fract() == 0.0 => v as i128,
        Value::F64(_) => return Err(ValueError::Range { expected }),
        _ => {
            return Err(ValueError::Kind {
                expected: "a number",
            });
        }
    };
    T::try_from(wide).map_err(|_| ValueError::Range { expected })
}

fn float(value: &Value) -> Result<f64, ValueError> {
    match value {
        Value::Bool(_) => None,
        other => other.as_f64(),
    }
    .ok_or(ValueError::Kind {
        expected: "a number",
    })
}

fn text(value: &Value) -> Result<&str, ValueError> {
    match value {
        Value::Text(text) => Ok(text),
        _ => Err(ValueError::Kind { expected: "a text" }),
    }
}

fn only_char(value: &Value) -> Result<char, ValueError> {
    let text = text(value)?;
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Ok(c),
        _ => Err(ValueError::TextLength {
            len: text.chars().count(),
            max: 1,
        }),
    }
}

fn latin1(c: char) -> Result<u8, ValueError> {
    u8::try_from(u32::from(c)).map_err(|_| ValueError::Character(c))
}

fn fits(len: usize, max: usize) -> Result<(), ValueError> {
    if len > max {
        return Err(ValueError::TextLength { len, max });
    }
    Ok(())
}

/// The smallest base that holds the time exactly.
fn s5time(millis: i64) -> Result<u16, ValueError> {
    [10, 100, 1_000, 10_000]
        .into_iter()
        .enumerate()
        .filter(|(_, base)| millis % base == 0)
        .find_map(|(code, base)| {
            let digits = bcd3(u16::try_from(millis / base).ok()?)?;
            Some((code as u16) << 12 | digits)
        })
        .ok_or(ValueError::Range { expected: S5TIME })
}

fn bcd3(number: u16) -> Option<u16> {
    let digits = [number / 100 % 10, number / 10 % 10, number % 10];
    (number < 1000).then_some(
        digits
            .into_iter()
            .fold(0, |word, digit| (word << 4) | digit),
    )
}

fn bcd2(number: u8) -> u8 {
    ((number / 10) << 4) | (number % 10)
}

const COUNTER: &str = "0 to 999";
const S5TIME: &str = "0 to 9 990 000 ms in three digits: steps of 10 ms up to 9 990, of 100 ms up to \
                      99 900, of 1 s up to 999 000, of 10 s above";
