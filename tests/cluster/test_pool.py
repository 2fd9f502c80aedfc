"""The pool of standbys: a login claims a standby, and a new one replaces it."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.cluster.cluster import Cluster, eventually
from tests.cluster.conftest import running_hub
from tests.cluster.hub import KubeHub, standbys
from tests.cluster.pool_watcher import REPLACEMENT_TIMEOUT, PoolWatcher
from tests.cluster.test_login import assert_runs_as, process_facts, server
from tests.fixtures.hub import Client, until

pytestmark = pytest.mark.alone
SPARE = 2


@pytest.fixture(scope="module")
def kube_hub(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubeHub]:
    """A hub with a pool; at the end, the watcher must not have seen a shortage of standbys."""
    with running_hub(cluster, tmp_path_factory.mktemp("pool"), spare=SPARE) as hub:
        eventually(lambda: len(standbys(hub)) == SPARE)
        yield hub
        assert hub.watcher.shortages(hub.downtimes) == []


@pytest.fixture(autouse=True)
def full(kube_hub: KubeHub) -> None:
    """Each test starts with a full pool."""
    eventually(lambda: len(standbys(kube_hub)) == SPARE)


def pod_of(hub: KubeHub, username: str) -> dict[str, Any]:
    """The user's only pod."""
    (pod,) = hub.namespace.get("pods", "", f"--selector=hub.jupyter.org/username={username}")
    return dict(pod)


async def progress_messages(client: Client, username: str) -> list[str]:
    """Start a server; return the progress messages that the user sees."""
    await client.create(username)
    await client.call("POST", f"/hub/api/users/{username}/server", json={})
    async with client.session.get(client.address(f"/hub/api/users/{username}/server/progress")) as progress:
        lines = [line async for line in progress.content if line.startswith(b"data:")]
    return [json.loads(line[5:])["message"] for line in lines]


async def test_a_login_claims_a_standby_and_a_new_one_replaces_it(kube: Client, kube_hub: KubeHub, username: str) -> None:
    before = standbys(kube_hub)
    async with server(kube, username), kube.kernel(username) as r:
        assert await r.run("cat(6 * 7)") == "42"
        assert pod_of(kube_hub, username)["metadata"]["name"] in before
        eventually(lambda: len(standbys(kube_hub)) == SPARE)
        metadata = pod_of(kube_hub, username)["metadata"]
    assert "ownerReferences" not in metadata, "the pod would be deleted with the Deployment"
    assert "rc2hub.org/pool" not in metadata["labels"]


async def test_a_claimed_standby_runs_as_its_user_like_a_pod_made_for_the_user(kube: Client, username: str) -> None:
    async with server(kube, username), kube.kernel(username) as r:
        assert_runs_as(username, await process_facts(r))


async def test_a_claimed_standby_is_resized_to_its_profile(kube: Client, kube_hub: KubeHub, username: str) -> None:
    async with server(kube, username):

        def resized() -> Any:
            status = pod_of(kube_hub, username)["status"]["containerStatuses"][0]
            return status["resources"]["requests"]["cpu"] == "50m" and status["restartCount"] == 0

        eventually(resized)


async def test_on_a_node_without_room_for_the_profile_the_server_works_and_the_log_has_the_reason(
    kube: Client, kube_hub: KubeHub, username: str
) -> None:
    async with server(kube, f"large-{username}"), kube.kernel(f"large-{username}") as r:
        assert await r.run("cat(6 * 7)") == "42"
        eventually(lambda: "Node didn't have enough capacity: cpu" in kube_hub.log())


