"""The command line of the Java in which a Spark Connect server runs, with the class data archive that `make setup` makes.

Spark's own script starts a second Java to compute the command line, and does not use the archive: the first answer takes
10 seconds instead of 4 (DESIGN.md).
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways.s3a_conf import s3a_conf
from rc2hub.gateways.webhdfs_conf import webhdfs_conf

LOOPBACK = "127.0.0.1"
MAIN_CLASS = "org.apache.spark.api.python.PythonGatewayServer"
"""Spark's own, which does what a Python program wants; it ends with its standard input."""
TOKEN_PROPERTY = "rc2.driver.token"  # noqa: S105 - the name of a property
"""Java's system property with the token of the Connect server's user: set at the activation, in executors at the start."""
TOKEN = f"${{{TOKEN_PROPERTY}}}"
"""It, in Hadoop's notation."""
JAVA_ARGUMENTS = Path(__file__).with_name("java.args")
ARCHIVE = "connect.jsa"
S3A = "s3a"
"""The folder of Hadoop's client of S3, which PySpark lacks, in its environment."""
POSTGRESQL = Path("/usr/share/java/postgresql.jar")
"""PostgreSQL's JDBC driver, as Debian installs it."""
PYTHON_KILL_TIMEOUT = "500ms"
"""How long a Python worker, and the R that it has started, go on after the stop button; Spark's own default is 2 s."""
LOG4J_PROPERTIES = """\
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.target = SYSTEM_ERR
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %p %c{1}: %m%n
"""


@dataclass(frozen=True)
class ConnectServerJava:
    """The Java settings of a Connect server."""

    environment: Path
    """Python environment with `pyspark[connect]`, and with the class data archive and the client of S3 if there are."""
    memory: str = "1g"
    cores: str = "*"
    hdfs_gateway: str = ""
    s3_gateway: str = ""

    def check(self) -> None:
        """Check that Java and Spark are installed.

        Raises:
            ServiceUnavailableError: naming what is missing.
        """
        if shutil.which("java") is None:
            raise ServiceUnavailableError("Spark needs Java, which this machine lacks; an operator has to install it.")
        if not self._home.is_dir():
            raise ServiceUnavailableError(f"Spark is not installed in {self.environment}; an operator has to install it.")
        if self.s3_gateway and not self._s3a_jars:
            raise ServiceUnavailableError(
                f"Spark's client of S3 is not installed in {self.environment / S3A}; an operator has to install it."
            )

    def command(self, folder: Path, *flags: str) -> list[str]:
        """The command line of Java, in which the Connect server then chooses a free port of this machine.

        The class path must be the same list of files where the archive is made and where it is used.
        """
        (folder / "log4j2.properties").write_text(LOG4J_PROPERTIES)
        # Java takes its archive with a longer class path too
        jars = [*sorted((self._home / "jars").glob("*.jar")), POSTGRESQL, *(self._s3a_jars if self.s3_gateway else ())]
        conf = {
            "spark.master": f"local[{self.cores}]",
            "spark.connect.grpc.binding.address": LOOPBACK,
            "spark.connect.grpc.binding.port": "0",
            "spark.driver.host": LOOPBACK,
            "spark.driver.bindAddress": LOOPBACK,
            "spark.local.dir": str(folder / "local"),
            "spark.sql.warehouse.dir": str(folder / "warehouse"),
            "spark.ui.enabled": "false",
            "spark.python.task.killTimeout": PYTHON_KILL_TIMEOUT,
        }
        conf |= webhdfs_conf(self.hdfs_gateway, TOKEN) if self.hdfs_gateway else {}
        conf |= s3a_conf(self.s3_gateway, TOKEN, str(folder / S3A)) if self.s3_gateway else {}
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
            "PYSPARK_PYTHON": self.python,
            "SPARK_LOCAL_IP": LOOPBACK,
        }

    @property
    def python(self) -> str:
        """Spark's Python."""
        return str(self.environment / "bin" / "python")

    @property
    def _s3a_jars(self) -> list[Path]:
        return sorted((self.environment / S3A).glob("*.jar"))

    @property
    def _home(self) -> Path:
        found = sorted(self.environment.glob("lib/python3*/site-packages/pyspark"))
        return found[-1] if found else self.environment / "pyspark"
