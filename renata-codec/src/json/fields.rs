//! From the keys of a JSON object to a sample.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::{INFINITY, MINUS_INFINITY, NAN};
use crate::{
    Array, DecodeError, Level, Quality, Reason, Sample, Timestamp, Unit, Value, ValueType,
};

/// A JSON value of at most one level of arrays, not yet looked at.
pub(super) enum Raw<'de> {
    Null,
    Bool(bool),
    I64(i64),
    U64(u64),
    F64(f64),
    Text(Cow<'de, str>),
    Array(Vec<Raw<'de>>),
}

macro_rules! fields {
    ($($field:ident $key:literal,)*) => {
        /// What stood under the known keys.
        #[derive(Default)]
        pub(super) struct Fields<'de> { $($field: Option<Raw<'de>>,)* }

        impl<'de> Fields<'de> {
            /// Where the value of `key` goes, with the key's name; `None` for an unknown key.
            pub(super) fn slot(
                &mut self,
                key: &str,
            ) -> Option<(&'static str, &mut Option<Raw<'de>>)> {
                match key {
                    $($key => Some(($key, &mut self.$field)),)*
                    _ => None,
                }
            }
        }
    };
}

fields! {
    value "value",
    value_type "type",
    quality "quality",
    reason "reason",
    unit "unit",
    epoch "epoch",
    seq "seq",
    source_time "source_time",
    receive_time "receive_time",
}

impl Fields<'_> {
    /// The sample that the keys describe.
    pub(super) fn into_sample(self) -> Result<Sample, DecodeError> {
        let value_type = match text(self.value_type, "type")? {
            Some(name) => Some(ValueType::from_name(&name).ok_or(DecodeError::Invalid("type"))?),
            None => None,
        };
        let level = match text(self.quality, "quality")? {
            Some(name) => Level::from_name(&name).ok_or(DecodeError::Invalid("quality"))?,
            None => Level::Good,
        };
        let reason = text(self.reason, "reason")?;
        let unit = text(self.unit, "unit")?.map(|u| Unit::new(&u)).transpose();
        let receive_time = time(self.receive_time, "receive_time")?;
        Ok(Sample {
            value: value(self.value, value_type).ok_or(DecodeError::Invalid("value"))?,
            quality: Quality {
                level,
                reason: reason.map_or(Reason::None, |name| Reason::from_name(&name)),
            },
            source_time: time(self.source_time, "source_time")?,
            receive_time: receive_time.ok_or(DecodeError::Missing("receive_time"))?,
            unit: unit.map_err(|_| DecodeError::Invalid("unit"))?,
            epoch: count(self.epoch, "epoch")?,
            seq: count(self.seq, "seq")?,
        })
    }
}

fn text<'de>(
    raw: Option<Raw<'de>>,
    name: &'static str,
) -> Result<Option<Cow<'de, str>>, DecodeError> {
    match raw {
        None | Some(Raw::Null) => Ok(None),
        Some(Raw::Text(text)) => Ok(Some(text)),
        Some(_) => Err(DecodeError::Invalid(name)),
    }
}

fn time(raw: Option<Raw<'_>>, name: &'static str) -> Result<Option<Timestamp>, DecodeError> {
    let time = text(raw, name)?.map(|t| t.parse()).transpose();
    time.map_err(|_| DecodeError::Invalid(name))
}

fn count<T: TryFrom<u64>>(raw: Option<Raw<'_>>, name: &'static str) -> Result<T, DecodeError> {
    let raw = raw.ok_or(DecodeError::Missing(name))?;
    let number = u64_of(&raw).and_then(|n| T::try_from(n).ok());
    number.ok_or(DecodeError::Invalid(name))
}

