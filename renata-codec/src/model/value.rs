//! What was measured: a scalar or an array of scalars of one type.

use std::fmt;

use bytes::Bytes;

/// A measured value: one scalar, or an array of scalars of one type.
///
/// The type is part of the value and survives every format: `I64(1)` and `U64(1)` are different
/// values, and the lake keeps each type in a column of its own. Comparing floats follows IEEE 754
/// (`NaN` is unequal to itself); [`Value::same`] compares bits, as a change filter wants it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A bit.
    Bool(bool),
    /// A signed integer.
    I64(i64),
    /// An unsigned integer.
    U64(u64),
    /// A number with a fraction.
    F64(f64),
    /// A text.
    Text(String),
    /// Raw bytes.
    Bytes(Bytes),
    /// Several values of one type.
    Array(Array),
}

impl Value {
    /// The type.
    #[must_use]
    pub const fn value_type(&self) -> ValueType {
        match self {
            Self::Bool(_) => ValueType::Bool,
            Self::I64(_) => ValueType::I64,
            Self::U64(_) => ValueType::U64,
            Self::F64(_) => ValueType::F64,
            Self::Text(_) => ValueType::Text,
            Self::Bytes(_) => ValueType::Bytes,
            Self::Array(array) => array.value_type(),
        }
    }

    /// The number, where it is one scalar number or bit; integers beyond 2^53 are rounded.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match *self {
            Self::Bool(v) => Some(f64::from(u8::from(v))),
            Self::I64(v) => Some(v as f64),
            Self::U64(v) => Some(v as f64),
            Self::F64(v) => Some(v),
            _ => None,
        }
    }

    /// Whether both are the same value of the same type, floats compared by their bits: `NaN` is
    /// the same as itself, and `0.0` is not `-0.0`.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::F64(a), Self::F64(b)) => a.to_bits() == b.to_bits(),
            (Self::Array(Array::F64(a)), Self::Array(Array::F64(b))) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
            }
            (a, b) => a == b,
        }
    }

    /// Number of scalars: 1, or the length of the array.
    #[must_use]
    pub fn items(&self) -> usize {
        match self {
            Self::Array(array) => array.len(),
            _ => 1,
        }
    }
}

macro_rules! from {
    ($($source:ty => $make:expr,)*) => {$(
        impl From<$source> for Value {
            fn from(v: $source) -> Self { $make(v) }
        }
    )*};
}

from! {
    bool => Value::Bool,
    i64 => Value::I64,
    u64 => Value::U64,
    f64 => Value::F64,
    String => Value::Text,
    &str => |v: &str| Value::Text(v.to_owned()),
    Bytes => Value::Bytes,
    Array => Value::Array,
    Vec<bool> => |v| Value::Array(Array::Bool(v)),
    Vec<i64> => |v| Value::Array(Array::I64(v)),
    Vec<u64> => |v| Value::Array(Array::U64(v)),
    Vec<f64> => |v| Value::Array(Array::F64(v)),
    Vec<String> => |v| Value::Array(Array::Text(v)),
    Vec<Bytes> => |v| Value::Array(Array::Bytes(v)),
}

/// Scalars of one type in a row; also the value column of a [`Batch`](crate::Batch).
#[derive(Clone, Debug, PartialEq)]
pub enum Array {
    /// Bits.
    Bool(Vec<bool>),
    /// Signed integers.
    I64(Vec<i64>),
    /// Unsigned integers.
    U64(Vec<u64>),
    /// Numbers with a fraction.
    F64(Vec<f64>),
    /// Texts.
    Text(Vec<String>),
    /// Raw bytes.
    Bytes(Vec<Bytes>),
}

impl Array {
    /// Number of scalars.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Bool(v) => v.len(),
            Self::I64(v) => v.len(),
            Self::U64(v) => v.len(),
            Self::F64(v) => v.len(),
            Self::Text(v) => v.len(),
            Self::Bytes(v) => v.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The array type.
    #[must_use]
    pub const fn value_type(&self) -> ValueType {
        match self {
            Self::Bool(_) => ValueType::BoolArray,
            Self::I64(_) => ValueType::I64Array,
            Self::U64(_) => ValueType::U64Array,
            Self::F64(_) => ValueType::F64Array,
            Self::Text(_) => ValueType::TextArray,
            Self::Bytes(_) => ValueType::BytesArray,
        }
    }
}

/// The type of a [`Value`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ValueType {
    /// [`Value::Bool`].
    Bool,
    /// [`Value::I64`].
    I64,
    /// [`Value::U64`].
    U64,
    /// [`Value::F64`].
    F64,
    /// [`Value::Text`].
    Text,
    /// [`Value::Bytes`].
    Bytes,
    /// [`Array::Bool`].
    BoolArray,
    /// [`Array::I64`].
    I64Array,
    /// [`Array::U64`].
    U64Array,
    /// [`Array::F64`].
    F64Array,
    /// [`Array::Text`].
    TextArray,
    /// [`Array::Bytes`].
    BytesArray,
}

impl ValueType {
    /// Every type.
    pub const ALL: [Self; 12] = [
        Self::Bool,
        Self::I64,
        Self::U64,
        Self::F64,
        Self::Text,
        Self::Bytes,
        Self::BoolArray,
        Self::I64Array,
        Self::U64Array,
        Self::F64Array,
        Self::TextArray,
        Self::BytesArray,
    ];

    /// The name in text formats: `bool`, `i64`, `u64`, `f64`, `string`, `bytes`, and each with
    /// `[]` for arrays.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::I64 => "i64",
            Self::U64 => "u64",
            Self::F64 => "f64",
            Self::Text => "string",
            Self::Bytes => "bytes",
            Self::BoolArray => "bool[]",
            Self::I64Array => "i64[]",
            Self::U64Array => "u64[]",
            Self::F64Array => "f64[]",
            Self::TextArray => "string[]",
            Self::BytesArray => "bytes[]",
        }
    }

    /// The type of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }

    /// Whether it is an array type.
    #[must_use]
    pub const fn is_array(self) -> bool {
        self as u8 >= Self::BoolArray as u8
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sameness_looks_at_bits_and_types() {
        assert!(Value::F64(f64::NAN).same(&Value::F64(f64::NAN)));
        assert!(!Value::F64(0.0).same(&Value::F64(-0.0)));
        assert!(!Value::I64(1).same(&Value::U64(1)));
        assert!(Value::from(vec![f64::NAN]).same(&Value::from(vec![f64::NAN])));
        assert!(!Value::from(vec![1.0]).same(&Value::from(vec![1.0, 2.0])));
    }

    #[test]
    fn type_names_lead_back() {
        for t in ValueType::ALL {
            assert_eq!(ValueType::from_name(t.name()), Some(t));
            assert_eq!(t.is_array(), t.name().ends_with("[]"));
        }
        assert_eq!(ValueType::from_name("int"), None);
    }
}
