"""Anything may be killed at any step of a start or a stop: nothing is left behind, and the next start works."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import aiohttp
import psycopg
import pytest

from rc2hub.local import database
from rc2hub.processes import marked, scratch
from tests.fixtures.hub import LOCAL, Client, Rc2, until
from tests.fixtures.steps import START, STOP

VICTIMS = ["hub", "broker", "proxy", "server", "R", "postgresql", "gateway", "driver"]
OF_SPARK = {"gateway", "driver"}
COMMANDS = {
    "hub": b"jupyterhub\0-f",
    "broker": b"rc2hub.broker.app",
    "proxy": b"configurable-http-proxy",
    "server": b"rc2hub.compute.standby",
    "R": b"IRkernel::main()",
    "postgresql": b"bin/postgres\0-D",
    "gateway": b"rc2hub.gateways.spark",
    "driver": b"SparkConnectServer",
}


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rc2]:
    """An Rc² of its own, whose parts are killed."""
    folder = tmp_path_factory.mktemp("mortal")
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
    """Number and command line of everything that this Rc² has started, by its folders."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            environment, command = [(folder / name).read_bytes() for name in ("environ", "cmdline")]
            marks = [str(rc2.home).encode(), str(runtime_dir(rc2)).encode()]
            if any(mark in environment + command for mark in marks) and int(folder.name) != os.getpid():
                yield int(folder.name), command


def runtime_dir(rc2: Rc2) -> Path:
    name = sha256(str(rc2.home / "hub").encode()).hexdigest()[:12]
    return Path(f"/dev/shm/rc2-{os.getuid()}-{name}")


def kill(rc2: Rc2, victim: str) -> None:
    """SIGKILL for every process of this kind; of PostgreSQL the first one, as the others are its own."""
    if victim == "postgresql":
        found = [int((rc2.home / "postgresql/data/postmaster.pid").read_text().split("\n")[0])]
    elif victim in {"broker", "proxy", "gateway"}:
        found = [pid for pid in children(rc2) if COMMANDS[victim] in Path(f"/proc/{pid}/cmdline").read_bytes()]
    else:
        found = [pid for pid, command in processes(rc2) if COMMANDS[victim] in command]
    assert found, f"no {victim} to kill"
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def children(rc2: Rc2) -> list[int]:
    """The processes that the hub itself has started."""
    hub = next(pid for pid, command in processes(rc2) if COMMANDS["hub"] in command)
    return [int(pid) for pid in Path(f"/proc/{hub}/task/{hub}/children").read_text().split()]


async def leftovers(rc2: Rc2, person: str) -> list[str]:
    """What is still there of a person who has no server any more."""
    home = rc2.home / "homes" / person
    left = []
    for pid, _ in marked(runtime_dir(rc2)):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/cwd").readlink() == home:
                left.append(f"process {pid}")
    left += [f"Spark of {folder}" for folder in rc2.home.glob("hub/spark/*/*")]
    alive = {folder for _, folder in marked(runtime_dir(rc2))}
    left += [f"folder {folder}" for folder in runtime_dir(rc2).glob("*") if folder not in alive]
    expected = {scratch(folder).name for folder in alive}
    left += [f"file {file}" for file in rc2.temporary.iterdir() if file.name not in expected]
    password = database.password_file(rc2.home / "postgresql").read_text()
    try:
        with psycopg.connect(database.url(rc2.home / "postgresql", "postgres"), password=password) as admin:
            left += [
                f"role {name}" for (name,) in admin.execute("SELECT rolname FROM pg_roles WHERE rolname ~ %s", [person])
            ]
            left += [
                f"backend {pid}" for (pid,) in admin.execute("SELECT pid FROM pg_stat_activity WHERE usename ~ %s", [person])
            ]
    except psycopg.OperationalError as error:
        left.append(f"PostgreSQL does not answer: {error}")
    try:
        async with rc2.client() as client:
            _, tokens = await client.call("GET", f"/hub/api/users/{person}/tokens")
            left += [f"token {token['note']}" for token in tokens["api_tokens"]]
    except (aiohttp.ClientError, TypeError, KeyError) as error:
        left.append(f"the hub does not answer: {error}")
    return left


