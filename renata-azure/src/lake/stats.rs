//! [`Stats`]: what Delta keeps beside a file's name, so that readers skip files.

use renata_codec::{Timestamp, Value, ValueType};
use serde_json::{Map, json};

use super::row::Row;
use super::schema::{COLUMNS, Kind};

/// Smallest and largest of the columns that queries filter by, and the nulls of the values.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    rows: u64,
    time: Bounds<i64>,
    receive_time: Bounds<i64>,
    levels: [Bounds<Vec<u8>>; 6],
    epoch: Bounds<i64>,
    seq: Bounds<i64>,
    /// Rows with a value, by type.
    values: [u64; ValueType::ALL.len()],
    reasons: u64,
    units: u64,
}

#[derive(Debug, Default)]
struct Bounds<T>(Option<(T, T)>);

impl Bounds<i64> {
    fn add(&mut self, value: i64) {
        let (min, max) = self.0.unwrap_or((value, value));
        self.0 = Some((min.min(value), max.max(value)));
    }
}

impl Bounds<Vec<u8>> {
    fn add(&mut self, value: &[u8]) {
        match &mut self.0 {
            None => self.0 = Some((value.to_vec(), value.to_vec())),
            Some((min, _)) if value < min.as_slice() => *min = value.to_vec(),
            Some((_, max)) if value > max.as_slice() => *max = value.to_vec(),
            Some(_) => {}
        }
    }
}

impl Stats {
    pub(crate) fn add(&mut self, row: &Row) {
        let sample = &row.sample;
        self.rows += 1;
        self.time.add(sample.time().as_micros());
        self.receive_time.add(sample.receive_time.as_micros());
        for (bounds, level) in self.levels.iter_mut().zip(&row.levels) {
            bounds.add(level.data());
        }
        self.epoch.add(i64::from(sample.epoch));
        self.seq.add(row.seq);
        if let Some(kind) = sample.value.as_ref().map(Value::value_type) {
            self.values[kind as usize] += 1;
        }
        self.reasons += u64::from(sample.quality.reason != renata_codec::Reason::None);
        self.units += u64::from(sample.unit.is_some());
    }

    pub(crate) fn to_json(&self) -> String {
        let (mut min, mut max) = (Map::new(), Map::new());
        let mut put = |name: &str, low, high| {
            min.insert(name.to_owned(), low);
            max.insert(name.to_owned(), high);
        };
        for (name, bounds) in [("time", &self.time), ("receive_time", &self.receive_time)] {
            if let Some((low, high)) = bounds.0 {
                put(name, json!(time(low)), json!(time(high)));
            }
        }
        for (column, bounds) in COLUMNS[2..8].iter().zip(&self.levels) {
            // Long texts would make the log long: no statistics are always right.
            if let Some((low, high)) = &bounds.0
                && low.len().max(high.len()) <= LONGEST_TEXT
            {
                let text = |bytes| json!(String::from_utf8_lossy(bytes));
                put(column.name, text(low), text(high));
            }
        }
        for (name, bounds) in [("epoch", &self.epoch), ("seq", &self.seq)] {
            if let Some((low, high)) = bounds.0 {
                put(name, json!(low), json!(high));
            }
        }
        let rows = self.rows;
        let mut nulls = Map::new();
        for column in COLUMNS.iter().filter(|c| !matches!(c.kind, Kind::List(_))) {
            let present = match column.name {
                "reason" => self.reasons,
                "unit" => self.units,
                name => match VALUE_COLUMNS.iter().find(|(_, column)| *column == name) {
                    Some((kind, _)) => self.values[*kind as usize],
                    None => rows,
                },
            };
            nulls.insert(column.name.to_owned(), json!(rows - present));
        }
        json!({"numRecords": rows, "minValues": min, "maxValues": max, "nullCount": nulls})
            .to_string()
    }
}

/// Microseconds as Delta's readers parse them, never rounded.
fn time(micros: i64) -> String {
    let whole = Timestamp::from_micros(micros.div_euclid(1_000_000) * 1_000_000);
    let seconds = whole.unwrap_or(Timestamp::MIN).to_string();
    let fraction = micros.rem_euclid(1_000_000);
    // The text of a whole second has no fraction, so it ends in `Z` right after the seconds.
    format!("{}.{fraction:06}Z", seconds.trim_end_matches('Z'))
}

/// The column of each type of value.
pub(crate) const VALUE_COLUMNS: [(ValueType, &str); 12] = [
    (ValueType::F64, "value_f64"),
    (ValueType::I64, "value_i64"),
    (ValueType::U64, "value_u64"),
    (ValueType::Bool, "value_bool"),
    (ValueType::Text, "value_string"),
    (ValueType::Bytes, "value_binary"),
    (ValueType::F64Array, "value_f64_list"),
    (ValueType::I64Array, "value_i64_list"),
    (ValueType::U64Array, "value_u64_list"),
    (ValueType::BoolArray, "value_bool_list"),
    (ValueType::TextArray, "value_string_list"),
    (ValueType::BytesArray, "value_binary_list"),
];

const LONGEST_TEXT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_their_microseconds() {
        assert_eq!(time(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(time(1_500_001), "1970-01-01T00:00:01.500001Z");
        assert_eq!(time(-1), "1969-12-31T23:59:59.999999Z");
    }
}
