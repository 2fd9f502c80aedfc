"""Writes the class data archive of Spark Connect servers, so that a server does not load and verify its classes again.

    python scripts/spark_archive.py

A server runs some typical first queries, and writes the classes that it has loaded when it ends (JEP 350).
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rc2hub.gateways.java_command import ARCHIVE, LOOPBACK, ConnectServerJava
from rc2hub.processes import end_with_parent, free_ports

FIRST_QUERIES = """
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.remote(sys.argv[1]).create()
spark.range(10).selectExpr("id % 3 k", "rand() x", "string(id) s").createOrReplaceTempView("t")
spark.sql("select k, count(*), avg(x), max(s) from t group by k order by k").toArrow()
spark.createDataFrame([(1, "a")], "i int, s string").join(spark.table("t"), "s", "left").collect()
spark.stop()
"""
SECRET = "archive"
TIMEOUT = 600.0
"""Seconds for the server to answer, and again for it to end."""


def main() -> None:
    """Start a server, run queries, and stop it."""
    java = ConnectServerJava(Path(sys.prefix, "spark"))
    java.check()
    (port,) = free_ports(1)
    archive = java.environment / ARCHIVE
    archive.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {**java.variables(), "SPARK_CONNECT_AUTHENTICATE_TOKEN": SECRET}
        command = java.command(folder, port, f"-XX:ArchiveClassesAtExit={archive}")
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                command, env=environment, cwd=folder, stdout=log, stderr=log, preexec_fn=end_with_parent
            )
        run_queries(java.environment, port)
        server.terminate()
        server.wait(TIMEOUT)
        if not archive.exists():
            sys.exit(f"Spark's class data archive was not written: {(folder / 'log').read_text()[-500:]}")


def run_queries(environment: Path, port: int) -> None:
    """Run the queries, and repeat them until the server answers."""
    url = f"sc://{LOOPBACK}:{port}/;authorization=Bearer%20{SECRET}"
    deadline = time.monotonic() + TIMEOUT
    client = [str(environment / "bin" / "python"), "-c", FIRST_QUERIES, url]
    while subprocess.run(
        client, env={**os.environ, "PYTHONWARNINGS": "ignore"}, capture_output=True, check=False
    ).returncode:
        if time.monotonic() > deadline:
            sys.exit("Spark did not answer, so its class data archive was not written.")


if __name__ == "__main__":
    main()
