"""Executors of Spark as pods: a driver asks the gateway for them, and finds nothing else of Kubernetes there."""

import asyncio
import json
import signal
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.cluster.cluster import Cluster, eventually
from tests.cluster.spark import RESTRICTED, SparkGateway, running_gateway, session

pytestmark = pytest.mark.timeout(180)
COUNT = "select count(*) from range(0, 1000, 1, 4)"


@pytest.fixture(scope="module")
def gateway(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkGateway]:
    """A gateway whose drivers have executors."""
    with cluster.namespace(RESTRICTED) as namespace:
        folder = tmp_path_factory.mktemp("executors")
        with running_gateway(namespace, folder, executors=2, executor_idle=6) as gateway:
            yield gateway


async def test_executors_come_with_a_query_and_go_when_idle(gateway: SparkGateway):
    async with session(gateway, "alice") as spark:
        assert await spark.ask(COUNT) == "1000"
        found = gateway.pods("alice", "executor")
        assert 1 <= len(found) <= 2
        assert all(pod["metadata"]["ownerReferences"][0]["name"] == gateway.driver("alice") for pod in found)
        await asyncio.to_thread(eventually, lambda: not gateway.pods("alice", "executor"), 60)
        assert "tables-need-a-disk-that-all-executors-share" in await spark.ask("create table t as select 1 as x")


async def test_executors_are_described_without_a_secret(gateway: SparkGateway):
    async with session(gateway, "alice") as spark:
        await spark.ask(COUNT)
        name = gateway.driver("alice")
        shown = gateway.namespace.kubectl("get", "pods", "--output=yaml")
        shown += gateway.namespace.kubectl("logs", name)
    assert "SPARK_EXECUTOR_ID" in shown
    assert gateway.secret_of(name) not in shown


async def test_executors_go_with_their_driver_even_without_a_gateway(gateway: SparkGateway):
    async with session(gateway, "orphans") as spark:
        await spark.ask(COUNT)
        assert gateway.pods("orphans", "executor")
        gateway.end(signal.SIGKILL)
        gateway.namespace.kubectl("delete", "pod", gateway.driver("orphans"), "--wait=false")
        await asyncio.to_thread(gateway.nothing_is_left, "orphans")
        gateway.start()


def kubernetes(gateway: SparkGateway, secret: str, method: str = "GET", name: str = "", body: Any = None) -> Any:
    """What the gateway answers a driver that takes it for Kubernetes."""
    address = f"{gateway.executors_url}/api/v1/namespaces/any/pods{name}"
    data = json.dumps(body).encode() if body is not None else None
    request = Request(address, data, {"Authorization": f"Bearer {secret}"}, method=method)
    with urlopen(request, timeout=10) as answer:
        return json.load(answer)


async def test_a_driver_finds_only_its_own_executors(gateway: SparkGateway):
    async with session(gateway, "alice") as alice, session(gateway, "bob") as bob:
        for query in ("set a = 1", COUNT):
            await asyncio.gather(alice.ask(query), bob.ask(query))
        secret = gateway.secret_of(gateway.driver("bob"))
        hers = {pod["metadata"]["name"] for pod in gateway.pods("alice", "executor")}
        seen = {pod["metadata"]["name"] for pod in kubernetes(gateway, secret)["items"]}
        assert hers
        assert seen
        assert not hers & seen
        for method in ("GET", "DELETE"):
            with pytest.raises(HTTPError, match="404"):
                kubernetes(gateway, secret, method, f"/{min(hers)}")
    for wrong in ("", "wrong", gateway.secret):
        with pytest.raises(HTTPError, match="401"):
            kubernetes(gateway, wrong)


async def test_whatever_a_driver_asks_for_becomes_an_executor_and_not_too_many(gateway: SparkGateway):
    async with session(gateway, "sly") as spark:
        await spark.ask("set x = 1")
        secret = gateway.secret_of(gateway.driver("sly"))
        asked = {
            "metadata": {"name": "proxy", "labels": {"spark-exec-id": "7", "spark-role": "driver", "app": "hub"}},
            "spec": {
                "serviceAccountName": "spark-gateway",
                "hostNetwork": True,
                "containers": [{"image": "other", "command": ["sh"], "env": [{"name": "LD_PRELOAD", "value": "x"}]}],
            },
        }
        made = kubernetes(gateway, secret, "POST", body=asked)
        assert made["metadata"]["name"] == f"{gateway.driver('sly')}-exec-7"
        assert made["metadata"]["labels"]["spark-role"] == "executor"
        assert "app" not in made["metadata"]["labels"]
        (container,) = made["spec"]["containers"]
        assert "LD_PRELOAD" not in json.dumps(container)
        assert (made["spec"]["serviceAccountName"], "hostNetwork" in made["spec"]) == ("spark-driver", False)
        with pytest.raises(HTTPError, match="422"):
            kubernetes(gateway, secret, "POST", body={"metadata": {}})
        asked["metadata"]["labels"]["spark-exec-id"] = "8"
        kubernetes(gateway, secret, "POST", body=asked)
        asked["metadata"]["labels"]["spark-exec-id"] = "9"
        with pytest.raises(HTTPError, match="403"):
            kubernetes(gateway, secret, "POST", body=asked)
    await gateway.release("sly")
    gateway.nothing_is_left("sly")
