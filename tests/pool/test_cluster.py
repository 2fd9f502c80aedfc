"""The pool of multi-user mode without a cluster: what its sweep takes away. The rest is tested on one."""

import asyncio
from types import SimpleNamespace
from typing import Any

from rc2hub.cluster import Pod
from rc2hub.pool.cluster import PodPool
from rc2hub.pool.deployment import POOL


def pod(name: str, **labels: str) -> Pod:
    return {"metadata": {"name": name, "labels": labels}}


class Swept:
    """A pool over some pods, in place of its cluster: what is deleted is written down."""

    def __init__(self, *pods: Pod) -> None:
        self.pods = {f"ns/{each['metadata']['name']}": each for each in pods}
        self.deleted: list[str] = []
        self.looked = asyncio.Event()
        cluster: Any = SimpleNamespace(namespace="ns", delete=self.delete)
        self.pool = PodPool(cluster, None, self, {})

    owner = ""

    async def born(self, profile: str) -> Pod:
        raise NotImplementedError

    async def watched(self) -> dict[str, Pod]:
        self.looked.set()
        return self.pods

    async def delete(self, name: str, grace: int = 1) -> None:
        self.deleted.append(name if grace else f"{name} at once")

    async def sweep(self, in_use: Any) -> None:
        """One sweep."""
        sweeping = asyncio.create_task(self.pool._sweep(in_use))
        await self.looked.wait()
        await asyncio.sleep(0)
        sweeping.cancel()


async def test_the_sweep_takes_what_is_nobodys_but_neither_peoples_servers_nor_standbys() -> None:
    swept = Swept(pod("alice"), pod("left"), pod("spare", **{POOL: "r"}))
    await swept.sweep(lambda: {"ns/alice"})
    assert swept.deleted == ["left"]


async def test_the_sweep_leaves_a_pod_that_becomes_somebodys_while_it_looks() -> None:
    swept = Swept(pod("left"), pod("bobs"))
    await swept.sweep(lambda: {"ns/bobs"} if swept.deleted else set())
    assert swept.deleted == ["left"]


async def test_what_a_sweep_asks_does_not_grow_with_the_servers_that_run() -> None:
    calls, used = 0, {f"ns/person-{n}" for n in range(3000)}

    def in_use() -> set[str]:
        nonlocal calls
        calls += 1
        return used

    await Swept(*(pod(f"person-{n}") for n in range(3000))).sweep(in_use)
    assert calls <= 2, f"who uses which of 3000 servers was asked {calls} times"


async def test_the_sweep_strikes_off_what_should_have_ended_long_ago_whosever_it_was() -> None:
    swept = Swept(pod("alice"), pod("bobs"), pod("spare", **{POOL: "r"}))
    for place in ("ns/alice", "ns/spare"):
        swept.pods[place]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    swept.pods["ns/bobs"]["metadata"]["deletionTimestamp"] = "2999-01-01T00:00:00Z"
    await swept.sweep(lambda: {"ns/alice"})
    assert swept.deleted == ["alice at once", "spare at once"]


async def test_the_sweep_takes_standbys_of_a_silent_machine_and_leaves_people_theirs() -> None:
    swept = Swept(pod("alice"), pod("spare", **{POOL: "r"}))
    for each in swept.pods.values():
        each["status"] = {"conditions": [{"type": "Ready", "status": "False"}]}
    await swept.sweep(lambda: {"ns/alice"})
    assert swept.deleted == ["spare"]
