"""Standbys of Spark as pods: what they know of users, who gets which, and what becomes of them.

Here the API server is small, and a pod is the list of what the gateway sends it; tests/cluster/test_spark_standbys.py has real
ones.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from kubernetes_asyncio.client import CoreV1Api

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways import connect_pod, connect_standbys, hive_conf, pod_drivers, secret_transfer
from rc2hub.gateways import drivers as drivers_module
from rc2hub.gateways.connect_pod import ConnectPod
from rc2hub.gateways.driver_token import user_of
from rc2hub.gateways.pod_drivers import PodDrivers
from rc2hub.kubernetes import PodWatch
from rc2hub.processes import free_ports
from tests.fixtures.hub import until
from tests.gateways.test_pod_drivers import REQUESTED, drivers
from tests.kubernetes.api_server import NAMESPACE, ApiServer, api_server

KEY, STANDBY = "rc2hub.org/spark-key", "rc2hub.org/spark-standby"
CONTAINER = {"name": "spark", "image": "spark", "imageID": "", "ready": True, "restartCount": 0, "state": {"running": {}}}
RUNNING = {"phase": "Running", "podIP": "127.0.0.1", "containerStatuses": [CONTAINER]}


class Pods:
    """What was sent to which pod, and the commands and pods that do not answer."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, list[str], str]] = []
        self.silent: set[str] = set()
        self.closed: list[str] = []

    async def open_exec(self, _namespace: str, pod: str, _container: str, command: list[str]) -> "Stream":
        return Stream(self, pod, command[1:])

    def lines(self, pod: str, command: str) -> list[str]:
        return [line for name, words, line in self.sent if (name, words[0]) == (pod, command)]

    def tokens(self, pod: str) -> list[str]:
        """The tokens of users that a pod got."""
        return [call["token"] for call in map(json.loads, self.lines(pod, "call")) if call["call"] == "activate"]


class Stream:
    """A stream to `entrypoint` in a pod."""

    def __init__(self, pods: Pods, pod: str, command: list[str]) -> None:
        self._pods, self._pod, self._command = pods, pod, command

    async def write(self, line: bytes) -> None:
        self._pods.sent.append((self._pod, self._command, line.decode().strip()))

    async def readline(self) -> bytes:
        if {self._pod, *self._command} & self._pods.silent:
            await asyncio.sleep(3600)
        return {"take-secret": b"taken\n", "warm-up": b"warm\n"}.get(self._command[0], f"{self._command[-1]}\n".encode())

    async def close(self) -> None:
        self._pods.closed.append(self._command[-1])


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[ApiServer, CoreV1Api]]:
    """An API server whose pods run at once; their Connect servers are one open port."""
    listening = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    monkeypatch.setattr(connect_pod, "CONNECT_PORT", listening.sockets[0].getsockname()[1])
    async with listening, api_server() as (server, api):
        server.status_of_new = RUNNING
        yield server, api


@pytest.fixture
def pods(monkeypatch: pytest.MonkeyPatch) -> Pods:
    found = Pods()
    monkeypatch.setattr(secret_transfer, "open_exec", found.open_exec)
    monkeypatch.setattr(connect_standbys, "REFILL_DELAY", 0.01)
    monkeypatch.setattr(connect_standbys, "CHECK_INTERVAL", 0.01)
    monkeypatch.setattr(pod_drivers, "SWEEP_INTERVAL", 0.01)
    return found


class Gateways:
    """The drivers of gateways that run."""

    def __init__(self, api: CoreV1Api) -> None:
        self._api = api
        self.running: dict[PodDrivers, asyncio.Task[None]] = {}

    async def start(self, **traits: Any) -> PodDrivers:
        made = self.create(**{"spare": 1, **traits})
        await made.open()
        self.running[made] = asyncio.create_task(made.run())
        return made

    def create(self, **traits: Any) -> PodDrivers:
        made = drivers(namespace=NAMESPACE, **traits)
        made.pods = PodWatch(namespace=NAMESPACE, labels={}, api=self._api)
        return made

    async def end(self, drivers: PodDrivers) -> None:
        task = self.running.pop(drivers)
        task.cancel()
        await asyncio.wait([task])
        await drivers.close()


