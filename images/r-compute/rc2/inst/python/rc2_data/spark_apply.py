"""Functions of R on Spark's executors: `rc2_spark_apply()` and `rc2_spark_map()`."""

from uuid import uuid4

import numpy as np
import pyarrow as pa
from pyspark import cloudpickle
from pyspark.sql import types
from pyspark.sql.connect.functions import builtin as functions
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

from rc2_data import packed, r_columns, r_format, r_groups, r_process, spark_write
from rc2_data.errors import DataError
from rc2_data.r_columns import Options, elements
from rc2_data.r_format import LIST, RAW, Parts, item
from rc2_data.spark_ml import as_list, new_view
from rc2_data.spark_results import kind_of, readable

PARTS = 32
"""Tasks for groups: enough for the cores of some executors. Spark itself would join small groups in one task."""
COLUMN_TYPES = {
    "logical": types.BooleanType(),
    "integer": types.IntegerType(),
    "integer64": types.LongType(),
    "double": types.DoubleType(),
    "numeric": types.DoubleType(),
    "character": types.StringType(),
    "factor": types.StringType(),
    "Date": types.DateType(),
    "POSIXct": types.TimestampType(),
    "difftime": types.DayTimeIntervalType(),
    "raw": types.BinaryType(),
}
NO_ROWS = (
    "The table has no rows, or f has returned none, so the columns of a result are not known; name them with their types "
    'in columns =, such as c(mean = "double").'
)

# executors have none of these modules
for module in (packed, r_columns, r_format, r_groups, r_process, spark_write):
    cloudpickle.register_pickle_by_value(module)


def apply(connection, sql, payload, seed, keys, columns, **options):
    """Run R's function for the rows of a query, and keep the result in Spark; the name of its view, and what R warned of."""
    options, keys, columns = Options(**options), as_list(keys), wanted(**columns) if columns else None

    def work(session):
        frame = session.sql(sql)
        schema = frame.schema
        kinds = [kind_of(field.dataType) for field in schema.fields]
        table = r_groups.Table(
            schema.names,
            [kind or "character" for kind in kinds],
            options,
            [schema.names.index(name) for name in keys],
            columns,
        )
        job = r_groups.Job(uuid4().hex, bytes(payload), int(seed))
        rows = readable(frame, schema, kinds).toDF(*[f"c{at}" for at in range(len(kinds))])
        kept = started(job, table, rows).localCheckpoint()
        found = summary(kept)
        target = common(found, columns, [schema.fields[at] for at in table.keys])
        return {"view": decoded(kept, target), **warnings_of(found)}

    return connection.run(work, sql)


def started(job, table, rows):
    """The frame of encoded results."""
    schema = from_arrow_schema(r_groups.ENCODED)
    if not table.keys:
        return rows.mapInArrow(r_groups.whole(job, table), schema)
    keys = [f"c{at}" for at in table.keys]
    return rows.repartition(PARTS, *keys).groupBy(*keys).applyInArrow(r_groups.grouped(job, table), schema)


def wanted(names, kinds):
    """The types of the columns that the user names, by their names; None for a type that is not given."""
    unknown = [kind for kind in kinds if kind and kind not in COLUMN_TYPES]
    if unknown:
        raise DataError(f"columns = has the type {unknown[0]}, and knows {', '.join(COLUMN_TYPES)}.")
    given = [(name, COLUMN_TYPES[kind]) for name, kind in zip(names, kinds, strict=True) if kind]
    fields = arrow_schema([types.StructField(*column) for column in given])
    return {**dict.fromkeys(names), **dict(zip(fields.names, fields.types, strict=True))}


def arrow_schema(fields):
    """Fields of Spark as a schema of Arrow."""
    return to_arrow_schema(types.StructType(fields), timezone="UTC")


def summary(kept):
    """A row for each shape of a result: the first group that has it, the number of warnings and the first one."""
    is_warned = functions.col("warning") != ""
    return (
        kept.groupBy("shape")
        .agg(
            functions.min("place").alias("place"),
            functions.count(functions.when(is_warned, 1)).alias("count"),
            functions.min(functions.when(is_warned, functions.struct("place", "warning"))).alias("warning"),
        )
        .orderBy("place")
        .toArrow()
        .to_pylist()
    )


def warnings_of(found):
    """How many groups had a warning, and the first one with its group."""
    firsts = sorted((entry["warning"]["place"], entry["warning"]["warning"]) for entry in found if entry["warning"])
    place, text = firsts[0] if firsts else ("", "")
    return {"warned": sum(entry["count"] for entry in found), "place": place, "warning": text}


def common(found, columns, keys):
    """The schema of the whole result.

    Raises:
        DataError: if groups have different columns, or types without a common one.
    """
    shapes = [(entry["place"], pa.ipc.read_schema(pa.py_buffer(entry["shape"]))) for entry in found]
    shapes = [(place, schema) for place, schema in shapes if schema.names]
    if not shapes:
        if columns is None or not all(columns.values()):
            raise DataError(NO_ROWS)
        return pa.schema([*arrow_schema(keys), *columns.items()])
    first, schema = shapes[0]
    for place, other in shapes[1:]:
        schema = joined(schema, other, first, place, len(keys))
    return pa.schema([(field.name, pa.bool_() if pa.types.is_null(field.type) else field.type) for field in schema])


def joined(schema, other, first, place, keys):
    """The schema that the results of two groups have together, of which so many columns are those of the group."""
    if set(schema.names) != set(other.names):
        raise DataError(
            f"f has to return the same columns for all groups: {', '.join(other.names[keys:])} for {place}, and "
            f"{', '.join(schema.names[keys:])} for {first}."
        )
    try:
        return pa.unify_schemas([schema, other], promote_options="permissive")
    except pa.ArrowException:
        name = next(name for name in schema.names if not may_join(schema.field(name), other.field(name)))
        one, two = r_groups.r_name(schema.field(name).type), r_groups.r_name(other.field(name).type)
        raise DataError(
            f"The column {name} is of type {two} for {place}, and of type {one} for {first}; give it one type in f, or in "
            "columns =."
        ) from None


def may_join(one, other):
    """Whether two columns have a common type."""
    try:
        pa.unify_schemas([pa.schema([one]), pa.schema([other])], promote_options="permissive")
    except pa.ArrowException:
        return False
    return True


def decoded(kept, target):
    """The name of the view of a result."""
    kinds = from_arrow_schema(target)
    function = r_groups.decoder(arrow_schema(kinds.fields).serialize().to_pybytes())
    return new_view(kept.select("shape", "rows").mapInArrow(function, kinds))


def map_list(connection, payload, seed, values, places):
    """Run R's function for each element of a list, which R has serialized; its results, in the order of the list."""
    numbers = np.arange(len(values), dtype=np.int32)
    rows = pa.table({"number": numbers, "place": as_list(places), "value": pa.array(map(bytes, values), pa.binary())})
    job = r_groups.Job(uuid4().hex, bytes(payload), int(seed))

    def work(session):
        frame = session.createDataFrame(rows).repartition(min(len(values), PARTS))
        found = frame.mapInArrow(r_groups.elements(job), from_arrow_schema(r_groups.ELEMENTS))
        return found.toArrow().sort_by("number").to_pylist()

    found = connection.run(work)
    warned = [entry for entry in found if entry["warning"]]
    first = warned[0] if warned else {"place": "", "warning": ""}
    parts = [item(RAW, len(entry["value"]), [entry["value"]]) for entry in found]
    return {
        "values": Parts(item(LIST, len(parts), elements(parts))),
        "warned": len(warned),
        "place": first["place"],
        "warning": first["warning"],
    }
