"""What R needs of the Spark Connect client: a connection that outlives Spark servers, and jobs that can be interrupted.

Every call runs in a thread of its own while R waits in short steps, so that R's interrupt gets through and a progress bar
can move. Nothing here raises into R: a job ends with a value or with a sentence.
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

# without a file of its own the main module is taken for a doctest, which ends R
sys.modules["__main__"].__file__ = getattr(sys.modules["__main__"], "__file__", "R")
# the whole package has a Spark of its own too, and has to be told that it is a client here
os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
warnings.simplefilter("ignore")

import pyarrow as pa  # noqa: E402
from pyspark.errors import PySparkException  # noqa: E402
from pyspark.sql.connect.client import DefaultChannelBuilder  # noqa: E402
from pyspark.sql.connect.session import SparkSession  # noqa: E402
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema  # noqa: E402

sys.path.append(str(Path(__file__).parent))  # for what is imported only when it is wanted

import rc2_arrow  # noqa: E402

logging.getLogger("SQLQueryContextLogger").disabled = True  # prints each error as 5 kB of JSON

LOST = re.compile(
    r"NO_ACTIVE_SESSION|SESSION_CHANGED|SESSION_NOT_FOUND|SESSION_CLOSED|Server-side session ID|OPERATION_NOT_FOUND"
)
LOST_NOTE = "Spark had ended meanwhile and was started again; temporary views and cached tables are gone."
JDBC = "org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog"


class Channel(DefaultChannelBuilder):
    """A channel on which each call shows the hub token of this compute server; no URL ever holds it."""

    def metadata(self):
        return [("authorization", f"Bearer {os.environ['JUPYTERHUB_API_TOKEN']}")]


class Connection:
    """One session after the other: a Spark server that ended is started again by the gateway at the next call."""

    def __init__(self, gateway, time_zone):
        self._gateway, self._time_zone = gateway, time_zone
        self.session = None

    def open(self):
        """A session in which this server's databases are catalogues."""
        self.session = SparkSession.builder.channelBuilder(Channel(f"sc://{self._gateway}")).create()
        self._attached = {}
        self.session.conf.set("spark.sql.session.timeZone", self._time_zone)
        self.session.conf.set("spark.sql.connect.serverStacktrace.enabled", "false")
        return self.session

    def refresh(self):
        """Bring the catalogues up to date with what is attached to this compute server now."""
        found = databases(Path(os.environ["RC2_ATTACHMENTS"]))
        for name, options in found.items():
            if self._attached.get(name) != options:
                for option, value in options.items():
                    self.session.conf.set(f"spark.sql.catalog.{name}{option}", value)
        self._attached = found

    def run(self, work, again):
        """Do the work with the session; if that went with its Spark server, and `again`, once more with a new one."""
        if self.session is None:
            self.open()
        try:
            self.refresh()
            return "", work(self.session)
        except PySparkException as error:
            if not again or not LOST.search(str(error)):
                raise
        self.open()
        self.refresh()
        return LOST_NOTE, work(self.session)

    def first_answer(self):
        """See that Spark is there."""
        return Job(self, lambda session: session.version)

    def query(self, sql):
        """Run a statement; the job's value is a `Result`."""
        return Job(self, lambda session: Result(session, sql, self._time_zone))

    def fetch(self, result, count, bigint):
        """The next rows of a result, all of them for a negative count, as the bytes of a data.frame."""
        return Job(self, lambda _session: rc2_arrow.to_r(result.take(count), bigint), again=False)

    def write(self, name, names, columns, temporary, mode):
        """Write packed columns as a temporary view or as a table."""

        def work(session):
            table = rc2_arrow.from_r(names, columns)
            # of an empty table the client asks for the schema
            frame = session.createDataFrame(*([table] if table.num_rows else [[], from_arrow_schema(table.schema)]))
            if temporary:
                frame.createOrReplaceTempView(name)
            else:
                frame.write.mode(mode).saveAsTable(name)

        return Job(self, work)

    def fit(self, kind, sql, formula, options):
        """Fit a regression; the job's value is a `Regression`."""
        import rc2_spark_ml  # half a second, for those who want it

        return Job(self, lambda session: rc2_spark_ml.Regression(session, kind, sql, formula, options))

    def predict(self, regression, sql, view):
        """Make a view of the rows of a query, with a regression's predictions."""
        return Job(self, lambda session: regression.predict(session, sql, view))

    def close(self):
        """Close the session."""
        if self.session is not None:
            self.session.stop()
            self.session = None


