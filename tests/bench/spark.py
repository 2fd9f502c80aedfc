"""The cost of the Spark gateway and of the transfer into R, each compared with the direct way in the same run.

    python -m tests.bench.spark

The clients are the stock client of Spark, in its own Python, and R in a compute server.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from rc2hub.gateways.connect_process import ConnectProcess
from rc2hub.gateways.driver_token import driver_token
from rc2hub.gateways.java_command import ConnectServerJava
from rc2hub.processes import free_ports
from tests.bench.local import REFILL_TIME, first_result
from tests.bench.report import entry, write
from tests.fixtures.hub import Client, Rc2, rc2_with, until
from tests.fixtures.spark import CLIENT as PYTHON
from tests.fixtures.spark import stock_client
from tests.gateways.test_spark_gateway import gateway_address
from tests.test_kill import COMMANDS, processes
from tests.test_separation import server_token

CLIENT = Path(__file__).with_name("spark_client.py")
INTO_R = Path(__file__).with_name("into_r.R")
APPLY = Path(__file__).with_name("apply.R")
FIT = Path(__file__).with_name("fit.R")
COLD, STARTS, LOGINS = 5, 15, 9
DIRECT, STOCK, PANDAS = "the Connect server itself", "start-connect-server.sh", "toPandas + reticulate"
SPARK_HOME = next(Path(sys.prefix, "spark").glob("lib/python3*/site-packages/pyspark"))
FIRST_IN_R = "invisible(DBI::dbGetQuery(rc2::rc2_spark(), 'SELECT 1')); cat('answered')"
LAPPLY, PYSPARK = "split and lapply in R", "plain pyspark"


def direct(rc2: Rc2) -> tuple[str, str]:
    """Address and secret of the only running Connect server; only its account can read them."""
    (port,) = rc2.home.glob("hub/spark/spark/*/port")
    pid = next(pid for pid, command in processes(rc2) if COMMANDS["driver"] in command)
    environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    secret = next(part for part in environ if part.startswith(b"SPARK_CONNECT_AUTHENTICATE_TOKEN="))
    return f"127.0.0.1:{port.read_text()}", secret.partition(b"=")[2].decode()


async def gateway(rc2: Rc2, client: Client) -> list[dict[str, Any]]:
    """The same tasks through the gateway and without it."""
    assert (await client.start("alice", services=["spark"]))[0] == 201
    token = await server_token(client, "alice")
    async with client.kernel("alice") as r:
        await r.run("rc2::rc2_spark()")
    times = await asyncio.to_thread(stock_client, CLIENT, "gateway", gateway_address(rc2), token, *direct(rc2), seconds=900)
    return [entry(f"spark gateway: {task}", ours, DIRECT, theirs) for task, (ours, theirs) in times.items()]


async def in_r(client: Client, script: Path, peer: str) -> list[dict[str, Any]]:
    """What a script of R measures in alice's server."""
    async with client.kernel("alice") as r:
        output = await asyncio.wait_for(r.run(script.read_text()), 300)
    measured = json.loads(output.splitlines()[-1])  # after the lines of progress
    return [entry(f"spark: {task}", times["ours"], peer, times["theirs"]) for task, times in measured.items()]


async def from_r(client: Client) -> list[dict[str, Any]]:
    """A million rows as a data.frame, a function of R for a thousand groups, and a fit."""
    tasks = ((INTO_R, PANDAS), (APPLY, LAPPLY), (FIT, PYSPARK))
    entries = [measured for script, peer in tasks for measured in await in_r(client, script, peer)]
    await client.stop("alice")
    return entries


Answer = Callable[[str, str], Awaitable[None]]
"""Waits until the server at this address has answered a query, with this token."""


@contextlib.asynccontextmanager
async def loaded_client() -> AsyncIterator[Answer]:
    """Spark's stock client, which is loaded before something is measured."""
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    process = await asyncio.create_subprocess_exec(str(PYTHON), str(CLIENT), "answers", **pipes)
    assert await process.stdout.readline() == b"loaded\n"

    async def answer(address: str, token: str) -> None:
        process.stdin.write(f"{address} {token}\n".encode())
        assert await process.stdout.readline() == b"answered\n"

    yield answer
    process.kill()
    await process.wait()


async def first_answer(answer: Answer, is_standby: bool) -> tuple[float, float]:
    """Seconds until a user's Connect server has answered, and its MiB then, or those of the standby before."""
    with tempfile.TemporaryDirectory() as folder:
        server = ConnectProcess(ConnectServerJava(Path(sys.prefix, "spark")), Path(folder, "server"))
        try:
            if is_standby:
                await server.start()
                await server.warm_up()
                memory = mebibytes(server)
            began = time.perf_counter()
            await server.start()
            await server.activate(driver_token("key", "alice", "name"), {})
            await answer(f"127.0.0.1:{server.port}", server.secret)
            return time.perf_counter() - began, memory if is_standby else mebibytes(server)
        finally:
            await server.stop()


