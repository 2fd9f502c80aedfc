"""Writes the class data archive of Spark Connect servers: classes read and checked once instead of at each start.

    python scripts/spark_archive.py

A server runs the queries of a first minute, and leaves what it has loaded behind when it ends (JEP 350).
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rc2hub.gateways.java import ARCHIVE, LOOPBACK, SparkJava
from rc2hub.processes import end_with_parent, free_ports

FIRST_MINUTE = """
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.remote(sys.argv[1]).create()
spark.range(10).selectExpr("id % 3 k", "rand() x", "string(id) s").createOrReplaceTempView("t")
spark.sql("select k, count(*), avg(x), max(s) from t group by k order by k").toArrow()
spark.createDataFrame([(1, "a")], "i int, s string").join(spark.table("t"), "s", "left").collect()
spark.stop()
"""
SECRET = "archive"
DEADLINE = 120.0


def main() -> None:
    """Start a server, use it, end it."""
    java = SparkJava(Path(sys.prefix, "spark"))
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
        use(java.environment, port)
        server.terminate()
        server.wait(DEADLINE)
        if not archive.exists():
            sys.exit(f"Spark's archive was not written: {(folder / 'log').read_text()[-500:]}")


def use(environment: Path, port: int) -> None:
    """Run the queries, as soon as the server answers."""
    url = f"sc://{LOOPBACK}:{port}/;authorization=Bearer%20{SECRET}"
    deadline = time.monotonic() + DEADLINE
    client = [str(environment / "bin" / "python"), "-c", FIRST_MINUTE, url]
    while subprocess.run(
        client, env={**os.environ, "PYTHONWARNINGS": "ignore"}, capture_output=True, check=False
    ).returncode:
        if time.monotonic() > deadline:
            sys.exit("Spark did not answer while its archive was made.")


if __name__ == "__main__":
    main()
