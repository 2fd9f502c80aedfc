"""R's interface to the Spark Connect client: a connection that outlives Spark servers, and jobs that can be interrupted.

Every call runs in a new thread while R waits in short steps, so that R can be interrupted and can update a progress bar.
Nothing here raises into R: a job ends with a value or with an error message.
"""

import json
import logging
import os
import re
import sys
import threading
import warnings
from pathlib import Path
from uuid import uuid4

# if the main module has no file, PySpark takes it for a doctest, and ends R
sys.modules["__main__"].__file__ = getattr(sys.modules["__main__"], "__file__", "R")
# the full package could also start Spark itself; this makes it a client
os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
warnings.simplefilter("ignore")

import pyarrow as pa  # noqa: E402
from pyspark.errors import PySparkException  # noqa: E402
from pyspark.sql.connect.client import DefaultChannelBuilder  # noqa: E402
from pyspark.sql.connect.session import SparkSession  # noqa: E402
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema  # noqa: E402

sys.path.append(str(Path(__file__).parent))  # for rc2_spark_ml, which is imported when it is needed

import rc2_arrow  # noqa: E402

logging.getLogger("SQLQueryContextLogger").disabled = True  # prints each error as 5 kB of JSON

LOST_SESSION = re.compile(
    r"NO_ACTIVE_SESSION|SESSION_CHANGED|SESSION_NOT_FOUND|SESSION_CLOSED|Server-side session ID|OPERATION_NOT_FOUND"
)
RESTART_NOTE = "Spark had ended meanwhile and was started again; temporary views and cached tables are gone."
JDBC = "org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog"


class Channel(DefaultChannelBuilder):
    """A channel whose calls carry the hub token of this compute server in a header, never in a URL."""

    def metadata(self):
        return [("authorization", f"Bearer {os.environ['JUPYTERHUB_API_TOKEN']}")]


class Connection:
    """A series of sessions: the gateway starts a Spark server that ended again at the next call."""

    def __init__(self, gateway, time_zone):
        self._gateway, self._time_zone = gateway, time_zone
        self.session = None

    def open(self):
        """Open a session, in which the databases of this compute server are catalogs."""
        self.session = SparkSession.builder.channelBuilder(Channel(f"sc://{self._gateway}")).create()
        self._attached = {}
        self.session.conf.set("spark.sql.session.timeZone", self._time_zone)
        self.session.conf.set("spark.sql.connect.serverStacktrace.enabled", "false")
        return self.session

    def refresh(self):
        """Update the catalogs to the databases that are attached to this compute server now."""
        found = databases(Path(os.environ["RC2_ATTACHMENTS_DIR"]))
        for name, options in found.items():
            if self._attached.get(name) != options:
                for option, value in options.items():
                    self.session.conf.set(f"spark.sql.catalog.{name}{option}", value)
        self._attached = found

    def run(self, work, retry):
        """Do the work with the session; with `retry`, once more in a new session if its Spark server has ended."""
        if self.session is None:
            self.open()
        try:
            self.refresh()
            return "", work(self.session)
        except PySparkException as error:
            if not retry or not LOST_SESSION.search(str(error)):
                raise
        self.open()
        self.refresh()
        return RESTART_NOTE, work(self.session)

    def check(self):
        """Check that Spark answers."""
        return Job(self, lambda session: session.version)

    def query(self, sql):
        """Run a statement; the job's value is a `Result`."""
        return Job(self, lambda session: Result(session, sql, self._time_zone))

    def fetch(self, result, count, bigint):
        """The next rows of a result, all of them for a negative count, as the bytes of a data.frame."""
        return Job(self, lambda _session: rc2_arrow.to_r(result.take(count), bigint), retry=False)

    def write(self, name, names, columns, temporary, mode):
        """Write packed columns as a temporary view or as a table."""

        def work(session):
            table = rc2_arrow.from_r(names, columns)
            # the client needs the schema of an empty table
            frame = session.createDataFrame(*([table] if table.num_rows else [[], from_arrow_schema(table.schema)]))
            if temporary:
                frame.createOrReplaceTempView(name)
            else:
                frame.write.mode(mode).saveAsTable(name)

        return Job(self, work)

    def fit(self, kind, sql, formula, options):
        """Fit a regression; the job's value is a `Regression`."""
        import rc2_spark_ml  # the import takes half a second

        return Job(self, lambda session: rc2_spark_ml.Regression(session, kind, sql, formula, options))

    def predict(self, regression, sql, view):
        """Make a view of the rows of a query, with the predictions of a regression."""
        return Job(self, lambda session: regression.predict(session, sql, view))

    def close(self):
        """Close the session."""
        if self.session is not None:
            self.session.stop()
            self.session = None


