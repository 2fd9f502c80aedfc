"""A fault at any step of a start or a stop on a cluster leaves nothing behind, and the next start works."""

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

API_SERVER_DOWNTIME = 30.0
"""Seconds."""
WARM = ("comparison", "claim", "activate", "send-attachments")
COLD = ("manifest", "send-attachments")
"""The steps of a start with a standby, and of a start with a new pod."""


@pytest.fixture(scope="module")
def steppable(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubeHub]:
    """A hub with one standby that tests can pause at each step."""
    folder = tmp_path_factory.mktemp("steppable")
    (folder / "steps").mkdir()
    with running_hub(cluster, folder, spare=1, steps=str(folder / "steps")) as hub:
        yield hub


def hub_killed(hub: KubeHub, _username: str) -> None:
    hub.kill()
    hub.start()


def pod_deleted(hub: KubeHub, username: str) -> None:
    selector = f"--selector=hub.jupyter.org/username={username}"
    hub.namespace.kubectl("delete", "pod", selector, "--grace-period=0", "--force", "--ignore-not-found")


def api_server_down(hub: KubeHub, _username: str) -> None:
    cluster = hub.namespace.cluster
    cluster.machine("stop", "kube-apiserver")
    time.sleep(API_SERVER_DOWNTIME)  # this is the fault
    cluster.machine("start", "kube-apiserver")
    cluster.machine("restart-watchers")


def etcd_restarted(hub: KubeHub, _username: str) -> None:
    cluster = hub.namespace.cluster
    cluster.machine("stop", "etcd")
    cluster.machine("start", "etcd")
    eventually(lambda: cluster.kubectl("get", "--raw", "/readyz"))


CASES = [
    *(("warm", step, hub_killed) for step in [*WARM, *STOP]),
    *(("cold", step, hub_killed) for step in COLD),
    *(("warm", step, pod_deleted) for step in ("claim", "activate", "send-attachments")),
    pytest.param("warm", "activate", api_server_down, marks=pytest.mark.alone),
    pytest.param("warm", "claim", etcd_restarted, marks=pytest.mark.alone),
]


@pytest.mark.parametrize(("way", "step", "fault"), CASES, ids=lambda value: getattr(value, "__name__", value))
async def test_after_a_fault_at_a_step_nothing_is_left_and_the_next_start_works(
    steppable: KubeHub, username: str, way: str, step: str, fault: Callable[[KubeHub, str], None]
) -> None:
    username = username if way == "warm" else f"own-{username}"  # this user needs a volume that no standby has
    eventually(lambda: len(standbys(steppable)) == 1)
    pause = steppable.home.with_name("steps") / step
    async with steppable.client() as client:
        await client.create(username)
        if step in STOP:
            assert (await client.start(username))[0] == 201
        pause.touch()
        running = asyncio.create_task(attempt(client, username, "stop" if step in STOP else "start"))
        await until(lambda: _exists(pause.with_suffix(".reached")))
        await asyncio.to_thread(fault, steppable, username)
        pause.unlink()
        pause.with_suffix(".reached").unlink()
        await running
    async with steppable.client() as client:
        await until(lambda: attempt(client, username, "stop"))
        await until(lambda: nothing_left(steppable, client, username))
        await until(lambda: is_ready(client, username))
        async with client.kernel(username) as r:
            assert await r.run("cat(6 * 7)") == "42"
        await client.stop(username)
        await until(lambda: nothing_left(steppable, client, username))


async def attempt(client: Client, username: str, action: str) -> bool:
    """Start or stop; whether it worked. While the hub is down, there is no answer."""
    try:
        if action == "stop":
            await client.stop(username)
            return True
        status, event = await client.start(username)
    except (aiohttp.ClientError, AssertionError, AttributeError) as error:
        print(action, repr(error)[:300])
        return False
    print(action, status, event)  # the message that the user sees
    return status == 201


async def nothing_left(hub: KubeHub, client: Client, username: str) -> bool:
    pods = [pod["metadata"]["name"] for pod in hub.namespace.get("pods") if username in json.dumps(pod)]
    _, tokens = await client.call("GET", f"/hub/api/users/{username}/tokens")
    print(pods, tokens)  # shown if the test fails
    return not pods and not tokens["api_tokens"]


async def _exists(file: Path) -> bool:
    return file.exists()
