//! JSON text as a sample: one pass, strings borrowed where they hold no escape.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::fields::{Fields, Raw};
use crate::{DecodeError, Limits, Sample};

/// Reads a payload.
pub(crate) fn decode(payload: &[u8], limits: &Limits) -> Result<Sample, DecodeError> {
    let context = Context {
        limits,
        skipped: Cell::new(0),
        failed: Cell::new(None),
    };
    let mut parser = serde_json::Deserializer::from_slice(payload);
    let fields = Fields::default();
    let fields = FieldsSeed(&context, fields)
        .deserialize(&mut parser)
        .map_err(|e| context.failed.get().unwrap_or_else(|| syntax(payload, &e)))?;
    parser.end().map_err(|e| DecodeError::TrailingBytes {
        at: place(payload, &e),
    })?;
    fields.into_sample()
}

fn syntax(payload: &[u8], error: &serde_json::Error) -> DecodeError {
    if error.is_eof() {
        DecodeError::Truncated
    } else {
        DecodeError::Syntax {
            at: place(payload, error),
        }
    }
}

/// `serde_json` counts lines and columns from 1; we say how many bytes come before.
fn place(payload: &[u8], error: &serde_json::Error) -> usize {
    let lines = payload.split_inclusive(|b| *b == b'\n');
    let before: usize = lines
        .take(error.line().saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    (before + error.column().saturating_sub(1)).min(payload.len())
}

/// What the visitors share; `failed` carries our error past `serde_json`, whose errors hold text.
struct Context<'l> {
    limits: &'l Limits,
    skipped: Cell<usize>,
    failed: Cell<Option<DecodeError>>,
}

impl Context<'_> {
    fn fail<E: serde::de::Error>(&self, error: DecodeError) -> E {
        self.failed.set(Some(error));
        E::custom(error)
    }
}

struct FieldsSeed<'c, 'l, 'de>(&'c Context<'l>, Fields<'de>);

impl<'de> DeserializeSeed<'de> for FieldsSeed<'_, '_, 'de> {
    type Value = Fields<'de>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Fields<'de>, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for FieldsSeed<'_, '_, 'de> {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sample")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Fields<'de>, A::Error> {
        while let Some(key) = map.next_key_seed(KeySeed)? {
            match self.1.slot(&key) {
                Some((name, Some(_))) => return Err(self.0.fail(DecodeError::Repeated(name))),
                Some((name, slot)) => {
                    *slot = Some(map.next_value_seed(RawSeed {
                        context: self.0,
                        name,
                        in_array: false,
                    })?);
                }
                None => map.next_value_seed(Skip(self.0, 1))?,
            }
        }
        Ok(self.1)
    }
}

struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Cow<'de, str>, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(v))
    }

    fn visit_str<E>(self, v: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(v.to_owned()))
    }
}

struct RawSeed<'c, 'l> {
    context: &'c Context<'l>,
    name: &'static str,
    in_array: bool,
}

impl<'de> DeserializeSeed<'de> for RawSeed<'_, '_> {
    type Value = Raw<'de>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Raw<'de>, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for RawSeed<'_, '_> {
    type Value = Raw<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a scalar or an array of scalars")
    }

    fn visit_unit<E>(self) -> Result<Raw<'de>, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, v: bool) -> Result<Raw<'de>, E> {
        Ok(Raw::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Raw<'de>, E> {
        Ok(Raw::I64(v))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Raw<'de>, E> {
        Ok(Raw::U64(v))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Raw<'de>, E> {
        Ok(Raw::F64(v))
    }

    fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Raw<'de>, E> {
        Ok(Raw::Text(Cow::Borrowed(v)))
    }

    fn visit_str<E>(self, v: &str) -> Result<Raw<'de>, E> {
        Ok(Raw::Text(Cow::Owned(v.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw<'de>, A::Error> {
        if self.in_array || self.name != "value" {
            return Err(self.context.fail(DecodeError::Invalid(self.name)));
        }
        let limit = self.context.limits.max_items;
        let mut items = Vec::new();
        loop {
            let item = RawSeed {
                in_array: true,
                ..self
            };
            match seq.next_element_seed(item)? {
                None => return Ok(Raw::Array(items)),
                Some(_) if items.len() == limit => {
                    return Err(self.context.fail(DecodeError::TooManyItems { limit }));
                }
                Some(item) => items.push(item),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Raw<'de>, A::Error> {
        Err(self.context.fail(DecodeError::Invalid(self.name)))
    }
}

/// The value of an unknown key: checked for depth and number of items, and dropped.
struct Skip<'c, 'l>(&'c Context<'l>, usize);

impl Skip<'_, '_> {
    fn inner<E: serde::de::Error>(&self) -> Result<Self, E> {
        let Limits {
            max_depth,
            max_items,
            ..
        } = *self.0.limits;
        if self.1 >= max_depth {
            return Err(self.0.fail(DecodeError::TooDeep { limit: max_depth }));
        }
        let skipped = self.0.skipped.get() + 1;
        self.0.skipped.set(skipped);
        if skipped > max_items {
            return Err(self.0.fail(DecodeError::TooManyItems { limit: max_items }));
        }
        Ok(Skip(self.0, self.1 + 1))
    }
}

impl<'de> DeserializeSeed<'de> for Skip<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Skip<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(self.inner::<A::Error>()?)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key_seed(KeySeed)?.is_some() {
            map.next_value_seed(self.inner::<A::Error>()?)?;
        }
        Ok(())
    }
}
