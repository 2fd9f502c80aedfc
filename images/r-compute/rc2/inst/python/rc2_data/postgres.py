"""Connections to PostgreSQL by ADBC, on libpq: the service's file holds address, role and TLS settings."""

import contextlib
import re

import pyarrow as pa
from adbc_driver_manager import Error
from adbc_driver_postgresql import StatementOptions, dbapi

from rc2_data.errors import DataError
from rc2_data.postgres_parameters import bound
from rc2_data.postgres_results import Call, Rows, describe_columns
from rc2_data.postgres_write import append
from rc2_data.results import NoRows, Unbound
from rc2_data.sql_text import Statement

BATCH_BYTES = 1 << 20
"""Bytes that the driver reads at once, so that a few rows of a long result come soon."""
CHECK_INTERVAL = "2s"
"""How often the server looks whether the client of a running query is still there."""
FREE_OF_ROWS = frozenset({
    "alter", "analyze", "begin", "checkpoint", "close", "comment", "commit", "create", "deallocate", "declare", "do", "drop",
    "end", "grant", "listen", "lock", "notify", "refresh", "reindex", "release", "reset", "revoke", "rollback", "savepoint",
    "set", "start", "truncate", "unlisten", "vacuum",
})  # fmt: skip
"""First words of statements that never return rows, so that their columns need not be asked for."""
SAVEPOINT = "rc2_rows"
UNDECIDED = "42P18"


class Connection:
    """One session of PostgreSQL. One thread at a time may use it, and any thread may cancel."""

    def __init__(self, service, zone):
        quoted = re.sub(r"(['\\])", r"\\\1", service)
        self._adbc = dbapi.connect(f"service='{quoted}' client_encoding=UTF8", autocommit=True)
        self._cursor = None
        self.result, self.note, self.progress = None, "", (0, 0)
        self.zone = zone
        self._set({"TimeZone": zone, "client_connection_check_interval": CHECK_INTERVAL})

    def _set(self, settings):
        for name, setting in settings.items():
            try:
                self.execute("SELECT set_config($1, $2, false)", pa.record_batch([[name], [setting]], ["name", "value"]))
            except Error:  # the check interval is not known to all systems, a time zone not to all servers
                continue

    @property
    def status(self):
        """`idle`, `intrans`, `inerror`, `active`, or `unknown` for a lost connection."""
        return self._adbc.adbc_connection.get_option("adbc.postgresql.transaction_status")

    def info(self):
        """What R shows of the connection."""
        names = "current_database()", "session_user", "current_user", "version()", "current_setting('server_version')"
        fields = ["dbname", "username", "role", "version", "server_version"]
        row = self.execute(f"SELECT {', '.join(name + '::text' for name in names)}").to_pylist()
        return dict(zip(fields, row[0].values(), strict=True))

    def check(self):
        """Whether the server still answers; a transaction or a result that R reads is left as it is."""
        if self.status == "idle":
            try:
                self.execute("SELECT 1")
            except Error:
                return False
        return self.status != "unknown"

    def cursor(self, batch_bytes=BATCH_BYTES, copy=True):
        """A new cursor, which becomes the one that `cancel` cancels."""
        self.close_cursor()
        self._cursor = self._adbc.cursor()
        self._cursor.adbc_statement.set_options(
            **{
                StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(batch_bytes),
                StatementOptions.USE_COPY.value: "true" if copy else "false",
            }
        )
        return self._cursor

    def close_cursor(self):
        """Close the cursor, with its rows."""
        cursor, self._cursor = self._cursor, None
        if cursor is not None:
            cursor.close()

    def execute(self, sql, parameters=None):
        """Run a statement of this package; its rows."""
        cursor = self.cursor()
        cursor.execute(sql, parameters)
        return cursor.fetch_arrow_table()

    def cancel(self):
        """Cancel what runs, from another thread."""
        cursor = self._cursor
        try:
            if cursor is not None:
                cursor.adbc_cancel()
        except Error:
            return

    def leave(self):
        """Cancel what runs, as R has ended; the end of the process closes the session."""
        self.cancel()

    def send(self, sql, parameters, options, whole):
        """Start a statement; returns whether it ended another one before its last row."""
        unfinished = self.clear()
        statement = Statement(sql)
        if not statement.text:
            raise DataError("The statement is empty.")
        if statement.is_script:
            self.result = self._run_script(statement, whole)
        elif statement.parameters and parameters is None:
            self.result = self._unbound(statement, options)
        else:
            self.result = self.start(statement, parameters, options, whole)
        return unfinished

    def _unbound(self, statement, options):
        schema = self.cursor().adbc_execute_schema(statement.text + "\n") if statement.gives_rows else []
        return Unbound(statement, describe_columns(schema, options), bool(len(schema)))

    def _run_script(self, statement, whole):
        if whole:
            raise DataError("A query is one statement; run several statements with dbExecute().")
        self.cursor().executescript(statement.text)
        return NoRows(statement, 0)

    def start(self, statement, parameters, options, whole):
        """Run one statement with its parameters."""
        sql = statement.text + "\n"
        if parameters is not None:
            sql, parameters = bound(statement, parameters, self._parameter_types(statement))
        if statement.first_word in FREE_OF_ROWS:
            return NoRows(statement, self.run(sql, parameters))
        schema = self.cursor().adbc_execute_schema(sql, parameters)
        if not len(schema):
            return NoRows(statement, self.run(sql, parameters))
        return Rows(self, Call(statement, sql, parameters, whole), schema, options)

    def run(self, sql, parameters):
        """Run a statement without rows; the number of rows that it changed."""
        cursor = self.cursor()
        if parameters is None:
            cursor.execute(sql)
        else:
            cursor.executemany(sql, parameters)
        return max(cursor.rowcount, 0)

    def _parameter_types(self, statement):
        """The types of the parameters, decided by the server; None where it cannot decide."""
        savepoint = self.status == "intrans"
        if savepoint:
            self.execute(f"SAVEPOINT {SAVEPOINT}")
        try:
            types = self.cursor().adbc_prepare(statement.text + "\n")
        except Error as error:
            if error.sqlstate != UNDECIDED:
                raise
            types = None
            if savepoint:
                self.execute(f"ROLLBACK TO SAVEPOINT {SAVEPOINT}")
        if savepoint:
            self.execute(f"RELEASE SAVEPOINT {SAVEPOINT}")
        return types

    def clear(self):
        """End the current result; returns whether rows were left."""
        result, self.result = self.result, None
        return result is not None and result.end()

    def bind(self, parameters, options):
        """Run the current statement with parameters."""
        statement = self.result.statement
        self.result.end()
        self.result = self.start(statement, parameters, options, False)

    def append(self, table, parts):
        """Append rows to a table, which R has quoted; their number."""
        self.clear()
        try:
            return append(self, table, parts)
        finally:
            # the driver leaves the end of its COPY unread, or after an error the COPY open; the next statement ends it
            if self.status == "active":
                with contextlib.suppress(Error):
                    self.cursor().executescript("SELECT 1")

    def close(self):
        """Close the session."""
        self.close_cursor()
        self._adbc.close()
