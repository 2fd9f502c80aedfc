"""Spark executors as pods: a driver requests them from the gateway, which offers no other part of the Kubernetes API."""

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

pytestmark = pytest.mark.timeout(900)
COUNT = "select count(*) from range(0, 1000, 1, 4)"


@pytest.fixture(scope="module")
def gateway(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkGateway]:
    """A gateway whose drivers have executors; they live as long as the second of two drivers may start later."""
    with cluster.namespace(RESTRICTED) as namespace:
        folder = tmp_path_factory.mktemp("executors")
        with running_gateway(namespace, folder, executors=2, executor_idle=20) as gateway:
            yield gateway


async def test_executors_start_for_a_query_and_end_when_idle(gateway: SparkGateway):
    async with session(gateway, "alice") as spark:
        assert await spark.ask(COUNT) == "1000"
        found = gateway.pods("alice", "executor")
        assert 1 <= len(found) <= 2
        assert all(pod["metadata"]["ownerReferences"][0]["name"] == gateway.driver("alice") for pod in found)
        await asyncio.to_thread(eventually, lambda: not gateway.pods("alice", "executor"), 90)
        assert "tables-need-a-disk-that-all-executors-share" in await spark.ask("create table t as select 1 as x")


async def test_the_pods_and_logs_of_executors_contain_no_secret(gateway: SparkGateway):
    async with session(gateway, "alice") as spark:
        await spark.ask(COUNT)
        name = gateway.driver("alice")
        shown = gateway.namespace.kubectl("get", "pods", "--output=yaml")
        shown += gateway.namespace.kubectl("logs", name)
    assert "SPARK_EXECUTOR_ID" in shown
    assert gateway.secret_of("alice") not in shown


async def test_executors_are_deleted_with_their_driver_even_without_a_gateway(gateway: SparkGateway):
    async with session(gateway, "orphans") as spark:
        await spark.ask(COUNT)
        assert gateway.pods("orphans", "executor")
        gateway.end(signal.SIGKILL)
        gateway.namespace.kubectl("delete", "pod", gateway.driver("orphans"), "--wait=false")
        await asyncio.to_thread(gateway.wait_until_deleted, "orphans")
        gateway.start()


def kubernetes(gateway: SparkGateway, secret: str, method: str = "GET", name: str = "", body: Any = None) -> Any:
    """The response of the gateway to a driver's call of the Kubernetes API."""
    address = f"{gateway.executors_url}/api/v1/namespaces/any/pods{name}"
    data = json.dumps(body).encode() if body is not None else None
    request = Request(address, data, {"Authorization": f"Bearer {secret}"}, method=method)
    with urlopen(request, timeout=10) as answer:
        return json.load(answer)


def executors_of(gateway: SparkGateway, secret: str) -> set[str]:
    """What the driver with this secret sees."""
    return {pod["metadata"]["name"] for pod in kubernetes(gateway, secret)["items"]}


async def test_a_driver_sees_only_its_executors(gateway: SparkGateway):
    async with session(gateway, "alice") as alice, session(gateway, "bob") as bob:
        await asyncio.gather(alice.ask("set a = 1"), bob.ask("set a = 1"))
        secret = gateway.secret_of("bob")

        async def ask_alice() -> None:
            await alice.ask(COUNT)  # idle executors end soon, and bob's may wait for their cores
            of_alice = {pod["metadata"]["name"] for pod in gateway.pods("alice", "executor")}
            assert of_alice
            assert not of_alice & executors_of(gateway, secret)
            for method in ("GET", "DELETE"):
                with pytest.raises(HTTPError, match="404"):
                    kubernetes(gateway, secret, method, f"/{min(of_alice)}")

        await asyncio.gather(ask_alice(), bob.ask(COUNT))
        assert executors_of(gateway, secret) == {pod["metadata"]["name"] for pod in gateway.pods("bob", "executor")} != set()
    for wrong in ("", "wrong", gateway.secret):
        with pytest.raises(HTTPError, match="401"):
            kubernetes(gateway, wrong)


async def test_every_pod_that_a_driver_creates_is_an_executor_up_to_the_limit(gateway: SparkGateway):
    async with session(gateway, "sly") as spark:
        await spark.ask("set x = 1")
        secret = gateway.secret_of("sly")
        pod = {
            "metadata": {"name": "proxy", "labels": {"spark-exec-id": "7", "spark-role": "driver", "app": "hub"}},
            "spec": {
                "serviceAccountName": "spark-gateway",
                "hostNetwork": True,
                "containers": [{"image": "other", "command": ["sh"], "env": [{"name": "LD_PRELOAD", "value": "x"}]}],
            },
        }
        made = kubernetes(gateway, secret, "POST", body=pod)
        assert made["metadata"]["name"] == f"{gateway.driver('sly')}-exec-7"
        assert made["metadata"]["labels"]["spark-role"] == "executor"
        assert "app" not in made["metadata"]["labels"]
        (container,) = made["spec"]["containers"]
        assert "LD_PRELOAD" not in json.dumps(container)
        assert (made["spec"]["serviceAccountName"], "hostNetwork" in made["spec"]) == ("spark-driver", False)
        with pytest.raises(HTTPError, match="422"):
            kubernetes(gateway, secret, "POST", body={"metadata": {}})
        pod["metadata"]["labels"]["spark-exec-id"] = "8"
        kubernetes(gateway, secret, "POST", body=pod)
        pod["metadata"]["labels"]["spark-exec-id"] = "9"
        with pytest.raises(HTTPError, match="403"):
            kubernetes(gateway, secret, "POST", body=pod)
    await gateway.release("sly")
    gateway.wait_until_deleted("sly")
