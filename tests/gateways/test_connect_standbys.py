"""Standbys of Spark: what they know of users, who gets which, and what becomes of them.

Here a Connect server is only an open port; test_connect_process.py has a real one.
"""

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways import connect_standbys, spark_gateway
from rc2hub.gateways import drivers as drivers_module
from rc2hub.gateways.connect_process import ConnectProcess
from rc2hub.gateways.driver_token import user_of
from rc2hub.gateways.process_drivers import ProcessDriver, ProcessDrivers
from rc2hub.gateways.spark_gateway import Gateway
from rc2hub.gateways.token_review import TokenReviewer
from rc2hub.server_id import ServerId
from tests.fixtures.hub import ROOT, until
from tests.fixtures.spark import imitated_spark

SECRET = "the gateway's secret"
Start = Callable[..., ProcessDrivers]


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Spark whose Java is only an open port; standbys are started without a pause."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(connect_standbys, "REFILL_DELAY", 0.01)
    monkeypatch.setattr(connect_standbys, "CHECK_INTERVAL", 0.01)
    return imitated_spark(tmp_path, monkeypatch)


@pytest.fixture
async def start(environment: Path) -> AsyncIterator[Start]:
    """Start the drivers of a gateway with these traits; they are stopped after the test."""
    running: list[tuple[ProcessDrivers, asyncio.Task[None]]] = []

    def started(**traits: object) -> ProcessDrivers:
        drivers = ProcessDrivers("sparks", SECRET, environment_dir=str(environment), **{"spare": 1, **traits})
        running.append((drivers, asyncio.create_task(drivers.run())))
        return drivers

    yield started
    for drivers, task in running:
        task.cancel()
        await asyncio.wait([task])
        await drivers.close()


def standbys(drivers: ProcessDrivers) -> list[ConnectProcess]:
    return list(drivers.standbys._standbys)


async def ready(drivers: ProcessDrivers, but: object = None) -> ConnectProcess:
    """The standby, as soon as it is ready and another one than `but`."""

    async def is_ready() -> bool:
        return drivers.has_standby and standbys(drivers)[0] is not but

    await until(is_ready)
    return standbys(drivers)[0]


def pids(process: ConnectProcess) -> list[int]:
    """Java, and the program that waits for the claim."""
    return [each.pid for each in process._processes]


def calls(process: ConnectProcess) -> list[dict[str, object]]:
    return [json.loads(line) for line in (process.folder / "calls").read_text().splitlines()]


def written(process: ConnectProcess) -> bytes:
    """Everything that a standby has: environments, command lines, names and content of files."""
    of_processes = [Path(f"/proc/{pid}/{name}").read_bytes() for pid in pids(process) for name in ("environ", "cmdline")]
    files = [path for path in process.folder.rglob("*") if path.is_file()]
    return b"\0".join([*of_processes, *(str(path).encode() + path.read_bytes() for path in files)])


async def test_nothing_of_a_user_is_in_a_standby_and_the_claim_gives_it_its_user(start: Start):
    drivers = start()
    standby = await ready(drivers)
    assert standby.secret.encode() in written(standby)
    assert b"alice" not in written(standby)
    assert [call["call"] for call in calls(standby)] == ["open_warm_up"]
    alice = await drivers.get("alice")
    assert alice.server is standby
    activation = calls(standby)[-1]
    assert activation["call"] == "activate"
    assert user_of(SECRET, str(activation["token"])) == "alice"
    assert alice.credential == ("authorization", f"Bearer {standby.secret}")


async def test_users_who_claim_at_once_get_different_servers(start: Start):
    drivers = start(spare=2)
    await ready(drivers)
    found = await asyncio.gather(*(drivers.get(user) for user in ("alice", "bob", "carol")))
    assert len({driver.server for driver in found}) == len({driver.server.port for driver in found}) == 3
    for user, driver in zip(("alice", "bob", "carol"), found, strict=True):
        assert user_of(SECRET, str(calls(driver.server)[-1]["token"])) == user


async def test_a_claimed_standby_never_comes_back_and_the_next_use_after_an_idle_stop_gets_another_one(start: Start):
    drivers = start(idle_stop=0.2)
    first = await ready(drivers)
    await drivers.get("alice")

    async def stopped() -> bool:
        return "alice" not in drivers and not first.folder.exists()

    await until(stopped)
    second = await ready(drivers, but=first)
    again = await drivers.get("alice")
    assert again.server is second
    assert second is not first


async def test_a_user_who_comes_while_a_standby_starts_or_warms_up_gets_it(start: Start, environment: Path):
    (environment / "bin" / "hangs").touch()
    drivers = start()

    async def warms_up() -> bool:
        return bool(standbys(drivers)) and (standbys(drivers)[0].folder / "calls").exists()

    await until(warms_up)
    standby = standbys(drivers)[0]
    alice = await drivers.get("alice")
    assert alice.server is standby
    assert [call["call"] for call in calls(standby)] == ["open_warm_up", "activate"]

    async def warm_up_ended() -> bool:
        return not [command for command in running().values() if b"warm_up.py" in command and bytes(environment) in command]

    await until(warm_up_ended)


