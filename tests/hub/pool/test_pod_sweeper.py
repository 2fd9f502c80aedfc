"""Which pods the sweeper deletes, without a cluster."""

import asyncio
from types import SimpleNamespace
from typing import Any

from rc2hub.hub.pool.deployment import POOL
from rc2hub.hub.pool.pod_sweeper import PodSweeper
from rc2hub.kubernetes import Pod
from tests.hub.pool.pod_watches import NAMESPACE, pod_watch


def pod(name: str, *, namespace: str = NAMESPACE, **labels: str) -> Pod:
    return {"metadata": {"name": name, "namespace": namespace, "labels": labels}}


class Swept:
    """Some pods, and which of them a sweep deletes."""

    def __init__(self, *pods: Pod) -> None:
        self.pods = {each["metadata"]["name"]: each for each in pods}
        self.deleted: list[str] = []

    async def delete(self, name: str, grace: int = 1) -> None:
        self.deleted.append(name if grace else f"{name} at once")

    async def sweep(self, used_locations: Any) -> None:
        """One sweep."""
        api: Any = SimpleNamespace(namespace=NAMESPACE, delete=self.delete)
        sweeper = PodSweeper(api, pod_watch(*self.pods.values()), used_locations)
        sweeping = asyncio.create_task(sweeper.run())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        sweeping.cancel()


async def test_the_sweeper_deletes_pods_without_a_server_but_neither_used_pods_nor_standbys() -> None:
    swept = Swept(pod("alice"), pod("left"), pod("spare", **{POOL: "r"}))
    await swept.sweep(lambda: {"ns/alice"})
    assert swept.deleted == ["left"]


async def test_the_sweeper_keeps_a_pod_that_is_claimed_during_the_sweep() -> None:
    swept = Swept(pod("left"), pod("bobs"))
    await swept.sweep(lambda: {"ns/bobs"} if swept.deleted else set())
    assert swept.deleted == ["left"]


async def test_the_sweeper_keeps_pods_of_another_namespace() -> None:
    swept = Swept(pod("left"), pod("other", namespace="elsewhere"))
    await swept.sweep(set)
    assert swept.deleted == ["left"]


async def test_the_cost_of_a_sweep_does_not_grow_with_the_number_of_running_servers() -> None:
    calls, used = 0, {f"ns/user-{n}" for n in range(3000)}

    def used_locations() -> set[str]:
        nonlocal calls
        calls += 1
        return used

    await Swept(*(pod(f"user-{n}") for n in range(3000))).sweep(used_locations)
    assert calls <= 2, f"the locations of 3000 servers were asked for {calls} times"


async def test_the_sweeper_deletes_pods_that_should_have_ended_long_ago_used_or_not() -> None:
    swept = Swept(pod("alice"), pod("bobs"), pod("spare", **{POOL: "r"}))
    for name in ("alice", "spare"):
        swept.pods[name]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    swept.pods["bobs"]["metadata"]["deletionTimestamp"] = "2999-01-01T00:00:00Z"
    await swept.sweep(lambda: {"ns/alice"})
    assert swept.deleted == ["alice at once", "spare at once"]


async def test_the_sweeper_deletes_standbys_of_an_unreachable_node_and_keeps_used_pods() -> None:
    swept = Swept(pod("alice"), pod("spare", **{POOL: "r"}))
    for each in swept.pods.values():
        each["status"] = {"conditions": [{"type": "Ready", "status": "False"}]}
    await swept.sweep(lambda: {"ns/alice"})
    assert swept.deleted == ["spare"]


async def test_the_sweeper_deletes_standbys_that_their_node_has_ended() -> None:
    swept = Swept(pod("spare", **{POOL: "r"}), pod("evicted", **{POOL: "r"}))
    swept.pods["evicted"]["status"] = {"phase": "Failed", "reason": "Evicted"}
    await swept.sweep(set)
    assert swept.deleted == ["evicted"]
