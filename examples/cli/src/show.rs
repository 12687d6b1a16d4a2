//! One message, as a line.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use renata_codec::{Array, Codec, Format, Sample, Value};
use renata_mqtt::Message;
use renata_mqtt::packet::Property;
use serde_json::{Map, json};

/// How messages are printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Show {
    /// The topic before the payload.
    pub(crate) topic: bool,
    /// One JSON object a message.
    pub(crate) json: bool,
    /// Measurements for people, or with `json` as an object of their own.
    pub(crate) decode: bool,
}

impl Show {
    /// Prints one line.
    pub(crate) fn message(self, message: &Message, out: &mut impl Write) -> io::Result<()> {
        if self.json {
            return writeln!(out, "{}", object(message, self.decode));
        }
        if self.topic {
            write!(out, "{} ", message.topic())?;
        }
        match self.decode.then(|| sample(message)).flatten() {
            Some(sample) => out.write_all(line(&sample).as_bytes())?,
            None => out.write_all(&message.payload())?,
        }
        out.write_all(b"\n")
    }
}

fn sample(message: &Message) -> Option<Sample> {
    let codec: Codec = message.content_type()?.parse().ok()?;
    codec.decode(&message.payload()).ok()
}

fn object(message: &Message, decode: bool) -> serde_json::Value {
    let mut object = Map::new();
    let mut put = |name: &str, value| object.insert(name.to_owned(), value);
    put("topic", json!(message.topic()));
    put("qos", json!(message.qos() as u8));
    put("retain", json!(message.retain()));
    put("dup", json!(message.dup()));
    let (name, value) = text_or_base64("payload", &message.payload());
    put(&name, value);
    if let Some(sample) = decode.then(|| sample(message)).flatten() {
        put("sample", as_json(&sample));
    }
    let mut user = Vec::new();
    for property in message.packet().view().properties().iter() {
        match property {
            Property::ContentType(text) => {
                put("content_type", json!(text));
            }
            Property::ResponseTopic(topic) => {
                put("response_topic", json!(topic));
            }
            Property::CorrelationData(data) => {
                let (name, value) = text_or_base64("correlation_data", data);
                put(&name, value);
            }
            Property::MessageExpiryInterval(seconds) => {
                put("message_expiry", json!(seconds));
            }
            Property::UserProperty(name, value) => user.push(json!([name, value])),
            // The numbers of subscriptions are the client's own bookkeeping.
            _ => {}
        }
    }
    if !user.is_empty() {
        put("user_properties", json!(user));
    }
    serde_json::Value::Object(object)
}

/// Bytes as a text where they are one; otherwise in base64, under another name.
fn text_or_base64(name: &str, bytes: &[u8]) -> (String, serde_json::Value) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (name.to_owned(), json!(text)),
        Err(_) => (format!("{name}_base64"), json!(STANDARD.encode(bytes))),
    }
}

fn as_json(sample: &Sample) -> serde_json::Value {
    let mut text = BytesMut::new();
    // A sample that was decoded encodes again.
    let encoded = Codec::new(Format::Json).encode(sample, &mut text);
    encoded
        .ok()
        .and_then(|()| serde_json::from_slice(&text).ok())
        .unwrap_or_default()
}

fn line(sample: &Sample) -> String {
    let value = sample.value.as_ref().map_or_else(|| "-".to_owned(), value);
    let unit = sample
        .unit
        .map_or_else(String::new, |unit| format!(" {unit}"));
    let (epoch, seq) = sample.identity();
    let time = sample.source_time.unwrap_or(sample.receive_time);
    format!(
        "{value}{unit} {} {time} epoch {epoch} seq {seq}",
        sample.quality
    )
}

fn value(value: &Value) -> String {
    match value {
        Value::Bool(v) => v.to_string(),
        Value::I64(v) => v.to_string(),
        Value::U64(v) => v.to_string(),
        Value::F64(v) => v.to_string(),
        Value::Text(v) => format!("{v:?}"),
        Value::Bytes(v) => STANDARD.encode(v),
        Value::Array(array) => match array {
            Array::Bool(v) => format!("{v:?}"),
            Array::I64(v) => format!("{v:?}"),
            Array::U64(v) => format!("{v:?}"),
            Array::F64(v) => format!("{v:?}"),
            Array::Text(v) => format!("{v:?}"),
            Array::Bytes(v) => format!(
                "{:?}",
                v.iter().map(|b| STANDARD.encode(b)).collect::<Vec<_>>()
            ),
        },
    }
}
