"""Hubs that race for the same standbys: exactly one hub gets each standby, and the others learn this from the response."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from kubernetes_asyncio.client import ApiClient, CoreV1Api
from kubernetes_asyncio.config import load_kube_config

from rc2hub.hub.pool.claim import claim_patch
from rc2hub.hub.pool.deployment import POOL
from rc2hub.kubernetes import StandbyApi
from tests.cluster.cluster import Namespace

HUBS = 5
CLAIMS = 1000


@pytest.fixture
async def clients(namespace: Namespace) -> AsyncIterator[list[ApiClient]]:
    """One client for each hub."""
    await load_kube_config(namespace.cluster.settings["KUBECONFIG"])
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(ApiClient()) for _ in range(HUBS)]


async def create_standby(api: CoreV1Api, namespace: str, name: str) -> None:
    """Create a standby that no node runs; the race is for its label."""
    metadata = {"name": name, "labels": {POOL: "r"}, "annotations": {"a": "b"}}
    spec = {"schedulerName": "none", "containers": [{"name": "notebook", "image": "none"}]}
    await api.create_namespaced_pod(namespace, {"metadata": metadata, "spec": spec})


async def race(hub: StandbyApi, number: int, pods: list[str]) -> tuple[str | None, int]:
    """Claim these standbys in random order until one claim succeeds; the pod, and the number of claims."""
    for tried, pod in enumerate(random.sample(pods, len(pods)), start=1):
        if await hub.claim(pod, claim_patch("r", {"hub": str(number)}, {})):
            return pod, tried
    return None, len(pods)


async def test_each_standby_is_claimed_by_only_one_of_five_hubs(namespace: Namespace, clients: list[ApiClient]) -> None:
    api, hubs = CoreV1Api(clients[0]), [StandbyApi(client, namespace.name) for client in clients]
    claims = rounds = 0
    while claims < CLAIMS:
        rounds += 1
        pods = [f"s{rounds}-{number}" for number in range(2 + rounds % 4)]
        await asyncio.gather(*(create_standby(api, namespace.name, pod) for pod in pods))
        results = await asyncio.gather(*(race(hub, number, pods) for number, hub in enumerate(hubs)))
        claims += sum(tried for _, tried in results)
        won = Counter(pod for pod, _ in results if pod)
        assert won == Counter(pods), results
        for number, (pod, _) in enumerate(results):
            if pod:
                found = await api.read_namespaced_pod(pod, namespace.name)
                assert found.metadata.labels["hub"] == str(number), "another hub has changed the label"
        await api.delete_collection_namespaced_pod(namespace.name, grace_period_seconds=0)


async def test_a_claim_of_a_deleted_standby_fails_like_any_lost_claim(
    namespace: Namespace, clients: list[ApiClient]
) -> None:
    assert await StandbyApi(clients[0], namespace.name).claim("gone", claim_patch("r", {}, {})) is None
