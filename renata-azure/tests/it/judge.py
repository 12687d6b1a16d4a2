"""Reads a lake table with delta-rs, DuckDB or pyarrow and prints what is in it, a JSON object a row."""
import decimal, json, os, struct, sys

reader, table = sys.argv[1:3]
KINDS = ["f64", "i64", "u64", "bool", "string", "binary"]
COLUMNS = ["value_" + k for k in KINDS] + ["value_" + k + "_list" for k in KINDS]


def text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return struct.pack(">d", value).hex()
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, decimal.Decimal):
        assert value == value.to_integral_value()
        return str(int(value))
    if isinstance(value, (list, tuple)):
        return [text(v) for v in value]
    return str(value)


def arrow_rows(data):
    time = data.schema.field("time").type
    assert str(time) == "timestamp[us, tz=UTC]", time
    decimals = data.schema.field("value_u64").type
    assert str(decimals) == "decimal128(20, 0)", decimals
    for name in ("time", "receive_time"):
        at = data.schema.get_field_index(name)
        data = data.set_column(at, name, data.column(name).cast("int64"))
    return data.to_pylist()


if reader == "delta-rs":
    from deltalake import DeltaTable

    rows = arrow_rows(DeltaTable(table).to_pyarrow_table())
elif reader == "pyarrow":
    import pyarrow.dataset

    parts = pyarrow.dataset.partitioning(flavor="hive")
    data = pyarrow.dataset.dataset(table, format="parquet", partitioning=parts)
    rows = arrow_rows(data.to_table())
elif reader == "duckdb":
    import duckdb

    db = duckdb.connect()
    query = db.execute(
        "SELECT * REPLACE (epoch_us(time) AS time, epoch_us(receive_time) AS receive_time)"
        f" FROM read_parquet('{table}/**/*.parquet', hive_partitioning = true)"
        " WHERE filename NOT LIKE '%_delta_log%'"
    )
    names = [column[0] for column in query.description]
    rows = [dict(zip(names, row)) for row in query.fetchall()]
else:
    raise SystemExit("unknown reader " + reader)

for row in rows:
    values = {c: text(row[c]) for c in COLUMNS if row[c] is not None}
    print(json.dumps({
        "topic": "/".join(["renata"] + [row[c] for c in (
            "location", "area", "line", "device_type", "device_id", "measurement")]),
        "time": row["time"], "receive_time": row["receive_time"],
        "date": str(row["date"]), "hour": int(row["hour"]),
        "quality": row["quality"], "reason": row["reason"], "unit": row["unit"],
        "epoch": row["epoch"], "seq": row["seq"], "values": values,
    }))

# The libraries' threads may abort the interpreter while it takes itself down on a busy machine.
sys.stdout.flush()
os._exit(0)
