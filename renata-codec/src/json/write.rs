//! A sample as JSON text.

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, Bytes, BytesMut};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::{INFINITY, MAX_SAFE, MINUS_INFINITY, NAN};
use crate::model::timestamp::Text;
use crate::{Array, Reason, Sample, Timestamp, Value};

/// Appends the payload.
pub(crate) fn encode(sample: &Sample, out: &mut BytesMut) {
    let written = serde_json::to_writer(out.writer(), &Json(sample));
    debug_assert!(written.is_ok(), "no map key and no writer fails");
}

/// Serializes as this format wants it.
struct Json<T>(T);

impl Serialize for Json<&Sample> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let sample = self.0;
        let mut map = to.serialize_map(None)?;
        if let Some(value) = &sample.value {
            map.serialize_entry("value", &Json(value))?;
            map.serialize_entry("type", value.value_type().name())?;
        }
        map.serialize_entry("quality", sample.quality.level.name())?;
        if sample.quality.reason != Reason::None {
            map.serialize_entry("reason", sample.quality.reason.name())?;
        }
        if let Some(unit) = &sample.unit {
            map.serialize_entry("unit", unit.as_str())?;
        }
        map.serialize_entry("epoch", &sample.epoch)?;
        map.serialize_entry("seq", &Json(sample.seq))?;
        if let Some(time) = sample.source_time {
            map.serialize_entry("source_time", &Json(time))?;
        }
        map.serialize_entry("receive_time", &Json(sample.receive_time))?;
        map.end()
    }
}

impl Serialize for Json<Timestamp> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let text = Text::new(self.0);
        to.serialize_str(std::str::from_utf8(text.as_bytes()).unwrap_or_default())
    }
}

impl Serialize for Json<&Value> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Bool(v) => to.serialize_bool(*v),
            Value::I64(v) => Json(*v).serialize(to),
            Value::U64(v) => Json(*v).serialize(to),
            Value::F64(v) => Json(*v).serialize(to),
            Value::Text(v) => to.serialize_str(v),
            Value::Bytes(v) => Json(v).serialize(to),
            Value::Array(Array::Bool(v)) => to.collect_seq(v),
            Value::Array(Array::I64(v)) => items(v.iter().map(|v| Json(*v)), to),
            Value::Array(Array::U64(v)) => items(v.iter().map(|v| Json(*v)), to),
            Value::Array(Array::F64(v)) => items(v.iter().map(|v| Json(*v)), to),
            Value::Array(Array::Text(v)) => to.collect_seq(v),
            Value::Array(Array::Bytes(v)) => items(v.iter().map(Json), to),
        }
    }
}

impl Serialize for Json<i64> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.0.unsigned_abs() > MAX_SAFE {
            to.collect_str(&self.0)
        } else {
            to.serialize_i64(self.0)
        }
    }
}

impl Serialize for Json<u64> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.0 > MAX_SAFE {
            to.collect_str(&self.0)
        } else {
            to.serialize_u64(self.0)
        }
    }
}

impl Serialize for Json<f64> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            v if v.is_finite() => to.serialize_f64(v),
            v if v.is_nan() => to.serialize_str(NAN),
            v if v > 0.0 => to.serialize_str(INFINITY),
            _ => to.serialize_str(MINUS_INFINITY),
        }
    }
}

impl Serialize for Json<&Bytes> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&Base64Display::new(self.0, &STANDARD))
    }
}

fn items<S: Serializer>(
    items: impl ExactSizeIterator<Item = impl Serialize>,
    to: S,
) -> Result<S::Ok, S::Error> {
    let mut seq = to.serialize_seq(Some(items.len()))?;
    for item in items {
        seq.serialize_element(&item)?;
    }
    seq.end()
}
