"""The command line of a Spark Connect server: `java` itself, with the class data archive that `make setup` makes.

Spark's own script starts a second Java to compute the command line, and does not use the archive: the first answer takes
10 seconds instead of 4 (DESIGN.md).
"""

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways.webhdfs_conf import webhdfs_conf

LOOPBACK = "127.0.0.1"
MAIN_CLASS = "org.apache.spark.sql.connect.service.SparkConnectServer"
JAVA_ARGUMENTS = Path(__file__).with_name("java.args")
ARCHIVE = "connect.jsa"
POSTGRESQL = Path("/usr/share/java/postgresql.jar")
"""PostgreSQL's JDBC driver, as Debian installs it."""
LOG4J_PROPERTIES = """\
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.target = SYSTEM_ERR
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %p %c{1}: %m%n
logger.started.name = org.apache.spark.sql.connect.service.SparkConnectServer
logger.started.level = info
"""
STARTED = re.compile(r"^INFO SparkConnectServer: Spark Connect server started at: .*:(\d+)$", re.MULTILINE)
"""What a Connect server logs when it listens; the number is its port."""


@dataclass(frozen=True)
class ConnectServerJava:
    """The Java settings of a Connect server."""

    environment: Path
    """Python environment with `pyspark[connect]`, and with the class data archive if there is one."""
    memory: str = "1g"
    cores: str = "*"
    hdfs_gateway: str = ""

    def check(self) -> None:
        """Check that Java and Spark are installed.

        Raises:
            ServiceUnavailableError: naming what is missing.
        """
        if shutil.which("java") is None:
            raise ServiceUnavailableError("Spark needs Java, which this machine lacks; an operator has to install it.")
        if not self._home.is_dir():
            raise ServiceUnavailableError(f"Spark is not installed in {self.environment}; an operator has to install it.")

    def command(self, folder: Path, port: int, *flags: str, more_conf: Mapping[str, str] | None = None) -> list[str]:
        """The command line of a Connect server that listens on this port of this machine; with 0 it chooses a free one.

        The class path must be the same list of files where the archive is made and where it is used.
        """
        (folder / "log4j2.properties").write_text(LOG4J_PROPERTIES)
        jars = [*sorted((self._home / "jars").glob("*.jar")), POSTGRESQL]
        conf = {
            "spark.master": f"local[{self.cores}]",
            "spark.connect.grpc.binding.address": LOOPBACK,
            "spark.connect.grpc.binding.port": str(port),
            "spark.driver.host": LOOPBACK,
            "spark.driver.bindAddress": LOOPBACK,
            "spark.local.dir": str(folder / "local"),
            "spark.sql.warehouse.dir": str(folder / "warehouse"),
            "spark.ui.enabled": "false",
        }
        conf |= webhdfs_conf(self.hdfs_gateway) if self.hdfs_gateway else {}
        conf |= more_conf or {}
        return [
            "java",
            f"@{JAVA_ARGUMENTS}",
            *(flags or [f"-XX:SharedArchiveFile={self.environment / ARCHIVE}"]),
            f"-Xmx{self.memory}",
            f"-Djava.io.tmpdir={folder}",
            f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}",
            "-cp",
            ":".join(map(str, jars)),
            "org.apache.spark.deploy.SparkSubmit",
            *(part for name, value in conf.items() for part in ("--conf", f"{name}={value}")),
            *("--class", MAIN_CLASS, "--name", "Rc2", "spark-internal"),
        ]

    def variables(self) -> dict[str, str]:
        """The environment variables of a Connect server: what Spark needs, and no secret of the gateway."""
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "SPARK_HOME": str(self._home),
            "PYSPARK_PYTHON": str(self.environment / "bin" / "python"),
            "SPARK_LOCAL_IP": LOOPBACK,
        }

    @staticmethod
    def port(log: Path) -> int | None:
        """The port on which a Connect server listens, from the file that has its output; None before it listens."""
        started = STARTED.search(log.read_text(errors="replace"))
        return int(started[1]) if started else None

    @property
    def _home(self) -> Path:
        found = sorted(self.environment.glob("lib/python3*/site-packages/pyspark"))
        return found[-1] if found else self.environment / "pyspark"
