"""Rows of R as tables and temporary views of Spark."""

import pyarrow as pa
from pyspark.sql.pandas.types import from_arrow_schema


def append(session, table, rows, view=False, replace=False):
    """Append the rows to a table or to a temporary view, whose name R has quoted; the number of rows.

    A table gets one file, in which the rows keep their order.
    A view is made anew of its rows and these; with `replace`, or if it is missing, of these alone.
    """
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


def storable(column):
    """A column in a type that Spark has: a time of day becomes an interval."""
    return column.cast(pa.int64()).cast(pa.duration("us")) if pa.types.is_time64(column.type) else column
