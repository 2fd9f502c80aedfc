"""Runs with Spark's stock client: what a Connect server that has got its user knows of the user.

claimed.py ADDRESS SECRET
"""

import contextlib
import json
import logging
import os
import sys
import warnings

warnings.simplefilter("ignore")
from pyspark.sql import SparkSession  # noqa: E402

logging.getLogger("SQLQueryContextLogger").disabled = True
address, secret = sys.argv[1:]
session = SparkSession.builder.remote(f"sc://{address}/;authorization=Bearer%20{secret}").create()
found = {
    "answer": session.range(3).count(),
    "token": session.sql("SELECT reflect('java.lang.System', 'getProperty', 'rc2.driver.token') AS x").collect()[0].x,
    "application": session.conf.get("spark.app.name"),
    "tables": [row.tableName for row in session.sql("SHOW TABLES").collect()],
    "warehouse": session.conf.get("spark.sql.warehouse.dir"),
}
with contextlib.suppress(Exception):
    session.read.text("webhdfs://rc2/file").count()  # there is no such file
print(json.dumps(found), flush=True)
os._exit(0)