CASES = [(step, victim) for step in [*START, *STOP] for victim in VICTIMS if (step in START or victim != "driver")]
"""Spark of a server that stops has ended before the steps of the stop."""


@pytest.mark.parametrize(("step", "victim"), CASES)
async def test_killed_at_a_step_nothing_is_left_and_the_next_start_works(mortal: Rc2, person: str, step: str, victim: str):
    mortal.groups(alice=[], bob=[], **{person: ["analysts"]})
    steps = Path(os.environ["RC2_TEST_STEPS"])
    for file in steps.iterdir():
        file.unlink()
    hold = steps / step
    services = ["flights", "spark"] if victim in OF_SPARK else ["flights"]
    async with mortal.client() as client:
        await client.create(person)
        if step in STOP:
            assert (await client.start(person, services=services))[0] == 201
            async with client.kernel(person) as r:
                await r.run('con <- rc2::rc2_connect("flights")')
        hold.touch()
        going = asyncio.create_task(attempt(client, person, "stop" if step in STOP else "start", services))
        await until(lambda: exists(hold.with_suffix(".reached")))
        await until(lambda: killed(mortal, victim))
        if victim == "hub":
            mortal.ended()
        hold.unlink()
        if victim == "hub":
            mortal.start()
        await going
    async with mortal.client() as client:
        await until(lambda: attempt(client, person, "stop"))
        await until(lambda: nothing_left(mortal, person), 45)
        await until(lambda: attempt(client, person, "start"))
        await client.stop(person)
        await until(lambda: nothing_left(mortal, person), 45)


async def test_a_service_taken_out_of_the_catalogue_is_detached_and_servers_go_on(mortal: Rc2, person: str, tmp_path: Path):
    mortal.groups(alice=[], bob=[], **{person: ["analysts"]})
    async with mortal.client() as client:
        await client.create(person)
        assert (await client.start(person, services=["flights"]))[0] == 201
        async with client.kernel(person) as r:
            assert await r.run("s <- rc2::rc2_services(); cat(s$service[s$attached])") == "flights"
            pid = await r.run("cat(Sys.getpid())")
    kill(mortal, "hub")
    mortal.ended()
    mortal.local = tmp_path / "without_services.py"
    without = "c.SharedServices.catalogue = {}\nc.JupyterHub.load_roles = []\ninstall(c)\n"
    mortal.local.write_text(LOCAL.read_text().replace("install(c)\n", without))
    mortal.start()
    async with mortal.client() as client:
        _, kernels = await client.call("GET", f"/user/{person}/api/kernels")
        async with client.join_kernel(person, kernels[0]["id"]) as r:
            assert await r.run("cat(Sys.getpid())") == pid

            async def detached() -> bool:
                return (
                    await r.run("cat(nrow(rc2::rc2_services()), list.files(Sys.getenv('RC2_ATTACHMENTS'), 'pgpass'))")
                    == "0 "
                )

            await until(detached)


async def attempt(client: Client, person: str, what: str, services: Sequence[str] = ("flights",)) -> bool:
    """Start or stop; whether it worked. While the proxy is away, an answer may be none of the hub's."""
    try:
        if what == "stop":
            await client.stop(person)
            return True
        return (await client.start(person, services=list(services)))[0] == 201
    except (aiohttp.ClientError, AssertionError, AttributeError) as error:
        print(what, repr(error)[:300])
        return False


async def nothing_left(rc2: Rc2, person: str) -> bool:
    left = await leftovers(rc2, person)
    print(left)  # read when it never gets empty
    return not left


async def killed(rc2: Rc2, victim: str) -> bool:
    """Kill it as soon as there is one: a standby that was just claimed may be the last."""
    try:
        kill(rc2, victim)
    except (AssertionError, StopIteration, OSError):
        return False
    return True


async def exists(file: Path) -> bool:
    return file.exists()
