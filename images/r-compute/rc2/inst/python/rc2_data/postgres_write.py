"""Rows of R into a table, by binary COPY."""

from itertools import groupby

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


def append(connection, table, parts):
    """Append the rows of all parts to the table, one COPY for successive parts of the same types; the number of rows."""
    found = connection.execute(COLUMNS, pa.record_batch([pa.array([table])], ["table"])).to_pylist()
    columns = {entry["attname"]: entry for entry in found}
    place, count = found[0] if found else {}, 0
    for (fits, schema), group in groupby((written(table, part, columns) for part in parts), lambda part: part[:2]):
        batches = (batch for *_, rows in group for batch in rows.to_batches(max_chunksize=ROWS_AT_ONCE))
        reader = pa.RecordBatchReader.from_batches(schema, batches)
        if fits:
            where = {"temporary": True} if place["?column?"] else {"db_schema_name": place["nspname"]}
            count += connection.cursor().adbc_ingest(place["relname"], reader, mode="append", **where)
        else:
            count += append_with_casts(connection, table, reader, columns)
    return count


def written(table, rows, columns):
    """Whether the driver can write the rows in the types of the columns, their schema, and themselves."""
    if unknown := [name for name in rows.column_names if name not in columns]:
        raise DataError(f"The table {table} has no column {unknown[0]}.", sqlstate="42703")
    pairs = [
        stored(column.combine_chunks(), columns[name]["typname"])
        for name, column in zip(rows.column_names, rows.columns, strict=True)
    ]
    rows = pa.table([array for array, _ in pairs], rows.column_names)
    return all(fits for _, fits in pairs), rows.schema, rows


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


def append_with_casts(connection, table, reader, columns):
    """Write to a temporary table, and from there into the table by the server's casts."""
    connection.cursor().adbc_ingest(STAGING, reader, mode="create", temporary=True)
    try:
        names = ", ".join(quoted(name) for name in reader.schema.names)
        casts = ", ".join(f"{quoted(name)}::{columns[name]['format_type']}" for name in reader.schema.names)
        return connection.run(f"INSERT INTO {table} ({names}) SELECT {casts} FROM pg_temp.{STAGING}", None)  # noqa: S608
    finally:
        if connection.status in ("idle", "intrans"):
            connection.run(f"DROP TABLE IF EXISTS pg_temp.{STAGING}", None)
