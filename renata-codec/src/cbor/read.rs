//! CBOR as a sample.
//!
//! Maps and arrays of indefinite length are read, strings in segments and tags are not.

use bytes::Bytes;
use ciborium_io::Read;
use ciborium_ll::{Decoder, Header, simple};

use super::key;
use crate::{Array, DecodeError, Level, Limits, Quality, Reason, Sample, Timestamp, Unit, Value};

/// Reads a payload.
pub(crate) fn decode(payload: &[u8], limits: &Limits) -> Result<Sample, DecodeError> {
    let mut reader = Reader {
        from: Decoder::from(Input(payload)),
        len: payload.len(),
        limits,
        skipped: 0,
    };
    let fields = reader.fields()?;
    let at = reader.from.offset();
    if at < payload.len() {
        return Err(DecodeError::TrailingBytes { at });
    }
    Ok(Sample {
        value: fields.value,
        quality: Quality {
            level: fields.level.unwrap_or_default(),
            reason: fields.reason.unwrap_or_default(),
        },
        source_time: fields.source_time,
        receive_time: fields
            .receive_time
            .ok_or(DecodeError::Missing("receive_time"))?,
        unit: fields.unit,
        epoch: fields.epoch.ok_or(DecodeError::Missing("epoch"))?,
        seq: fields.seq.ok_or(DecodeError::Missing("seq"))?,
    })
}

#[derive(Default)]
struct Fields {
    value: Option<Value>,
    source_time: Option<Timestamp>,
    epoch: Option<u32>,
    seq: Option<u64>,
    level: Option<Level>,
    reason: Option<Reason>,
    unit: Option<Unit>,
    receive_time: Option<Timestamp>,
}

struct Input<'a>(&'a [u8]);

/// The only way to fail: the input is at its end.
struct Ended;

impl Read for Input<'_> {
    type Error = Ended;

    fn read_exact(&mut self, data: &mut [u8]) -> Result<(), Ended> {
        let (head, rest) = self.0.split_at_checked(data.len()).ok_or(Ended)?;
        data.copy_from_slice(head);
        self.0 = rest;
        Ok(())
    }
}

struct Reader<'a, 'l> {
    from: Decoder<Input<'a>>,
    len: usize,
    limits: &'l Limits,
    skipped: usize,
}

impl Reader<'_, '_> {
    fn header(&mut self) -> Result<Header, DecodeError> {
        self.from.pull().map_err(|e| match e {
            ciborium_ll::Error::Io(Ended) => DecodeError::Truncated,
            ciborium_ll::Error::Syntax(at) => DecodeError::Syntax { at },
        })
    }

    /// The header of the next item, `None` at the end of the array or map.
    fn next(&mut self, left: &mut Option<usize>) -> Result<Option<Header>, DecodeError> {
        match left {
            Some(0) => return Ok(None),
            Some(left) => *left -= 1,
            None => {}
        }
        match self.header()? {
            Header::Break if left.is_none() => Ok(None),
            header => Ok(Some(header)),
        }
    }

    fn fields(&mut self) -> Result<Fields, DecodeError> {
        let Header::Map(mut left) = self.header()? else {
            return Err(DecodeError::Syntax { at: 0 });
        };
        let mut fields = Fields::default();
        while let Some(header) = self.next(&mut left)? {
            let Header::Positive(key) = header else {
                self.skip(header, 1)?;
                let value = self.header()?;
                self.skip(value, 1)?;
                continue;
            };
            self.field(key, &mut fields)?;
        }
        Ok(fields)
    }

    fn field(&mut self, key: u64, fields: &mut Fields) -> Result<(), DecodeError> {
        match key {
            key::BOOL..=key::BYTES | key::BOOLS..=key::BYTE_STRINGS => {
                let value = self.value(key)?;
                once("value", &mut fields.value, value)
            }
            key::SOURCE_TIME => {
                let time = self.time("source_time")?;
                once("source_time", &mut fields.source_time, time)
            }
            key::EPOCH => {
                let epoch = self.count("epoch")?;
                let epoch = u32::try_from(epoch).map_err(|_| DecodeError::Invalid("epoch"))?;
                once("epoch", &mut fields.epoch, epoch)
            }
            key::SEQ => {
                let seq = self.count("seq")?;
                once("seq", &mut fields.seq, seq)
            }
            key::LEVEL => {
                let level = Level::from_code(self.count("level")?);
                let level = level.ok_or(DecodeError::Invalid("level"))?;
                once("level", &mut fields.level, level)
            }
            key::REASON => {
                let reason = Reason::from_code(self.count("reason")?);
                once("reason", &mut fields.reason, reason)
            }
            key::UNIT => {
                let header = self.header()?;
                let unit = Unit::new(&self.text(header, "unit")?);
                let unit = unit.map_err(|_| DecodeError::Invalid("unit"))?;
                once("unit", &mut fields.unit, unit)
            }
            key::RECEIVE_TIME => {
                let time = self.time("receive_time")?;
                once("receive_time", &mut fields.receive_time, time)
            }
            _ => {
                let value = self.header()?;
                self.skip(value, 1)
            }
        }
    }

    fn count(&mut self, name: &'static str) -> Result<u64, DecodeError> {
        u64_of(self.header()?).ok_or(DecodeError::Invalid(name))
    }

    fn time(&mut self, name: &'static str) -> Result<Timestamp, DecodeError> {
        let nanos = i64_of(self.header()?).ok_or(DecodeError::Invalid(name))?;
        Ok(Timestamp::from_nanos(nanos))
    }

