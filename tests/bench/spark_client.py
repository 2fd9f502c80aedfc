"""Measures with the stock client of Spark: times through the gateway and without it, and of cold Connect servers.

spark_client.py gateway ADDRESS TOKEN ADDRESS TOKEN | cold PLAN ROUNDS
"""

import json
import os
import socket
import subprocess
import sys
import time
import warnings
from pathlib import Path

warnings.simplefilter("ignore")
import pyspark  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402

ROWS = "SELECT id, id % 100 AS k, rand(1) AS x, CAST(id AS STRING) AS s FROM range({})"
SECRET = "bench"
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


def first_answer(command, environment, folder):
    """Seconds from the command to the first answer; the client is already loaded.

    Each call uses a new port: gRPC remembers an address that has failed in this process, and waits before it retries.
    """
    environment = {**environment, "SPARK_CONNECT_AUTHENTICATE_TOKEN": SECRET}
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    command = [part.replace("PORT", str(port)) for part in command]
    began = time.perf_counter()
    with Path(folder, "log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True)
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            time.sleep(0.02)
    connect(f"127.0.0.1:{port}", SECRET).sql("SELECT 1").collect()
    took = time.perf_counter() - began
    os.killpg(server.pid, 9)
    server.wait()
    return took


def cold(plan, rounds):
    plan = json.loads(plan)
    home = Path(pyspark.__file__).parent
    stock = [str(home / "sbin" / "start-connect-server.sh"), "--conf", "spark.connect.grpc.binding.port=PORT"]
    environment = {**plan["variables"], "SPARK_NO_DAEMONIZE": "1", "SPARK_LOG_DIR": plan["folder"]}
    times = [], []
    for _ in range(int(rounds)):
        times[0].append(first_answer(plan["command"], plan["variables"], plan["folder"]))
        times[1].append(first_answer(stock, environment, plan["folder"]))
    print(json.dumps({"ours": times[0], "theirs": times[1]}), flush=True)


{"gateway": gateway, "cold": cold}[sys.argv[1]](*sys.argv[2:])
os._exit(0)
