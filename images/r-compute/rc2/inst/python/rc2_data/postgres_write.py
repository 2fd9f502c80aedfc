"""Rows of R into a table, by binary COPY."""

import pyarrow as pa

from rc2_data.errors import DataError
from rc2_data.postgres_parameters import as_text, quoted

ARROW_TYPES = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "text": pa.string(),
    "varchar": pa.string(),
    "bpchar": pa.string(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", "UTC"),
    "bytea": pa.binary(),
}
"""Types whose binary form the driver writes. The server casts text to all others."""
COLUMNS = """
SELECT a.attname, t.typname, format_type(a.atttypid, a.atttypmod), n.nspname, c.relname, c.relpersistence = 't'
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = $1::text::regclass AND attnum > 0 AND NOT attisdropped
"""
STAGING = "rc2_staging"
ROWS_AT_ONCE = 4096
"""Rows that the driver sends at once: the server stores them while the driver encodes the next ones."""


def append(connection, table, rows):
    """Append rows to the table; the number of rows."""
    found = connection.execute(COLUMNS, pa.record_batch([pa.array([table])], ["table"])).to_pylist()
    columns = {entry["attname"]: entry for entry in found}
    if unknown := [name for name in rows.column_names if name not in columns]:
        raise DataError(f"The table {table} has no column {unknown[0]}.", sqlstate="42703")
    place = found[0]
    arrays, cast = [], False
    for name, column in zip(rows.column_names, rows.columns, strict=True):
        array, fits = stored(column.combine_chunks(), columns[name]["typname"])
        arrays.append(array)
        cast = cast or not fits
    batch = pa.RecordBatch.from_arrays(arrays, rows.column_names)
    if cast:
        return append_with_casts(connection, table, batch, columns)
    schema = {"temporary": True} if place["?column?"] else {"db_schema_name": place["nspname"]}
    return ingest(connection, place["relname"], batch, mode="append", **schema)


def ingest(connection, name, batch, **how):
    """Have the driver write rows; their number."""
    reader = pa.Table.from_batches([batch]).to_reader(ROWS_AT_ONCE)
    return connection.cursor().adbc_ingest(name, reader, **how)


def stored(array, type_name):
    """An array in a column's type and whether the driver can write it so; otherwise as text."""
    kind = ARROW_TYPES.get(type_name.removeprefix("_"))
    if kind is not None and type_name.startswith("_"):
        kind = pa.list_(kind)
    if kind is not None and pa.types.is_string(kind):
        return as_text(array), True
    if kind is not None and not pa.types.is_string(array.type):
        try:
            return array.cast(kind), True
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
            pass
    return (array if pa.types.is_list(array.type) else as_text(array)), False


def append_with_casts(connection, table, batch, columns):
    """Write to a temporary table, and from there into the table by the server's casts."""
    ingest(connection, STAGING, batch, mode="create", temporary=True)
    try:
        names = ", ".join(quoted(name) for name in batch.schema.names)
        casts = ", ".join(f"{quoted(name)}::{columns[name]['format_type']}" for name in batch.schema.names)
        return connection.run(f"INSERT INTO {table} ({names}) SELECT {casts} FROM pg_temp.{STAGING}", None)  # noqa: S608
    finally:
        if connection.status in ("idle", "intrans"):
            connection.run(f"DROP TABLE IF EXISTS pg_temp.{STAGING}", None)
