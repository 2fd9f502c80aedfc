"""Seconds until the server is free when a user leaves work in R, for each kind of work; the table is build/interrupts.json."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rc2hub.local import database
from tests.fixtures.hub import ROOT, Client, Kernel, Rc2, until
from tests.test_kill import COMMANDS, processes

REPORT = ROOT / "build" / "interrupts.json"
PAIRS = "FROM flights a JOIN flights b ON a.origin = b.origin"
POSTGRES_WORK = {
    "PostgreSQL: pg_sleep()": 'dbGetQuery(con, "SELECT pg_sleep(600)")',
    "PostgreSQL: a cross join fetched whole": f'dbGetQuery(con, "SELECT a.*, b.dest AS other {PAIRS}")',
    "PostgreSQL: dbWriteTable()": 'dbWriteTable(con, "many", many)',
    "PostgreSQL: dbFetch() in a loop": f"""local({{
        rows <- dbSendQuery(con, "SELECT a.*, b.dest AS other {PAIRS}")
        on.exit(dbClearResult(rows))
        while (!dbHasCompleted(rows)) dbFetch(rows, 1000)
    }})""",
    "PostgreSQL: collect()": f'collect(count(tbl(con, sql("SELECT a.carrier, b.dest {PAIRS}")), carrier, dest))',
}
SPARK_WORK = {
    "Spark: a count": 'dbGetQuery(con, "SELECT count(*) FROM range(1000000000000) WHERE id % 7 = 3")',
    "Spark: collect()": """collect(tbl(con, sql("SELECT id, sha2(repeat(CAST(id AS STRING), 500), 512) AS code
        FROM range(0, 10000000000, 1, 1000000)")))""",
    "Spark: a regression": """ml_logistic_regression(
        tbl(con, sql("SELECT CAST(id % 2 AS DOUBLE) AS y, rand(1) AS x FROM range(100000000000)")), y ~ x)""",
}
ROWS = 'tbl(con, sql("SELECT rand(1) AS a, rand(2) AS b, rand(3) AS y FROM range(200000)"))'
SPARK_FITS = {
    "Spark: 100 boosted trees": f"ml_gbt_regressor({ROWS}, y ~ a + b, max_iter = 100)",
    "Spark: a cross-validation": f"""local({{
        trees <- ml_pipeline(con) |> ml_gbt_regressor(y ~ a + b, max_iter = 100)
        ml_fit(ml_cross_validator(con, trees, list(gbt = list(max_depth = 2:5)), ml_regression_evaluator(con),
            parallelism = 2), {ROWS})
    }})""",
}
CONNECT = {
    **dict.fromkeys(POSTGRES_WORK, 'con <- rc2_connect("flights"); many <- data.frame(a = seq_len(5e6), b = runif(5e6))'),
    **dict.fromkeys([*SPARK_WORK, *SPARK_FITS], "con <- rc2_spark()"),
}
SETTLED = 0.5
"""Seconds without work after which a server counts as free, from their begin."""
POLL = 0.02
"""Seconds between two looks at the server."""
TOLERANCE = 0.3
"""Seconds that the way of a request through Jupyter and the looks take."""


@dataclass
class Server:
    """A user's compute server, and how to see whether the services work for it."""

    rc2: Rc2
    client: Client
    user: str
    admin: "psycopg.Connection[Any]"

    @property
    def kernels(self) -> str:
        return f"/user/{self.user}/api/kernels"

    @contextlib.asynccontextmanager
    async def kernel(self) -> AsyncIterator[tuple[str, Kernel]]:
        """A new kernel and its address, which is ended afterwards."""
        status, model = await self.client.call("POST", self.kernels, json={"name": "ir"})
        assert status == 201, model
        async with self.client.join_kernel(self.user, model["id"]) as r:
            await r.run("library(rc2); library(DBI); suppressMessages(library(dplyr)); options(jupyter.in_kernel = FALSE)")
            yield f"{self.kernels}/{model['id']}", r
        await self.client.call("DELETE", f"{self.kernels}/{model['id']}")

    def is_working(self, kind: str) -> Callable[[], bool]:
        """A function that looks whether the service of this kind of work is busy."""
        return self._postgres_works if kind in POSTGRES_WORK else self._spark_works

    def _postgres_works(self) -> bool:
        found = self.admin.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' AND backend_type = 'client backend'"
            " AND datname = current_database() AND usename <> session_user"
        ).fetchone()
        return found != (0,)

    def _spark_works(self) -> bool:
        """Whether a thread that does Spark's tasks runs. Linux keeps 15 characters of a thread's name."""
        (java,) = [pid for pid, command in processes(self.rc2) if COMMANDS["driver"] in command]
        for thread in Path(f"/proc/{java}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended
                name, _, rest = (thread / "stat").read_text().partition("(")[2].rpartition(")")
                if name.startswith("Executor task") and rest.split()[0] == "R":
                    return True
        return False


@pytest.fixture(scope="module")
async def server(rc2: Rc2) -> AsyncIterator[Server]:
    rc2.groups(alice=["analysts"], bob=[], hasty=["editors"])
    folder = rc2.home / "postgresql"
    password = database.password_file(folder).read_text()
    async with rc2.client() as client:
        await client.create("hasty")
        assert (await client.start("hasty", services=["flights:write", "spark"]))[0] == 201
        with psycopg.connect(database.url(folder, "flights"), password=password, autocommit=True) as admin:
            yield Server(rc2, client, "hasty", admin)
        await client.stop("hasty")


async def test_the_stop_button_frees_the_server_within_a_second_and_the_connection_goes_on(server: Server):
    async with server.kernel() as (address, r):
        found = {}
        for kind, code in {**POSTGRES_WORK, **SPARK_WORK}.items():
            await r.run(CONNECT[kind])
            stop = server.client.call("POST", f"{address}/interrupt")
            found[kind], running = await left(server, r, kind, code, stop)
            assert (await running).endswith("interrupted"), kind
            assert (await r.run('cat(dbGetQuery(con, "SELECT 5 AS x")$x)')).endswith("5")
    check("stop button", found, 1)


async def test_the_stop_button_frees_spark_of_a_long_fit_within_two_seconds_and_the_connection_goes_on(server: Server):
    async with server.kernel() as (address, r):
        found = {}
        for kind, code in SPARK_FITS.items():
            await r.run(CONNECT[kind])
            found[kind], running = await left(server, r, kind, code, server.client.call("POST", f"{address}/interrupt"))
            assert (await running).endswith("interrupted"), kind
            assert (await r.run('cat(dbGetQuery(con, "SELECT 5 AS x")$x)')).endswith("5")
    check("stop button", found, 2)


async def test_a_restart_of_the_kernel_frees_the_server_within_five_seconds(server: Server):
    found = {}
    for kind, code in {**POSTGRES_WORK, **SPARK_WORK}.items():
        async with server.kernel() as (address, r):
            await r.run(CONNECT[kind])
            found[kind], running = await left(server, r, kind, code, server.client.call("POST", f"{address}/restart"))
            running.cancel()
    check("restart", found, 5)


async def test_a_kernel_that_is_killed_frees_the_server_within_five_seconds(server: Server):
    found = {}
    for kind, code in {**POSTGRES_WORK, **SPARK_WORK}.items():
        async with server.kernel() as (_, r):
            await r.run(CONNECT[kind])
            pid = int(await r.run("cat(Sys.getpid())"))
            found[kind], running = await left(server, r, kind, code, asyncio.to_thread(os.kill, pid, signal.SIGKILL))
            running.cancel()
    check("kill -9", found, 5)


async def left(
    server: Server, r: Kernel, kind: str, code: str, end: Awaitable[object]
) -> tuple[tuple[float, float], "asyncio.Task[str]"]:
    """Begin the work and end it; seconds until the server is free and how slow this machine is, and the cell that ran it."""
    works = server.is_working(kind)
    running = asyncio.create_task(r.run(f"tryCatch({code}, interrupt = function(i) cat('interrupted'))"))

    async def is_working() -> bool:
        assert not running.done(), running
        return works()

    await until(is_working)
    ending = asyncio.ensure_future(end)
    started = time.monotonic()
    free_since = None
    while free_since is None or time.monotonic() - free_since < SETTLED:
        assert time.monotonic() - started < 120, f"{kind}: the server is still at work"
        free_since = None if works() else free_since or time.monotonic()
        await asyncio.sleep(POLL)
    await ending
    print(f"{kind:40} {free_since - started:6.2f} s")
    return (free_since - started, slowness()), running


def slowness() -> float:
    """How many times longer a computation takes than its own processor time, as other programs run."""
    started, computed = time.monotonic(), time.process_time()
    while time.process_time() - computed < 0.1:
        pass
    return (time.monotonic() - started) / 0.1


def check(ending: str, found: dict[str, tuple[float, float]], limit: float) -> None:
    """Add the seconds to the table, and compare them with the limit on a machine that does nothing else."""
    table = json.loads(REPORT.read_text()) if REPORT.exists() else {}
    for kind, (seconds, _) in found.items():
        table.setdefault(kind, {})[ending] = round(seconds, 2)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(table, indent=1) + "\n")
    late = {kind: seconds for kind, (seconds, slow) in found.items() if seconds > (limit + TOLERANCE) * max(1, slow)}
    assert not late


if __name__ == "__main__":
    sys.exit(pytest.main(["-n0", "-q", "-s", __file__]))
