"""Runs with the stock client of Spark: each line of standard input is a query at an address, with a token.

    spark_sql.py GATEWAY TOKEN

Prints the first value of each answer, or what was wrong, as a JSON string.
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
        said = str(rows[0][0]) if rows else ""
    except Exception as error:  # noqa: BLE001
        said = str(error)
    print(json.dumps(said), flush=True)
os._exit(0)  # a session whose gateway is gone would be closed with patience
