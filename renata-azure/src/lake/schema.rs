//! The columns of a lake table: one list, from which the Parquet and the Delta schema follow.

use std::fmt::Write as _;
use std::sync::Arc;

use parquet::errors::ParquetError;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::Type;
use serde_json::{Value, json};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Microseconds, UTC.
    Time,
    Text,
    I64,
    /// `decimal(20, 0)`: Parquet readers of the lake know no unsigned numbers.
    U64,
    F64,
    Bool,
    Binary,
    /// A list of these, without nulls in it.
    List(&'static Kind),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
}

const fn required(name: &'static str, kind: Kind) -> Column {
    Column {
        name,
        kind,
        required: true,
    }
}

const fn optional(name: &'static str, kind: Kind) -> Column {
    Column {
        name,
        kind,
        required: false,
    }
}

/// Every column of the files, in their order.
pub(crate) const COLUMNS: [Column; 25] = [
    required("time", Kind::Time),
    required("receive_time", Kind::Time),
    required("location", Kind::Text),
    required("area", Kind::Text),
    required("line", Kind::Text),
    required("device_type", Kind::Text),
    required("device_id", Kind::Text),
    required("measurement", Kind::Text),
    optional("value_f64", Kind::F64),
    optional("value_i64", Kind::I64),
    optional("value_u64", Kind::U64),
    optional("value_bool", Kind::Bool),
    optional("value_string", Kind::Text),
    optional("value_binary", Kind::Binary),
    optional("value_f64_list", Kind::List(&Kind::F64)),
    optional("value_i64_list", Kind::List(&Kind::I64)),
    optional("value_u64_list", Kind::List(&Kind::U64)),
    optional("value_bool_list", Kind::List(&Kind::Bool)),
    optional("value_string_list", Kind::List(&Kind::Text)),
    optional("value_binary_list", Kind::List(&Kind::Binary)),
    required("quality", Kind::Text),
    optional("reason", Kind::Text),
    optional("unit", Kind::Text),
    required("epoch", Kind::I64),
    required("seq", Kind::I64),
];

/// The columns that are folders and not in the files, with their Delta types.
pub(crate) const PARTITIONS: [(&str, &str); 2] = [("date", "date"), ("hour", "integer")];

/// Bytes of a `decimal(20, 0)`: the fewest that hold twenty digits.
pub(crate) const DECIMAL_BYTES: usize = 9;

/// The schema of the files.
pub(crate) fn parquet() -> Result<Arc<Type>, ParquetError> {
    let mut text = String::from("message sample {\n");
    for column in COLUMNS {
        let repetition = if column.required {
            "required"
        } else {
            "optional"
        };
        let name = column.name;
        // Writing to a String cannot fail.
        let _ = match column.kind {
            Kind::List(item) => {
                let element = parquet_leaf(*item, "element");
                writeln!(
                    text,
                    "{repetition} group {name} (LIST) {{ repeated group list {{ optional {element} }} }}"
                )
            }
            kind => writeln!(text, "{repetition} {}", parquet_leaf(kind, name)),
        };
    }
    text.push('}');
    parse_message_type(&text).map(Arc::new)
}

fn parquet_leaf(kind: Kind, name: &str) -> String {
    match kind {
        Kind::Time => format!("int64 {name} (TIMESTAMP(MICROS,true));"),
        Kind::Text => format!("binary {name} (STRING);"),
        Kind::I64 => format!("int64 {name};"),
        Kind::U64 => format!("fixed_len_byte_array({DECIMAL_BYTES}) {name} (DECIMAL(20,0));"),
        Kind::F64 => format!("double {name};"),
        Kind::Bool => format!("boolean {name};"),
        // A list of lists is not in the table above.
        Kind::Binary | Kind::List(_) => format!("binary {name};"),
    }
}

/// The schema of the table, partition columns last, as Delta wants it in `schemaString`.
pub(crate) fn delta() -> Value {
    let columns = COLUMNS.iter().map(|c| {
        json!({"name": c.name, "type": delta_type(c.kind), "nullable": !c.required, "metadata": {}})
    });
    let partitions = PARTITIONS
        .iter()
        .map(|(name, kind)| json!({"name": name, "type": kind, "nullable": true, "metadata": {}}));
    let fields: Vec<Value> = columns.chain(partitions).collect();
    json!({"type": "struct", "fields": fields})
}

fn delta_type(kind: Kind) -> Value {
    match kind {
        Kind::Time => json!("timestamp"),
        Kind::Text => json!("string"),
        Kind::I64 => json!("long"),
        Kind::U64 => json!("decimal(20,0)"),
        Kind::F64 => json!("double"),
        Kind::Bool => json!("boolean"),
        Kind::Binary => json!("binary"),
        Kind::List(item) => json!({
            "type": "array", "elementType": delta_type(*item), "containsNull": true
        }),
    }
}

/// Whether a table with this `schemaString` takes our files: each of our columns is in it with our
/// type, and it requires none that we do not write.
pub(crate) fn fits(schema_string: &str) -> Result<(), String> {
    let theirs: Value = serde_json::from_str(schema_string).map_err(|e| e.to_string())?;
    let empty = Vec::new();
    let theirs = theirs["fields"].as_array().unwrap_or(&empty);
    let ours = delta();
    let ours = ours["fields"].as_array().unwrap_or(&empty);
    for field in ours {
        match theirs.iter().find(|t| t["name"] == field["name"]) {
            Some(t) if t["type"] == field["type"] => {}
            Some(t) => {
                return Err(format!(
                    "column {} has type {}, ours is {}",
                    field["name"], t["type"], field["type"]
                ));
            }
            None => return Err(format!("column {} is missing", field["name"])),
        }
    }
    let unknown = |t: &&Value| !ours.iter().any(|o| o["name"] == t["name"]);
    match theirs
        .iter()
        .filter(unknown)
        .find(|t| t["nullable"] == false)
    {
        Some(t) => Err(format!("column {} is required and not ours", t["name"])),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_schemas_have_the_same_columns() {
        let parquet = parquet().unwrap();
        let names: Vec<_> = parquet
            .get_fields()
            .iter()
            .map(|f| f.name().to_owned())
            .collect();
        assert_eq!(names, COLUMNS.map(|c| c.name));
        let delta = delta();
        assert_eq!(delta["fields"].as_array().unwrap().len(), COLUMNS.len() + 2);
    }

    #[test]
    fn a_table_fits_only_with_our_columns() {
        let ours = delta();
        assert_eq!(fits(&ours.to_string()), Ok(()));
        let mut more = ours.clone();
        let note = json!({"name": "note", "type": "string", "nullable": true, "metadata": {}});
        more["fields"].as_array_mut().unwrap().push(note);
        assert_eq!(fits(&more.to_string()), Ok(()));
        more["fields"][27]["nullable"] = json!(false);
        assert!(fits(&more.to_string()).unwrap_err().contains("required"));
        let mut fewer = ours.clone();
        fewer["fields"].as_array_mut().unwrap().remove(3);
        assert!(fits(&fewer.to_string()).unwrap_err().contains("missing"));
        let mut other = ours;
        other["fields"][8]["type"] = json!("float");
        assert!(fits(&other.to_string()).unwrap_err().contains("value_f64"));
    }
}
