"""Connect servers come and go as they should; here they are only a port, real ones are in test_spark.py."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from traitlets.config import Config

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways import spark
from rc2hub.gateways.driver_process import ProcessDrivers
from rc2hub.gateways.identity import Identities, Identity
from rc2hub.gateways.java import SparkJava
from rc2hub.processes import free_ports
from tests.fixtures.hub import until
from tests.fixtures.spark import JAVA


@pytest.fixture
async def drivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ProcessDrivers]:
    (tmp_path / "bin").mkdir()
    put_java(tmp_path, JAVA)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spark" / "sparks" / "left behind").mkdir(parents=True)
    found = ProcessDrivers("sparks", "", config=Config({"SparkDrivers": {"idle_stop": 0.4}}))
    yield found
    for key in ("alice", "bob"):
        await found.stop(key)


def put_java(tmp_path: Path, script: str) -> None:
    (tmp_path / "bin" / "java").write_text(script)
    (tmp_path / "bin" / "java").chmod(0o755)


def test_what_an_earlier_gateway_left_is_gone(drivers: ProcessDrivers, tmp_path: Path):
    assert not (tmp_path / "spark" / "sparks").exists()


async def test_all_who_ask_at_once_get_the_one_server_of_the_key(drivers: ProcessDrivers, tmp_path: Path):
    found = await asyncio.gather(*(drivers.get("alice") for _ in range(20)), drivers.get("bob"))
    assert len(set(found[:20])) == 1
    assert found[20] is not found[0]
    assert len(list((tmp_path / "spark" / "sparks").iterdir())) == 2


async def test_each_has_a_secret_of_its_own_that_is_in_no_command_line(drivers: ProcessDrivers):
    alice, bob = await drivers.get("alice"), await drivers.get("bob")
    assert alice.credential != bob.credential
    secret = alice.credential[1].removeprefix("Bearer ")
    assert secret not in Path(f"/proc/{alice._process.pid}/cmdline").read_text()
    assert secret not in repr(alice) + repr(vars(drivers))


async def test_one_that_ended_by_itself_is_replaced_at_the_next_call(drivers: ProcessDrivers):
    first = await drivers.get("alice")
    os.kill(first._process.pid, signal.SIGKILL)

    async def forgotten() -> bool:
        return "alice" not in drivers

    await until(forgotten, 5)
    assert not first.folder.exists()
    assert await drivers.get("alice") is not first


async def test_an_idle_one_ends_but_not_while_a_call_runs(drivers: ProcessDrivers):
    running = asyncio.create_task(drivers.run())
    driver = await drivers.get("alice")
    with driver.in_use():
        await drivers.get("bob")

        async def bob_ended() -> bool:
            return "bob" not in drivers

        await until(bob_ended, 10)
        assert "alice" in drivers

    async def alice_ended() -> bool:
        return "alice" not in drivers

    await until(alice_ended, 10)
    running.cancel()


async def test_one_that_is_out_of_reach_ends_when_it_is_doubted(drivers: ProcessDrivers):
    alice = await drivers.get("alice")
    await drivers.doubt(alice)
    assert "alice" in drivers
    (alice.port,) = free_ports(1)
    await drivers.doubt(alice)
    assert "alice" not in drivers


async def test_one_that_nobody_is_announced_for_ends(drivers: ProcessDrivers, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(spark, "UNANNOUNCED", 0)
    gateway = spark.Gateway(Identities("http://127.0.0.1:9/", "spark", ""), drivers)
    gateway.guests.admit(Identity("alice", ""), "use", time.time() + 60)
    await asyncio.gather(drivers.get("alice"), drivers.get("bob"))
    await gateway._end_unused()
    assert "alice" in drivers
    assert "bob" not in drivers


async def test_one_that_starts_is_ended_at_once(drivers: ProcessDrivers, tmp_path: Path):
    put_java(tmp_path, "#!/bin/sh\nsleep 60\n")
    starting = asyncio.create_task(drivers.get("alice"))
    await asyncio.sleep(0)
    await asyncio.wait_for(drivers.stop("alice"), 10)
    with pytest.raises(ServiceUnavailableError, match="Spark was detached from this server while it started"):
        await starting
    assert not list((tmp_path / "spark").glob("sparks/*"))


async def test_one_that_does_not_start_is_one_sentence_and_leaves_nothing(drivers: ProcessDrivers, tmp_path: Path):
    put_java(tmp_path, "#!/bin/sh\necho no memory >&2\nexit 1\n")
    with pytest.raises(ServiceUnavailableError, match="an operator finds the reason in the hub's log"):
        await drivers.get("alice")
    assert list((tmp_path / "spark" / "sparks").iterdir()) == []
    put_java(tmp_path, JAVA)
    await drivers.get("alice")


def test_without_java_or_spark_it_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ServiceUnavailableError, match="Spark is not installed in"):
        SparkJava(tmp_path).check()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServiceUnavailableError, match="Spark needs Java, which this machine lacks"):
        SparkJava(tmp_path).check()
