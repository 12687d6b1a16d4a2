//! Many samples of one stream, column by column.

use crate::{Array, Quality, Sample, Timestamp, Unit, Value, ValueType};

/// Consecutive samples of one stream, held by column: times as differences, qualities as runs,
/// values as one array.
///
/// All samples share epoch, unit and value type, and their `seq` count up by one; what does not fit
/// starts the next batch. Array values do not go into a batch.
///
/// ```
/// use renata_codec::{Batch, Sample, Timestamp};
/// let mut batch = Batch::new();
/// for seq in 0..3 {
///     let time = Timestamp::from_nanos(1_000 * seq);
///     batch.push(&Sample::new(seq as f64, time).at_position(1, seq as u64))?;
/// }
/// assert_eq!(batch.len(), 3);
/// assert_eq!(batch.iter().last().map(|s| s.seq), Some(2));
/// # Ok::<(), renata_codec::BatchError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    head: Option<Head>,
    /// Receive time of each sample after the one before (of the first: after 1970), wrapping.
    receive_deltas: Vec<i64>,
    /// Source time after the receive time of the same sample, wrapping, where there is one.
    source_offsets: Vec<i64>,
    runs: Vec<Run>,
    values: Option<Array>,
    last_receive: i64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Head {
    epoch: u32,
    first_seq: u64,
    unit: Option<Unit>,
}

/// So many samples in a row with the same quality, all or none of them with value and source time.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Run {
    len: usize,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Kind {
    quality: Quality,
    has_value: bool,
    has_source_time: bool,
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            head: None,
            receive_deltas: Vec::new(),
            source_offsets: Vec::new(),
            runs: Vec::new(),
            values: None,
            last_receive: 0,
        }
    }

    /// Number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.receive_deltas.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Type of the values; `None` while no sample has one.
    #[must_use]
    pub fn value_type(&self) -> Option<ValueType> {
        self.values.as_ref().map(scalar_type)
    }

    /// Adds the next sample.
    ///
    /// # Errors
    /// [`BatchError`] says in what it differs from the samples before; the batch is unchanged.
    pub fn push(&mut self, sample: &Sample) -> Result<(), BatchError> {
        if let Some(head) = self.head {
            let next = head.first_seq.checked_add(self.len() as u64);
            if (head.epoch, next) != (sample.epoch, Some(sample.seq)) {
                return Err(BatchError::Position);
            }
            if head.unit != sample.unit {
                return Err(BatchError::Unit);
            }
        }
        if let Some(value) = &sample.value {
            let values = match self.values.take() {
                None => empty_column(value).ok_or(BatchError::ArrayValue)?,
                Some(values) => values,
            };
            self.values = Some(values);
            self.push_value(value)?;
        }
        self.head.get_or_insert(Head {
            epoch: sample.epoch,
            first_seq: sample.seq,
            unit: sample.unit,
        });
        let receive = sample.receive_time.as_nanos();
        self.receive_deltas
            .push(receive.wrapping_sub(self.last_receive));
        self.last_receive = receive;
        if let Some(source) = sample.source_time {
            self.source_offsets
                .push(source.as_nanos().wrapping_sub(receive));
        }
        let kind = Kind {
            quality: sample.quality,
            has_value: sample.value.is_some(),
            has_source_time: sample.source_time.is_some(),
        };
        match self.runs.last_mut() {
            Some(run) if run.kind == kind => run.len += 1,
            _ => self.runs.push(Run { len: 1, kind }),
        }
        Ok(())
    }

    /// The samples in order.
    #[must_use]
    pub fn iter(&self) -> Samples<'_> {
        Samples {
            batch: self,
            next: 0,
            receive: 0,
            run: 0,
            in_run: 0,
            value: 0,
            source: 0,
        }
    }

    fn push_value(&mut self, value: &Value) -> Result<(), BatchError> {
        match (&mut self.values, value) {
            (Some(Array::Bool(c)), Value::Bool(v)) => c.push(*v),
            (Some(Array::I64(c)), Value::I64(v)) => c.push(*v),
            (Some(Array::U64(c)), Value::U64(v)) => c.push(*v),
            (Some(Array::F64(c)), Value::F64(v)) => c.push(*v),
            (Some(Array::Text(c)), Value::Text(v)) => c.push(v.clone()),
            (Some(Array::Bytes(c)), Value::Bytes(v)) => c.push(v.clone()),
            (_, Value::Array(_)) => return Err(BatchError::ArrayValue),
            _ => return Err(BatchError::Type),
        }
        Ok(())
    }
}

impl<'a> IntoIterator for &'a Batch {
    type Item = Sample;
    type IntoIter = Samples<'a>;

    fn into_iter(self) -> Samples<'a> {
        self.iter()
    }
}

/// The samples of a [`Batch`], in order.
#[derive(Clone, Debug)]
pub struct Samples<'a> {
    batch: &'a Batch,
    next: usize,
    receive: i64,
    run: usize,
    in_run: usize,
    value: usize,
    source: usize,
}