def running() -> dict[int, bytes]:
    """The command lines of this machine's processes."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found[int(folder.name)] = (folder / "cmdline").read_bytes()
        except OSError:
            continue
    return found


async def test_a_standby_that_does_not_take_its_user_is_ended_and_the_user_gets_a_new_server(start: Start):
    drivers = start()
    standby = await ready(drivers)
    os.kill(pids(standby)[1], signal.SIGKILL)
    alice = await drivers.get("alice")
    assert alice.server is not standby
    assert not standby.folder.exists()
    assert user_of(SECRET, str(calls(alice.server)[-1]["token"])) == "alice"


async def test_a_standby_that_does_not_answer_is_ended_and_the_user_gets_a_new_server(
    start: Start, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(drivers_module, "ACTIVATION_TIMEOUT", 0.1)
    drivers = start()
    standby = await ready(drivers)
    os.kill(pids(standby)[1], signal.SIGSTOP)
    alice = await drivers.get("alice")
    assert alice.server is not standby
    assert not standby.folder.exists()


async def test_a_standby_that_is_killed_is_replaced_each_time_later(start: Start, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.WARNING, "rc2hub.gateways")
    drivers = start()
    killed = None
    for _ in range(3):
        killed = await ready(drivers, but=killed)
        os.kill(pids(killed)[0], signal.SIGKILL)

    async def forgotten() -> bool:
        return len(delays()) == 3

    def delays() -> list[float]:
        return [record.args[0] for record in caplog.records if record.msg.startswith("spark: a standby is replaced in")]

    await until(forgotten)
    first, second, third = delays()
    assert second == 2 * first
    assert third == 4 * first
    assert not killed.folder.exists()
    alice = await drivers.get("alice")
    assert user_of(SECRET, alice._token) == "alice"


async def test_a_claimed_standby_that_is_killed_is_the_users_server_that_ended(start: Start):
    drivers = start()
    standby = await ready(drivers)
    await drivers.get("alice")
    os.kill(pids(standby)[0], signal.SIGKILL)

    async def forgotten() -> bool:
        return "alice" not in drivers

    await until(forgotten)
    assert (await drivers.get("alice")).server is not standby


async def test_with_spare_0_none_is_kept(start: Start):
    drivers = start(spare=0)
    alice = await drivers.get("alice")
    await asyncio.gather(*(asyncio.sleep(0.01) for _ in range(3)))
    assert standbys(drivers) == []
    assert isinstance(alice, ProcessDriver)


async def test_a_standby_counts_as_a_server_and_takes_no_place_for_which_a_user_waits(
    start: Start, monkeypatch: pytest.MonkeyPatch
):
    drivers = start(max_servers=1)
    standby = await ready(drivers)
    alice = await drivers.get("alice")
    assert alice.server is standby
    waiting = asyncio.create_task(drivers.get("bob"))
    await asyncio.sleep(0)
    await drivers.stop("alice")
    bob = await waiting
    assert standbys(drivers) == []
    monkeypatch.setattr(drivers_module, "QUEUE_TIMEOUT", 0.01)
    with pytest.raises(ServiceUnavailableError, match="All 1 Spark servers of this hub are in use"):
        await drivers.get("alice")
    await drivers.stop(bob.key)
    assert await ready(drivers) is not standby


async def test_a_server_is_attached_at_once_if_a_standby_is_ready(start: Start, monkeypatch: pytest.MonkeyPatch):
    drivers = start()
    await ready(drivers)
    monkeypatch.setattr(spark_gateway, "START_DELAY", 3600)
    gateway = Gateway(TokenReviewer("http://127.0.0.1:9/", "spark", ""), drivers)
    await asyncio.wait_for(gateway.attach(ServerId("alice", ""), "use", time.time() + 60), 60)
    assert "alice" in drivers


GATEWAY = """
import asyncio, sys
from rc2hub.gateways import connect_standbys
from rc2hub.gateways.process_drivers import ProcessDrivers
connect_standbys.REFILL_DELAY = connect_standbys.CHECK_INTERVAL = 0.01
async def main():
    drivers = ProcessDrivers("sparks", "secret", environment_dir=sys.argv[1], spare=1)
    keeping = asyncio.create_task(drivers.run())
    while not drivers.has_standby:
        await asyncio.sleep(0.01)
    print([each.pid for process in drivers.standbys._standbys for each in process._processes], flush=True)
    await keeping
asyncio.run(main())
"""


async def test_a_gateway_that_is_killed_leaves_no_standby(environment: Path, tmp_path: Path):
    gateway = subprocess.Popen(
        [sys.executable, "-c", GATEWAY, str(environment)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    found = json.loads(await asyncio.to_thread(gateway.stdout.readline))
    assert len(found) == 2
    gateway.kill()
    gateway.wait()
    gateway.stdout.close()

    async def ended() -> bool:
        return not {pid for pid in found if running().get(pid)}

    await until(ended)
