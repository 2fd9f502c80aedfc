"""Hive's metastore for single-user mode: a Java process with its tables in the PostgreSQL of this machine.

    python -m rc2hub.local.hive DIRECTORY POSTGRESQL HDFS

runs it in the foreground, as a service that JupyterHub manages, beside the PostgreSQL and the HDFS of these directories.
With HTTP the metastore ignores the address at which it should listen, so it listens on every interface; it answers only
calls that are signed with the key of its gateway.
"""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from rc2hub.errors import Rc2Error
from rc2hub.gateways.hive_key import create_key, jwks_file
from rc2hub.gateways.java_command import LOG4J_PROPERTIES, LOOPBACK
from rc2hub.gateways.webhdfs_conf import NAME, WAREHOUSE
from rc2hub.gateways.webhdfs_request import ACCOUNT
from rc2hub.local import database, hdfs
from rc2hub.local.hive_schema import VERSION, make_schema
from rc2hub.local.ports import StoredPorts
from rc2hub.processes import end_with_parent, interrupt, start_server, stop_process

METASTORE = Path(sys.prefix, "hive", "metastore")
"""Hive's metastore and the scripts of its schema; `make setup` gets them."""
SCHEMA = Path("scripts", "metastore", "upgrade", "postgres", f"hive-schema-{VERSION}.postgres.sql")
MAIN_CLASS = "org.apache.hadoop.hive.metastore.HiveMetaStore"
LIBRARIES = (
    *("hadoop-client-api", "hadoop-client-runtime", "javax.servlet-api", "slf4j-api", "log4j-slf4j2-impl", "log4j-api"),
    *("log4j-core", "log4j-1.2-api", "jcl-over-slf4j", "httpclient", "httpcore", "gson"),
)
"""What the metastore takes of PySpark's jars, in the place of a Hadoop installation."""
JAVA = (
    *hdfs.JAVA,
    *(f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in ("lang", "net", "util")),
)
ROLE = DATABASE = "hive"
START_TIMEOUT = 120.0
"""Seconds for PostgreSQL to answer; it starts at the same time."""
RESTART_DELAY = 0.5
"""Seconds before a metastore that has ended is started again."""
STOP_TIMEOUT = 5.0
"""Seconds for it to stop before it is killed."""


def is_installed() -> bool:
    """Whether the metastore is installed in this environment."""
    return METASTORE.exists()


def url(directory: Path) -> str:
    """The metastore's address."""
    return f"http://{LOOPBACK}:{port(directory)}/metastore"


def ports(directory: Path) -> StoredPorts:
    """The metastore's port, by the name `metastore`."""
    return StoredPorts(directory / "ports.json", "metastore")


def port(directory: Path) -> int:
    """The metastore's port."""
    return ports(directory).read()["metastore"]


def prepare(directory: Path) -> None:
    """Write the key, if it does not exist."""
    if not jwks_file(directory).exists():
        create_key(directory)


