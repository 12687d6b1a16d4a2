//! [`read`]: the rows of a table in a folder of this machine, by its log.

use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader};
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::record::reader::RowIter;
use parquet::record::{Field, Row};
use renata_codec::{Array, Level, Quality, Reason, Timestamp, Unit, Value};

use super::local;
use super::log::Log;
use super::log::action::Add;
use super::schema::COLUMNS;
use super::verify::VerifyError;

/// One row of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadRow {
    /// The topic, put together from its levels.
    pub topic: String,
    /// Source time, or receive time where there was none; whole microseconds.
    pub time: Timestamp,
    /// Receive time; whole microseconds.
    pub receive_time: Timestamp,
    /// The value.
    pub value: Option<Value>,
    /// How far it can be trusted.
    pub quality: Quality,
    /// Its unit.
    pub unit: Option<Unit>,
    /// Incarnation of the stream's counter.
    pub epoch: u32,
    /// The counter.
    pub seq: u64,
}

/// Gives every row of a table in a folder of this machine, older files first.
///
/// For tests and small tables: a row at a time, without skipping by statistics.
///
/// # Errors
/// See [`VerifyError`].
pub fn read(
    dir: impl AsRef<FsPath>,
) -> Result<impl Iterator<Item = Result<ReadRow, VerifyError>>, VerifyError> {
    let dir = dir.as_ref();
    local(dir, false)?;
    let mut pending = VecDeque::new();
    files(dir, |add| pending.push_back(add))?;
    Ok(Rows {
        dir: dir.to_owned(),
        pending,
        open: None,
    })
}

struct Rows {
    dir: PathBuf,
    pending: VecDeque<Add>,
    open: Option<(String, RowIter<'static>)>,
}

impl Iterator for Rows {
    type Item = Result<ReadRow, VerifyError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((file, rows)) = &mut self.open {
                let of_file = |source| VerifyError::File {
                    file: file.clone(),
                    source,
                };
                if let Some(row) = rows.next() {
                    return Some(row.and_then(|row| convert(&row)).map_err(of_file));
                }
            }
            let add = self.pending.pop_front()?;
            match open(&self.dir, &add) {
                Ok(reader) => {
                    self.open = Some((add.path, RowIter::from_file_into(Box::new(reader))));
                }
                Err(source) => {
                    self.open = None;
                    let file = add.path;
                    return Some(Err(VerifyError::File { file, source }));
                }
            }
        }
    }
}

fn convert(row: &Row) -> Result<ReadRow, ParquetError> {
    let mut topic = String::from("renata");
    let (mut times, mut value) = ([Timestamp::EPOCH; 2], None);
    let (mut level, mut reason, mut unit) = (Level::Good, Reason::None, None);
    let (mut epoch, mut seq) = (0, 0);
    for (name, field) in row.get_column_iter() {
        match (name.as_str(), field) {
            (_, Field::Null) => {}
            ("time", Field::TimestampMicros(v)) => times[0] = micros(*v),
            ("receive_time", Field::TimestampMicros(v)) => times[1] = micros(*v),
            ("quality", Field::Str(v)) => level = Level::from_name(v).unwrap_or(Level::Bad),
            ("reason", Field::Str(v)) => reason = Reason::from_name(v),
            ("unit", Field::Str(v)) => unit = v.parse().ok(),
            ("epoch", Field::Long(v)) => epoch = u32::try_from(*v).unwrap_or(u32::MAX),
            ("seq", Field::Long(v)) => seq = u64::try_from(*v).unwrap_or(u64::MAX),
            (name, Field::Str(v)) if LEVELS.contains(&name) => {
                topic.push('/');
                topic.push_str(v);
            }
            (name, Field::ListInternal(list)) if name.starts_with("value_") => {
                let kind = name.trim_end_matches("_list");
                value = Some(Value::Array(array(kind, list.elements())?));
            }
            (name, field) if name.starts_with("value_") => value = scalar(field),
            (name, _) => return Err(ParquetError::General(format!("unknown column {name}"))),
        }
    }
    Ok(ReadRow {
        topic,
        time: times[0],
        receive_time: times[1],
        value,
        quality: Quality { level, reason },
        unit,
        epoch,
        seq,
    })
}

fn scalar(field: &Field) -> Option<Value> {
    Some(match field {
        Field::Double(v) => Value::F64(*v),
        Field::Long(v) => Value::I64(*v),
        Field::Decimal(v) => Value::U64(unsigned(v.data())),
        Field::Bool(v) => Value::Bool(*v),
        Field::Str(v) => Value::Text(v.clone()),
        Field::Bytes(v) => Value::Bytes(Bytes::copy_from_slice(v.data())),
        _ => return None,
    })
}

fn array(kind: &str, items: &[Field]) -> Result<Array, ParquetError> {
    macro_rules! collect {
        ($variant:ident) => {
            Array::$variant(
                items
                    .iter()
                    .filter_map(|item| match scalar(item) {
                        Some(Value::$variant(v)) => Some(v),
                        _ => None,
                    })
                    .collect(),
            )
        };
    }
    Ok(match kind {
        "value_f64" => collect!(F64),
        "value_i64" => collect!(I64),
        "value_u64" => collect!(U64),
        "value_bool" => collect!(Bool),
        "value_string" => collect!(Text),
        "value_binary" => collect!(Bytes),
        other => return Err(ParquetError::General(format!("unknown list {other}"))),
    })
}

