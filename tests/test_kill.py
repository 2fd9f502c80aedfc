"""Kill each part of Rc² at each step of a start and of a stop: nothing is left, and the next start works."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import aiohttp
import psycopg
import pytest

from rc2hub.hub.pool.process_pool import default_runtime_dir
from rc2hub.local import database
from rc2hub.processes import marked_processes, temporary_dir
from tests.fixtures.hub import LOCAL, Client, Rc2, until
from tests.fixtures.steps import START, STOP

PARTS = ["hub", "broker", "proxy", "server", "R", "postgresql", "gateway", "driver"]
SPARK_PARTS = {"gateway", "driver"}
COMMANDS = {
    "hub": b"jupyterhub\0-f",
    "broker": b"rc2hub.broker.app",
    "proxy": b"configurable-http-proxy",
    "server": b"rc2hub.compute.standby_server",
    "R": b"IRkernel::main()",
    "postgresql": b"bin/postgres\0-D",
    "gateway": b"rc2hub.gateways.spark_gateway",
    "driver": b"PythonGatewayServer",
}


@pytest.fixture(scope="module")
def own_rc2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rc2]:
    """A separate Rc², whose parts are killed."""
    folder = tmp_path_factory.mktemp("kill")
    (folder / "steps").mkdir()
    os.environ["RC2_TEST_STEPS"] = str(folder / "steps")
    running = Rc2(folder / "rc2")
    running.start()
    try:
        yield running
    finally:
        del os.environ["RC2_TEST_STEPS"]
        running.stop()


def processes(rc2: Rc2) -> Iterator[tuple[int, bytes]]:
    """Process id and command line of every process that this Rc² has started, found by its folders."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            environment, command = [(folder / name).read_bytes() for name in ("environ", "cmdline")]
            folders = [str(rc2.home).encode(), str(runtime_dir(rc2)).encode()]
            if any(each in environment + command for each in folders) and int(folder.name) != os.getpid():
                yield int(folder.name), command


def runtime_dir(rc2: Rc2) -> Path:
    return Path(default_runtime_dir(str(rc2.home / "hub")))


def kill(rc2: Rc2, part: str) -> None:
    """Send SIGKILL to every process of this part; of PostgreSQL only to the postmaster, which has started the others."""
    if part == "postgresql":
        found = [int((rc2.home / "postgresql/data/postmaster.pid").read_text().split("\n")[0])]
    elif part in {"broker", "proxy", "gateway"}:
        found = [pid for pid in children(rc2) if COMMANDS[part] in Path(f"/proc/{pid}/cmdline").read_bytes()]
    else:
        found = [pid for pid, command in processes(rc2) if COMMANDS[part] in command]
    assert found, f"there is no {part} to kill"
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def children(rc2: Rc2) -> list[int]:
    """The process ids of the hub's own children."""
    hub = next(pid for pid, command in processes(rc2) if COMMANDS["hub"] in command)
    return [int(pid) for pid in Path(f"/proc/{hub}/task/{hub}/children").read_text().split()]


async def leftovers(rc2: Rc2, username: str) -> list[str]:
    """What is left of the stopped servers of a user."""
    home = rc2.home / "homes" / username
    left = []
    for pid, _ in marked_processes(runtime_dir(rc2)):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/cwd").readlink() == home:
                left.append(f"process {pid}")
    left += [f"Spark of {folder}" for folder in rc2.home.glob("hub/spark/*/*")]
    alive = {folder for _, folder in marked_processes(runtime_dir(rc2))}
    left += [f"folder {folder}" for folder in runtime_dir(rc2).glob("*") if folder not in alive]
    expected = {temporary_dir(folder).name for folder in alive}
    left += [f"file {file}" for file in rc2.temporary.iterdir() if file.name not in expected]
    password = database.password_file(rc2.home / "postgresql").read_text()
    try:
        with psycopg.connect(database.url(rc2.home / "postgresql", "postgres"), password=password) as admin:
            left += [
                f"role {name}" for (name,) in admin.execute("SELECT rolname FROM pg_roles WHERE rolname ~ %s", [username])
            ]
            left += [
                f"backend {pid}"
                for (pid,) in admin.execute("SELECT pid FROM pg_stat_activity WHERE usename ~ %s", [username])
            ]
    except psycopg.OperationalError as error:
        left.append(f"PostgreSQL does not answer: {error}")
    try:
        async with rc2.client() as client:
            _, tokens = await client.call("GET", f"/hub/api/users/{username}/tokens")
            left += [f"token {token['note']}" for token in tokens["api_tokens"]]
    except (aiohttp.ClientError, TypeError, KeyError) as error:
        left.append(f"the hub does not answer: {error}")
    return left


