"""Runs queries with the stock client of Spark, one per line of standard input.

    spark_sql.py GATEWAY TOKEN

Prints the first value of each result, or the error message, as a JSON string.
"""

import json
import logging
import os
import sys
import warnings

warnings.simplefilter("ignore")
from pyspark.sql import SparkSession  # noqa: E402

logging.getLogger("SQLQueryContextLogger").disabled = True
session = None
for line in sys.stdin:
    try:
        session = (
            session or SparkSession.builder.remote(f"sc://{sys.argv[1]}/;authorization=Bearer%20{sys.argv[2]}").create()
        )
        rows = session.sql(line).collect()
        printed = str(rows[0][0]) if rows else ""
    except Exception as error:  # noqa: BLE001
        printed = str(error)
    print(json.dumps(printed), flush=True)
os._exit(0)  # closing a session whose gateway has ended would wait for a long time
