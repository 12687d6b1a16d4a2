//! Columns with levels: how Parquet lays down rows in which most columns are null.
//!
//! Definition levels count how far down a value is there, repetition levels say whether it goes on
//! in the same row.

use std::collections::BTreeMap;
use std::io::Write;

use parquet::data_type::{ByteArray, ByteArrayType, DataType};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedRowGroupWriter;

use crate::lake::columns::column;

/// One column: values, and levels for every row so far. Rows of other groups are filled in late.
pub(super) struct Leaf<T: DataType> {
    values: Vec<T::T>,
    defs: Vec<i16>,
    reps: Vec<i16>,
    rows: usize,
}

impl<T: DataType> Default for Leaf<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            defs: Vec::new(),
            reps: Vec::new(),
            rows: 0,
        }
    }
}

impl<T: DataType> Leaf<T> {
    /// A value in this row, there down to level `def`.
    pub(super) fn some(&mut self, row: usize, def: i16, value: T::T) {
        self.level(row, def);
        self.values.push(value);
    }

    /// A value directly below the group, or null.
    pub(super) fn maybe(&mut self, row: usize, value: Option<T::T>) {
        match value {
            Some(value) => self.some(row, 2, value),
            None => self.level(row, 1),
        }
    }

    /// The items of a list or map in this row; `def` is the level of an empty one.
    pub(super) fn items(
        &mut self,
        row: usize,
        def: i16,
        items: impl Iterator<Item = (i16, Option<T::T>)>,
    ) {
        let mut first = true;
        for (item_def, value) in items {
            if first {
                self.level(row, item_def);
            } else {
                self.defs.push(item_def);
                self.reps.push(1);
            }
            first = false;
            self.values.extend(value);
        }
        if first {
            self.level(row, def);
        }
    }

    /// Begins a row at this level; rows in between belong to other groups.
    fn level(&mut self, row: usize, def: i16) {
        self.fill(row);
        self.defs.push(def);
        self.reps.push(0);
        self.rows += 1;
    }

    fn fill(&mut self, rows: usize) {
        let missing = rows - self.rows;
        self.defs.extend(std::iter::repeat_n(0, missing));
        self.reps.extend(std::iter::repeat_n(0, missing));
        self.rows = rows;
    }
}

/// Keys and values of a map.
#[derive(Default)]
pub(super) struct MapLeaves {
    keys: Leaf<ByteArrayType>,
    values: Leaf<ByteArrayType>,
}

impl MapLeaves {
    /// `def` is the level of an empty map.
    pub(super) fn map(&mut self, row: usize, def: i16, map: &BTreeMap<String, Option<String>>) {
        let keys = map.keys().map(|key| (def + 1, Some(text(key))));
        self.keys.items(row, def, keys);
        let values = map.values().map(|value| match value {
            Some(value) => (def + 2, Some(text(value))),
            None => (def + 1, None),
        });
        self.values.items(row, def, values);
    }
}

impl<T: DataType> Leaf<T> {
    pub(super) fn write_to<W: Write + Send>(
        &mut self,
        rows: usize,
        repeated: bool,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        self.fill(rows);
        let reps = repeated.then_some(self.reps.as_slice());
        column::<W, T>(group, &self.values, Some(&self.defs), reps)
    }
}

impl MapLeaves {
    pub(super) fn write_to<W: Write + Send>(
        &mut self,
        rows: usize,
        repeated: bool,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        self.keys.write_to(rows, repeated, group)?;
        self.values.write_to(rows, repeated, group)
    }
}

pub(super) fn text(text: &str) -> ByteArray {
    text.into()
}