@pytest.fixture
async def gateways(
    server: tuple[ApiServer, CoreV1Api], pods: Pods, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Gateways]:
    async def uid(_self: PodWatch, _name: str) -> str:
        return "uid"

    monkeypatch.setattr(PodWatch, "service_account_uid", uid)
    found = Gateways(server[1])
    yield found
    for each in list(found.running):
        await found.end(each)


async def ready(drivers: PodDrivers, but: object = None) -> ConnectPod:
    """The standby, as soon as it is ready and another one than `but`."""

    def found() -> list[ConnectPod]:
        return [
            pod for pod in drivers.by_name.values() if pod.is_warm and pod in drivers.standbys._standbys and pod is not but
        ]

    async def is_ready() -> bool:
        return bool(found())

    await until(is_ready)
    return found()[0]


def metadata(server: ApiServer, pod: ConnectPod) -> dict[str, Any]:
    found: dict[str, Any] = server.pods[f"{NAMESPACE}/{pod.name}"]["metadata"]
    return found


async def test_nothing_of_a_user_is_in_a_standby_and_the_claim_gives_it_its_user(
    gateways: Gateways, server: tuple[ApiServer, CoreV1Api], pods: Pods
):
    drivers = await gateways.start()
    standby = await ready(drivers)
    assert metadata(server[0], standby)["labels"][STANDBY] == "yes"
    assert KEY not in json.dumps(metadata(server[0], standby))
    assert pods.lines(standby.name, "take-secret") == [standby.secret]
    assert user_of("a secret", standby.secret) is None
    assert pods.tokens(standby.name) == []
    alice = await drivers.get("alice")
    assert alice.server is standby
    assert [user_of("a secret", token) for token in pods.tokens(standby.name)] == ["alice"]
    assert metadata(server[0], standby)["labels"][KEY] == metadata(server[0], standby)["annotations"][KEY] == "alice"
    assert STANDBY not in metadata(server[0], standby)["labels"]
    assert alice.credential == ("authorization", f"Bearer {standby.secret}")


async def test_users_who_claim_at_once_get_different_pods(gateways: Gateways, pods: Pods):
    drivers = await gateways.start(spare=2)
    await ready(drivers, but=await ready(drivers))
    found = await asyncio.gather(*(drivers.get(user) for user in ("alice", "bob", "carol")))
    for user, driver in zip(("alice", "bob", "carol"), found, strict=True):
        assert [user_of("a secret", token) for token in pods.tokens(driver.server.name)] == [user]


async def test_a_standby_that_another_gateway_has_claimed_never_gets_a_second_user(
    gateways: Gateways, server: tuple[ApiServer, CoreV1Api], pods: Pods
):
    drivers = await gateways.start()
    standby = await ready(drivers)
    labels = metadata(server[0], standby)["labels"]
    labels[KEY] = "bob"  # and the watch of this gateway has not heard of it
    del labels[STANDBY]
    alice = await drivers.get("alice")
    assert alice.server is not standby
    assert pods.tokens(standby.name) == []
    assert [user_of("a secret", token) for token in pods.tokens(alice.server.name)] == ["alice"]


async def test_a_standby_that_does_not_confirm_its_user_is_deleted_and_the_user_gets_a_new_server(
    gateways: Gateways, server: tuple[ApiServer, CoreV1Api], pods: Pods, monkeypatch: pytest.MonkeyPatch
):
    drivers = await gateways.start()
    standby = await ready(drivers)
    monkeypatch.setattr(drivers_module, "ACTIVATION_TIMEOUT", 0.1)
    pods.silent.add(standby.name)
    alice = await drivers.get("alice")
    assert alice.server is not standby
    assert f"{NAMESPACE}/{standby.name}" not in server[0].pods


async def test_a_standby_that_ends_is_replaced_and_never_claimed(gateways: Gateways, server: tuple[ApiServer, CoreV1Api]):
    drivers = await gateways.start()
    first = await ready(drivers)
    await server[0].change("DELETED", server[0].pods[f"{NAMESPACE}/{first.name}"])
    second = await ready(drivers, but=first)
    alice = await drivers.get("alice")
    assert alice.server is second


