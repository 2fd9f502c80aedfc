"""Which pods the sweeper deletes, without a cluster."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from rc2hub.hub.pool.deployment import HUB, POOL, STARTED
from rc2hub.hub.pool.pod_sweeper import PodSweeper
from rc2hub.kubernetes import Pod
from tests.hub.pool.pod_watches import NAMESPACE, pod_watch

OURS, THEIRS = "11111111", "22222222"
NOT_READY = {"type": "Ready", "status": "False"}
EVICTED = {"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager"}
LONG_AGO = "2026-01-01T00:00:00Z"


def pod(name: str, *, namespace: str = NAMESPACE, hub: str = OURS, **labels: str) -> Pod:
    return {"metadata": {"name": name, "namespace": namespace, "labels": {HUB: hub, **labels}}}


def standby(name: str) -> Pod:
    return pod(name, **{POOL: "r"})


def started(name: str) -> Pod:
    """The pod of a server that JupyterHub has stored."""
    return pod(name, **{STARTED: "true"})


class Swept:
    """Some pods, and which of them sweeps delete."""

    def __init__(self, *pods: Pod) -> None:
        self.pods = {each["metadata"]["name"]: each for each in pods}
        self.watch = pod_watch(*pods)
        self.deleted: list[str] = []
        self.used: set[str] = set()
        self.questions = 0
        api: Any = SimpleNamespace(namespace=NAMESPACE, delete=self.delete)
        self.sweeper = PodSweeper(api, self.watch, self.used_locations, OURS)

    async def delete(self, name: str, grace: int = 1) -> None:
        self.deleted.append(name if grace else f"{name} at once")

    def used_locations(self) -> set[str]:
        self.questions += 1
        return self.used

    async def twice(self) -> list[str]:
        """Which pods two sweeps delete."""
        await self.sweeper.sweep()
        await self.sweeper.sweep()
        return self.deleted


async def test_the_sweeper_deletes_pods_without_a_server_but_neither_used_pods_nor_standbys() -> None:
    swept = Swept(pod("alice"), pod("left"), standby("spare"))
    swept.used = {"ns/alice"}
    assert await swept.twice() == ["left"]


async def test_a_pod_is_deleted_at_the_second_sweep_that_finds_it_without_a_server() -> None:
    swept = Swept(pod("left"), pod("bobs"))
    await swept.sweeper.sweep()
    assert swept.deleted == []
    swept.used = {"ns/bobs"}
    await swept.sweeper.sweep()
    assert swept.deleted == ["left"]


async def test_a_pod_that_had_a_server_in_between_is_found_twice_again_before_it_is_deleted() -> None:
    swept = Swept(pod("alice"))
    await swept.sweeper.sweep()
    swept.used = {"ns/alice"}
    await swept.sweeper.sweep()
    swept.used = set()
    await swept.sweeper.sweep()
    assert swept.deleted == []


async def test_the_sweeper_keeps_a_pod_that_is_claimed_during_the_sweep() -> None:
    swept = Swept(pod("left"), pod("bobs"))
    swept.sweeper._used_locations = lambda: {"ns/bobs"} if swept.deleted else set()
    assert await swept.twice() == ["left"]


async def test_a_second_hub_in_the_namespace_loses_neither_servers_nor_standbys() -> None:
    theirs = [pod("server", hub=THEIRS), standby("spare"), pod("of-no-hub")]
    theirs[1]["metadata"]["labels"][HUB] = THEIRS
    del theirs[2]["metadata"]["labels"][HUB]
    for each in theirs:
        each["status"] = {"phase": "Failed", "conditions": [NOT_READY, EVICTED]}
    assert await Swept(*theirs).twice() == []


async def test_a_hub_whose_database_was_restored_keeps_the_running_servers_that_it_does_not_know(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "JupyterHub")
    assert await Swept(started("alice")).twice() == []
    assert [record.getMessage() for record in caplog.records] == [
        "The pod alice is a running server that this hub does not know, as after a restore of its database;"
        " delete it with kubectl when it is not needed any more."
    ]


async def test_the_pod_of_a_server_whose_stop_failed_is_deleted() -> None:
    swept = Swept(started("alice"))
    swept.used = {"ns/alice"}
    await swept.sweeper.sweep()
    swept.used = set()  # JupyterHub forgets a server whose stop has failed
    assert await swept.twice() == ["alice"]


async def test_a_server_that_has_ended_leaves_no_pod() -> None:
    swept = Swept(started("evicted"))
    swept.pods["evicted"]["status"] = {"phase": "Failed", "reason": "Evicted"}
    assert await swept.twice() == ["evicted"]


async def test_nothing_is_deleted_while_the_api_server_is_away_because_the_pods_are_old() -> None:
    swept = Swept(pod("left"))
    swept.watch.failure = "the Kubernetes API does not answer"
    assert await swept.twice() == []
    swept.watch.failure = ""
    assert await swept.twice() == ["left"]


async def test_the_sweeper_keeps_pods_of_another_namespace() -> None:
    assert await Swept(pod("left"), pod("other", namespace="elsewhere")).twice() == ["left"]


async def test_the_cost_of_a_sweep_does_not_grow_with_the_number_of_running_servers() -> None:
    swept = Swept(*(pod(f"user-{n}") for n in range(3000)))
    swept.used = {f"ns/user-{n}" for n in range(3000)}
    await swept.sweeper.sweep()
    assert swept.questions <= 2, f"the locations of 3000 servers were asked for {swept.questions} times"


async def test_a_pod_that_ends_slowly_is_not_forced_to_end_whatever_the_clock_of_the_hub_shows() -> None:
    swept = Swept(pod("alice"), pod("bob"), standby("spare"))
    for name, condition in (
        ("alice", {**NOT_READY, "reason": "ContainersNotReady"}),
        ("bob", NOT_READY),
        ("spare", NOT_READY),
    ):
        swept.pods[name]["metadata"]["deletionTimestamp"] = LONG_AGO
        swept.pods[name]["status"] = {"conditions": [condition]}
    assert await swept.twice() == []


async def test_pods_that_kubernetes_has_evicted_from_a_node_that_does_not_answer_are_deleted_at_once_used_or_not() -> None:
    swept = Swept(pod("alice"), standby("spare"))
    for each in swept.pods.values():
        each["metadata"]["deletionTimestamp"] = LONG_AGO
        each["status"] = {"conditions": [NOT_READY, EVICTED]}
    swept.used = {"ns/alice"}
    await swept.sweeper.sweep()
    assert swept.deleted == ["alice at once", "spare at once"]


async def test_the_sweeper_deletes_standbys_of_an_unreachable_node_and_keeps_used_pods() -> None:
    swept = Swept(pod("alice"), standby("spare"))
    for each in swept.pods.values():
        each["status"] = {"conditions": [NOT_READY]}
    swept.used = {"ns/alice"}
    assert await swept.twice() == ["spare"]


async def test_the_sweeper_deletes_standbys_that_their_node_has_ended() -> None:
    swept = Swept(standby("spare"), standby("evicted"))
    swept.pods["evicted"]["status"] = {"phase": "Failed", "reason": "Evicted"}
    assert await swept.twice() == ["evicted"]
