"""The first queries of a standby: what Spark loads and compiles for them, it need not for a user's.

    python warm_up.py <URL

The URL of the server, with its secret, is a line of standard input. `make setup` writes the archive of Spark's classes after
the same queries.
"""

import os
import sys
import warnings

warnings.simplefilter("ignore")

from pyspark.sql import DataFrame, SparkSession  # noqa: E402
from pyspark.sql.functions import udf  # noqa: E402

ROUNDS = 3
"""Java compiles what it has seen a few times."""


def run(table: DataFrame) -> None:
    """Fetch a table. Where executors compute, Spark only plans: a standby gets none, and Spark ends after some refusals."""
    if table.sparkSession.conf.get("spark.master").startswith("local"):
        table.toArrow()
    else:
        table.explain()


def query(spark: SparkSession) -> None:
    """Functions, groups, an order, a join, and rows in both directions."""
    spark.range(10).selectExpr("id % 3 k", "rand() x", "string(id) s").createOrReplaceTempView("rows")
    run(spark.sql("select k, count(*), avg(x), max(s) from rows group by k order by k"))
    run(spark.createDataFrame([(1, "a")], "i int, s string").join(spark.table("rows"), "s", "left"))


def read_catalogue(spark: SparkSession) -> None:
    """What R asks when it connects, and lists of tables."""
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    run(spark.sql("select current_catalog() as c, current_schema() as s"))
    spark.sql("show tables").collect()


def run_python(spark: SparkSession) -> None:
    """A function in a Python worker."""
    run(spark.range(2).select(udf(str)("id")))


if __name__ == "__main__":
    session = SparkSession.builder.remote(sys.stdin.readline().strip()).create()
    for _ in range(ROUNDS):
        query(session)
        read_catalogue(session)
    run_python(session)
    session.stop()
    os._exit(0)  # at once, as the threads of py4j and gRPC would wait for Java
