//! [`RowGroup`]: rows, column by column, until they become a row group of a Parquet file.

use std::io::Write;

use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray,
    FixedLenByteArrayType, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use renata_codec::{Array, Reason, Value};

use super::row::Row;
use super::schema::DECIMAL_BYTES;

/// The columns in the order of [`COLUMNS`](super::schema::COLUMNS).
#[derive(Default)]
pub(crate) struct RowGroup {
    rows: usize,
    time: Vec<i64>,
    receive_time: Vec<i64>,
    levels: [Vec<ByteArray>; 6],
    values: Values,
    quality: Vec<ByteArray>,
    reason: Optional<ByteArrayType>,
    unit: Optional<ByteArrayType>,
    epoch: Vec<i64>,
    seq: Vec<i64>,
}

/// One column for each type; a row has a value in one of them at most.
#[derive(Default)]
struct Values {
    float: Optional<DoubleType>,
    signed: Optional<Int64Type>,
    unsigned: Optional<FixedLenByteArrayType>,
    boolean: Optional<BoolType>,
    text: Optional<ByteArrayType>,
    binary: Optional<ByteArrayType>,
    floats: List<DoubleType>,
    signeds: List<Int64Type>,
    unsigneds: List<FixedLenByteArrayType>,
    booleans: List<BoolType>,
    texts: List<ByteArrayType>,
    binaries: List<ByteArrayType>,
}

impl RowGroup {
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn push(&mut self, row: Row) {
        let sample = row.sample;
        self.rows += 1;
        self.time.push(sample.time().as_micros());
        self.receive_time.push(sample.receive_time.as_micros());
        for (column, level) in self.levels.iter_mut().zip(row.levels) {
            column.push(level);
        }
        self.values.push(sample.value);
        let text = |name: &'static str| ByteArray::from(bytes::Bytes::from_static(name.as_bytes()));
        self.quality.push(text(sample.quality.level.name()));
        let reason = sample.quality.reason;
        self.reason
            .push((reason != Reason::None).then(|| text(reason.name())));
        self.unit.push(sample.unit.map(|u| u.as_str().into()));
        self.epoch.push(i64::from(sample.epoch));
        self.seq.push(row.seq);
    }

    /// Writes the rows as one row group, and begins anew.
    pub(crate) fn write_to<W: Write + Send>(
        &mut self,
        file: &mut SerializedFileWriter<W>,
    ) -> Result<(), ParquetError> {
        let group = std::mem::take(self);
        let mut out = file.next_row_group()?;
        required::<_, Int64Type>(&mut out, &group.time)?;
        required::<_, Int64Type>(&mut out, &group.receive_time)?;
        for level in &group.levels {
            required::<_, ByteArrayType>(&mut out, level)?;
        }
        group.values.write_to(&mut out)?;
        required::<_, ByteArrayType>(&mut out, &group.quality)?;
        group.reason.write_to(&mut out)?;
        group.unit.write_to(&mut out)?;
        required::<_, Int64Type>(&mut out, &group.epoch)?;
        required::<_, Int64Type>(&mut out, &group.seq)?;
        out.close()?;
        Ok(())
    }
}

impl Values {
    fn push(&mut self, value: Option<Value>) {
        let (mut float, mut signed, mut unsigned, mut boolean) = (None, None, None, None);
        let (mut text, mut binary, mut array) = (None, None, None);
        match value {
            Some(Value::F64(v)) => float = Some(v),
            Some(Value::I64(v)) => signed = Some(v),
            Some(Value::U64(v)) => unsigned = Some(decimal(v)),
            Some(Value::Bool(v)) => boolean = Some(v),
            Some(Value::Text(v)) => text = Some(v.into_bytes().into()),
            Some(Value::Bytes(v)) => binary = Some(v.into()),
            Some(Value::Array(v)) => array = Some(v),
            None => {}
        }
        self.float.push(float);
        self.signed.push(signed);
        self.unsigned.push(unsigned);
        self.boolean.push(boolean);
        self.text.push(text);
        self.binary.push(binary);
        self.push_array(array);
    }

