"""Start and stop of Connect servers. Here a Connect server is only an open port; test_spark_gateway.py has real ones."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways import drivers as drivers_module
from rc2hub.gateways import hive_conf, spark_gateway
from rc2hub.gateways.java_command import ConnectServerJava
from rc2hub.gateways.process_drivers import ProcessDriver, ProcessDrivers
from rc2hub.gateways.token_review import TokenReviewer
from rc2hub.processes import free_ports
from rc2hub.server_id import ServerId
from tests.fixtures.hub import until
from tests.fixtures.spark import JAVA, imitated_spark, put_program


@pytest.fixture
async def drivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ProcessDrivers]:
    environment = imitated_spark(tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spark" / "sparks" / "left behind").mkdir(parents=True)
    found = ProcessDrivers("sparks", "", environment_dir=str(environment), idle_stop=0.4)
    yield found
    for key in ("alice", "bob"):
        await found.stop(key)


def java_pid(driver: ProcessDriver) -> int:
    return driver.server._processes[0].pid


def test_files_of_an_earlier_gateway_are_removed(drivers: ProcessDrivers, tmp_path: Path):
    assert not (tmp_path / "spark" / "sparks").exists()


async def test_concurrent_callers_get_the_same_connect_server(drivers: ProcessDrivers, tmp_path: Path):
    found = await asyncio.gather(*(drivers.get("alice") for _ in range(20)), drivers.get("bob"))
    assert len(set(found[:20])) == 1
    assert found[20] is not found[0]
    assert len(list((tmp_path / "spark" / "sparks").iterdir())) == 2


async def test_each_connect_server_has_its_own_secret_which_is_in_no_command_line(drivers: ProcessDrivers):
    alice, bob = await drivers.get("alice"), await drivers.get("bob")
    assert alice.credential != bob.credential
    secret = alice.credential[1].removeprefix("Bearer ")
    assert secret not in Path(f"/proc/{java_pid(alice)}/cmdline").read_text()
    assert secret not in repr(alice) + repr(vars(drivers))


async def test_the_next_call_replaces_a_connect_server_that_was_killed(drivers: ProcessDrivers):
    first = await drivers.get("alice")
    os.kill(java_pid(first), signal.SIGKILL)

    async def forgotten() -> bool:
        return "alice" not in drivers

    await until(forgotten)
    assert not first.server.folder.exists()
    assert await drivers.get("alice") is not first


async def test_an_idle_connect_server_is_stopped_unless_a_call_runs(drivers: ProcessDrivers):
    driver = await drivers.get("alice")
    with driver.in_use():
        running = asyncio.create_task(drivers.run())
        await drivers.get("bob")

        async def bob_ended() -> bool:
            return "bob" not in drivers

        await until(bob_ended)
        assert "alice" in drivers

    async def alice_ended() -> bool:
        return "alice" not in drivers

    await until(alice_ended)
    running.cancel()


async def test_a_connect_server_that_cannot_be_reached_is_stopped(drivers: ProcessDrivers):
    alice = await drivers.get("alice")
    await drivers.check_reachable(alice)
    assert "alice" in drivers
    (alice.server.port,) = free_ports(1)
    await drivers.check_reachable(alice)
    assert "alice" not in drivers


async def test_a_connect_server_without_an_attached_server_is_stopped(
    drivers: ProcessDrivers, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(spark_gateway, "REGISTRATION_GRACE", 0)
    gateway = spark_gateway.Gateway(TokenReviewer("http://127.0.0.1:9/", "spark", ""), drivers)
    gateway.attached_servers.attach(ServerId("alice", ""), "use", time.time() + 60)
    await asyncio.gather(drivers.get("alice"), drivers.get("bob"))
    await gateway.stop_unattached()
    assert "alice" in drivers
    assert "bob" not in drivers


async def test_a_connect_server_that_starts_is_stopped_at_once(drivers: ProcessDrivers, tmp_path: Path):
    put_program(tmp_path / "environment", "java", "#!/bin/sh\nsleep 60\n")
    starting = asyncio.create_task(drivers.get("alice"))
    await asyncio.sleep(0)
    await asyncio.wait_for(drivers.stop("alice"), 10)
    with pytest.raises(ServiceUnavailableError, match="Spark was detached from this server while it started"):
        await starting
    assert not list((tmp_path / "spark").glob("sparks/*"))


async def test_no_more_connect_servers_run_than_may_run(drivers: ProcessDrivers, monkeypatch: pytest.MonkeyPatch):
    limited = ProcessDrivers("sparks", "", environment_dir=drivers.environment_dir, max_servers=1)
    await limited.get("alice")
    waiting = asyncio.create_task(limited.get("bob"))
    await asyncio.sleep(0)
    await limited.stop("alice")
    await waiting
    monkeypatch.setattr(drivers_module, "QUEUE_TIMEOUT", 0.01)
    with pytest.raises(ServiceUnavailableError, match="All 1 Spark servers of this hub are in use; try again when"):
        await limited.get("alice")
    await limited.stop("bob")


async def test_a_failed_start_is_one_sentence_and_leaves_no_files(drivers: ProcessDrivers, tmp_path: Path):
    put_program(tmp_path / "environment", "java", "#!/bin/sh\necho no memory >&2\nexit 1\n")
    with pytest.raises(ServiceUnavailableError, match="an operator finds the reason in the hub's log"):
        await drivers.get("alice")
    assert list((tmp_path / "spark" / "sparks").iterdir()) == []
    put_program(tmp_path / "environment", "java", JAVA)
    await drivers.get("alice")


def test_the_check_names_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ServiceUnavailableError, match="Spark is not installed in"):
        ConnectServerJava(tmp_path).check()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServiceUnavailableError, match="Spark needs Java, which this machine lacks"):
        ConnectServerJava(tmp_path).check()


class HiveAccess:
    """Says what the Hive gateway says to a driver: this status, and the user's database."""

    def __init__(self, status: int) -> None:
        self.status, self.asked = status, asyncio.Event()

    async def answer(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"].startswith("Bearer ")
        self.asked.set()
        return web.json_response({"database": "alice"}, status=self.status)


@pytest.fixture
async def hive(drivers: ProcessDrivers) -> AsyncIterator[HiveAccess]:
    """The Hive gateway that the drivers ask; the user has no grant yet."""
    access = HiveAccess(403)
    app = web.Application()
    app.router.add_get("/access", access.answer)
    async with TestServer(app) as server:
        drivers.hive_gateway = str(server.make_url("")).rstrip("/")
        yield access


def has_hive(driver: ProcessDriver) -> bool:
    return '"spark.sql.catalogImplementation": "hive"' in (driver.server.folder / "calls").read_text()


async def test_a_connect_server_is_replaced_when_its_user_gets_hive_but_not_while_hive_is_away(
    drivers: ProcessDrivers, hive: HiveAccess
):
    first = await drivers.get("alice")
    assert not has_hive(first)
    hive.status = 503
    await drivers._stop_with_wrong_catalog()
    assert await drivers.get("alice") is first
    hive.status = 200
    await drivers._stop_with_wrong_catalog()
    second = await drivers.get("alice")
    assert second is not first
    assert has_hive(second)
    assert await second.catalog.is_right()


async def test_a_connect_server_waits_for_hive_so_that_no_table_is_made_outside_of_it(
    drivers: ProcessDrivers, hive: HiveAccess
):
    hive.status = 503
    starting = asyncio.create_task(drivers.get("alice"))
    await hive.asked.wait()
    hive.status = 200
    assert has_hive(await starting)


async def test_spark_does_not_start_while_it_is_not_known_whether_the_user_has_hive(
    drivers: ProcessDrivers, hive: HiveAccess, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(hive_conf, "HIVE_TIMEOUT", 0.01)
    hive.status = 503
    with pytest.raises(ServiceUnavailableError, match="^Spark cannot start while Hive does not answer; try again"):
        await drivers.get("alice")
