"""The cost of many users for hub and broker: a real hub, its database, proxy, broker and PostgreSQL; the servers are fake.

    python -m tests.bench.hub

A hub has 100, 1 000 or 5 000 users in 200 groups; all of the 100 have a running server with PostgreSQL attached, else 1 000
of them. Theirs is Rc² before the rewrite of the channel between hub and broker, at the same time and on the same machine; it
is left out at 5 000 users, where ours is compared with ours at 1 000.
"""

import asyncio
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from aiohttp import web
from jupyterhub import orm

from rc2hub.local import database
from rc2hub.processes import free_ports
from tests.bench.report import entry, write
from tests.fixtures.postgres import Postgres

ROOT = Path(__file__).parents[2]
BEFORE = "127d6c5"
"""The last commit before the rewrite."""
GROUPS = [f"group-{n}" for n in range(200)]
RUNNING = 1000
"""Servers that run, where there are so many users."""
PUSHES, STARTS, CHANGES = 10, 60, 20
LATENCY_INTERVAL = 0.01
"""Seconds between two requests for the hub's latency."""


def add_users(folder: Path, number: int, servers: str) -> None:
    """Write a hub's database with this number of users; the first ones have a running server."""
    db = orm.new_session_factory(f"sqlite:///{folder}/jupyterhub.sqlite")()
    groups = [orm.Group(name=name) for name in GROUPS]
    db.add_all(groups)
    port = int(servers.rpartition(":")[2])
    for n in range(number + STARTS + CHANGES):
        user = orm.User(
            name=f"user-{n}", groups=[groups[place] for place in {n * step % len(groups) for step in (1, 7, 31)}]
        )
        db.add(user)
        if n < min(number, RUNNING):
            server = orm.Server(proto="http", ip="127.0.0.1", port=port, base_url=f"/user/user-{n}/")
            db.add(orm.Spawner(user=user, name="", server=server, state={"requested_services": {"flights": "read"}}))
    db.commit()
    db.close()


@asynccontextmanager
async def fake_servers() -> AsyncIterator[str]:
    """One HTTP server that answers for all compute servers."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="ready")

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner, (port,) = web.AppRunner(application), free_ports(1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


class BenchHub:
    """A running hub."""

    def __init__(self, url: str, session: aiohttp.ClientSession, process: psutil.Popen) -> None:
        self.url, self.session, self.process = url, session, process

    async def call(self, method: str, path: str, **options: Any) -> Any:
        """Call the hub; return its status, or its answer if it has one in JSON."""
        async with self.session.request(method, self.url + path, **options) as answer:
            body = await answer.read()
            return json.loads(body) if body.startswith(b"{") and answer.ok else answer.status

    async def start(self, name: str) -> bool:
        """Start a server of a user, and follow its progress to the end, as JupyterHub's page does; whether it is ready."""
        await self.call("POST", f"/hub/api/users/{name}/server", json={"services": ["flights"]})
        async with self.session.get(f"{self.url}/hub/api/users/{name}/server/progress") as events:
            async for line in events.content:
                if b'"ready": true' in line:
                    return True
        return False

    async def pushes(self) -> list[float]:
        """Milliseconds of the hub's event loop for each of some pushes."""
        answer = await self.call("GET", f"/hub/bench/push?n={PUSHES}")
        return [1000 * seconds for seconds in answer["seconds"]]

    async def latency(self, names: list[str]) -> list[float]:
        """Milliseconds of the hub's answers while all these users start a server at once.

        Requests are sent at a fixed rate, also while others wait, so that a time in which the hub answers none counts.
        """
        starting = asyncio.gather(*(self.start(name) for name in names))
        answers = []
        while not starting.done():
            answers.append(asyncio.create_task(self._answer_time()))
            await asyncio.sleep(LATENCY_INTERVAL)
        found = await asyncio.gather(*answers)
        failed = (await starting).count(False)
        if failed:
            print(f"{failed} of {len(names)} starts failed")
        return found

    async def _answer_time(self) -> float:
        began = time.perf_counter()
        # without a token, which the hub would hash for some milliseconds
        answer = await self.call("GET", "/hub/api/", headers={"Authorization": ""})
        if isinstance(answer, int):
            print(f"the hub answered {answer}")
        return 1000 * (time.perf_counter() - began)

    async def broker_cpu(self, names: list[str]) -> list[float]:
        """Milliseconds of the broker's CPU for a server that starts, the mean of servers that start one after the other."""
        broker = next(child for child in self.process.children() if "rc2hub.broker.app" in child.cmdline())
        before = sum(broker.cpu_times()[:2])
        for name in names:
            assert await self.start(name)
        return [1000 * (sum(broker.cpu_times()[:2]) - before) / len(names)]  # the system counts steps of 10 ms


