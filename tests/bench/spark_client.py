"""Measures with the stock client of Spark: times through the gateway and without it, and first answers.

spark_client.py gateway ADDRESS TOKEN ADDRESS TOKEN
spark_client.py answers <ADDRESSES_AND_TOKENS
"""

import json
import os
import sys
import time
import warnings

warnings.simplefilter("ignore")
from pyspark.sql import SparkSession  # noqa: E402

ROWS = "SELECT id, id % 100 AS k, rand(1) AS x, CAST(id AS STRING) AS s FROM range({})"
TASKS = {
    "bare RPC": (200, lambda session: session.conf.get("spark.sql.shuffle.partitions")),
    "select 1": (40, lambda session: session.sql("SELECT 1").collect()),
    "1e6 x 4 rows": (7, lambda session: session.sql(ROWS.format(1_000_000)).toArrow()),
    "8e6 x 4 rows": (5, lambda session: session.sql(ROWS.format(8_000_000)).toArrow()),
}


def connect(address, token):
    return SparkSession.builder.remote(f"sc://{address}/;authorization=Bearer%20{token}").create()


def timed(task, *arguments):
    began = time.perf_counter()
    task(*arguments)
    return time.perf_counter() - began


def gateway(ours, our_token, theirs, their_token):
    sessions = connect(ours, our_token), connect(theirs, their_token)
    for name, (rounds, task) in TASKS.items():
        for session in sessions * 2:
            task(session)
        pairs = [[timed(task, session) for session in sessions] for _ in range(rounds)]
        print(json.dumps({name: list(zip(*pairs, strict=True))}), flush=True)


def answers():
    """Say that the client is loaded; then for each line with an address and a token, that its server has answered."""
    print("loaded", flush=True)
    for line in sys.stdin:
        connect(*line.split()).sql("SELECT 1").collect()
        print("answered", flush=True)


{"gateway": gateway, "answers": answers}[sys.argv[1]](*sys.argv[2:])
os._exit(0)
