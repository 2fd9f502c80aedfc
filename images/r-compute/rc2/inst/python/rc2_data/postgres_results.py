"""Results of statements, read from the server when R asks for rows."""

import math
from dataclasses import dataclass

import pyarrow as pa

from rc2_data import r_columns
from rc2_data.errors import DataError
from rc2_data.postgres_types import kind_of, type_name
from rc2_data.results import CHUNK_BYTES
from rc2_data.sql_text import Statement

BULK_BATCH_BYTES = 1 << 20
BATCH_BYTES = 1 << 19
"""Bytes that the driver reads at once where R takes a few rows at a time."""
SAVEPOINT = "rc2_rows"


@dataclass
class Call:
    """A statement with its parameters, and whether R wants all rows at once."""

    statement: Statement
    sql: str
    parameters: pa.RecordBatch | None
    whole: bool


class Rows:
    """The rows of a statement."""

    is_query = True
    is_bound = True

    def __init__(self, connection, call, schema, options):
        self.statement = statement = call.statement
        self._connection, self._names = connection, schema.names
        self.columns = describe_columns(schema, options)
        kinds = [kind_of(field) for field in schema]
        self._kinds = [kind or "character" for kind in kinds]
        self._types = [storage_type(field.type) if kind else pa.string() for field, kind in zip(schema, kinds, strict=True)]
        self._arrays = [at for at, kind in enumerate(kinds) if isinstance(kind, list)] if statement.gives_rows else []
        sql = self._readable(call.sql, [kind is None for kind in kinds])
        self._savepoint = not call.whole and not statement.changes and connection.status == "intrans"
        if self._savepoint:
            connection.execute(f"SAVEPOINT {SAVEPOINT}")
        cursor = connection.cursor(
            BULK_BATCH_BYTES if call.whole else BATCH_BYTES, statement.gives_rows and call.parameters is None
        )
        cursor.execute(sql, call.parameters)
        self._reader = cursor._results.reader
        self._waiting, self._ended = [], False
        # a change is complete only when its last row is read
        self._read(None, math.inf) if statement.changes else self._read(1)
        self.affected = sum(batch.num_rows for batch in self._waiting) if statement.changes else 0

    @property
    def is_complete(self):
        """Whether R has all rows."""
        return self._ended and not self._waiting

    def _readable(self, sql, unreadable):
        """The statement with all columns as text whose type has no other form in R."""
        if not any(unreadable) and not self._arrays:
            return sql
        if not self.statement.gives_rows:
            name = self._names[unreadable.index(True)]
            raise DataError(f"The column {name} has a type that R cannot read from this statement; cast it to text.")
        names = [f"c{at}" for at in range(len(unreadable))]
        # format() prints as psql does, where a cast to text may not: an inet gets a mask
        printed = "CASE WHEN num_nulls({0}) = 0 THEN format('%s', {0}) END"
        chosen = [printed.format(name) if text else name for name, text in zip(names, unreadable, strict=True)]
        chosen += [f"array_ndims(c{at})" for at in self._arrays]
        return f"WITH rc2_rows ({', '.join(names)}) AS (\n{sql}) SELECT {', '.join(chosen)} FROM rc2_rows\n"  # noqa: S608 - names of this class

    def _read(self, rows, size=CHUNK_BYTES):
        """Read until so many rows or bytes wait, or to the end."""
        waiting, held = sum(batch.num_rows for batch in self._waiting), sum(batch.nbytes for batch in self._waiting)
        while not self._ended and (rows is None or waiting < rows) and held < size:
            try:
                batch = self._reader.read_next_batch()
            except BaseException as error:
                self._ended = True
                if not isinstance(error, StopIteration):
                    raise
                self._connection.close_cursor()
                if self._savepoint:
                    self._connection.execute(f"RELEASE SAVEPOINT {SAVEPOINT}")
                return
            if batch.num_rows:
                self._check_dimensions(batch)
                self._waiting.append(batch)
                waiting, held = waiting + batch.num_rows, held + batch.nbytes

    def _check_dimensions(self, batch):
        for place, at in enumerate(self._arrays, start=len(self._kinds)):
            if any(number is not None and number > 1 for number in batch.column(place).unique().to_pylist()):
                raise DataError(
                    f"The column {self._names[at]} holds an array of several dimensions, which a list of R has not;"
                    " cast it to text."
                )

    def take(self, count, options):
        """The byte parts of a data.frame of the next rows: so many at most, as many as an answer holds if it is negative."""
        self._read(None if count < 0 else count + 1)
        rows = pa.Table.from_batches(self._waiting) if self._waiting else None
        self._waiting = []
        if rows is not None and 0 <= count < rows.num_rows:
            self._waiting = rows.slice(count).to_batches()
            rows = rows.slice(0, count)
        columns = [pa.chunked_array([], kind) if rows is None else rows.column(at) for at, kind in enumerate(self._types)]
        return r_columns.frame(columns, self._names, self._kinds, options)

    def end(self):
        """Stop reading; returns whether rows were left. Without a cancel the driver would read all of them."""
        left = not self.is_complete
        if not self._ended:
            self._ended = True
            self._connection.cancel()
            self._drain()
            if self._savepoint:
                self._connection.execute(f"ROLLBACK TO SAVEPOINT {SAVEPOINT}")
                self._connection.execute(f"RELEASE SAVEPOINT {SAVEPOINT}")
        self._connection.close_cursor()
        return left

    def _drain(self):
        try:
            while True:
                self._reader.read_next_batch()
        except Exception:  # noqa: BLE001 - the end of the rows, or the error of the cancel
            return


def storage_type(kind):
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def describe_columns(schema, options):
    """For each column its name, its type in R and in PostgreSQL."""
    return {
        "name": [field.name for field in schema],
        "type": [r_columns.r_type(kind_of(field), options) for field in schema],
        "database_type": [type_name(field) for field in schema],
    }