    fn value(&mut self, key: u64) -> Result<Value, DecodeError> {
        const WRONG: DecodeError = DecodeError::Invalid("value");
        let header = self.header()?;
        if let Header::Array(left) = header {
            return self.array(key, left).map(Value::Array);
        }
        Ok(match key {
            key::BOOL => bool_of(header).ok_or(WRONG)?.into(),
            key::I64 => i64_of(header).ok_or(WRONG)?.into(),
            key::U64 => u64_of(header).ok_or(WRONG)?.into(),
            key::F64 => f64_of(header).ok_or(WRONG)?.into(),
            key::TEXT => self.text(header, "value")?.into(),
            key::BYTES => self.bytes(header)?.into(),
            _ => return Err(WRONG),
        })
    }

    fn array(&mut self, key: u64, left: Option<usize>) -> Result<Array, DecodeError> {
        Ok(match key {
            key::BOOLS => Array::Bool(self.items(left, |_, h| bool_of(h))?),
            key::I64S => Array::I64(self.items(left, |_, h| i64_of(h))?),
            key::U64S => Array::U64(self.items(left, |_, h| u64_of(h))?),
            key::F64S => Array::F64(self.items(left, |_, h| f64_of(h))?),
            key::TEXTS => Array::Text(self.try_items(left, |r, h| r.text(h, "value"))?),
            key::BYTE_STRINGS => Array::Bytes(self.try_items(left, Self::bytes)?),
            _ => return Err(DecodeError::Invalid("value")),
        })
    }

    fn items<T>(
        &mut self,
        left: Option<usize>,
        of: impl Fn(&mut Self, Header) -> Option<T>,
    ) -> Result<Vec<T>, DecodeError> {
        self.try_items(left, |r, h| of(r, h).ok_or(DecodeError::Invalid("value")))
    }

    fn try_items<T>(
        &mut self,
        mut left: Option<usize>,
        of: impl Fn(&mut Self, Header) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let limit = self.limits.max_items;
        if left.is_some_and(|n| n > limit) {
            return Err(DecodeError::TooManyItems { limit });
        }
        // Each item takes a byte or more, so a length that lies reserves no more than was sent.
        let mut items = Vec::with_capacity(left.unwrap_or(0).min(self.unread()));
        while let Some(header) = self.next(&mut left)? {
            if items.len() == limit {
                return Err(DecodeError::TooManyItems { limit });
            }
            items.push(of(self, header)?);
        }
        Ok(items)
    }

    fn text(&mut self, header: Header, name: &'static str) -> Result<String, DecodeError> {
        let Header::Text(Some(len)) = header else {
            return Err(DecodeError::Invalid(name));
        };
        String::from_utf8(self.take(len)?).map_err(|_| DecodeError::Invalid(name))
    }

    fn bytes(&mut self, header: Header) -> Result<Bytes, DecodeError> {
        let Header::Bytes(Some(len)) = header else {
            return Err(DecodeError::Invalid("value"));
        };
        self.take(len).map(Bytes::from)
    }

    fn take(&mut self, len: usize) -> Result<Vec<u8>, DecodeError> {
        if len > self.unread() {
            return Err(DecodeError::Truncated);
        }
        let mut bytes = vec![0; len];
        let read = self.from.read_exact(&mut bytes);
        read.map_err(|Ended| DecodeError::Truncated)?;
        Ok(bytes)
    }

    fn unread(&mut self) -> usize {
        self.len - self.from.offset()
    }

    /// Passes over an unknown item, within the limits.
    fn skip(&mut self, header: Header, depth: usize) -> Result<(), DecodeError> {
        let (mut left, per_item) = match header {
            Header::Bytes(Some(len)) | Header::Text(Some(len)) => {
                return self.take(len).map(drop);
            }
            Header::Array(left) => (left, 1),
            Header::Map(left) => (left, 2),
            Header::Tag(_) => (Some(1), 1),
            Header::Bytes(None) | Header::Text(None) | Header::Break => {
                let at = self.from.offset();
                return Err(DecodeError::Syntax { at });
            }
            _ => return Ok(()),
        };
        if depth >= self.limits.max_depth {
            let limit = self.limits.max_depth;
            return Err(DecodeError::TooDeep { limit });
        }
        while let Some(item) = self.next(&mut left)? {
            self.skipped += 1;
            if self.skipped > self.limits.max_items {
                let limit = self.limits.max_items;
                return Err(DecodeError::TooManyItems { limit });
            }
            self.skip(item, depth + 1)?;
            if per_item == 2 {
                let value = self.header()?;
                self.skip(value, depth + 1)?;
            }
        }
        Ok(())
    }
}

fn once<T>(name: &'static str, slot: &mut Option<T>, value: T) -> Result<(), DecodeError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(DecodeError::Repeated(name)),
    }
}

const fn bool_of(header: Header) -> Option<bool> {
    match header {
        Header::Simple(simple::TRUE) => Some(true),
        Header::Simple(simple::FALSE) => Some(false),
        _ => None,
    }
}

fn i64_of(header: Header) -> Option<i64> {
    match header {
        Header::Positive(v) => i64::try_from(v).ok(),
        Header::Negative(v) => i64::try_from(v).ok().map(|v| !v),
        _ => None,
    }
}

const fn u64_of(header: Header) -> Option<u64> {
    match header {
        Header::Positive(v) => Some(v),
        _ => None,
    }
}

fn f64_of(header: Header) -> Option<f64> {
    match header {
        Header::Float(v) => Some(v),
        Header::Positive(v) => Some(v as f64),
        Header::Negative(v) => Some(-1.0 - v as f64),
        _ => None,
    }
}
