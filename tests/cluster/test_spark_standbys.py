"""Standbys of Spark as pods: warmed without a user, claimed by one, with executors that start for this user."""

import asyncio
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.cluster import Cluster, eventually
from tests.cluster.spark import RESTRICTED, SparkGateway, running_gateway, session

pytestmark = pytest.mark.timeout(900)
TOKEN = "reflect('java.lang.System', 'getProperty', 'rc2.driver.token')"
TOKEN_OF_EXECUTOR = f"select max(token) from (select {TOKEN} token from range(0, 10, 1, 2))"
READY = "a standby is ready"


@pytest.fixture(scope="module", params=[0, 1], ids=["alone", "with executors"])
def gateway(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[SparkGateway]:
    """A gateway that keeps one standby."""
    with cluster.namespace(RESTRICTED) as namespace:
        folder = tmp_path_factory.mktemp("standbys")
        with running_gateway(namespace, folder, spare=1, executors=request.param, executor_idle=20) as gateway:
            yield gateway


def standby(gateway: SparkGateway) -> dict[str, Any]:
    """The pod of the standby, once one more is ready than has been claimed."""

    def unclaimed() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = gateway.namespace.get("pods", "", "--selector=rc2hub.org/spark-standby=yes")
        return found if gateway.log().count(READY) > gateway.log().count("a Connect server for") else []

    eventually(unclaimed)
    (pod,) = unclaimed()
    return pod


async def test_a_standby_without_a_user_becomes_the_server_of_the_user_who_claims_it(gateway: SparkGateway):
    pod = await asyncio.to_thread(standby, gateway)
    name = pod["metadata"]["name"]
    assert "rc2hub.org/spark-key" not in {**pod["metadata"]["labels"], **pod["metadata"]["annotations"]}
    assert not gateway.namespace.get("pods", "", "--selector=spark-role=executor")
    started_at = time.monotonic()
    async with session(gateway, "alice") as spark:
        assert await spark.ask("select 41 + 1") == "42"
        print(f"first answer with a standby: {time.monotonic() - started_at:.1f} s")
        assert gateway.driver("alice") == name
        assert await spark.ask(f"select {TOKEN}") == gateway.token_of("alice")
        assert await spark.ask("show tables") == ""
        assert await spark.ask(TOKEN_OF_EXECUTOR) == gateway.token_of("alice")
        executors = gateway.pods("alice", "executor")
        assert len(executors) == gateway.settings["drivers"]["executors"]
        assert all(each["metadata"]["ownerReferences"][0]["name"] == name for each in executors)
    assert "does not answer" not in gateway.log()
    await gateway.release("alice")
    await asyncio.to_thread(gateway.wait_until_deleted, "alice")
    assert (await asyncio.to_thread(standby, gateway))["metadata"]["name"] != name


async def test_a_gateway_that_is_killed_leaves_no_standby_to_the_next_one(gateway: SparkGateway):
    old = (await asyncio.to_thread(standby, gateway))["metadata"]["name"]
    gateway.end(signal.SIGKILL)
    gateway.start()

    def is_deleted() -> bool:
        return old not in [pod["metadata"]["name"] for pod in gateway.namespace.get("pods")]

    await asyncio.to_thread(eventually, is_deleted, 60)
