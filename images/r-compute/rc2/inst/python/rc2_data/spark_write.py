"""Rows of R as tables and temporary views of Spark."""

import numpy as np
import pyarrow as pa
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import MapType


def append(session, table, rows, view=False, replace=False):
    """Append the rows to a table or to a temporary view, whose name R has quoted; the number of rows.

    A table gets one file, in which the rows keep their order.
    A view is made anew of its rows and these; with `replace`, or if it is missing, of these alone.
    """
    if not view and any(pa.types.is_struct(field.type) for field in rows.schema):
        rows = with_maps(rows, session.table(table).schema)
    frame = frame_of(session, rows)
    if not view:
        names = ", ".join(f"`{name.replace('`', '``')}`" for name in rows.column_names)
        session.sql(f"INSERT INTO {table} ({names}) SELECT * FROM {{rows}}", rows=frame.coalesce(1))  # noqa: S608 - R has quoted it
    else:
        whole = frame if replace else session.table(table).unionByName(frame, allowMissingColumns=True)
        whole.createOrReplaceTempView(table)
    return rows.num_rows


def frame_of(session, rows):
    """A data frame of Spark; the client needs the schema of an empty table."""
    rows = pa.table([storable(column) for column in rows.columns], names=rows.column_names)
    return session.createDataFrame(*([rows] if rows.num_rows else [[], from_arrow_schema(rows.schema)]))


def with_maps(rows, schema):
    """The rows with structs as maps where the table has maps: a list of R with the same names in each row may be either."""
    maps = {field.name for field in schema.fields if isinstance(field.dataType, MapType)}
    columns = [
        as_maps(column.combine_chunks()) if name in maps and pa.types.is_struct(column.type) else column
        for name, column in zip(rows.column_names, rows.columns, strict=True)
    ]
    return pa.table(columns, names=rows.column_names)


def as_maps(array):
    """Structs as maps of their fields."""
    names, count = [field.name for field in array.type], len(array)
    in_rows = np.arange(count * len(names)).reshape(len(names), count).T.ravel()
    items = pa.concat_arrays(array.flatten()).take(pa.array(in_rows))
    starts = np.arange(count + 1, dtype=np.int32) * len(names)
    return pa.MapArray.from_arrays(starts, pa.array(names * count, pa.string()), items, mask=array.is_null())


def storable(column):
    """A column in a type that Spark has: a time of day becomes an interval."""
    return column.cast(pa.int64()).cast(pa.duration("us")) if pa.types.is_time64(column.type) else column