fn micros(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).unwrap_or(Timestamp::MAX)
}

/// A decimal without a fraction, as far as it fits.
fn unsigned(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |n: u64, byte| n.wrapping_shl(8) | u64::from(*byte))
}

/// Calls `each` for every file of the table, on a thread of its own, so that it works inside an
/// asynchronous runtime too.
pub(crate) fn files(dir: &FsPath, mut each: impl FnMut(Add) + Send) -> Result<u64, VerifyError> {
    let store = Arc::new(local(dir, false)?);
    let log = Log {
        store,
        root: Path::default(),
    };
    let read = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.map_err(|source| super::LakeError::Folder {
            dir: "the runtime".into(),
            source,
        })?;
        Ok(runtime.block_on(log.for_each_file(&mut each))?)
    };
    std::thread::scope(|scope| {
        let read = scope.spawn(read).join();
        read.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Why a file was not read to its end.
pub(crate) enum FileError {
    Parquet(ParquetError),
    /// The caller had enough.
    Stopped(VerifyError),
}

impl From<ParquetError> for FileError {
    fn from(e: ParquetError) -> Self {
        Self::Parquet(e)
    }
}

/// What identifies a row.
pub(crate) struct Identified<'a> {
    pub(crate) levels: [&'a str; 6],
    pub(crate) epoch: u64,
    pub(crate) seq: u64,
}

/// Reads the identities of a file's rows, a few thousand at a time.
pub(crate) fn scan(
    dir: &FsPath,
    add: &Add,
    mut each: impl FnMut(Identified<'_>) -> Result<(), VerifyError>,
) -> Result<(), FileError> {
    let file = open(dir, add)?;
    for number in 0..file.num_row_groups() {
        let group = file.get_row_group(number)?;
        let mut levels = Vec::with_capacity(LEVELS.len());
        for name in LEVELS {
            levels.push(Chunk::<ByteArrayType>::new(&*group, name)?);
        }
        let mut epochs = Chunk::<Int64Type>::new(&*group, "epoch")?;
        let mut seqs = Chunk::<Int64Type>::new(&*group, "seq")?;
        let mut left = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        while left > 0 {
            let rows = left.min(ROWS);
            for level in &mut levels {
                level.read(rows)?;
            }
            epochs.read(rows)?;
            seqs.read(rows)?;
            for row in 0..rows {
                let mut texts = [""; 6];
                for (text, level) in texts.iter_mut().zip(&levels) {
                    *text = utf8(&level.values[row])?;
                }
                let unsigned = |v: i64| {
                    let negative = || ParquetError::General(format!("negative counter {v}"));
                    u64::try_from(v).map_err(|_| negative())
                };
                let identified = Identified {
                    levels: texts,
                    epoch: unsigned(epochs.values[row])?,
                    seq: unsigned(seqs.values[row])?,
                };
                each(identified).map_err(FileError::Stopped)?;
            }
            left -= rows;
        }
    }
    Ok(())
}

/// One column of a row group.
struct Chunk<T: DataType> {
    name: &'static str,
    reader: ColumnReaderImpl<T>,
    has_levels: bool,
    values: Vec<T::T>,
    defs: Vec<i16>,
}

impl<T: DataType> Chunk<T> {
    fn new(group: &dyn RowGroupReader, name: &'static str) -> Result<Self, ParquetError> {
        let schema = group.metadata().schema_descr();
        let mut columns = schema.columns().iter();
        let at = columns.position(|c| c.path().string() == name);
        let missing = || ParquetError::General(format!("column {name} is missing"));
        let at = at.ok_or_else(missing)?;
        let column = schema.column(at);
        if column.physical_type() != T::get_physical_type() || column.max_rep_level() > 0 {
            return Err(ParquetError::General(format!(
                "column {name} has another type"
            )));
        }
        Ok(Self {
            name,
            reader: T::get_column_reader(group.get_column_reader(at)?).ok_or_else(missing)?,
            has_levels: column.max_def_level() > 0,
            values: Vec::new(),
            defs: Vec::new(),
        })
    }

    fn read(&mut self, rows: usize) -> Result<(), ParquetError> {
        self.values.clear();
        self.defs.clear();
        while self.values.len() < rows {
            let want = rows - self.values.len();
            let defs = self.has_levels.then_some(&mut self.defs);
            let (read, values, _) = self
                .reader
                .read_records(want, defs, None, &mut self.values)?;
            if read == 0 || read != values {
                let name = self.name;
                let why = format!("column {name} is shorter than its file or has nulls");
                return Err(ParquetError::General(why));
            }
        }
        Ok(())
    }
}

fn open(dir: &FsPath, add: &Add) -> Result<SerializedFileReader<File>, ParquetError> {
    let path = Path::from_url_path(&add.path).map_err(|e| ParquetError::General(e.to_string()))?;
    let path = dir.join(path.as_ref());
    let file = File::open(&path).map_err(|e| ParquetError::External(Box::new(e)))?;
    SerializedFileReader::new(file)
}

fn utf8(bytes: &ByteArray) -> Result<&str, ParquetError> {
    bytes.as_utf8()
}

const LEVELS: [&str; 6] = [
    COLUMNS[2].name,
    COLUMNS[3].name,
    COLUMNS[4].name,
    COLUMNS[5].name,
    COLUMNS[6].name,
    COLUMNS[7].name,
];
const ROWS: usize = 8192;