async def test_a_restarted_hub_knows_servers_and_standbys(kube_hub: KubeHub, username: str) -> None:
    async with kube_hub.client() as client:
        await client.create(username)
        assert (await client.start(username))[0] == 201
        uid = pod_of(kube_hub, username)["metadata"]["uid"]
    await asyncio.to_thread(kube_hub.kill)
    before = standbys(kube_hub)
    await asyncio.to_thread(kube_hub.start)
    async with kube_hub.client() as client:
        async with server(client, f"{username}b"), client.kernel(f"{username}b") as r:
            assert await r.run("cat(1)") == "1"
            assert pod_of(kube_hub, f"{username}b")["metadata"]["name"] in before
        async with client.kernel(username) as r:
            assert await r.run("cat(1)") == "1"
        assert pod_of(kube_hub, username)["metadata"]["uid"] == uid
        await client.stop(username)


async def test_a_deleted_deployment_is_created_again_and_servers_keep_running(
    kube: Client, kube_hub: KubeHub, username: str
) -> None:
    async with server(kube, username), kube.kernel(username) as r:
        kube_hub.namespace.kubectl("delete", "deployment", "--selector=rc2hub.org/pool=r")
        assert await r.run("cat(6 * 7)") == "42"
        eventually(lambda: len(standbys(kube_hub)) == SPARE)
        assert await r.run("cat(6 * 7)") == "42"


async def test_a_server_whose_container_has_restarted_is_stopped(kube: Client, kube_hub: KubeHub, username: str) -> None:
    await kube.create(username)
    assert (await kube.start(username))[0] == 201
    pod = pod_of(kube_hub, username)["metadata"]["name"]
    async with kube.kernel(username) as r:
        with pytest.raises(ConnectionError):  # there is no reply: the kernel ends with its server
            await r.run('tools::pskill(system("pgrep -f [r]c2hub.compute.standby_server", intern = TRUE), 9)')

    async def has_ended() -> bool:
        _, model = await kube.call("GET", f"/hub/api/users/{username}")
        return not model["servers"] and pod not in kube_hub.namespace.kubectl("get", "pods", "--output=name")

    await until(has_ended)


async def test_a_user_who_needs_a_different_pod_sees_the_reason_for_the_cold_start(
    kube: Client, kube_hub: KubeHub, username: str
) -> None:
    username = f"own-{username}"
    assert "Starting a new R for you: the ready ones have other volumeMounts, volumes" in await progress_messages(
        kube, username
    )
    assert pod_of(kube_hub, username)["metadata"]["name"] == f"jupyter-{username}"
    await kube.stop(username)


async def test_with_an_empty_pool_users_wait_for_the_next_standby_or_get_a_new_pod(
    kube: Client, kube_hub: KubeHub, username: str
) -> None:
    users = [f"{username}{number}" for number in range(3 * SPARE)]
    progress = await asyncio.gather(*(progress_messages(kube, each) for each in users))
    waited = [messages for messages in progress if any(message.startswith("Waiting for the next R") for message in messages)]
    cold = [messages for messages in progress if "No R is ready, so a new one is started for you" in messages]
    assert (len(waited), len(cold)) == (SPARE, SPARE), progress
    for each in users:
        async with kube.kernel(each) as r:
            assert await r.run("cat(Sys.info()[['user']])") == each
        await kube.stop(each)


async def test_a_failure_caused_by_the_user_costs_one_standby(kube: Client, kube_hub: KubeHub, username: str) -> None:
    make_home = f"mkdir -m 700 /home/{username}"
    kube_hub.namespace.exec(standbys(kube_hub)[0], "sh", "-c", make_home)  # as root, so a system account owns it
    uids = {pod["metadata"]["uid"] for pod in kube_hub.namespace.get("pods")}
    await kube.create(username)
    status, event = await kube.start(username)
    assert status == 500
    assert "belongs to a system account" in event["message"]
    eventually(lambda: len(standbys(kube_hub)) == SPARE)
    new = {pod["metadata"]["uid"] for pod in kube_hub.namespace.get("pods")} - uids
    assert len(new) == 1