def databases(folder):
    """Options of a JDBC catalogue for each PostgreSQL that is attached, with the role that this server has there."""
    summary = folder / "attachments.json"
    attachments = json.loads(summary.read_text())["attachments"] if summary.exists() else []
    found = {}
    for attachment in attachments:
        if attachment["kind"] == "postgres" and attachment["state"] == "attached":
            found[attachment["service"]] = jdbc_options(attachment["settings"], folder / "pgpass")
    return found


def jdbc_options(settings, passwords):
    place = {name: settings[name] for name in ("host", "port", "dbname", "user")}
    others = "&".join(f"{name}={value}" for name, value in settings.items() if name not in place)
    url = f"jdbc:postgresql://{place['host']}:{place['port']}/{place['dbname']}" + (f"?{others}" if others else "")
    options = {"": JDBC, ".driver": "org.postgresql.Driver", ".url": url, ".user": place["user"]}
    for line in passwords.read_text().splitlines():
        fields = [re.sub(r"\\(.)", r"\1", field) for field in re.split(r"(?<!\\):", line)]
        if fields[:4] == list(place.values()):
            options[".password"] = fields[4]
    return options


class Result:
    """The rows of one statement, fetched as they are asked for."""

    def __init__(self, session, sql, time_zone):
        frame = session.sql(sql)
        self.columns = frame.dtypes
        self._schema = to_arrow_schema(frame.schema, timezone=time_zone)
        # the one way of the client to Arrow data in pieces
        self._parts = session.client.to_table_as_iterator(frame._plan.to_proto(session.client), frame._plan.observations)
        self._rest, self.complete, self._broken = self._schema.empty_table(), False, None

    def take(self, count):
        tables, rows = [self._rest], self._rest.num_rows
        while not self.complete and (count < 0 or rows < count):
            part = self._next()
            if isinstance(part, (pa.Table, pa.RecordBatch)):
                tables.append(part if isinstance(part, pa.Table) else pa.Table.from_batches([part]))
                rows += part.num_rows
        filled = [table for table in tables if table.num_rows] or tables[:1]
        whole = pa.concat_tables(filled)
        count = whole.num_rows if count < 0 else count
        self._rest = whole.slice(count)
        return whole.slice(0, count)

    def _next(self):
        """The next part; a result that broke off stays broken, it must not look like a complete one."""
        if self._broken:
            raise self._broken
        try:
            return next(self._parts)
        except StopIteration:
            self.complete = True
        except Exception as error:
            self._broken = error
            raise

    @property
    def finished(self):
        return self.complete and not self._rest.num_rows


class Job:
    """Work in a thread, tagged so that it can be interrupted."""

    def __init__(self, connection, work, again=True):
        self._connection, self._tag = connection, f"rc2-{uuid4().hex}"
        self.value, self.note, self.error, self.error_class = None, "", "", ""
        self.tasks_done, self.tasks = 0, 0
        self._done = threading.Event()
        threading.Thread(target=self._run, args=[work, again], daemon=True).start()

    def wait(self, seconds):
        """Whether it is done, after at most so many seconds."""
        return self._done.wait(seconds)

    def cancel(self):
        """Have Spark stop working on it."""
        if self._connection.session is not None and not self._done.is_set():
            self._connection.session.interruptTag(self._tag)

    def _run(self, work, again):
        try:
            self.note, self.value = self._connection.run(lambda session: self._tagged(session, work), again)
        except BaseException as error:  # noqa: BLE001 - R gets every one as a sentence
            self.error, self.error_class = sentence(error), type(error).__name__
        finally:
            self._done.set()

    def _tagged(self, session, work):
        SparkSession._active_session.session = session  # of this thread; machine learning asks for it
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


def sentence(error):
    """The error without the parts that concern Spark itself, with its cause, such as a database's own words."""
    text = str(error)
    if match := re.search(r'details = "(.*?)"\s*debug_error_string', text, re.DOTALL):
        text = match[1]
    text = re.split(r"\n+JVM stacktrace:", text)[0].strip() or type(error).__name__
    trace = getattr(error, "getStackTrace", lambda: None)()
    causes = re.findall(r"^Caused by: [\w.$]+: (.+)$", trace or "", re.MULTILINE)
    return text if not causes or causes[-1] in text else f"{text}\nCaused by: {causes[-1]}"
