"""What the results of both services share."""

from rc2_data import r_columns
from rc2_data.errors import DataError

CHUNK_BYTES = 1 << 21
"""Bytes of rows in one answer at most, so that memory stays bounded."""


class NoRows:
    """A statement that returned no rows; `affected` is None if the service does not count those that it changed."""

    is_query = False
    is_complete = True
    is_bound = True
    columns = None

    def __init__(self, statement, affected):
        self.statement, self.affected = statement, affected

    def take(self, _count, options):
        """An empty data.frame."""
        return r_columns.frame([], [], [], options)

    def end(self):
        """Nothing is left to read."""
        return False


class Unbound(NoRows):
    """A statement that waits for its parameters."""

    is_complete = False
    is_bound = False

    def __init__(self, statement, columns, is_query):
        super().__init__(statement, None)
        self.columns, self.is_query = columns, is_query

    def take(self, _count, _options):
        """No rows are there."""
        raise DataError("The statement has parameters; give their values with dbBind() or params = list(…).")
