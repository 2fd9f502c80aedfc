"""Runs with Spark's stock client: what a user can do through the gateway, and what a user must not.

    stock.py GATEWAY ALICE_TOKEN BOB_TOKEN [CHECK]...

Without a name of a check, all run. Prints a JSON object for each check: its name, and `ok` or the failure.
"""

import json
import logging
import os
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path
from uuid import uuid4

warnings.simplefilter("ignore")
import pandas as pd  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402
from pyspark.sql.connect.client import reattach  # noqa: E402
from pyspark.sql.functions import udf  # noqa: E402

logging.getLogger("SQLQueryContextLogger").disabled = True
GATEWAY, ALICE, BOB, *CHOSEN = sys.argv[1:]
STREAMS, ROWS = 200, 2000
HANG_TIMEOUT = 240.0
"""Seconds; it only ends a wait that would never end."""


def connect(token, user="mallory", session=None):
    chosen = f";session_id={session}" if session else ""
    return SparkSession.builder.remote(f"sc://{GATEWAY}/;authorization=Bearer%20{token};user_id={user}{chosen}").create()


def fails_with(action, *words):
    try:
        answer = action()
    except Exception as error:  # noqa: BLE001
        return True if all(word in str(error) for word in words) else str(error)[:300]
    return f"no error, but {answer}"


def artifact_in_udf():
    module = f"art_{uuid4().hex[:8]}"
    path = Path(tempfile.mkdtemp(), f"{module}.py")
    path.write_text("Z = 7\n")
    alice.addArtifact(str(path), pyfile=True)

    def add(x):
        return x + __import__(module).Z

    return [row[0] for row in alice.range(2).select(udf(add, "long")("id")).collect()] == [7, 8]


def reattach_after_a_cut():
    cut = []
    has_next = reattach.ExecutePlanResponseReattachableIterator._has_next

    def flaky(iterator):
        iterator.seen = getattr(iterator, "seen", 0) + 1
        if not cut and iterator.seen > 3:
            cut.append(True)
            iterator._iterator = None  # as after a broken connection
        return has_next(iterator)

    reattach.ExecutePlanResponseReattachableIterator._has_next = flaky
    try:
        total = alice.range(0, 100000, 1, 10).toPandas().id.sum().item()
    finally:
        reattach.ExecutePlanResponseReattachableIterator._has_next = has_next
    return bool(cut) and total == sum(range(100000))


def streaming():
    query = alice.readStream.format("rate").load().writeStream.format("memory").queryName(f"q{uuid4().hex[:6]}").start()
    deadline = time.monotonic() + HANG_TIMEOUT
    while query.lastProgress is None and time.monotonic() < deadline:
        time.sleep(0.1)
    has_progress = query.lastProgress is not None
    query.stop()
    return has_progress


def interrupted():
    errors = []

    def run_long_query():
        alice.addTag("long")
        try:
            alice.sql("select count(*) from range(1000000000000)").collect()
        except Exception as error:  # noqa: BLE001
            errors.append(str(error))

    running = threading.Thread(target=run_long_query)
    running.start()
    deadline = time.monotonic() + HANG_TIMEOUT
    while not alice.interruptTag("long") and time.monotonic() < deadline:
        time.sleep(0.2)
    running.join(HANG_TIMEOUT)
    return any("OPERATION_CANCELED" in error for error in errors) or errors


def many_streams():
    failures = []

    def stream(number):
        first = number * ROWS
        try:
            ids = alice.range(first, first + ROWS, 1, 3).toArrow().column("id").to_pylist()
            if sorted(ids) != list(range(first, first + ROWS)):
                failures.append(f"stream {number} is mixed")
        except Exception as error:  # noqa: BLE001
            failures.append(f"stream {number}: {str(error)[:200]}")

    threads = [threading.Thread(target=stream, args=[number]) for number in range(STREAMS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures[:3] or True


def many_sessions():
    return sum(connect(ALICE).range(1).count() for _ in range(STREAMS)) == STREAMS


def session_survives_its_release_by_bob():
    connect(BOB, "alice", alice.session_id).stop()
    return alice.sql("select x from secret").collect()[0].x == 42


alice = connect(ALICE)
bob = connect(BOB)
large = pd.DataFrame({"i": range(2_000_000), "x": [0.5] * 2_000_000})
alice.sql("create or replace temp view secret as select 42 as x")
alice.sql("create table if not exists alices as select 42 as x")
alice.sql("create or replace global temp view global_secret as select 42 as x")
CHECKS = {
    "SQL": lambda: alice.sql("select 1 as x").collect()[0].x == 1,
    "a stream of 20 parts": lambda: alice.range(0, 200000, 1, 20).toPandas().id.sum().item() == sum(range(200000)),
    "a small data frame is uploaded": lambda: alice.createDataFrame(pd.DataFrame({"k": ["a", "b"]})).count() == 2,
    "32 MB are uploaded": lambda: alice.createDataFrame(large).count() == 2_000_000,
    "a UDF with an artifact": artifact_in_udf,
    "an error of analysis keeps its class": lambda: fails_with(
        lambda: alice.sql("select * from nope").collect(), "TABLE_OR_VIEW_NOT_FOUND"
    ),
    "an error at run time keeps its class": lambda: fails_with(lambda: alice.sql("select 1/0").collect(), "DIVIDE_BY_ZERO"),
    "a query is interrupted": interrupted,
    "a session is cloned": lambda: alice.cloneSession().sql("select 2 as x").collect()[0].x == 2,
    "a cut stream is resumed": reattach_after_a_cut,
    "structured streaming": streaming,
    "a token in the URL's own parameter": lambda: (
        SparkSession.builder.remote(f"sc://localhost:{GATEWAY.rpartition(':')[2]}/;token={ALICE}").create().range(3).count()
        == 3
    ),
    "another user's session id gives an empty session": lambda: fails_with(
        lambda: connect(BOB, "alice", alice.session_id).sql("select * from secret").collect(), "TABLE_OR_VIEW_NOT_FOUND"
    ),
    "another user's session is not closed": session_survives_its_release_by_bob,
    "another user's table does not exist": lambda: fails_with(
        lambda: bob.sql("select * from alices").collect(), "TABLE_OR_VIEW_NOT_FOUND"
    ),
    "another user's global view does not exist": lambda: fails_with(
        lambda: bob.sql("select * from global_temp.global_secret").collect(), "TABLE_OR_VIEW_NOT_FOUND"
    ),
    "a wrong token": lambda: fails_with(lambda: connect("wrong").range(1).count(), "token for this service is needed"),
    "no token": lambda: fails_with(
        lambda: SparkSession.builder.remote(f"sc://{GATEWAY}").create().range(1).count(), "carries no token"
    ),
    "a wrong token on an upload": lambda: fails_with(
        lambda: connect("wrong").addArtifact(__file__, file=True), "token for this service is needed"
    ),
    "200 concurrent streams, none lost, none mixed": many_streams,
    "200 sessions": many_sessions,
}
for name in CHOSEN or CHECKS:
    try:
        answer = CHECKS[name]()
    except Exception as error:  # noqa: BLE001
        answer = f"{type(error).__name__}: {str(error)[:300]}"
    print(json.dumps({name: "ok" if answer is True else str(answer)}), flush=True)
os._exit(0)  # without closing the refused sessions, which the client would retry