@asynccontextmanager
async def hub(
    source: Path, folder: Path, number: int, postgres: Postgres, servers: str, stock: bool
) -> AsyncIterator[BenchHub]:
    """A hub with this number of users, of the source in this folder; with `stock`, JupyterHub alone."""
    add_users(folder, number, servers)
    token, ports = secrets.token_hex(16), free_ports(4)
    url = f"http://127.0.0.1:{ports[3]}"
    settings = {
        "folder": str(folder),
        "url": url,
        "ports": ports[:3],
        "servers": servers,
        "token": token,
        "groups": GROUPS,
        "stock": stock,
        "database": {"kind": "postgres", **database.entry(postgres.directory, "postgres")},
    }
    environment = {**os.environ, "RC2_BENCH": json.dumps(settings), "PYTHONPATH": str(source)}
    config = Path(__file__).with_name("hub_config.py")
    command = [str(Path(sys.executable).with_name("jupyterhub")), f"--config={config}"]
    with (folder / "hub.log").open("w") as log:
        process = psutil.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        unlimited, headers = aiohttp.TCPConnector(limit=0), {"Authorization": f"token {token}"}
        async with aiohttp.ClientSession(connector=unlimited, headers=headers) as session:
            running = BenchHub(url, session, process)
            await _wait_until_attached(running, 0 if stock else min(number, RUNNING), postgres, folder)
            yield running
    finally:
        with suppress(psutil.NoSuchProcess):  # it has ended already, and the reason is raised
            processes = [process, *process.children(recursive=True)]
            process.terminate()
            for left in psutil.wait_procs(processes, timeout=30)[1]:
                left.kill()


async def _wait_until_attached(running: BenchHub, servers: int, postgres: Postgres, folder: Path) -> None:
    """Wait until the hub answers and the broker has attached every running server."""
    with postgres.connect("postgres") as admin:
        async with asyncio.timeout(900):
            while True:
                assert running.process.poll() is None, (folder / "hub.log").read_text()[-3000:]
                with suppress(aiohttp.ClientError):
                    is_up = isinstance(await running.call("GET", "/hub/api/"), dict)
                    row = admin.execute("SELECT count(*) FROM pg_roles WHERE rolcanlogin AND rolname LIKE 'rc2%'").fetchone()
                    if is_up and row[0] >= servers:
                        return
                await asyncio.sleep(1)


async def measure(source: Path, number: int, stock: bool = False) -> dict[str, list[float]]:
    """Measure a hub with this number of users; of JupyterHub alone only what it has."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/dev/shm")))
        postgres, folder = Postgres(root / "postgresql"), root / "hub"
        found: dict[str, list[float]] = {}
        folder.mkdir()
        database.prepare(postgres.directory)
        postgres.start()
        stack.callback(postgres.stop)
        names = [f"user-{n}" for n in range(number, number + STARTS + CHANGES)]
        async with fake_servers() as servers, hub(source, folder, number, postgres, servers, stock) as running:
            if not stock:
                found = {"push": await running.pushes(), "broker": await running.broker_cpu(names[:CHANGES])}
            found["latency"] = await running.latency(names[CHANGES:])
    return found


TASKS = {
    "push": "event loop for a push, ms",
    "latency": "answer of the hub while 60 start, ms",
    "broker": "broker CPU per changed server, ms",
}


def main() -> None:
    """Measure, and write the entries."""
    before = ROOT / "build" / "before"
    if not before.exists():
        subprocess.run(["git", "-C", str(ROOT), "worktree", "add", "--detach", str(before), BEFORE], check=True)
    # its own entry points, not those of the installed package
    subprocess.run(
        [sys.executable, "-c", "import setuptools; setuptools.setup()", "--quiet", "egg_info"], cwd=before, check=True
    )
    try:
        found: dict[int, dict[str, list[float]]] = {}
        for number in (100, 1000):
            theirs = asyncio.run(measure(before, number))
            ours = found[number] = asyncio.run(measure(ROOT, number))
            write([entry(f"hub: {TASKS[key]}, {number} users", ours[key], BEFORE, theirs[key], "ms") for key in TASKS])
            stock = asyncio.run(measure(ROOT, number, stock=True))["latency"]
            _print_p99(number, {"ours": ours["latency"], BEFORE: theirs["latency"], "JupyterHub alone": stock})
        most = asyncio.run(measure(ROOT, 5000))
        write([entry(f"hub: {TASKS[key]}, 5000 users", most[key], "1000 users", found[1000][key], "ms") for key in TASKS])
        _print_p99(5000, {"ours": most["latency"]})
    finally:
        subprocess.run(["git", "-C", str(ROOT), "worktree", "remove", "--force", str(before)], check=True)


def _print_p99(number: int, latencies: dict[str, list[float]]) -> None:
    p99 = {whose: sorted(values)[int(0.99 * (len(values) - 1))] for whose, values in latencies.items()}
    print(
        f"{number} users: p99 of the hub's answers: {', '.join(f'{whose} {value:.0f} ms' for whose, value in p99.items())}"
    )


if __name__ == "__main__":
    main()
