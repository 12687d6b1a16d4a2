//! A sample as CBOR.

use std::convert::Infallible;

use bytes::BytesMut;
use ciborium_io::Write;
use ciborium_ll::{Encoder, Header, simple};

use super::key;
use crate::{Array, Level, Reason, Sample, Value};

/// Appends the payload.
pub(crate) fn encode(sample: &Sample, out: &mut BytesMut) {
    let Ok(()) = write(sample, &mut Encoder::from(Output(out)));
}

struct Output<'a>(&'a mut BytesMut);

impl Write for Output<'_> {
    type Error = Infallible;

    fn write_all(&mut self, data: &[u8]) -> Result<(), Infallible> {
        self.0.extend_from_slice(data);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

type Out<'a> = Encoder<Output<'a>>;

fn write(sample: &Sample, to: &mut Out<'_>) -> Result<(), Infallible> {
    let quality = sample.quality;
    let entries = 3
        + usize::from(sample.value.is_some())
        + usize::from(sample.source_time.is_some())
        + usize::from(quality.level != Level::Good)
        + usize::from(quality.reason != Reason::None)
        + usize::from(sample.unit.is_some());
    to.push(Header::Map(Some(entries)))?;
    if let Some(value) = &sample.value {
        put_key(value_key(value), to)?;
        write_value(value, to)?;
    }
    if let Some(time) = sample.source_time {
        put_key(key::SOURCE_TIME, to)?;
        to.push(int(time.as_nanos()))?;
    }
    put_key(key::EPOCH, to)?;
    to.push(Header::Positive(sample.epoch.into()))?;
    put_key(key::SEQ, to)?;
    to.push(Header::Positive(sample.seq))?;
    if quality.level != Level::Good {
        put_key(key::LEVEL, to)?;
        to.push(Header::Positive(quality.level.code().into()))?;
    }
    if quality.reason != Reason::None {
        put_key(key::REASON, to)?;
        to.push(Header::Positive(quality.reason.code().into()))?;
    }
    if let Some(unit) = &sample.unit {
        put_key(key::UNIT, to)?;
        to.text(unit.as_str(), None)?;
    }
    put_key(key::RECEIVE_TIME, to)?;
    to.push(int(sample.receive_time.as_nanos()))
}

fn put_key(key: u64, to: &mut Out<'_>) -> Result<(), Infallible> {
    to.push(Header::Positive(key))
}

const fn int(v: i64) -> Header {
    if v < 0 {
        Header::Negative(!(v as u64))
    } else {
        Header::Positive(v as u64)
    }
}

const fn bit(v: bool) -> Header {
    Header::Simple(if v { simple::TRUE } else { simple::FALSE })
}

/// One `NaN` on the wire, whatever its payload.
fn float(v: f64) -> Header {
    Header::Float(if v.is_nan() { f64::NAN } else { v })
}

fn write_value(value: &Value, to: &mut Out<'_>) -> Result<(), Infallible> {
    match value {
        Value::Bool(v) => to.push(bit(*v)),
        Value::I64(v) => to.push(int(*v)),
        Value::U64(v) => to.push(Header::Positive(*v)),
        Value::F64(v) => to.push(float(*v)),
        Value::Text(v) => to.text(v, None),
        Value::Bytes(v) => to.bytes(v, None),
        Value::Array(array) => {
            to.push(Header::Array(Some(array.len())))?;
            match array {
                Array::Bool(items) => items.iter().try_for_each(|v| to.push(bit(*v))),
                Array::I64(items) => items.iter().try_for_each(|v| to.push(int(*v))),
                Array::U64(items) => items.iter().try_for_each(|v| to.push(Header::Positive(*v))),
                Array::F64(items) => items.iter().try_for_each(|v| to.push(float(*v))),
                Array::Text(items) => items.iter().try_for_each(|v| to.text(v, None)),
                Array::Bytes(items) => items.iter().try_for_each(|v| to.bytes(v, None)),
            }
        }
    }
}

const fn value_key(value: &Value) -> u64 {
    match value {
        Value::Bool(_) => key::BOOL,
        Value::I64(_) => key::I64,
        Value::U64(_) => key::U64,
        Value::F64(_) => key::F64,
        Value::Text(_) => key::TEXT,
        Value::Bytes(_) => key::BYTES,
        Value::Array(Array::Bool(_)) => key::BOOLS,
        Value::Array(Array::I64(_)) => key::I64S,
        Value::Array(Array::U64(_)) => key::U64S,
        Value::Array(Array::F64(_)) => key::F64S,
        Value::Array(Array::Text(_)) => key::TEXTS,
        Value::Array(Array::Bytes(_)) => key::BYTE_STRINGS,
    }
}
