"""Parquet files of this machine as data frames of R, and back. R copies the files from a store and into it."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rc2_data import packed, r_columns
from rc2_data.errors import DataError
from rc2_data.r_format import Parts

KINDS = (
    (pa.types.is_boolean, "logical"),
    (pa.types.is_uint32, "bigint"),
    (pa.types.is_int64, "bigint"),
    (pa.types.is_uint64, "bigint"),
    (pa.types.is_integer, "integer"),
    (pa.types.is_floating, "double"),
    (pa.types.is_decimal, "numeric"),
    (pa.types.is_string, "character"),
    (pa.types.is_large_string, "character"),
    (pa.types.is_binary, "blob"),
    (pa.types.is_large_binary, "blob"),
    (pa.types.is_fixed_size_binary, "blob"),
    (pa.types.is_date, "Date"),
    (pa.types.is_time, "hms"),
    (pa.types.is_duration, "duration"),
    (pa.types.is_null, "logical"),
)
"""A test of Arrow's type to the kind in r_columns.py; the first one that fits."""
FINITE = {"Date", "POSIXct", "hms", "duration"}
"""Kinds of R that can be infinite, and that Parquet has no infinity for."""


def read(files, columns, options):
    """The rows of the files, one after another, as a data frame."""
    tables = [pq.read_table(file, columns=as_list(columns)) for file in as_list(files)]
    table = pa.concat_tables(tables) if all(each.schema.equals(tables[0].schema) for each in tables) else None
    if table is None:
        raise DataError("The files of this folder have different columns; read them one by one.")
    arrays = [readable(column) for column in table.columns]
    kinds = [kind_of(array.type, name) for array, name in zip(arrays, table.column_names, strict=True)]
    data = Parts(r_columns.frame(arrays, table.column_names, kinds, options))
    return {"data": data, "lost_digits": options.lost_digits}


def write(file, names, columns):
    """Write packed columns as one file."""
    names = as_list(names)
    for name, column in zip(names, columns, strict=True):
        refuse_infinite(name, column)
    pq.write_table(packed.table(names, columns), file)
    return {}


def as_list(value):
    return [value] if isinstance(value, str) else value


def readable(column):
    """A column without a dictionary, whose times R can hold: to a microsecond, dates in days."""
    array = r_columns.combine(column)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_timestamp(array.type):
        return array.cast(pa.timestamp("us", array.type.tz), safe=False)
    return array.cast(pa.date32()) if pa.types.is_date64(array.type) else array


def kind_of(kind, name):
    """The kind of an Arrow type in r_columns.py."""
    if pa.types.is_timestamp(kind):
        return "POSIXct" if kind.tz else "timestamp"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [kind_of(kind.value_type, name)]
    if pa.types.is_struct(kind):
        return {field.name: kind_of(field.type, name) for field in kind}
    if pa.types.is_map(kind):
        return ("map", kind_of(kind.item_type, name))
    for fits, found in KINDS:
        if fits(kind):
            return found
    raise DataError(f"The column {name} has the type {kind}, for which R has none; name the others with columns = c(...).")


def refuse_infinite(name, column):
    """Refuse what would become another value in the file."""
    kind = column["kind"][0]
    if kind in FINITE and np.isinf(np.frombuffer(column["data"], "<f8")).any():
        raise DataError(f"The column {name} has infinite times, which Parquet cannot hold; replace them.")
    children = {"list": ["data"], "map": ["keys", "items"]}.get(kind, [])
    for child in [*(column[part] for part in children), *(column["fields"] if kind == "struct" else [])]:
        refuse_infinite(name, child)
