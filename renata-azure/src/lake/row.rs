//! [`Row`]: one record as the table sees it.

use bytes::Bytes;
use parquet::data_type::ByteArray;
use renata_codec::{Array, Codec, Sample, Timestamp, Value};
use renata_topics::{PlantTopic, TopicName};

use crate::{Record, Refusal};

/// A sample with the levels of its topic. The levels share the topic's bytes.
#[derive(Debug)]
pub(crate) struct Row {
    /// Location, area, line, device type, device and measurement.
    pub(crate) levels: [ByteArray; 6],
    pub(crate) sample: Sample,
    pub(crate) seq: i64,
}

impl Row {
    /// Reads a record; what is wrong with it depends on the record alone.
    pub(crate) fn read(record: &Record) -> Result<Self, Refusal> {
        let envelope = &record.envelope;
        let codec: Codec = envelope
            .content_type
            .parse()
            .map_err(|e| Refusal::Undecodable(format!("{}: {e}", envelope.content_type)))?;
        let sample = codec
            .decode(&envelope.payload)
            .map_err(|e| Refusal::Undecodable(e.to_string()))?;
        let levels = levels(&envelope.topic)?;
        let seq = i64::try_from(sample.seq)
            .map_err(|_| Refusal::Value(format!("seq {} is above 2^63-1", sample.seq)))?;
        Ok(Self {
            levels,
            sample,
            seq,
        })
    }

    /// About what it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        let topic: usize = self.levels.iter().map(ByteArray::len).sum();
        let value = match &self.sample.value {
            Some(Value::Text(v)) => v.len(),
            Some(Value::Bytes(v)) => v.len(),
            Some(Value::Array(Array::Text(v))) => v.iter().map(|v| v.len() + ITEM).sum(),
            Some(Value::Array(Array::Bytes(v))) => v.iter().map(|v| v.len() + ITEM).sum(),
            Some(Value::Array(v)) => v.len() * ITEM,
            _ => 0,
        };
        ROW + topic + value
    }

    /// The hour of its partition, counted from 1970.
    pub(crate) fn hour(&self) -> i64 {
        self.sample.time().as_nanos().div_euclid(HOUR_NANOS)
    }
}

fn levels(topic: &str) -> Result<[ByteArray; 6], Refusal> {
    let name = TopicName::new(topic).map_err(|e| Refusal::Topic(e.to_string()))?;
    let plant = PlantTopic::parse(name).map_err(|e| Refusal::Topic(e.to_string()))?;
    let bytes = Bytes::copy_from_slice(topic.as_bytes());
    let level = |text: &str| ByteArray::from(bytes.slice_ref_of(topic, text));
    Ok([
        level(plant.location),
        level(plant.area),
        level(plant.line),
        level(plant.device_type),
        level(plant.device_id),
        level(plant.measurement),
    ])
}

/// The same part of a copy.
trait SliceRefOf {
    fn slice_ref_of(&self, whole: &str, part: &str) -> Bytes;
}

impl SliceRefOf for Bytes {
    fn slice_ref_of(&self, whole: &str, part: &str) -> Bytes {
        let start = part.as_ptr() as usize - whole.as_ptr() as usize;
        self.slice(start..start + part.len())
    }
}

/// `2026-03-01` and `5` for an hour counted from 1970.
pub(crate) fn date_and_hour(hour: i64) -> (String, u8) {
    let time = Timestamp::from_nanos(hour.saturating_mul(HOUR_NANOS));
    let (year, month, day) = time.date();
    (format!("{year:04}-{month:02}-{day:02}"), time.hour())
}

const HOUR_NANOS: i64 = 3_600_000_000_000;
/// Bytes of a row without its topic and value, and of an item of a list: values and levels of the
/// columns.
const ROW: usize = 512;
const ITEM: usize = 40;
