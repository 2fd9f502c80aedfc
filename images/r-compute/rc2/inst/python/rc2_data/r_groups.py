"""What a Python worker of Spark does for functions of R: it gives R the rows of a group, or an element of a list.
Spark pickles this module with its functions, as executors do not have it.

The columns of a result are known when R has returned it. So a result is first encoded: batches of Arrow with their schema.
"""

import zlib

import pyarrow as pa
from pyspark import TaskContext

from rc2_data import packed, r_columns, r_format
from rc2_data.r_process import Refusal, process_of
from rc2_data.spark_write import storable

ROWS_OF_PART = 1 << 16
LARGEST_ELEMENT = 16 << 20
"""Bytes of one result of a list; one message from Spark holds 32 MiB."""
R_TYPES = {
    "bool": "logical",
    "int32": "integer",
    "int64": "integer64",
    "double": "double",
    "string": "character",
    "date32[day]": "Date",
    "timestamp[us, tz=UTC]": "POSIXct",
    "duration[us]": "difftime",
    "binary": "raw",
}
"""How R names types of Arrow; a user may give these names for the columns of a result."""
ENCODED = pa.schema([("place", pa.string()), ("warning", pa.string()), ("shape", pa.binary()), ("rows", pa.binary())])
ELEMENTS = pa.schema([("number", pa.int32()), ("place", pa.string()), ("warning", pa.string()), ("value", pa.binary())])


class Job:
    """A function of R for the rows of a table."""

    def __init__(self, job, payload, seed):
        """Take the name of the job, what R gets at first, and a number from which each group gets its random numbers."""
        self.job, self._payload, self._seed = job, payload, seed

    def ask(self, place, part="", **request):
        """R's answer for a group, an element or a part of a table, with random numbers of its own."""
        request["seed"] = (self._seed ^ zlib.crc32(f"{place}{part}".encode())) & 0x7FFFFFFF
        return process_of(self.job, self._payload).ask(request, place)


class Table:
    """How rows go to R and come back."""

    def __init__(self, names, kinds, options, keys, columns):
        """Take the columns of the table, the places of those that group it, and the types of the result's columns.

        Without types, or with None for a type, the result has those that R gives.
        """
        self.names, self._kinds, self._options, self.keys, self._columns = names, kinds, options, keys, columns

    def rows(self, table):
        """The rows as R reads them."""
        return r_format.Parts(r_columns.frame(table.columns, self.names, self._kinds, self._options))

    def result(self, answer, key, place):
        """R's answer as a table of Arrow, with the columns of the group before it."""
        names = answer["names"] or []
        names = [names] if isinstance(names, str) else names
        arrays = [known(storable(column)) for column in map(packed.unpack, answer["columns"])]
        found = self._typed(pa.table(arrays, names=names), place) if names or not self.keys else pa.table({})
        count = int(answer["rows"])
        before = [pa.repeat(value, count) for value in key] if names or count else []
        return pa.table(
            [*before, *found.columns], names=[*(self.names[at] for at in self.keys[: len(before)]), *found.column_names]
        )

    def _typed(self, found, place):
        """The result with the names and types that the user has given."""
        if self._columns is None:
            return found
        if set(found.column_names) != set(self._columns):
            if len(self._columns) != found.num_columns:
                raise Refusal(
                    f"The result for {place} has {found.num_columns} columns, and columns = names {len(self._columns)}."
                )
            found = found.rename_columns(list(self._columns))
        arrays = [cast(found[name], kind, name, place) for name, kind in self._columns.items()]
        return pa.table(arrays, names=list(self._columns))


def cast(column, kind, name, place):
    """A column in the type that the user has given."""
    try:
        return column if kind is None else column.cast(kind)
    except pa.ArrowException:
        found, wanted = r_name(column.type), r_name(kind)
        raise Refusal(f"The column {name} for {place} is of type {found} and has values that are no {wanted}.") from None


def r_name(kind):
    """The name of a type in R."""
    return R_TYPES.get(str(kind), "logical" if pa.types.is_null(kind) else str(kind))


def known(array):
    """A column; of missing values alone it has no type in R, and takes that of other groups."""
    return pa.nulls(len(array)) if pa.types.is_boolean(array.type) and array.null_count == len(array) else array


def place_of(table, key):
    """How the sentence of an error names a group."""
    texts = (f"{table.names[at]} = {r_text(value.as_py())}" for at, value in zip(table.keys, key, strict=True))
    return f"the group {', '.join(texts)}" if key else "one part of the table"


def r_text(value):
    """A value as R shows it."""
    if value is None or isinstance(value, bool):
        return {None: "NA", True: "TRUE", False: "FALSE"}[value]
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def grouped(job, table):
    """The function that Spark calls for each group."""

    def run(key, rows):
        return encoded(job, table, key, rows)

    return run


def whole(job, table):
    """The function that Spark calls for each part of a table."""

    def run(batches):
        if rows := [batch for batch in batches if batch.num_rows]:
            part = TaskContext.get().partitionId()
            yield from encoded(job, table, (), pa.Table.from_batches(rows), part).to_batches()

    return run


def encoded(job, table, key, rows, part=""):
    """What R returns for some rows, encoded: a row for each part of it."""
    place = place_of(table, key)
    answer = job.ask(place, part, rows=table.rows(rows))
    found = table.result(answer, key, place)
    shape = found.schema.serialize().to_pybytes()
    parts = found.combine_chunks().to_batches(ROWS_OF_PART) or [pa.RecordBatch.from_pylist([], found.schema)]
    content = [part.serialize().to_pybytes() for part in parts]
    warnings = [answer["warning"], *[""] * (len(content) - 1)]
    return pa.table([[place] * len(content), warnings, [shape] * len(content), content], schema=ENCODED)


def decoder(target):
    """The function that gives encoded rows the columns of the whole result."""
    schema = pa.ipc.read_schema(pa.py_buffer(target))

    def run(batches):
        for batch in batches:
            for shape, rows in zip(batch.column("shape"), batch.column("rows"), strict=True):
                part = pa.ipc.read_record_batch(pa.py_buffer(rows.as_py()), pa.ipc.read_schema(pa.py_buffer(shape.as_py())))
                if part.num_rows:
                    yield pa.record_batch([part.column(field.name).cast(field.type) for field in schema], schema=schema)

    return run


def elements(job):
    """The function that Spark calls for each part of a list."""

    def run(batches):
        for batch in batches:
            for number, place, content in zip(*batch.columns, strict=True):
                yield element(job, number.as_py(), place.as_py(), content.as_py())

    return run


def element(job, number, place, content):
    """What R returns for one element."""
    raw = r_format.item(r_format.RAW, len(content), [content])
    answer = job.ask(place, value=r_format.Parts(raw))
    value = bytes(answer["value"])
    if len(value) > LARGEST_ELEMENT:
        raise Refusal(f"The result for {place} has {len(value) >> 20} MiB, more than the 16 MiB that one may have.")
    return pa.record_batch([[number], [place], [answer["warning"]], [value]], schema=ELEMENTS)
