//! Protobuf: `schema/sample.proto`, as prost messages.
//!
//! `receive_time` is required and has the highest number, so it comes last and a payload that was
//! cut between two fields is noticed. Field 15 stays free: its first byte would be zlib's.

use bytes::{Bytes, BytesMut};
use prost::Message;

use crate::{Array, DecodeError, Level, Limits, Quality, Reason, Sample, Timestamp, Unit, Value};

/// Appends the payload.
pub(crate) fn encode(sample: &Sample, out: &mut BytesMut) {
    let message = SampleMessage {
        value: sample.value.as_ref().map(ValueField::from),
        source_time: sample.source_time.map(Timestamp::as_nanos),
        epoch: sample.epoch,
        seq: sample.seq,
        level: u32::from(sample.quality.level.code()),
        reason: u32::from(sample.quality.reason.code()),
        unit: sample.unit.map(|u| u.as_str().to_owned()),
        receive_time: Some(sample.receive_time.as_nanos()),
    };
    out.reserve(message.encoded_len());
    message.encode_raw(out);
}

/// Reads a payload.
pub(crate) fn decode(payload: &[u8], limits: &Limits) -> Result<Sample, DecodeError> {
    let mut rest = payload;
    let message = SampleMessage::decode(&mut rest).map_err(|_| syntax(payload, rest))?;
    let receive_time = message
        .receive_time
        .ok_or(DecodeError::Missing("receive_time"))?;
    let level = Level::from_code(message.level.into()).ok_or(DecodeError::Invalid("level"))?;
    let unit = message.unit.as_deref().map(Unit::new).transpose();
    let sample = Sample {
        value: message.value.map(Value::from),
        quality: Quality {
            level,
            reason: Reason::from_code(message.reason.into()),
        },
        source_time: message.source_time.map(Timestamp::from_nanos),
        receive_time: Timestamp::from_nanos(receive_time),
        unit: unit.map_err(|_| DecodeError::Invalid("unit"))?,
        epoch: message.epoch,
        seq: message.seq,
    };
    match &sample.value {
        Some(value) if value.items() > limits.max_items => Err(DecodeError::TooManyItems {
            limit: limits.max_items,
        }),
        _ => Ok(sample),
    }
}

fn syntax(payload: &[u8], rest: &[u8]) -> DecodeError {
    match payload.len() - rest.len() {
        at if at == payload.len() => DecodeError::Truncated,
        at => DecodeError::Syntax { at },
    }
}

/// `message Sample`.
#[derive(Clone, PartialEq, Message)]
struct SampleMessage {
    #[prost(
        oneof = "ValueField",
        tags = "1, 2, 3, 4, 5, 6, 16, 17, 18, 19, 20, 21"
    )]
    value: Option<ValueField>,
    #[prost(sfixed64, optional, tag = "7")]
    source_time: Option<i64>,
    #[prost(uint32, tag = "8")]
    epoch: u32,
    #[prost(uint64, tag = "9")]
    seq: u64,
    #[prost(uint32, tag = "10")]
    level: u32,
    #[prost(uint32, tag = "11")]
    reason: u32,
    #[prost(string, optional, tag = "12")]
    unit: Option<String>,
    #[prost(sfixed64, optional, tag = "14")]
    receive_time: Option<i64>,
}

/// `oneof value`.
#[derive(Clone, PartialEq, prost::Oneof)]
enum ValueField {
    #[prost(bool, tag = "1")]
    Bool(bool),
    #[prost(sint64, tag = "2")]
    I64(i64),
    #[prost(uint64, tag = "3")]
    U64(u64),
    #[prost(double, tag = "4")]
    F64(f64),
    #[prost(string, tag = "5")]
    Text(String),
    #[prost(bytes = "bytes", tag = "6")]
    Bytes(Bytes),
    #[prost(message, tag = "16")]
    Bools(Bools),
    #[prost(message, tag = "17")]
    I64s(I64s),
    #[prost(message, tag = "18")]
    U64s(U64s),
    #[prost(message, tag = "19")]
    F64s(F64s),
    #[prost(message, tag = "20")]
    Texts(Texts),
    #[prost(message, tag = "21")]
    ByteStrings(ByteStrings),
}

#[derive(Clone, PartialEq, Message)]
struct Bools {
    #[prost(bool, repeated, tag = "1")]
    items: Vec<bool>,
}

#[derive(Clone, PartialEq, Message)]
struct I64s {
    #[prost(sint64, repeated, tag = "1")]
    items: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct U64s {
    #[prost(uint64, repeated, tag = "1")]
    items: Vec<u64>,
}

#[derive(Clone, PartialEq, Message)]
struct F64s {
    #[prost(double, repeated, tag = "1")]
    items: Vec<f64>,
}

#[derive(Clone, PartialEq, Message)]
struct Texts {
    #[prost(string, repeated, tag = "1")]
    items: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct ByteStrings {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    items: Vec<Bytes>,
}

impl From<&Value> for ValueField {
    fn from(value: &Value) -> Self {
        match value.clone() {
            Value::Bool(v) => Self::Bool(v),
            Value::I64(v) => Self::I64(v),
            Value::U64(v) => Self::U64(v),
            Value::F64(v) => Self::F64(v),
            Value::Text(v) => Self::Text(v),
            Value::Bytes(v) => Self::Bytes(v),
            Value::Array(Array::Bool(items)) => Self::Bools(Bools { items }),
            Value::Array(Array::I64(items)) => Self::I64s(I64s { items }),
            Value::Array(Array::U64(items)) => Self::U64s(U64s { items }),
            Value::Array(Array::F64(items)) => Self::F64s(F64s { items }),
            Value::Array(Array::Text(items)) => Self::Texts(Texts { items }),
            Value::Array(Array::Bytes(items)) => Self::ByteStrings(ByteStrings { items }),
        }
    }
}

impl From<ValueField> for Value {
    fn from(field: ValueField) -> Self {
        match field {
            ValueField::Bool(v) => Self::Bool(v),
            ValueField::I64(v) => Self::I64(v),
            ValueField::U64(v) => Self::U64(v),
            ValueField::F64(v) => Self::F64(v),
            ValueField::Text(v) => Self::Text(v),
            ValueField::Bytes(v) => Self::Bytes(v),
            ValueField::Bools(v) => v.items.into(),
            ValueField::I64s(v) => v.items.into(),
            ValueField::U64s(v) => v.items.into(),
            ValueField::F64s(v) => v.items.into(),
            ValueField::Texts(v) => v.items.into(),
            ValueField::ByteStrings(v) => v.items.into(),
        }
    }
}
