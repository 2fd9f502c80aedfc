"""Spark drivers as pods: started by a call, deleted completely, limited to one user, and without stored secrets."""

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from kubernetes_asyncio.config import kube_config
from traitlets.config import Config

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways import drivers as registry
from rc2hub.gateways.pod_drivers import PodDrivers
from tests.cluster.cluster import Cluster, Namespace, eventually
from tests.cluster.spark import RESTRICTED, SparkGateway, create_accounts, driver_traits, running_gateway, session
from tests.fixtures.hub import ROOT
from tests.fixtures.spark import stock_client

pytestmark = pytest.mark.timeout(900)
DIRECT = ROOT / "tests" / "gateways" / "direct.py"
ETCD = Path("/var/lib/rc2-cluster/etcd")
FOR_LONG = "select count(*) from range(0, 1000000000000, 1, 4)"


@pytest.fixture(scope="module")
def gateway(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkGateway]:
    """A gateway whose drivers have no executors."""
    folder = tmp_path_factory.mktemp("spark")
    with cluster.namespace(RESTRICTED) as namespace, running_gateway(namespace, folder) as gateway:
        yield gateway


@pytest.fixture
async def drivers(namespace: Namespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PodDrivers]:
    """Drivers of a gateway in this process, for tests of failed starts."""
    create_accounts(namespace, tmp_path / "kubeconfig")
    # kube_config reads KUBECONFIG only at import
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "kubeconfig"))
    traits = {**driver_traits(namespace), "idle_stop": 2.0}
    drivers = PodDrivers("spark", "a secret", config=Config({"SparkDrivers": traits}))
    await drivers.open()
    running = asyncio.create_task(drivers.run())
    yield drivers
    for key in list(drivers.idle_seconds()):
        await drivers.stop(key)
    running.cancel()
    await drivers.close()


async def test_the_first_call_starts_a_driver_that_answers(gateway: SparkGateway):
    async with session(gateway, "alice") as spark:
        assert await spark.ask("select 41 + 1") == "42"
        assert await spark.ask("create table kept as select id from range(10)") == ""
        assert await spark.ask("select count(*) from kept") == "10"
    (pod,) = gateway.pods("alice")
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert pod["metadata"]["ownerReferences"][0]["name"] == "spark-driver"


async def test_a_driver_has_no_kubernetes_account_and_no_root(gateway: SparkGateway):
    async with session(gateway, "alice") as spark:
        mounted = "select transform(1) using 'ls /var/run/secrets 2>/dev/null | wc -l'"
        assert await spark.ask(mounted) == "0"
        assert await spark.ask("select transform(1) using 'id -u'") == "185"
        assert "Read-only" in await spark.ask("select transform(1) using 'touch /opt/x 2>&1; true'")


async def test_the_port_of_a_driver_is_open_only_to_the_gateway(gateway: SparkGateway):
    async with session(gateway, "alice") as alice, session(gateway, "bob") as bob:
        await asyncio.gather(alice.ask("select 1"), bob.ask("select 1"))
    (pod,) = gateway.pods("alice")
    address = f"{pod['status']['podIP']}:15002"
    for wrong in ("of-alice", gateway.secret, gateway.secret_of("bob"), gateway.token_of("alice")):
        assert "UNAUTHENTICATED" in stock_client(DIRECT, address, wrong)["output"]
    assert stock_client(DIRECT, address, gateway.secret_of("alice"))["output"] == "1"


async def test_no_secret_is_stored(gateway: SparkGateway):
    async with session(gateway, "alice") as spark:
        await spark.ask("select 1")
    name, namespace = gateway.driver("alice"), gateway.namespace
    shown = [
        *(namespace.kubectl("get", kind, "--output=yaml") for kind in ("pods", "secrets", "events", "configmaps")),
        namespace.kubectl("logs", name),
        gateway.log(),
        namespace.kubectl("get", "pod", name, "--output=json"),
    ]
    stored = list(etcd())
    for secret in (gateway.secret, gateway.secret_of("alice"), gateway.token_of("alice")):
        assert not any(secret in text for text in shown)
        assert not any(secret.encode() in content for content in stored)
    if ETCD.exists():
        assert any(name.encode() in content for content in stored)


def etcd() -> Iterator[bytes]:
    """What etcd has written to disk."""
    for path in ETCD.rglob("*"):
        with suppress(FileNotFoundError, IsADirectoryError):  # etcd makes and removes files
            yield path.read_bytes()


async def test_after_a_driver_is_killed_the_user_sees_one_sentence_and_the_next_call_starts_another(gateway: SparkGateway):
    async with session(gateway, "carol") as spark:
        await spark.ask("select 1")
        query = asyncio.create_task(spark.ask(FOR_LONG))
        first = gateway.driver("carol")
        await asyncio.sleep(1)
        gateway.namespace.kubectl("delete", "pod", first, "--wait=false")
        assert "Your Spark server ended" in await query
    async with session(gateway, "carol") as spark:
        assert await spark.ask("select 7") == "7"
    assert gateway.driver("carol") != first


