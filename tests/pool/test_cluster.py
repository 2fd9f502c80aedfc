"""The pool of multi-user mode without a cluster: what its sweep takes away, and what it says of its standbys.

The rest is tested on one.
"""

import asyncio
from types import SimpleNamespace
from typing import Any

from rc2hub.cluster import Pod
from rc2hub.pool.cluster import NEEDS_PERSON, PodPool
from rc2hub.pool.deployment import POOL
from rc2hub.profiles import PoolState, Profile
from rc2hub.spare import Spare
from tests.pool.test_deployment import BORN


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


async def test_the_sweep_takes_standbys_that_their_machine_has_ended() -> None:
    swept = Swept(pod("spare", **{POOL: "r"}), pod("evicted", **{POOL: "r"}))
    swept.pods["ns/evicted"]["status"] = {"phase": "Failed", "reason": "Evicted"}
    await swept.sweep(set)
    assert swept.deleted == ["evicted"]


PROFILES = {name: Profile(name, name, spare=Spare(spare)) for name, spare in (("r", 3), ("cold", 0), ("own", 1))}


class Nobody:
    """Can be nobody in every profile but `own`, whose hook asks for a name."""

    owner = ""

    async def born(self, profile: str) -> Pod:
        if profile == "own":
            raise AttributeError("name")
        return BORN


async def no_deployments(_label: str) -> list[str]:
    return []


def standby(name: str, **waiting: str) -> Pod:
    container = {"name": "notebook", "state": {"waiting": waiting} if waiting else {"running": {}}}
    return {**pod(name, **{POOL: "r"}), "status": {"containerStatuses": [container]}}


async def test_each_profile_with_standbys_says_how_they_are_and_what_hinders_them() -> None:
    cluster: Any = SimpleNamespace(namespace="ns", deployments=no_deployments)
    nobody: Any = Nobody()
    pool = PodPool(cluster, None, nobody, PROFILES)
    assert pool.states() == []
    await pool._open_kinds()
    unkept = PoolState("own", 0, 0, 0, 0, NEEDS_PERSON)
    assert pool.states() == [PoolState("r", 3, 0, 0, 0, ""), unkept]
    pool._standbys._pods = {
        "a": standby("a"),
        "b": standby("b", reason="ErrImagePull", message="no such image"),
    }
    kind = await pool.kind("r")
    assert kind
    kind.keeper._notice({})
    assert pool.states() == [PoolState("r", 3, 0, 1, 1, "ErrImagePull: no such image"), unkept]


async def test_who_logs_in_before_the_pool_knows_its_standbys_waits_until_it_does() -> None:
    cluster: Any = SimpleNamespace(namespace="ns", deployments=no_deployments)
    nobody: Any = Nobody()
    pool = PodPool(cluster, None, nobody, PROFILES)
    asking = {name: asyncio.create_task(pool.kind(name)) for name in PROFILES}
    await asyncio.sleep(0)
    assert [name for name, task in asking.items() if task.done()] == ["cold"]
    await pool._open_kinds()
    assert [name for name, task in asking.items() if await task] == ["r"]