def databases(folder):
    """Options of a JDBC catalog for each attached PostgreSQL service, with the role of this compute server."""
    summary = folder / "attachments.json"
    attachments = json.loads(summary.read_text())["attachments"] if summary.exists() else []
    found = {}
    for attachment in attachments:
        if attachment["kind"] == "postgres" and attachment["state"] == "attached":
            found[attachment["service"]] = jdbc_options(attachment["settings"], folder / "pgpass")
    return found


def jdbc_options(settings, passwords):
    address = {name: settings[name] for name in ("host", "port", "dbname", "user")}
    others = "&".join(f"{name}={value}" for name, value in settings.items() if name not in address)
    url = f"jdbc:postgresql://{address['host']}:{address['port']}/{address['dbname']}" + (f"?{others}" if others else "")
    options = {"": JDBC, ".driver": "org.postgresql.Driver", ".url": url, ".user": address["user"]}
    for line in passwords.read_text().splitlines():
        fields = [re.sub(r"\\(.)", r"\1", field) for field in re.split(r"(?<!\\):", line)]
        if fields[:4] == list(address.values()):
            options[".password"] = fields[4]
    return options


class Result:
    """The rows of one statement, fetched when they are requested."""

    def __init__(self, session, sql, time_zone):
        frame = session.sql(sql)
        self.columns = frame.dtypes
        self._schema = to_arrow_schema(frame.schema, timezone=time_zone)
        # the only way to read Arrow data in parts from this client
        self._parts = session.client.to_table_as_iterator(frame._plan.to_proto(session.client), frame._plan.observations)
        self._remaining, self.complete, self._failure = self._schema.empty_table(), False, None

    def take(self, count):
        tables, rows = [self._remaining], self._remaining.num_rows
        while not self.complete and (count < 0 or rows < count):
            part = self._next()
            if isinstance(part, (pa.Table, pa.RecordBatch)):
                tables.append(part if isinstance(part, pa.Table) else pa.Table.from_batches([part]))
                rows += part.num_rows
        filled = [table for table in tables if table.num_rows] or tables[:1]
        whole = pa.concat_tables(filled)
        count = whole.num_rows if count < 0 else count
        self._remaining = whole.slice(count)
        return whole.slice(0, count)

    def _next(self):
        """The next part; after an error every later call raises it again, so that a partial result never looks complete."""
        if self._failure:
            raise self._failure
        try:
            return next(self._parts)
        except StopIteration:
            self.complete = True
        except Exception as error:
            self._failure = error
            raise

    @property
    def finished(self):
        return self.complete and not self._remaining.num_rows


class Job:
    """Work in a thread, tagged so that it can be interrupted."""

    def __init__(self, connection, work, retry=True):
        self._connection, self._tag = connection, f"rc2-{uuid4().hex}"
        self.value, self.note, self.error, self.error_class = None, "", "", ""
        self.tasks_done, self.tasks = 0, 0
        self._done = threading.Event()
        threading.Thread(target=self._run, args=[work, retry], daemon=True).start()

    def wait(self, seconds):
        """Wait for at most so many seconds; returns whether the job is done."""
        return self._done.wait(seconds)

    def cancel(self):
        """Have Spark stop working on it."""
        if self._connection.session is not None and not self._done.is_set():
            self._connection.session.interruptTag(self._tag)

    def _run(self, work, retry):
        try:
            self.note, self.value = self._connection.run(lambda session: self._tagged(session, work), retry)
        except BaseException as error:  # noqa: BLE001 - R gets every error as a message
            self.error, self.error_class = error_message(error), type(error).__name__
        finally:
            self._done.set()

    def _tagged(self, session, work):
        SparkSession._active_session.session = session  # of this thread; machine learning needs it
        session.addTag(self._tag)
        session.registerProgressHandler(self._progress)
        try:
            return work(session)
        finally:
            session.removeProgressHandler(self._progress)
            session.removeTag(self._tag)

    def _progress(self, stages, **_others):
        self.tasks_done = sum(stage.num_completed_tasks for stage in stages or [])
        self.tasks = sum(stage.num_tasks for stage in stages or [])


def error_message(error):
    """The error's text without stack trace and transport details, with its cause, such as a database's message."""
    text = str(error)
    if match := re.search(r'details = "(.*?)"\s*debug_error_string', text, re.DOTALL):
        text = match[1]
    text = re.split(r"\n+JVM stacktrace:", text)[0].strip() or type(error).__name__
    trace = getattr(error, "getStackTrace", lambda: None)()
    causes = re.findall(r"^Caused by: [\w.$]+: (.+)$", trace or "", re.MULTILINE)
    return text if not causes or causes[-1] in text else f"{text}\nCaused by: {causes[-1]}"