impl Iterator for Samples<'_> {
    type Item = Sample;

    fn next(&mut self) -> Option<Sample> {
        let batch = self.batch;
        let head = batch.head?;
        self.receive = self
            .receive
            .wrapping_add(*batch.receive_deltas.get(self.next)?);
        let run = batch.runs.get(self.run)?;
        self.in_run += 1;
        if self.in_run == run.len {
            (self.run, self.in_run) = (self.run + 1, 0);
        }
        let mut sample = Sample::missing(run.kind.quality, Timestamp::from_nanos(self.receive))
            .at_position(head.epoch, head.first_seq + self.next as u64);
        sample.unit = head.unit;
        if run.kind.has_value {
            sample.value = batch.values.as_ref().and_then(|v| item(v, self.value));
            self.value += 1;
        }
        if run.kind.has_source_time {
            let offset = batch.source_offsets.get(self.source);
            sample.source_time =
                offset.map(|o| Timestamp::from_nanos(self.receive.wrapping_add(*o)));
            self.source += 1;
        }
        self.next += 1;
        Some(sample)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.batch.len() - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Samples<'_> {}

/// Why a sample does not go into a [`Batch`]: begin the next one with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// Another epoch, or not the next `seq`.
    #[error("sample does not follow the one before")]
    Position,
    /// Another unit.
    #[error("sample has another unit than the batch")]
    Unit,
    /// Another type.
    #[error("sample has another value type than the batch")]
    Type,
    /// An array, which a batch does not hold.
    #[error("array values do not go into a batch")]
    ArrayValue,
}

fn empty_column(value: &Value) -> Option<Array> {
    Some(match value {
        Value::Bool(_) => Array::Bool(Vec::new()),
        Value::I64(_) => Array::I64(Vec::new()),
        Value::U64(_) => Array::U64(Vec::new()),
        Value::F64(_) => Array::F64(Vec::new()),
        Value::Text(_) => Array::Text(Vec::new()),
        Value::Bytes(_) => Array::Bytes(Vec::new()),
        Value::Array(_) => return None,
    })
}

fn scalar_type(column: &Array) -> ValueType {
    match column {
        Array::Bool(_) => ValueType::Bool,
        Array::I64(_) => ValueType::I64,
        Array::U64(_) => ValueType::U64,
        Array::F64(_) => ValueType::F64,
        Array::Text(_) => ValueType::Text,
        Array::Bytes(_) => ValueType::Bytes,
    }
}

fn item(column: &Array, at: usize) -> Option<Value> {
    match column {
        Array::Bool(c) => c.get(at).map(|v| Value::Bool(*v)),
        Array::I64(c) => c.get(at).map(|v| Value::I64(*v)),
        Array::U64(c) => c.get(at).map(|v| Value::U64(*v)),
        Array::F64(c) => c.get(at).map(|v| Value::F64(*v)),
        Array::Text(c) => c.get(at).map(|v| Value::Text(v.clone())),
        Array::Bytes(c) => c.get(at).map(|v| Value::Bytes(v.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reason;

    fn at(seq: u64) -> Sample {
        Sample::new(seq as i64, Timestamp::from_nanos(seq as i64 * 10)).at_position(3, seq)
    }

    #[test]
    fn what_goes_in_comes_out() {
        let lost = Sample::missing(Quality::bad(Reason::NotConnected), Timestamp::MAX);
        let samples = [
            at(7),
            at(8).with_source_time(Timestamp::MIN),
            lost.at_position(3, 9),
            at(10).with_quality(Quality::uncertain(Reason::Stale)),
            at(11),
        ];
        let mut batch = Batch::new();
        for sample in &samples {
            batch.push(sample).unwrap();
        }
        assert_eq!(batch.iter().collect::<Vec<_>>(), samples);
        assert_eq!(batch.iter().len(), 5);
        assert_eq!(batch.value_type(), Some(ValueType::I64));
    }

    #[test]
    fn a_sample_that_differs_is_refused_and_changes_nothing() {
        let mut batch = Batch::new();
        batch.push(&at(1)).unwrap();
        let before = batch.clone();
        assert_eq!(batch.push(&at(3)), Err(BatchError::Position));
        assert_eq!(
            batch.push(&at(2).at_position(4, 2)),
            Err(BatchError::Position)
        );
        assert_eq!(
            batch.push(&at(2).with_unit("bar".parse().unwrap())),
            Err(BatchError::Unit)
        );
        let float = Sample::new(2.0, Timestamp::EPOCH).at_position(3, 2);
        assert_eq!(batch.push(&float), Err(BatchError::Type));
        let array = Sample::new(vec![1i64], Timestamp::EPOCH).at_position(3, 2);
        assert_eq!(batch.push(&array), Err(BatchError::ArrayValue));
        assert_eq!(batch, before);
        assert_eq!(Batch::new().push(&array), Err(BatchError::ArrayValue));
    }
}
