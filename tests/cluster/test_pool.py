"""More pods available than running: a login takes a standby, and another one comes in its place."""

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
from tests.cluster.invariant import PACE, Watcher
from tests.cluster.test_login import is_hers, server, who
from tests.fixtures.hub import Client, until

pytestmark = [pytest.mark.alone, pytest.mark.timeout(180)]
SPARE = 2


@pytest.fixture(scope="module")
def kube_hub(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubeHub]:
    """A hub with a pool in which, whatever happens, standbys are never too few."""
    with running_hub(cluster, tmp_path_factory.mktemp("pool"), spare=SPARE) as hub:
        eventually(lambda: len(standbys(hub)) == SPARE, 90)
        yield hub
        assert hub.watcher.too_few(hub.away) == []


@pytest.fixture(autouse=True)
def full(kube_hub: KubeHub) -> None:
    """Each test begins with a full pool."""
    eventually(lambda: len(standbys(kube_hub)) == SPARE, 60)


def pod_of(hub: KubeHub, person: str) -> dict[str, Any]:
    """A person's pod, of which there is one."""
    (pod,) = hub.namespace.get("pods", "", f"--selector=hub.jupyter.org/username={person}")
    return dict(pod)


async def said(client: Client, person: str) -> list[str]:
    """Start, and give what the person read meanwhile."""
    await client.create(person)
    await client.call("POST", f"/hub/api/users/{person}/server", json={})
    async with client.session.get(client.address(f"/hub/api/users/{person}/server/progress")) as progress:
        lines = [line async for line in progress.content if line.startswith(b"data:")]
    return [json.loads(line[5:])["message"] for line in lines]


async def test_a_login_takes_a_standby_and_another_comes(kube: Client, kube_hub: KubeHub, person: str) -> None:
    before = standbys(kube_hub)
    async with server(kube, person), kube.kernel(person) as r:
        assert await r.run("cat(6 * 7)") == "42"
        assert pod_of(kube_hub, person)["metadata"]["name"] in before
        eventually(lambda: len(standbys(kube_hub)) == SPARE)
        metadata = pod_of(kube_hub, person)["metadata"]
    assert "ownerReferences" not in metadata, "it would end with the Deployment"
    assert "rc2-pool" not in metadata["labels"]


async def test_what_was_a_standby_is_the_persons_as_if_made_for_her(kube: Client, person: str) -> None:
    async with server(kube, person), kube.kernel(person) as r:
        is_hers(await who(r), person)


async def test_a_claimed_standby_grows_to_its_profile(kube: Client, kube_hub: KubeHub, person: str) -> None:
    async with server(kube, person):

        def given() -> Any:
            status = pod_of(kube_hub, person)["status"]["containerStatuses"][0]
            return status["resources"]["requests"]["cpu"] == "50m" and status["restartCount"] == 0

        eventually(given)


async def test_where_a_machine_has_no_room_for_her_profile_she_works_on_and_the_log_says_why(
    kube: Client, kube_hub: KubeHub, person: str
) -> None:
    async with server(kube, f"large-{person}"), kube.kernel(f"large-{person}") as r:
        assert await r.run("cat(6 * 7)") == "42"
        eventually(lambda: "Node didn't have enough capacity: cpu" in kube_hub.log())


async def test_a_hub_that_was_restarted_knows_servers_and_standbys(kube_hub: KubeHub, person: str) -> None:
    async with kube_hub.client() as client:
        await client.create(person)
        assert (await client.start(person))[0] == 201
        hers = pod_of(kube_hub, person)["metadata"]["uid"]
    await asyncio.to_thread(kube_hub.kill)
    before = standbys(kube_hub)
    await asyncio.to_thread(kube_hub.start)
    async with kube_hub.client() as client:
        async with server(client, f"{person}b"), client.kernel(f"{person}b") as r:
            assert await r.run("cat(1)") == "1"
            assert pod_of(kube_hub, f"{person}b")["metadata"]["name"] in before
        async with client.kernel(person) as r:
            assert await r.run("cat(1)") == "1"
        assert pod_of(kube_hub, person)["metadata"]["uid"] == hers
        await client.stop(person)


async def test_a_deployment_deleted_by_hand_comes_back_and_people_work_on(
    kube: Client, kube_hub: KubeHub, person: str
) -> None:
    async with server(kube, person), kube.kernel(person) as r:
        kube_hub.namespace.kubectl("delete", "deployment", "rc2-standbys-r")
        assert await r.run("cat(6 * 7)") == "42"
        eventually(lambda: len(standbys(kube_hub)) == SPARE, 60)
        assert await r.run("cat(6 * 7)") == "42"


async def test_a_server_whose_container_was_started_again_has_ended(kube: Client, kube_hub: KubeHub, person: str) -> None:
    await kube.create(person)
    assert (await kube.start(person))[0] == 201
    pod = pod_of(kube_hub, person)["metadata"]["name"]
    async with kube.kernel(person) as r:
        with pytest.raises(TypeError):  # there is no answer: the kernel ends with its server
            await r.run('tools::pskill(system("pgrep -f [r]c2hub.compute.standby", intern = TRUE), 9)')

    async def has_ended() -> bool:
        _, model = await kube.call("GET", f"/hub/api/users/{person}")
        return not model["servers"] and pod not in kube_hub.namespace.kubectl("get", "pods", "--output=name")

    await until(has_ended, 90)


