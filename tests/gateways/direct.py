"""Runs with the stock client of Spark: one query at an address, with a token; prints what came of it."""

import json
import logging
import os
import sys
import warnings

warnings.simplefilter("ignore")
from pyspark.sql import SparkSession  # noqa: E402

logging.getLogger("SQLQueryContextLogger").disabled = True
try:
    session = SparkSession.builder.remote(f"sc://{sys.argv[1]}/;authorization=Bearer%20{sys.argv[2]}").create()
    said = str(session.range(1).count())
except Exception as error:  # noqa: BLE001
    said = str(error)
print(json.dumps({"said": said}), flush=True)
os._exit(0)