class Metastore:
    """The metastore of a directory."""

    def __init__(self, directory: Path, postgresql: Path, hdfs_directory: Path) -> None:
        """Take the directories of the metastore, of PostgreSQL and of HDFS."""
        self.directory, self.postgresql, self.hdfs_directory = directory, postgresql, hdfs_directory
        self.process: subprocess.Popen[bytes]
        prepare(directory)

    def start(self) -> None:
        """Make database and schema if they are missing, and start the metastore.

        Raises:
            Rc2Error: if PostgreSQL does not answer, or refuses.
        """
        password = create_database(self.postgresql)
        conf = self.directory / "conf"
        conf.mkdir(mode=0o700, exist_ok=True)
        (conf / "log4j2.properties").write_text(LOG4J_PROPERTIES)
        for name, settings in (("core-site.xml", self._hdfs()), ("metastore-site.xml", self._settings(password))):
            (conf / name).write_text(hdfs.hadoop_settings(settings))
            (conf / name).chmod(0o600)
        variables = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HADOOP_USER_NAME": ACCOUNT}
        self.process = start_server(self._java(conf), variables, self.directory / "metastore.log")

    def stop(self) -> None:
        """Stop the metastore."""
        stop_process(self.process, STOP_TIMEOUT)

    def _java(self, conf: Path) -> list[str]:
        log4j = f"-Dlog4j2.configurationFile={conf / 'log4j2.properties'}"
        classes = ":".join([str(conf), *hdfs.spark_jars(LIBRARIES), f"{METASTORE / 'lib'}/*"])
        return ["java", *JAVA, log4j, "-cp", classes, MAIN_CLASS]

    def _hdfs(self) -> Mapping[str, str]:
        """HDFS under the name that Spark uses; the metastore reaches the NameNode itself, by RPC."""
        return {
            "fs.defaultFS": f"webhdfs://{NAME}",
            "fs.webhdfs.impl": "org.apache.hadoop.hdfs.DistributedFileSystem",
            "dfs.nameservices": NAME,
            f"dfs.ha.namenodes.{NAME}": "one",
            f"dfs.namenode.rpc-address.{NAME}.one": f"{LOOPBACK}:{hdfs.ports(self.hdfs_directory).read()['rpc']}",
            f"dfs.client.failover.proxy.provider.{NAME}": (
                "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider"
            ),
        }

    def _settings(self, password: str) -> Mapping[str, str]:
        warehouse = f"webhdfs://{NAME}{WAREHOUSE}"
        return {
            "javax.jdo.option.ConnectionURL": f"jdbc:postgresql://{LOOPBACK}:{database.port(self.postgresql)}/{DATABASE}",
            "javax.jdo.option.ConnectionDriverName": "org.postgresql.Driver",
            "javax.jdo.option.ConnectionUserName": ROLE,
            "javax.jdo.option.ConnectionPassword": password,
            "datanucleus.schema.autoCreateAll": "false",
            "datanucleus.connectionPoolingType": "HikariCP",
            "datanucleus.connectionPool.maxPoolSize": "4",
            "metastore.schema.verification": "true",
            "metastore.thrift.port": str(port(self.directory)),
            "metastore.server.thrift.transport.mode": "http",
            "metastore.server.thrift.http.path": "metastore",
            "metastore.authentication": "JWT",
            "metastore.authentication.jwt.jwks.url": jwks_file(self.directory).absolute().as_uri(),
            # the same, or a table without a location would have its data in one and its entry in the other
            "metastore.warehouse.dir": warehouse,
            "metastore.warehouse.external.dir": warehouse,
            "metastore.task.threads.always": "org.apache.hadoop.hive.metastore.events.EventCleanerTask",
            "metastore.housekeeping.threads.on": "false",
            "metastore.compactor.initiator.on": "false",
            "metastore.stats.autogather": "false",
            # a blank, as nothing would be the default, which makes Spark's managed tables external ones
            "metastore.metadata.transformer.class": " ",
        }


def create_database(postgresql: Path) -> str:
    """Make the metastore's role and database with its schema, if they are missing; returns the role's new password.

    Raises:
        Rc2Error: if PostgreSQL does not answer in time, or refuses, or if the schema is that of another version.
    """
    password = secrets.token_urlsafe(32)
    try:
        with _connect(postgresql, "postgres") as admin:
            if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
                admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(ROLE)))
            admin.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(ROLE), sql.Literal(password)))
            if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                admin.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(sql.Identifier(DATABASE)))
            admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(DATABASE)))
        with _connect(postgresql, DATABASE) as admin:
            admin.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(ROLE)))
            make_schema(admin, (METASTORE / SCHEMA).read_bytes())
    except (psycopg.Error, OSError) as error:
        raise Rc2Error(f"The metastore's database cannot be set up: {error}") from error
    return password


def _connect(postgresql: Path, name: str) -> "psycopg.Connection[tuple[object, ...]]":
    """A session of the superuser, as soon as PostgreSQL answers."""
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            password = database.password_file(postgresql).read_text()
            return psycopg.connect(database.url(postgresql, name), password=password, autocommit=True)
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(RESTART_DELAY)


def main() -> None:
    """Run the metastore of a directory, and start it again if it ends, until SIGTERM."""
    end_with_parent()
    signal.signal(signal.SIGTERM, interrupt)
    metastore = Metastore(*map(Path, sys.argv[1:4]))
    try:
        metastore.start()
        while True:
            metastore.process.wait()
            time.sleep(RESTART_DELAY)
            metastore.start()
    except KeyboardInterrupt:
        if hasattr(metastore, "process"):
            metastore.stop()
    except Rc2Error as error:
        sys.exit(f"rc2hub: {error}")


if __name__ == "__main__":
    main()