async def test_a_user_who_comes_while_a_standby_warms_up_gets_it_and_the_warm_up_ends(gateways: Gateways, pods: Pods):
    pods.silent.add("warm-up")
    drivers = await gateways.start()

    async def warms_up() -> bool:
        return any(words == ["warm-up"] for _, words, _ in pods.sent)

    await until(warms_up)
    (standby,) = drivers.by_name.values()
    assert not drivers.has_standby
    alice = await drivers.get("alice")
    assert alice.server is standby
    assert "warm-up" in pods.closed


async def test_a_gateway_that_is_replaced_leaves_the_pods_of_users_and_no_standby(
    gateways: Gateways, server: tuple[ApiServer, CoreV1Api], pods: Pods
):
    traits = {"executors": 1, "executors_url": f"http://127.0.0.1:{free_ports(1)[0]}"}
    first = await gateways.start(**traits)
    await ready(first)
    alice = await first.get("alice")
    standby = await ready(first)
    await gateways.end(first)
    assert list(server[0].pods) == [f"{NAMESPACE}/{alice.server.name}"]
    second = await gateways.start(spare=0, **traits)
    executors = second.find_executors(alice.server.secret)
    assert executors is not None
    await executors.create(REQUESTED)  # Spark ends if it is refused some times, so it does not wait for the start
    again = await second.get("alice")
    assert again.server.name == alice.server.name
    assert again.credential == alice.credential
    assert len(set(pods.tokens(alice.server.name))) == 1
    assert pods.tokens(standby.name) == []


async def test_the_claim_gives_a_standby_the_catalogue_of_its_user_which_the_next_gateway_knows(
    gateways: Gateways, server: tuple[ApiServer, CoreV1Api], pods: Pods, monkeypatch: pytest.MonkeyPatch
):
    granted = hive_conf.hive_conf("http://hive:14010", "alice")

    async def ask(_gateway: str, token: str) -> dict[str, str]:
        assert user_of("a secret", token) == "alice"
        return granted

    monkeypatch.setattr(hive_conf, "granted_hive_conf", ask)
    first = await gateways.start(hive_gateway="http://hive:14010")
    standby = await ready(first)
    assert "14010" not in json.dumps(server[0].pods)
    await first.get("alice")
    assert json.loads(pods.lines(standby.name, "call")[-1])["conf"] == granted
    await gateways.end(first)
    second = await gateways.start(hive_gateway="http://hive:14010", spare=0)
    alice = await second.get("alice")
    assert alice.server.name == standby.name
    assert await alice.catalog.is_right()


async def test_standbys_of_a_gateway_that_was_killed_are_deleted(gateways: Gateways, server: tuple[ApiServer, CoreV1Api]):
    standby = gateways.create().create_standby()
    await standby.start()
    await gateways.start(spare=0)

    async def deleted() -> bool:
        return not server[0].pods

    await until(deleted)


async def test_a_standby_gets_no_executors_before_it_has_a_user_and_then_they_are_the_users(
    gateways: Gateways, server: tuple[ApiServer, CoreV1Api], pods: Pods
):
    drivers = await gateways.start(executors=1, executors_url=f"http://127.0.0.1:{free_ports(1)[0]}")
    standby = await ready(drivers)
    executors = drivers.find_executors(standby.secret)
    assert executors is not None
    with pytest.raises(ServiceUnavailableError, match="its driver has no user"):
        await executors.create(REQUESTED)
    await drivers.get("alice")
    made = await executors.create(REQUESTED)
    assert made["metadata"]["labels"][KEY] == "alice"
    assert made["metadata"]["ownerReferences"][0]["name"] == standby.name

    (token,) = pods.tokens(standby.name)

    async def has_token() -> bool:
        return pods.lines(made["metadata"]["name"], "take-secret") == [
            " ".join([standby.secret, token, hive_conf.hadoop_token(token)])
        ]

    await until(has_token)