/// The inner `None` is no value, the outer one a value that is not of its type.
fn value(raw: Option<Raw<'_>>, value_type: Option<ValueType>) -> Option<Option<Value>> {
    let raw = match raw {
        None | Some(Raw::Null) => return Some(None),
        Some(raw) => raw,
    };
    let value_type = value_type.or_else(|| inferred(&raw))?;
    Some(Some(match value_type {
        ValueType::Bool => Value::Bool(bool_of(&raw)?),
        ValueType::I64 => Value::I64(i64_of(&raw)?),
        ValueType::U64 => Value::U64(u64_of(&raw)?),
        ValueType::F64 => Value::F64(f64_of(&raw)?),
        ValueType::Text => Value::Text(text_of(&raw)?),
        ValueType::Bytes => Value::Bytes(bytes_of(&raw)?),
        ValueType::BoolArray => Array::Bool(items(&raw, bool_of)?).into(),
        ValueType::I64Array => Array::I64(items(&raw, i64_of)?).into(),
        ValueType::U64Array => Array::U64(items(&raw, u64_of)?).into(),
        ValueType::F64Array => Array::F64(items(&raw, f64_of)?).into(),
        ValueType::TextArray => Array::Text(items(&raw, text_of)?).into(),
        ValueType::BytesArray => Array::Bytes(items(&raw, bytes_of)?).into(),
    }))
}

/// What a value without `type` looks like; an array of mixed numbers is one of `f64`.
fn inferred(raw: &Raw<'_>) -> Option<ValueType> {
    Some(match raw {
        Raw::Null => return None,
        Raw::Bool(_) => ValueType::Bool,
        Raw::U64(v) if i64::try_from(*v).is_err() => ValueType::U64,
        Raw::I64(_) | Raw::U64(_) => ValueType::I64,
        Raw::F64(_) => ValueType::F64,
        Raw::Text(_) => ValueType::Text,
        Raw::Array(items) => {
            let all = |of: fn(&Raw<'_>) -> bool| items.iter().all(of);
            if all(|v| matches!(v, Raw::Bool(_))) && !items.is_empty() {
                ValueType::BoolArray
            } else if all(|v| matches!(v, Raw::Text(_))) && !items.is_empty() {
                ValueType::TextArray
            } else if all(|v| i64_of(v).is_some()) && !items.is_empty() {
                ValueType::I64Array
            } else {
                ValueType::F64Array
            }
        }
    })
}

fn items<T>(raw: &Raw<'_>, of: fn(&Raw<'_>) -> Option<T>) -> Option<Vec<T>> {
    match raw {
        Raw::Array(items) => items.iter().map(of).collect(),
        _ => None,
    }
}

const fn bool_of(raw: &Raw<'_>) -> Option<bool> {
    match raw {
        Raw::Bool(v) => Some(*v),
        _ => None,
    }
}

fn i64_of(raw: &Raw<'_>) -> Option<i64> {
    match raw {
        Raw::I64(v) => Some(*v),
        Raw::U64(v) => i64::try_from(*v).ok(),
        Raw::Text(v) => v.parse().ok(),
        _ => None,
    }
}

fn u64_of(raw: &Raw<'_>) -> Option<u64> {
    match raw {
        Raw::U64(v) => Some(*v),
        Raw::Text(v) => v.parse().ok(),
        _ => None,
    }
}

fn f64_of(raw: &Raw<'_>) -> Option<f64> {
    match raw {
        Raw::I64(v) => Some(*v as f64),
        Raw::U64(v) => Some(*v as f64),
        Raw::F64(v) => Some(*v),
        Raw::Text(v) if v == NAN => Some(f64::NAN),
        Raw::Text(v) if v == INFINITY => Some(f64::INFINITY),
        Raw::Text(v) if v == MINUS_INFINITY => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

fn text_of(raw: &Raw<'_>) -> Option<String> {
    match raw {
        Raw::Text(v) => Some(v.clone().into_owned()),
        _ => None,
    }
}

fn bytes_of(raw: &Raw<'_>) -> Option<Bytes> {
    match raw {
        Raw::Text(v) => STANDARD.decode(v.as_bytes()).ok().map(Bytes::from),
        _ => None,
    }
}