CASES = [(step, part) for step in [*START, *STOP] for part in PARTS if (step in START or part != "driver")]
"""Spark ends before the steps of a stop, so a stop has no case for it."""


@pytest.mark.parametrize(("step", "part"), CASES)
async def test_after_a_kill_at_a_step_nothing_is_left_and_the_next_start_works(
    own_rc2: Rc2, username: str, step: str, part: str
):
    own_rc2.groups(alice=[], bob=[], **{username: ["analysts"]})
    steps = Path(os.environ["RC2_TEST_STEPS"])
    for file in steps.iterdir():
        file.unlink()
    hold = steps / step
    services = ["flights", "spark"] if part in SPARK_PARTS else ["flights"]
    async with own_rc2.client() as client:
        await client.create(username)
        if step in STOP:
            assert (await client.start(username, services=services))[0] == 201
            async with client.kernel(username) as r:
                await r.run('con <- rc2::rc2_connect("flights")')
        hold.touch()
        attempted = asyncio.create_task(attempt(client, username, "stop" if step in STOP else "start", services))
        await until(lambda: exists(hold.with_suffix(".reached")))
        await until(lambda: try_to_kill(own_rc2, part))
        if part == "hub":
            own_rc2.ended()
        hold.unlink()
        if part == "hub":
            own_rc2.start()
        await attempted
    async with own_rc2.client() as client:
        await until(lambda: attempt(client, username, "stop"))
        await until(lambda: nothing_left(own_rc2, username), interval=0.3)
        await until(lambda: attempt(client, username, "start"))
        await client.stop(username)
        await until(lambda: nothing_left(own_rc2, username), interval=0.3)


async def test_a_service_removed_from_the_catalogue_is_detached_and_servers_keep_running(
    own_rc2: Rc2, username: str, tmp_path: Path
):
    own_rc2.groups(alice=[], bob=[], **{username: ["analysts"]})
    async with own_rc2.client() as client:
        await client.create(username)
        assert (await client.start(username, services=["flights"]))[0] == 201
        async with client.kernel(username) as r:
            assert await r.run("s <- rc2::rc2_services(); cat(s$service[s$attached])") == "flights"
            pid = await r.run("cat(Sys.getpid())")
    kill(own_rc2, "hub")
    own_rc2.ended()
    own_rc2.local = tmp_path / "without_services.py"
    without = "c.SharedServices.catalogue = {}\nc.JupyterHub.load_roles = []\ninstall(c)\n"
    own_rc2.local.write_text(LOCAL.read_text().replace("install(c)\n", without))
    own_rc2.start()
    async with own_rc2.client() as client:
        kernels: list[dict[str, str]] = []

        async def has_a_route() -> bool:
            nonlocal kernels
            status, kernels = await client.call("GET", f"/user/{username}/api/kernels")
            return status == 200

        await until(has_a_route)  # the proxy gets it again after the restart of the hub
        async with client.join_kernel(username, kernels[0]["id"]) as r:
            assert await r.run("cat(Sys.getpid())") == pid

            async def detached() -> bool:
                return (
                    await r.run("cat(nrow(rc2::rc2_services()), list.files(Sys.getenv('RC2_ATTACHMENTS_DIR'), 'pgpass'))")
                    == "0 "
                )

            await until(detached)


async def attempt(client: Client, username: str, action: str, services: Sequence[str] = ("flights",)) -> bool:
    """Start or stop a server; return whether it worked. While the proxy is down, the answer may not come from the hub."""
    try:
        if action == "stop":
            await client.stop(username)
            return True
        return (await client.start(username, services=list(services)))[0] == 201
    except (aiohttp.ClientError, AssertionError, AttributeError) as error:
        print(action, repr(error)[:300])
        return False


async def nothing_left(rc2: Rc2, username: str) -> bool:
    left = await leftovers(rc2, username)
    print(left)  # shown if the test fails
    return not left


async def try_to_kill(rc2: Rc2, part: str) -> bool:
    """Kill the part; return False if it does not run, as after the claim of the last standby."""
    try:
        kill(rc2, part)
    except (AssertionError, StopIteration, OSError):
        return False
    return True


async def exists(file: Path) -> bool:
    return file.exists()
