//! [`LakeEncoder`]: records become Parquet files in memory, one for each hour that they touch.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::TypePtr;

use super::columns::RowGroup;
use super::row::{Row, date_and_hour};
use super::schema;
use super::stats::Stats;
use crate::{Encoder, Record, Refusal, SeqRange};

/// How files are written, made once.
#[derive(Debug)]
pub(crate) struct Format {
    schema: TypePtr,
    properties: WriterPropertiesPtr,
    row_group_rows: usize,
    /// The writer's part of file names.
    writer: String,
}

impl Format {
    pub(crate) fn new(row_group_rows: usize, writer: String) -> Result<Self, ParquetError> {
        let zstd = Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?);
        let properties = WriterProperties::builder()
            .set_compression(zstd)
            .set_created_by(concat!("renata-azure ", env!("CARGO_PKG_VERSION")).into())
            .build();
        Ok(Self {
            schema: schema::parquet()?,
            properties: Arc::new(properties),
            row_group_rows,
            writer,
        })
    }
}

/// The files of one range of records.
#[derive(Debug)]
pub struct LakeBatch {
    pub(crate) range: SeqRange,
    pub(crate) parts: Vec<Part>,
}

/// One file.
#[derive(Debug)]
pub(crate) struct Part {
    /// Below the table's folder, `/` between the levels.
    pub(crate) path: String,
    pub(crate) date: String,
    pub(crate) hour: u8,
    pub(crate) bytes: Bytes,
    /// Delta's statistics, as JSON.
    pub(crate) stats: String,
}

/// Builds a [`LakeBatch`].
pub struct LakeEncoder {
    format: Option<Arc<Format>>,
    /// By hour, so that the order of the files is that of time.
    open: BTreeMap<i64, OpenPart>,
    /// Bytes of the rows that are not yet in a row group, as far as they can be large.
    buffered: usize,
    failed: Option<ParquetError>,
}

struct OpenPart {
    file: SerializedFileWriter<Vec<u8>>,
    group: RowGroup,
    /// Bytes of the rows in `group`.
    bytes: usize,
    stats: Stats,
}

impl OpenPart {
    /// Writes the rows as a row group, and says how many bytes of rows are free now.
    fn write(&mut self) -> Result<usize, ParquetError> {
        if self.group.rows() > 0 {
            self.group.write_to(&mut self.file)?;
        }
        Ok(std::mem::take(&mut self.bytes))
    }
}

impl LakeEncoder {
    /// Without a format nothing can be written; `finish` says so.
    pub(crate) fn new(format: Option<Arc<Format>>) -> Self {
        Self {
            format,
            open: BTreeMap::new(),
            buffered: 0,
            failed: None,
        }
    }

    fn add(&mut self, row: Row) -> Result<(), ParquetError> {
        let Some(format) = &self.format else {
            return Ok(());
        };
        let part = match self.open.entry(row.hour()) {
            std::collections::btree_map::Entry::Occupied(open) => open.into_mut(),
            std::collections::btree_map::Entry::Vacant(free) => {
                let (schema, properties) = (format.schema.clone(), format.properties.clone());
                free.insert(OpenPart {
                    file: SerializedFileWriter::new(Vec::new(), schema, properties)?,
                    group: RowGroup::default(),
                    bytes: 0,
                    stats: Stats::default(),
                })
            }
        };
        let bytes = row.bytes();
        part.stats.add(&row);
        part.bytes += bytes;
        self.buffered += bytes;
        part.group.push(row);
        if part.group.rows() >= format.row_group_rows {
            self.buffered -= part.write()?;
        }
        // Small messages can hold large values: compression makes them a hundred times larger.
        if self.buffered >= MAX_BUFFERED {
            for part in self.open.values_mut() {
                self.buffered -= part.write()?;
            }
        }
        Ok(())
    }

    fn close(self, range: SeqRange) -> Result<Vec<Part>, ParquetError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let writer = self.format.map(|f| f.writer.clone()).unwrap_or_default();
        let mut parts = Vec::with_capacity(self.open.len());
        for (hour, mut part) in self.open {
            part.write()?;
            let (date, hour) = date_and_hour(hour);
            let SeqRange { first, last } = range;
            let file = format!("part-{writer}-{first}-{last}.zstd.parquet");
            parts.push(Part {
                path: format!("date={date}/hour={hour:02}/{file}"),
                date,
                hour,
                bytes: part.file.into_inner()?.into(),
                stats: part.stats.to_json(),
            });
        }
        Ok(parts)
    }
}

impl Encoder for LakeEncoder {
    type Batch = LakeBatch;

    fn push(&mut self, record: &Record) -> Result<(), Refusal> {
        let row = Row::read(record)?;
        if self.failed.is_none() {
            self.failed = self.add(row).err();
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.open.len() >= MAX_HOURS
    }

    fn finish(self, range: SeqRange) -> Result<Option<LakeBatch>, String> {
        if self.format.is_none() {
            return Err("the table was not opened yet".into());
        }
        let parts = self.close(range).map_err(|e| e.to_string())?;
        Ok((!parts.is_empty()).then_some(LakeBatch { range, parts }))
    }
}

/// zstd's own default: nearly the ratio of the slow levels at a fraction of their time.
const ZSTD_LEVEL: i32 = 3;
/// Files of one commit at most. A file costs several kB however few rows it has.
const MAX_HOURS: usize = 256;
/// Bytes of decoded rows that wait for their row groups at most.
const MAX_BUFFERED: usize = 64 << 20;