def mebibytes(server: ConnectProcess) -> float:
    """Memory of the server and of all that it has started; pages that several processes share count in parts."""
    groups = {process.pid for process in server._processes if process.returncode is None}
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getpgid(int(folder.name)) in groups:
                total += int((folder / "smaps_rollup").read_text().partition("\nPss:")[2].split()[0])
    return total / 1024


async def stock_answer(answer: Answer) -> float:
    """Seconds until a Connect server that Spark's own script has started has answered."""
    (port,) = free_ports(1)
    command = [str(SPARK_HOME / "sbin" / "start-connect-server.sh"), "--conf", f"spark.connect.grpc.binding.port={port}"]
    with tempfile.TemporaryDirectory() as folder:
        variables = ConnectServerJava(Path(sys.prefix, "spark")).variables()
        variables |= {"SPARK_NO_DAEMONIZE": "1", "SPARK_LOG_DIR": folder, "SPARK_CONNECT_AUTHENTICATE_TOKEN": "bench"}
        began = time.perf_counter()
        with Path(folder, "log").open("wb") as log:
            server = subprocess.Popen(command, env=variables, cwd=folder, stdout=log, stderr=log, start_new_session=True)

        async def listens() -> bool:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return True
            return False

        await until(listens, interval=0.02)
        await answer(f"127.0.0.1:{port}", "bench")
        took = time.perf_counter() - began
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        return took


async def cold() -> list[dict[str, Any]]:
    """The first answer of a Connect server, and its memory: a new one, a standby, and one of Spark's own script."""
    started, claimed, stock = [], [], []
    async with loaded_client() as answer:
        for _ in range(COLD):
            started.append(await first_answer(answer, is_standby=False))
            claimed.append(await first_answer(answer, is_standby=True))
            stock.append(await stock_answer(answer))
    seconds, memory = ([pair[at] for pair in started] for at in (0, 1))
    return [
        entry("spark: cold first answer", seconds, STOCK, stock),
        entry("spark: first answer of a standby", [pair[0] for pair in claimed], "cold", seconds),
        entry("spark: memory of a standby", [pair[1] for pair in claimed], "a user's after `SELECT 1`", memory, "MiB"),
    ]


async def after_login(rc2: Rc2) -> list[dict[str, Any]]:
    """Seconds from the end of a login to the first answer of Spark, if a standby is ready and if none is."""
    rc2.groups(alice=["analysts"], bob=["analysts"])
    async with rc2.client() as client, loaded_client() as answer:

        async def of_client(user: str) -> None:
            await answer(gateway_address(rc2), await server_token(client, user))

        async def of_r(user: str) -> None:
            async with client.kernel(user) as r:
                assert (await r.run(FIRST_IN_R)).endswith("answered")

        entries = []
        for task, first in (("first answer after login", of_client), ("first answer in R after login", of_r)):
            times = [await pair_of_logins(rc2, client, first) for _ in range(LOGINS)]
            entries.append(entry(f"spark: {task}", *sides(times)))
    return entries


def sides(times: list[tuple[float, float]]) -> tuple[list[float], str, list[float]]:
    ready, missing = zip(*times, strict=True)
    return list(ready), "the same without a standby", list(missing)


async def pair_of_logins(rc2: Rc2, client: Client, first: Callable[[str], Awaitable[None]]) -> tuple[float, float]:
    """The seconds of a user who finds a standby, and of one who comes before the next standby starts."""

    async def standby_is_ready() -> bool:
        log = rc2.log()
        return log.rfind("spark: a standby is ready") > log.rfind("spark: a Connect server for")

    await until(standby_is_ready)
    times = []
    for user in ("alice", "bob"):
        await client.create(user)
        assert (await client.start(user, services=["spark"]))[0] == 201
        began = time.perf_counter()
        await first(user)
        times.append(time.perf_counter() - began)
    for user in ("alice", "bob"):
        await client.stop(user)
    return times[0], times[1]


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


async def measure(rc2: Rc2) -> list[dict[str, Any]]:
    """What a running Connect server does, and what it costs a login."""
    async with rc2.client() as client:
        await client.create("alice")
        return [*await gateway(rc2, client), *await from_r(client), *await prompt(rc2, client)]


def main() -> None:
    """Start a hub without and one with a standby, measure, and write the report."""
    with tempfile.TemporaryDirectory() as folder:
        entries = []
        for task, name, spare in ((measure, "without", "0"), (after_login, "with", "1")):
            Path(folder, name).mkdir()
            with rc2_with(Path(folder, name), RC2_TEST_SPARK_SPARE=spare) as rc2:
                entries += asyncio.run(task(rc2))
        write([*entries, *asyncio.run(cold())])


if __name__ == "__main__":
    main()
