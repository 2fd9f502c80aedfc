"""A connection to Spark: a series of sessions, as the gateway starts a Spark server that ended again at the next call."""

import contextlib
import importlib
import os
import re
from uuid import uuid4

import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql.connect.session import SparkSession

from rc2_data import spark_write
from rc2_data.errors import DataError
from rc2_data.results import NoRows, Unbound
from rc2_data.spark_errors import described
from rc2_data.spark_parameters import literals
from rc2_data.spark_results import Rows
from rc2_data.spark_session import databases, open_session

LOST_SESSION = re.compile(
    r"NO_ACTIVE_SESSION|SESSION_CHANGED|SESSION_NOT_FOUND|SESSION_CLOSED|Server-side session ID|OPERATION_NOT_FOUND"
)
RESTART_NOTE = "Spark had ended meanwhile and was started again; temporary views and cached tables are gone."
UNBOUND = "UNBOUND_SQL_PARAMETER"


class Connection:
    """One thread at a time may use it, and any thread may cancel."""

    status = "idle"
    """Spark has no transactions."""

    def __init__(self, service, zone):
        self._service, self.zone = service, zone
        self._tag = f"rc2-{uuid4().hex}"
        self._catalogs = {}
        self.session, self.result, self.note, self.progress = None, None, "", (0, 0)
        self.models, self.cancelled = {}, False
        self.attempt(self._open)

    def _open(self):
        """Open a session; its calls carry a tag, by which another thread cancels them."""
        session = open_session(self._service)
        session.conf.set("spark.sql.session.timeZone", self.zone)
        session.conf.set("spark.sql.caseSensitive", "true")  # names differ by case, as in R
        session.conf.set("spark.sql.connect.serverStacktrace.enabled", "false")
        session.addTag(self._tag)
        session.registerProgressHandler(self._report_progress)
        SparkSession._active_session.session = session  # of this thread; machine learning needs it
        self.session, self._catalogs = session, {}
        self._refresh()

    def _refresh(self):
        """Update the catalogs to the databases that are attached to this compute server now."""
        found = databases()
        for name, options in found.items():
            if self._catalogs.get(name) != options:
                for option, content in options.items():
                    self.session.conf.set(f"spark.sql.catalog.{name}{option}", content)
        self._catalogs = found

    def _report_progress(self, stages, **_others):
        stages = stages or []
        self.progress = (sum(stage.num_completed_tasks for stage in stages), sum(stage.num_tasks for stage in stages))

    def run(self, work, sql=""):
        """The value of `work(session)`; once more in a new session if its Spark server has ended."""
        self.progress, self.cancelled = (0, 0), False

        def refreshed():
            self._refresh()
            return work(self.session)

        try:
            return refreshed()
        except PySparkException as error:
            if not LOST_SESSION.search(str(error)):
                raise described(error, sql) from None
        self.attempt(self._open)
        self.note = RESTART_NOTE
        return self.attempt(refreshed, sql)

    @staticmethod
    def attempt(work, sql=""):
        """The value of `work()`, or its error as the user reads it."""
        try:
            return work()
        except PySparkException as error:
            raise described(error, sql) from None

    def parts(self, frame):
        """The rows of a frame as tables of Arrow, as they come. This client has no public way to read them in parts."""
        client = self.session.client
        return client.to_table_as_iterator(frame._plan.to_proto(client), frame._plan.observations)

    def info(self):
        """What R shows of the connection."""
        row = self.run(
            lambda session: session.sql("SELECT current_catalog() AS c, current_schema() AS s").toArrow()
        ).to_pylist()
        version = self.run(lambda session: session.version)
        user = os.environ.get("JUPYTERHUB_USER", "")
        return {
            "dbname": f"{row[0]['c']}.{row[0]['s']}",
            "username": user,
            "role": user,
            "version": f"Spark {version}",
            "server_version": version,
            "session_id": self.session.session_id,
        }

    def check(self):
        """A connection outlives Spark's servers."""
        return True

    def send(self, sql, parameters, options, _whole):
        """Start a statement; returns whether it ended another one before its last row."""
        unfinished = self.clear()
        self.result = self._start(sql, parameters, options)
        return unfinished

    def _start(self, sql, parameters, options):
        """Run a statement, once for each set of parameters."""
        try:
            calls = literals(sql, parameters)
            frames = self.run(lambda session: [session.sql(sql, arguments) for arguments in calls], sql)
        except DataError as error:
            if parameters is None and UNBOUND in str(error):
                return Unbound(sql, None, is_query=True)
            raise
        if not frames:  # no set of parameters; the columns are those of missing ones
            width = parameters.num_columns
            return Rows(self, sql, self.run(lambda session: [session.sql(sql, [None] * width).limit(0)], sql), options)
        rows = Rows(self, sql, frames, options)
        return rows if rows.columns["name"] else NoRows(sql, None)

    def bind(self, parameters, options):
        """Run the current statement with parameters."""
        sql = self.result.statement
        self.result.end()
        self.result = self._start(sql, parameters, options)

    def clear(self):
        """End the current result; returns whether rows were left."""
        result, self.result = self.result, None
        return result is not None and result.end()

    def append(self, table, parts, **how):
        """Append rows to a table or temporary view; their number."""
        self.clear()
        rows = pa.concat_tables(parts)
        return self.run(lambda session: spark_write.append(session, table, rows, **how))

    def call(self, name, arguments):
        """A call of machine learning: a function of `spark_ml`, or of another module as in `spark_pipelines.fit`."""
        module, _, function = name.rpartition(".")
        found = importlib.import_module(f"rc2_data.{module or 'spark_ml'}")  # takes half a second the first time
        return getattr(found, function)(self, **arguments)

    def cancel(self):
        """Cancel what runs, from another thread."""
        self.cancelled = True
        if self.session is not None:
            with contextlib.suppress(Exception):
                self.session.interruptTag(self._tag)

    def leave(self):
        """Have Spark drop the session, as R has ended."""
        self.cancel()
        self.close()

    def close(self):
        """Close the session."""
        session, self.session = self.session, None
        if session is not None:
            with contextlib.suppress(Exception):
                session.stop()
