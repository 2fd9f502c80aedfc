"""Parameters of a statement, in the types that the server expects."""

import pyarrow as pa
import pyarrow.compute as pc

from rc2_data.errors import DataError
from rc2_data.postgres_types import type_name

DRIVER_TYPES = frozenset({
    "bool", "int2", "int4", "int8", "float4", "float8", "text", "varchar", "bpchar", "name", "date", "time", "timestamp",
    "timestamptz", "bytea",
})  # fmt: skip
"""Types that the driver can send. The server casts text to all others."""
MAX_WHOLE = 1e15


def bound(statement, table, types):
    """The statement and its parameters: where the driver cannot send a type, the statement casts from text."""
    if table.num_columns != statement.parameters:
        raise DataError(f"The statement has {statement.parameters} parameters, but {table.num_columns} values were given.")
    columns, casts = [], {}
    for at, column in enumerate(table.columns):
        array = column.combine_chunks()
        if types is None:
            columns.append(array)
            continue
        name = type_name(types.field(at))
        if name not in DRIVER_TYPES and not name.startswith("_"):
            casts[at] = quoted(name)
            columns.append(as_text(array))
        else:
            columns.append(converted(array, types.field(at).type, at + 1, name))
    sql = statement.with_casts(casts) if casts else statement.text
    return sql + "\n", pa.RecordBatch.from_arrays(columns, names=[f"p{at}" for at in range(len(columns))])


def quoted(name):
    """A name as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def as_text(array):
    """An array as the server reads it."""
    if pa.types.is_boolean(array.type) or pa.types.is_null(array.type):
        return array.cast(pa.string())
    if pa.types.is_floating(array.type):
        return pa.array([None if number is None else digits(number) for number in array.to_pylist()], pa.string())
    if pa.types.is_list(array.type):
        raise DataError("A parameter that is a list must match an array in the statement.")
    if pa.types.is_binary(array.type):
        return pa.array([None if cell is None else "\\x" + cell.hex() for cell in array.to_pylist()], pa.string())
    return array.cast(pa.string())


def digits(number):
    """A number as R prints it: a whole one without a decimal point."""
    return str(int(number)) if number.is_integer() and abs(number) < MAX_WHOLE else repr(number)


def converted(array, kind, position, name):
    """An array in another type."""
    if array.type == kind:
        return array
    if pa.types.is_string(kind):
        return as_text(array)
    if pa.types.is_string(array.type) and pa.types.is_boolean(kind):
        array = pc.utf8_lower(array)
    try:
        return array.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise DataError(
            f"The parameter {position} cannot be converted to the type {name}: {error}.", sqlstate="22P02"
        ) from None
