"""Runs with Spark's stock client: one user uploads large messages in four threads, another one works.

uploads.py ADDRESS TOKEN OTHER_TOKEN
"""

import json
import logging
import os
import sys
import threading
import time
import warnings

warnings.simplefilter("ignore")
import pandas as pd  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402

logging.getLogger("SQLQueryContextLogger").disabled = True
address, *tokens = sys.argv[1:]
alice, bob = (SparkSession.builder.remote(f"sc://{address}/;authorization=Bearer%20{token}").create() for token in tokens)


def upload(megabytes: int, lengths: list) -> None:
    try:
        frame = alice.createDataFrame(pd.DataFrame({"x": [os.urandom(1 << 20) for _ in range(megabytes)]}))
        lengths.append(frame.count())
    except Exception as error:  # noqa: BLE001
        lengths.append(str(error))


alice.conf.set("spark.sql.session.localRelationCacheThreshold", str(1 << 30))  # or the client sends it in parts
alice.conf.set("spark.sql.session.localRelationChunkSizeBytes", str(1 << 30))
alice.conf.set("spark.sql.session.localRelationChunkSizeRows", str(1 << 30))
bob.range(1).count()
lengths: list = []
uploads = [threading.Thread(target=upload, args=(24, lengths)) for _ in range(4)]
for thread in uploads:
    thread.start()
seconds = []
while any(thread.is_alive() for thread in uploads):
    started_at = time.monotonic()
    bob.range(1).count()
    seconds.append(time.monotonic() - started_at)
refused: list = []
upload(40, refused)
print(json.dumps({"lengths": lengths, "refused": refused, "slowest": max(seconds), "calls": len(seconds)}), flush=True)
os._exit(0)
