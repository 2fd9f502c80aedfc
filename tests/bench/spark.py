"""The cost of the Spark gateway and of the transfer into R, each compared with the direct way in the same run.

    python -m tests.bench.spark

The clients are the stock client of Spark, in its own Python, and R in a compute server.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

from rc2hub.gateways.java_command import ConnectServerJava
from tests.bench.local import REFILL_TIME, first_result
from tests.bench.report import entry, write
from tests.fixtures.hub import Client, Rc2
from tests.fixtures.spark import stock_client
from tests.gateways.test_spark_gateway import gateway_address
from tests.test_kill import processes
from tests.test_separation import server_token

CLIENT = Path(__file__).with_name("spark_client.py")
INTO_R = Path(__file__).with_name("into_r.R")
COLD, STARTS = 5, 15
DIRECT, STOCK, PANDAS = "the Connect server itself", "start-connect-server.sh", "toPandas + reticulate"


def direct(rc2: Rc2) -> tuple[str, str]:
    """Address and secret of the only running Connect server; only its account can read them."""
    pid, command = next((pid, command) for pid, command in processes(rc2) if b"SparkConnectServer" in command)
    port = command.partition(b"binding.port=")[2].partition(b"\0")[0].decode()
    environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    secret = next(part for part in environ if part.startswith(b"SPARK_CONNECT_AUTHENTICATE_TOKEN="))
    return f"127.0.0.1:{port}", secret.partition(b"=")[2].decode()


async def gateway(rc2: Rc2, client: Client) -> list[dict[str, Any]]:
    """The same tasks through the gateway and without it."""
    assert (await client.start("alice", services=["spark"]))[0] == 201
    token = await server_token(client, "alice")
    async with client.kernel("alice") as r:
        await r.run("rc2::rc2_spark()")
    times = await asyncio.to_thread(stock_client, CLIENT, "gateway", gateway_address(rc2), token, *direct(rc2), seconds=900)
    return [entry(f"spark gateway: {task}", ours, DIRECT, theirs) for task, (ours, theirs) in times.items()]


async def into_r(client: Client) -> list[dict[str, Any]]:
    """A million rows as a data.frame."""
    async with client.kernel("alice") as r:
        measured = json.loads(await asyncio.wait_for(r.run(INTO_R.read_text()), 300))
    await client.stop("alice")
    return [entry(f"spark: {task}", times["ours"], PANDAS, times["theirs"]) for task, times in measured.items()]


async def cold() -> list[dict[str, Any]]:
    """The cold start of a Connect server until its first answer."""
    java = ConnectServerJava(Path(sys.prefix, "spark"))
    with tempfile.TemporaryDirectory() as folder:
        command = [part.replace("binding.port=0", "binding.port=PORT") for part in java.command(Path(folder), 0)]
        plan = {"command": command, "variables": java.variables(), "folder": folder}
        times = await asyncio.to_thread(stock_client, CLIENT, "cold", json.dumps(plan), str(COLD), seconds=900)
    return [entry("spark: cold first answer", times["ours"], STOCK, times["theirs"])]


async def prompt(rc2: Rc2, client: Client) -> list[dict[str, Any]]:
    """The first R result of a start with Spark requested, and without."""
    times: dict[str, list[float]] = {"with": [], "without": []}
    await asyncio.sleep(REFILL_TIME)
    for _ in range(STARTS):
        for case, services in (("with", ["spark"]), ("without", [])):
            user = f"u{uuid4().hex[:8]}" if case == "without" else "alice"
            times[case].append((await first_result(rc2, user, services=services))[1])
            await client.stop(user)
            await asyncio.sleep(REFILL_TIME)
    return [entry("spark: start to first R result, Spark requested", times["with"], "the same without", times["without"])]


async def measure(rc2: Rc2) -> None:
    """Measure everything and write the report."""
    async with rc2.client() as client:
        await client.create("alice")
        entries = [*await gateway(rc2, client), *await into_r(client), *await prompt(rc2, client)]
    write([*entries, *await cold()])


def main() -> None:
    """Start a hub, measure, stop it."""
    with tempfile.TemporaryDirectory() as folder:
        rc2 = Rc2(Path(folder, "rc2"))
        rc2.start()
        try:
            asyncio.run(measure(rc2))
        finally:
            rc2.stop()


if __name__ == "__main__":
    main()