    fn push_array(&mut self, array: Option<Array>) {
        let (mut floats, mut signeds, mut unsigneds) = (None, None, None);
        let (mut booleans, mut texts, mut binaries) = (None, None, None);
        match array {
            Some(Array::F64(v)) => floats = Some(v),
            Some(Array::I64(v)) => signeds = Some(v),
            Some(Array::U64(v)) => unsigneds = Some(v.into_iter().map(decimal)),
            Some(Array::Bool(v)) => booleans = Some(v),
            Some(Array::Text(v)) => {
                texts = Some(v.into_iter().map(|v| ByteArray::from(v.into_bytes())));
            }
            Some(Array::Bytes(v)) => binaries = Some(v.into_iter().map(ByteArray::from)),
            None => {}
        }
        self.floats.push(floats);
        self.signeds.push(signeds);
        self.unsigneds.push(unsigneds);
        self.booleans.push(booleans);
        self.texts.push(texts);
        self.binaries.push(binaries);
    }

    fn write_to<W: Write + Send>(
        &self,
        out: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        self.float.write_to(out)?;
        self.signed.write_to(out)?;
        self.unsigned.write_to(out)?;
        self.boolean.write_to(out)?;
        self.text.write_to(out)?;
        self.binary.write_to(out)?;
        self.floats.write_to(out)?;
        self.signeds.write_to(out)?;
        self.unsigneds.write_to(out)?;
        self.booleans.write_to(out)?;
        self.texts.write_to(out)?;
        self.binaries.write_to(out)
    }
}

/// A column with nulls: definition level 1 where there is a value.
pub(crate) struct Optional<T: DataType> {
    values: Vec<T::T>,
    defs: Vec<i16>,
}

impl<T: DataType> Default for Optional<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            defs: Vec::new(),
        }
    }
}

impl<T: DataType> Optional<T> {
    fn push(&mut self, value: Option<T::T>) {
        self.defs.push(i16::from(value.is_some()));
        self.values.extend(value);
    }

    fn write_to<W: Write + Send>(
        &self,
        out: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        column::<W, T>(out, &self.values, Some(&self.defs), None)
    }
}

/// A column of lists: definition level 0 for null, 1 for an empty list, 3 for an item.
pub(crate) struct List<T: DataType> {
    values: Vec<T::T>,
    defs: Vec<i16>,
    reps: Vec<i16>,
}

impl<T: DataType> Default for List<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            defs: Vec::new(),
            reps: Vec::new(),
        }
    }
}

impl<T: DataType> List<T> {
    fn push(&mut self, items: Option<impl IntoIterator<Item = T::T>>) {
        let before = self.values.len();
        let is_list = items.is_some();
        self.values.extend(items.into_iter().flatten());
        match self.values.len() - before {
            0 => {
                self.defs.push(i16::from(is_list));
                self.reps.push(0);
            }
            added => {
                self.defs.extend(std::iter::repeat_n(3, added));
                self.reps.push(0);
                self.reps.extend(std::iter::repeat_n(1, added - 1));
            }
        }
    }

    fn write_to<W: Write + Send>(
        &self,
        out: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        column::<W, T>(out, &self.values, Some(&self.defs), Some(&self.reps))
    }
}

fn required<W: Write + Send, T: DataType>(
    out: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
) -> Result<(), ParquetError> {
    column::<W, T>(out, values, None, None)
}

/// Writes the next column of a row group.
pub(crate) fn column<W: Write + Send, T: DataType>(
    out: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
    defs: Option<&[i16]>,
    reps: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let Some(mut column) = out.next_column()? else {
        return Err(ParquetError::General("the schema has fewer columns".into()));
    };
    column.typed::<T>().write_batch(values, defs, reps)?;
    column.close()
}

/// Big-endian two's complement, as Parquet keeps decimals.
fn decimal(value: u64) -> FixedLenByteArray {
    let mut bytes = vec![0; DECIMAL_BYTES];
    bytes[DECIMAL_BYTES - 8..].copy_from_slice(&value.to_be_bytes());
    bytes.into()
}