async def test_who_needs_a_pod_of_her_own_is_told_why_it_takes_longer(kube: Client, kube_hub: KubeHub, person: str) -> None:
    hers = f"own-{person}"
    assert "R is started for you alone, as what is kept ready has other volumeMounts, volumes" in await said(kube, hers)
    assert pod_of(kube_hub, hers)["metadata"]["name"] == f"jupyter-{hers}"
    await kube.stop(hers)


async def test_with_an_empty_pool_people_wait_for_the_next_or_get_one_of_their_own(
    kube: Client, kube_hub: KubeHub, person: str
) -> None:
    people = [f"{person}{number}" for number in range(3 * SPARE)]
    heard = await asyncio.gather(*(said(kube, each) for each in people))
    waited = [words for words in heard if any(word.startswith("Waiting for the next R") for word in words)]
    own = [words for words in heard if "No R is ready, so one is started for you" in words]
    assert (len(waited), len(own)) == (SPARE, SPARE), heard
    for each in people:
        async with kube.kernel(each) as r:
            assert await r.run("cat(Sys.info()[['user']])") == each
        await kube.stop(each)


async def test_a_failure_that_is_the_persons_costs_one_standby(kube: Client, kube_hub: KubeHub, person: str) -> None:
    make = f"mkdir -m 700 /home/{person}"
    kube_hub.namespace.exec(standbys(kube_hub)[0], "sh", "-c", make)  # as root, so it is a system account's
    uids = {pod["metadata"]["uid"] for pod in kube_hub.namespace.get("pods")}
    await kube.create(person)
    status, event = await kube.start(person)
    assert status == 500
    assert "belongs to a system account" in event["message"]
    eventually(lambda: len(standbys(kube_hub)) == SPARE)
    new = {pod["metadata"]["uid"] for pod in kube_hub.namespace.get("pods")} - uids
    assert len(new) == 1


async def test_a_machine_that_runs_short_is_left_for_another(kube: Client, kube_hub: KubeHub, person: str) -> None:
    cluster, before = kube_hub.namespace.cluster, kube_hub.namespace.get("pods", "", "--selector=rc2-pool")
    node = before[0]["spec"]["nodeName"]
    try:
        cluster.machine("node-short", node.removeprefix("node"))
        eventually(lambda: node not in nodes_of(kube_hub) and len(standbys(kube_hub)) == SPARE, 60)
        async with server(kube, person), kube.kernel(person) as r:
            assert await r.run("cat(6 * 7)") == "42"
    finally:
        cluster.machine("node-enough", node.removeprefix("node"))
        kube_hub.namespace.wait("condition=PIDPressure=False", f"node/{node}")
    eventually(lambda: len(kube_hub.namespace.get("pods")) == len(standbys(kube_hub)) == SPARE, 60)


async def test_where_a_class_begins_its_standbys_are_on_their_way_within_two_seconds(kube_hub: KubeHub) -> None:
    begins = (datetime.now(UTC) + timedelta(seconds=70)).replace(second=0, microsecond=0)
    hours = f"{begins:%H:%M}-{begins + timedelta(hours=1):%H:%M}"
    with restarted(kube_hub, spare={"else": SPARE, f"Mon-Sun {hours} UTC": SPARE + 2}):
        eventually(lambda: len(standbys(kube_hub)) == SPARE)
        with Watcher(kube_hub.namespace, SPARE + 2) as watcher:
            eventually(lambda: len(standbys(kube_hub)) == SPARE + 2, 100)
        watcher.report("class", kube_hub.away)
    enough = [now for now, ready, starting in watcher.moments if ready + starting >= SPARE + 2]
    assert 0 <= enough[0] - begins.timestamp() < PACE


async def test_a_new_template_rolls_out_without_ever_falling_below_the_number(kube_hub: KubeHub) -> None:
    before = set(standbys(kube_hub))
    with restarted(kube_hub, labels={"roll-out": "1"}):
        rolled = others(kube_hub, before)
    others(kube_hub, rolled)


async def test_a_broken_roll_out_keeps_the_old_standbys_and_says_so(kube_hub: KubeHub, person: str) -> None:
    before = set(standbys(kube_hub))
    with restarted(kube_hub, image="localhost/rc2hub/missing:2"):
        async with kube_hub.client() as client:

            async def broken() -> bool:
                _, metrics = await client.call("GET", "/hub/metrics")
                return 'rc2_standbys{profile="r",state="broken"} 1.0' in str(metrics)

            await until(broken)
            assert set(standbys(kube_hub)) == before
            async with server(client, person), client.kernel(person) as r:
                assert await r.run("cat(6 * 7)") == "42"
                assert pod_of(kube_hub, person)["metadata"]["name"] in before
                eventually(lambda: len(standbys(kube_hub)) == SPARE)
            eventually(lambda: "ImagePull" in kube_hub.log())


def others(hub: KubeHub, than: set[str]) -> set[str]:
    """Wait until its standbys are all other ones."""
    eventually(lambda: len(standbys(hub)) == SPARE and not than & set(standbys(hub)), 90)
    return set(standbys(hub))


def nodes_of(hub: KubeHub) -> set[str]:
    """Where its standbys are."""
    return {pod["spec"].get("nodeName", "") for pod in hub.namespace.get("pods", "", "--selector=rc2-pool")}


@contextmanager
def restarted(hub: KubeHub, **run: Any) -> Iterator[None]:
    """The hub with another configuration, and afterwards with its own again."""
    own, hub.run = hub.run, hub.run | run
    hub.stop()
    hub.start()
    try:
        yield
    finally:
        hub.run = own
        hub.stop()
        hub.start()
