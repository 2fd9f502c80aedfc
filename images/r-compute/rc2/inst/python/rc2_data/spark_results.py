"""Results of Spark's statements, read from the server when R asks for rows."""

import math

import pyarrow as pa
from pyspark.sql import types
from pyspark.sql.connect.functions import builtin as functions
from pyspark.sql.pandas.types import to_arrow_schema

from rc2_data import r_columns
from rc2_data.results import CHUNK_BYTES

KINDS = {
    types.BooleanType: "logical",
    types.NullType: "logical",
    types.ByteType: "integer",
    types.ShortType: "integer",
    types.IntegerType: "integer",
    types.LongType: "bigint",
    types.FloatType: "double",
    types.DoubleType: "double",
    types.DecimalType: "numeric",
    types.StringType: "character",
    types.CharType: "character",
    types.VarcharType: "character",
    types.BinaryType: "blob",
    types.DateType: "Date",
    types.TimestampType: "POSIXct",
    types.TimestampNTZType: "timestamp",
    types.DayTimeIntervalType: "duration",
}


def kind_of(kind):
    """How R stores a type: a name, a list for an array, a dict for a struct, a tuple for a map; None for a type as text."""
    if is_vector(kind):
        return ["double"]
    if isinstance(kind, types.ArrayType):
        element = kind_of(kind.elementType)
        return element and [element]
    if isinstance(kind, types.MapType):
        content = kind_of(kind.valueType)
        return content and ("map", content)
    if isinstance(kind, types.StructType):
        fields = {field.name: kind_of(field.dataType) for field in kind.fields}
        return fields if all(fields.values()) else None
    return KINDS.get(type(kind))


def is_vector(kind):
    """Whether a type is that of machine learning's vectors."""
    return isinstance(kind, types.UserDefinedType) and kind.simpleString() == "vector"


class Rows:
    """The rows of a query, run once for each set of parameters."""

    is_query = True
    is_bound = True
    affected = 0

    def __init__(self, connection, statement, frames, options):
        self._connection, self.statement = connection, statement
        schema = connection.run(lambda _session: frames[0].schema, statement)
        self._names = schema.names
        self._kinds = [kind_of(field.dataType) for field in schema.fields]
        self.columns = describe_columns(schema, self._kinds, options)
        self._frames = [readable(frame, schema, self._kinds) for frame in frames]
        self._schema = to_arrow_schema(readable_schema(schema, self._kinds), timezone=connection.zone)
        self._kinds = [kind or "character" for kind in self._kinds]
        self._parts, self._waiting, self._failure = iter(()), [], None

    @property
    def is_complete(self):
        """Whether R has all rows."""
        return self._parts is None and not self._waiting

    def take(self, count, options):
        """The byte parts of a data.frame of the next rows: so many at most, as many as an answer holds if it is negative."""
        if count:  # no rows need no run of the query
            self._read(math.inf if count < 0 else count + 1)
        rows = pa.concat_tables(self._waiting or [self._schema.empty_table()])
        self._waiting = []
        if 0 <= count < rows.num_rows:
            self._waiting = [rows.slice(count)]
            rows = rows.slice(0, count)
        return r_columns.frame(rows.columns, self._names, self._kinds, options)

    def _read(self, rows):
        """Read until so many rows or an answer's bytes wait, or to the end. An error comes again at each later call."""
        if self._failure:
            raise self._failure
        waiting, held = sum(part.num_rows for part in self._waiting), sum(part.nbytes for part in self._waiting)
        try:
            while self._parts is not None and waiting < rows and held < CHUNK_BYTES:
                part = self._next()
                if isinstance(part, pa.Table) and part.num_rows:
                    self._waiting.append(pa.table(part.columns, self._schema))
                    waiting, held = waiting + part.num_rows, held + part.nbytes
        except Exception as error:
            self._failure = error
            raise

    def _next(self):
        """The next part of the current frame; after the last one of all, none."""
        try:
            return self._connection.attempt(lambda: next(self._parts), self.statement)
        except StopIteration:
            self._parts = self._connection.parts(self._frames.pop(0)) if self._frames else None
            return None

    def end(self):
        """Stop reading; returns whether rows were left."""
        left = not self.is_complete
        if hasattr(self._parts, "close"):
            self._parts.close()
        self._parts, self._waiting = None, []
        return left


def readable(frame, schema, kinds):
    """The frame with vectors as arrays, and all columns as text whose type has no form in R."""
    vectors = [is_vector(field.dataType) for field in schema.fields]
    if all(kinds) and not any(vectors):
        return frame
    frame = frame.toDF(*[f"c{at}" for at in range(len(kinds))])
    columns = [functions.col(f"c{at}") for at in range(len(kinds))]
    return frame.select(*map(readable_column, columns, kinds, vectors))


def readable_column(column, kind, vector):
    """A column in a form that R has; a vector may be missing."""
    if not vector:
        return column if kind else column.cast("string")
    from pyspark.ml.functions import vector_to_array  # the import takes half a second

    return functions.when(column.isNotNull(), vector_to_array(column))


def readable_schema(schema, kinds):
    """The schema of that frame."""
    fields = zip(schema.fields, kinds, strict=True)
    return types.StructType([types.StructField(f"c{at}", readable_type(*entry)) for at, entry in enumerate(fields)])


def readable_type(field, kind):
    if is_vector(field.dataType):
        return types.ArrayType(types.DoubleType())
    return field.dataType if kind else types.StringType()


def describe_columns(schema, kinds, options):
    """For each column its name, its type in R and in Spark."""
    return {
        "name": schema.names,
        "type": [r_columns.r_type(kind, options) for kind in kinds],
        "database_type": [field.dataType.simpleString() for field in schema.fields],
    }