async def test_a_query_does_not_wait_for_a_dead_node(gateway: SparkGateway):
    async with session(gateway, "carol") as spark:
        await spark.ask("select 1")
        query = asyncio.create_task(spark.ask(FOR_LONG))
        await asyncio.sleep(1)
        # Kubernetes sets this after some time without contact to the node
        not_ready = json.dumps({"status": {"conditions": [{"type": "Ready", "status": "False"}]}})
        gateway.namespace.kubectl("patch", "pod", gateway.driver("carol"), "--subresource=status", f"--patch={not_ready}")
        assert "Your Spark server ended" in await query
    assert "the Connect server of carol ended unexpectedly: its node does not answer" in gateway.log()


async def test_a_query_that_exceeds_the_memory_limit_ends_only_the_driver_of_its_user(gateway: SparkGateway):
    async with session(gateway, "carol") as greedy, session(gateway, "alice") as modest:
        await modest.ask("create temporary view mine as select 41 as x")
        assert "Your Spark server ended" in await greedy.ask("select length(repeat(string(id), 1000000000)) from range(1)")
        assert await modest.ask("select x + 1 from mine") == "42"
    await asyncio.to_thread(gateway.wait_until_deleted, "carol")


async def test_release_deletes_all_pods_of_the_user(gateway: SparkGateway):
    async with session(gateway, "bob") as spark:
        await spark.ask("select 1")
    await gateway.release("bob")
    gateway.wait_until_deleted("bob")


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL], ids=lambda signum: signum.name)
async def test_sessions_and_queries_continue_while_the_gateway_is_replaced(gateway: SparkGateway, signum: signal.Signals):
    slow = "select count(*) from range(0, 6, 1, 6) where reflect('java.lang.Thread', 'sleep', 2000 + id) is not null"
    async with session(gateway, "alice") as spark:
        await spark.ask("create temporary view mine as select 41 as x")
        driver, query = gateway.driver("alice"), asyncio.create_task(spark.ask(slow))
        await asyncio.sleep(1)
        gateway.end(signum)
        gateway.start()
        assert await query == "6"
        assert await spark.ask("select x + 1 from mine") == "42"
    assert gateway.driver("alice") == driver


async def test_drivers_of_another_gateway_are_deleted(gateway: SparkGateway):
    async with session(gateway, "alice") as spark:
        await spark.ask("select 1")
    gateway.end(signal.SIGKILL)
    gateway.namespace.kubectl("annotate", "pod", gateway.driver("alice"), "rc2hub.org/gateway=other", "--overwrite")
    gateway.start()
    await asyncio.to_thread(gateway.wait_until_deleted, "alice")


async def test_drivers_are_deleted_with_their_account(cluster: Cluster, tmp_path: Path):
    with cluster.namespace() as namespace, running_gateway(namespace, tmp_path) as gateway:
        async with session(gateway, "alice") as spark:
            await spark.ask("select 1")
        gateway.end(signal.SIGKILL)
        namespace.kubectl("delete", "serviceaccount", "spark-driver")
        await asyncio.to_thread(gateway.wait_until_deleted, "alice")
        gateway.start()


async def test_an_idle_driver_ends_and_the_next_call_starts_another(drivers: PodDrivers):
    first = await drivers.get("alice")
    await asyncio.to_thread(eventually, lambda: not list(drivers.pods))
    assert await drivers.get("alice") is not first


async def test_a_starting_driver_is_stopped_at_once(drivers: PodDrivers, namespace: Namespace):
    starting = asyncio.create_task(drivers.get("alice"))
    await asyncio.to_thread(eventually, lambda: list(drivers.pods))
    await drivers.stop("alice")
    with pytest.raises(ServiceUnavailableError, match="Spark was detached from this server while it started"):
        await starting
    eventually(lambda: not namespace.get("pods"))


async def start_error(drivers: PodDrivers, seconds: float = 60) -> str:
    """The error message of a start that fails; nothing is left of it."""
    with pytest.raises(ServiceUnavailableError) as caught:
        await asyncio.wait_for(drivers.get("alice"), seconds)
    assert "alice" not in drivers
    return str(caught.value)


async def test_a_start_without_the_image_fails_at_once_with_the_reason(drivers: PodDrivers, namespace: Namespace):
    drivers.image, drivers.image_pull_policy = "localhost/missing/image:this", "Never"
    message = await start_error(drivers)
    assert re.fullmatch(r"Spark could not be started: its software is missing \(.*this.*\); ask an operator\.", message)
    eventually(lambda: not namespace.get("pods"))
    drivers.image, drivers.image_pull_policy = driver_traits(namespace)["image"], "IfNotPresent"
    assert await drivers.get("alice")


async def test_a_start_without_quota_fails_with_the_message_of_kubernetes(drivers: PodDrivers, namespace: Namespace):
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    namespace.apply(quota)
    eventually(lambda: "hard" in namespace.get("resourcequota", "none")["status"])
    assert "exceeded quota: none" in await start_error(drivers)


async def test_a_start_without_room_waits_and_then_fails_with_the_reason(
    drivers: PodDrivers, namespace: Namespace, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(registry, "START_TIMEOUT", 5.0)
    drivers.memory = "4000g"
    message = await start_error(drivers)
    assert message.startswith("Spark did not start in time: no node has room for it (")
    assert "Insufficient memory" in message
    eventually(lambda: not namespace.get("pods"))


async def test_a_start_without_the_account_fails_with_the_reason(drivers: PodDrivers, namespace: Namespace):
    namespace.kubectl("delete", "serviceaccount", "spark-driver")
    assert '"spark-driver" not found' in await start_error(drivers)
