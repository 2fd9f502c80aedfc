"""Hubs that race for the same standbys: each of them is given to one, and the losers know it at once."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from kubernetes_asyncio.client import ApiClient, CoreV1Api
from kubernetes_asyncio.config import load_kube_config

from rc2hub.cluster import Standbys
from rc2hub.pool.deployment import POOL, claim_patch
from tests.cluster.cluster import Namespace

HUBS = 5
CLAIMS = 1000

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def clients(namespace: Namespace) -> AsyncIterator[list[ApiClient]]:
    """One client for each hub."""
    await load_kube_config(namespace.cluster.settings["KUBECONFIG"])
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(ApiClient()) for _ in range(HUBS)]


async def place(api: CoreV1Api, namespace: str, name: str) -> None:
    """A standby that no machine runs: what is raced for is its label."""
    metadata = {"name": name, "labels": {POOL: "r"}, "annotations": {"a": "b"}}
    spec = {"schedulerName": "nobody", "containers": [{"name": "notebook", "image": "none"}]}
    await api.create_namespaced_pod(namespace, {"metadata": metadata, "spec": spec})


async def race(hub: Standbys, number: int, pods: list[str]) -> tuple[str | None, int]:
    """What one hub gets of these standbys, in an order of its own, and how many claims it made."""
    for tried, pod in enumerate(random.sample(pods, len(pods)), start=1):
        if await hub.claim(pod, claim_patch("r", {"hub": str(number)}, {})):
            return pod, tried
    return None, len(pods)


async def test_no_standby_is_given_to_two_of_five_hubs(namespace: Namespace, clients: list[ApiClient]) -> None:
    api, hubs = CoreV1Api(clients[0]), [Standbys(client, namespace.name) for client in clients]
    claims = rounds = 0
    while claims < CLAIMS:
        rounds += 1
        pods = [f"s{rounds}-{number}" for number in range(2 + rounds % 4)]
        await asyncio.gather(*(place(api, namespace.name, pod) for pod in pods))
        results = await asyncio.gather(*(race(hub, number, pods) for number, hub in enumerate(hubs)))
        claims += sum(tried for _, tried in results)
        won = Counter(pod for pod, _ in results if pod)
        assert won == Counter(pods), results
        for number, (pod, _) in enumerate(results):
            if pod:
                found = await api.read_namespaced_pod(pod, namespace.name)
                assert found.metadata.labels["hub"] == str(number), "a loser has left its mark"
        await api.delete_collection_namespaced_pod(namespace.name, grace_period_seconds=0)


async def test_a_claim_of_a_standby_that_is_gone_is_lost_like_any_other(
    namespace: Namespace, clients: list[ApiClient]
) -> None:
    assert await Standbys(clients[0], namespace.name).claim("gone", claim_patch("r", {}, {})) is None
