"""Runs with Spark's stock client: one query at an address, with a token; prints the result or the error.

direct.py ADDRESS TOKEN
"""

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
    output = str(session.range(1).count())
except Exception as error:  # noqa: BLE001
    output = str(error)
print(json.dumps({"output": output}), flush=True)
os._exit(0)
