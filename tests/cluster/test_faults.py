"""What breaks at any step of a start or a stop on a cluster leaves nothing behind, and the next start works."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.cluster.cluster import Cluster, eventually
from tests.cluster.conftest import running_hub
from tests.cluster.hub import KubeHub, standbys
from tests.cluster.steps import STOP
from tests.cluster.test_login import is_ready
from tests.fixtures.hub import Client, until

pytestmark = pytest.mark.timeout(240)
AWAY = 30.0
"""Seconds that the API server is gone."""
WARM = ("comparison", "claim", "activate", "deliver")
COLD = ("manifest", "deliver")
"""What a start goes through with a standby, and with a pod of one's own."""


@pytest.fixture(scope="module")
def mortal(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubeHub]:
    """A hub with a standby that can be held at its steps."""
    folder = tmp_path_factory.mktemp("mortal")
    (folder / "steps").mkdir()
    with running_hub(cluster, folder, spare=1, steps=str(folder / "steps")) as hub:
        yield hub


def hub_killed(hub: KubeHub, _person: str) -> None:
    hub.kill()
    hub.start()


def pod_deleted(hub: KubeHub, person: str) -> None:
    hers = f"--selector=hub.jupyter.org/username={person}"
    hub.namespace.kubectl("delete", "pod", hers, "--grace-period=0", "--force", "--ignore-not-found")


def api_server_away(hub: KubeHub, _person: str) -> None:
    cluster = hub.namespace.cluster
    cluster.machine("stop", "kube-apiserver")
    time.sleep(AWAY)  # that is the fault
    cluster.machine("start", "kube-apiserver")
    cluster.machine("anew")


def etcd_restarted(hub: KubeHub, _person: str) -> None:
    cluster = hub.namespace.cluster
    cluster.machine("stop", "etcd")
    cluster.machine("start", "etcd")
    eventually(lambda: cluster.kubectl("get", "--raw", "/readyz"), 60)


CASES = [
    *(("warm", step, hub_killed) for step in [*WARM, *STOP]),
    *(("cold", step, hub_killed) for step in COLD),
    *(("warm", step, pod_deleted) for step in ("claim", "activate", "deliver")),
    pytest.param("warm", "activate", api_server_away, marks=pytest.mark.alone),
    pytest.param("warm", "claim", etcd_restarted, marks=pytest.mark.alone),
]


@pytest.mark.parametrize(("way", "step", "fault"), CASES, ids=lambda value: getattr(value, "__name__", value))
async def test_after_a_fault_at_a_step_nothing_is_left_and_the_next_start_works(
    mortal: KubeHub, person: str, way: str, step: str, fault: Callable[[KubeHub, str], None]
) -> None:
    person = person if way == "warm" else f"own-{person}"  # who needs something that no standby has
    eventually(lambda: len(standbys(mortal)) == 1, 60)
    hold = mortal.home.with_name("steps") / step
    async with mortal.client() as client:
        await client.create(person)
        if step in STOP:
            assert (await client.start(person))[0] == 201
        hold.touch()
        going = asyncio.create_task(attempt(client, person, "stop" if step in STOP else "start"))
        await until(lambda: _exists(hold.with_suffix(".reached")))
        await asyncio.to_thread(fault, mortal, person)
        hold.unlink()
        hold.with_suffix(".reached").unlink()
        await going
    async with mortal.client() as client:
        await until(lambda: attempt(client, person, "stop"))
        await until(lambda: nothing_left(mortal, client, person))
        await until(lambda: is_ready(client, person))
        async with client.kernel(person) as r:
            assert await r.run("cat(6 * 7)") == "42"
        await client.stop(person)
        await until(lambda: nothing_left(mortal, client, person))


async def attempt(client: Client, person: str, what: str) -> bool:
    """Start or stop; whether it worked. While the hub is away, there is no answer."""
    try:
        if what == "stop":
            await client.stop(person)
            return True
        status, event = await client.start(person)
    except (aiohttp.ClientError, AssertionError, AttributeError) as error:
        print(what, repr(error)[:300])
        return False
    print(what, status, event)  # the sentence that a person reads, to be looked at
    return status == 201


async def nothing_left(hub: KubeHub, client: Client, person: str) -> bool:
    pods = [pod["metadata"]["name"] for pod in hub.namespace.get("pods") if person in json.dumps(pod)]
    _, tokens = await client.call("GET", f"/hub/api/users/{person}/tokens")
    print(pods, tokens)  # read when it never gets empty
    return not pods and not tokens["api_tokens"]


async def _exists(file: Path) -> bool:
    return file.exists()