async def test_standbys_on_a_node_with_pid_pressure_are_replaced_on_another_node(
    kube: Client, kube_hub: KubeHub, username: str
) -> None:
    cluster, before = kube_hub.namespace.cluster, kube_hub.namespace.get("pods", "", "--selector=rc2hub.org/pool")
    node = before[0]["spec"]["nodeName"]
    try:
        cluster.machine("node-pid-pressure", node.removeprefix("node"))
        eventually(lambda: node not in nodes_of(kube_hub) and len(standbys(kube_hub)) == SPARE)
        async with server(kube, username), kube.kernel(username) as r:
            assert await r.run("cat(6 * 7)") == "42"
    finally:
        cluster.machine("node-pid-relief", node.removeprefix("node"))
        kube_hub.namespace.wait("condition=PIDPressure=False", f"node/{node}")
    eventually(lambda: len(kube_hub.namespace.get("pods")) == len(standbys(kube_hub)) == SPARE)


async def test_standbys_for_a_spare_rule_start_within_two_seconds_after_its_begin(kube_hub: KubeHub) -> None:
    begins = (datetime.now(UTC) + timedelta(seconds=70)).replace(second=0, microsecond=0)
    hours = f"{begins:%H:%M}-{begins + timedelta(hours=1):%H:%M}"
    with restarted(kube_hub, spare={"else": SPARE, f"Mon-Sun {hours} UTC": SPARE + 2}):
        eventually(lambda: len(standbys(kube_hub)) == SPARE)
        with PoolWatcher(kube_hub.namespace, SPARE + 2) as watcher:
            eventually(lambda: len(standbys(kube_hub)) == SPARE + 2)
        watcher.write_report("class", kube_hub.downtimes)
    enough = [now for now, ready, starting in watcher.samples if ready + starting >= SPARE + 2]
    assert 0 <= enough[0] - begins.timestamp() < REPLACEMENT_TIMEOUT


async def test_a_new_template_is_rolled_out_without_a_shortage_of_standbys(kube_hub: KubeHub) -> None:
    before = set(standbys(kube_hub))
    with restarted(kube_hub, labels={"roll-out": "1"}):
        rolled_out = wait_for_replacement(kube_hub, before)
    wait_for_replacement(kube_hub, rolled_out)


async def test_a_failed_rollout_keeps_the_old_standbys_and_is_reported(kube_hub: KubeHub, username: str) -> None:
    before = set(standbys(kube_hub))
    with restarted(kube_hub, image="localhost/rc2hub/missing:2"):
        async with kube_hub.client() as client:

            async def is_reported() -> bool:
                _, metrics = await client.call("GET", "/hub/metrics")
                return 'rc2_pool_standbys{profile="r",state="broken"} 1.0' in str(metrics)

            await until(is_reported)
            assert set(standbys(kube_hub)) == before
            async with server(client, username), client.kernel(username) as r:
                assert await r.run("cat(6 * 7)") == "42"
                assert pod_of(kube_hub, username)["metadata"]["name"] in before
                eventually(lambda: len(standbys(kube_hub)) == SPARE)
            eventually(lambda: "ImagePull" in kube_hub.log())


def wait_for_replacement(hub: KubeHub, old: set[str]) -> set[str]:
    """Wait until the pool is full and has none of these standbys; return the new ones."""
    eventually(lambda: len(standbys(hub)) == SPARE and not old & set(standbys(hub)))
    return set(standbys(hub))


def nodes_of(hub: KubeHub) -> set[str]:
    """The nodes of the standbys."""
    return {pod["spec"].get("nodeName", "") for pod in hub.namespace.get("pods", "", "--selector=rc2hub.org/pool")}


@contextmanager
def restarted(hub: KubeHub, **run: Any) -> Iterator[None]:
    """Restart the hub with these settings, and at the end with the previous ones."""
    previous, hub.run = hub.run, hub.run | run
    hub.stop()
    hub.start()
    try:
        yield
    finally:
        hub.run = previous
        hub.stop()
        hub.start()
