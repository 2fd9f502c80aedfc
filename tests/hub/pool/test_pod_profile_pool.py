"""How a hub keeps and claims the standbys of a profile, without a cluster; `tests/cluster` has one."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from rc2hub.errors import StandbyError
from rc2hub.hub.pool import pod_profile_pool
from rc2hub.hub.pool.control_stream import Stream
from rc2hub.hub.pool.deployment import POOL, TEMPLATE
from rc2hub.hub.pool.pod_profile_pool import PodProfilePool
from rc2hub.hub.pool.pod_standby import PodStandby
from rc2hub.kubernetes import Pod, StandbyApi
from rc2hub.profiles import Profile
from tests.hub.pool.pod_watches import NAMESPACE, pod_watch, set_pods

DEADLINE = 5.0


def pod(name: str, *, ready: bool = True, template: str = "new") -> Pod:
    conditions = [{"type": "Ready", "status": str(ready)}]
    metadata = {"name": name, "namespace": NAMESPACE, "labels": {POOL: "r", TEMPLATE: template}}
    return {"metadata": metadata, "spec": {}, "status": {"conditions": conditions}}


def claimed_pod(name: str) -> Pod:
    """The pod of a running server."""
    return {**pod(name), "metadata": {"name": name, "namespace": NAMESPACE, "labels": {}}}


class Lines:
    """A standby that sends nothing until it ends."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    async def write(self, line: bytes) -> None: ...

    async def readline(self) -> bytes:
        await self.ended.wait()
        return b""

    async def close(self) -> None:
        self.ended.set()


class TestedPool:
    """A pool whose pods a test makes, and whose streams it holds."""

    __test__ = False

    def __init__(self) -> None:
        self.pods = pod_watch()
        self.streams: dict[str, list[Lines]] = {}
        self.failure: StandbyError | None = None
        self.progress: list[str] = []
        self.reconciler: Any = SimpleNamespace(
            template_hash="new", replica_failure="", run=lambda desired: asyncio.Event().wait()
        )
        api: Any = SimpleNamespace(claim=self.claim_pod)
        self.profile_pool = PodProfilePool(Profile("r", "R"), self.reconciler, api, self.pods)

    async def claim_pod(self, name: str, patch: Any) -> Pod | None:
        if self.failure:
            raise self.failure
        return self.pods.get(name)

    async def connect(self, api: StandbyApi, name: str) -> PodStandby:
        self.streams.setdefault(name, []).append(lines := Lines())
        return PodStandby(api, name, Stream(lines))

    async def change(self, *pods: Pod) -> None:
        """Change these pods, and let the pool see it."""
        set_pods(self.pods, *pods)
        for _ in range(5):
            await asyncio.sleep(0)

    async def claim(self) -> str:
        spawner: Any = SimpleNamespace(pod_name="", pod_metadata=({}, {}), report_progress=self.progress.append)
        async with asyncio.timeout(DEADLINE):
            await self.profile_pool.claim(spawner)
        return str(spawner.pod_name)


@pytest.fixture
async def pool(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TestedPool]:
    made = TestedPool()
    monkeypatch.setattr(PodStandby, "connect", made.connect)
    running = asyncio.create_task(made.profile_pool.run())
    yield made
    running.cancel()
    for lines in itertools.chain(*made.streams.values()):
        lines.ended.set()
    await asyncio.wait({running})


async def test_the_oldest_standby_is_claimed_first_but_those_of_the_newest_template_before_all_others(
    pool: TestedPool,
) -> None:
    await pool.change(pod("a", template="old"))
    await pool.change(pod("b"))
    await pool.change(pod("c"))
    assert [await pool.claim() for _ in range(3)] == ["b", "c", "a"]


async def test_a_standby_that_is_ready_again_has_a_stream_again(pool: TestedPool) -> None:
    await pool.change(pod("a"))
    await pool.change(pod("a", ready=False))
    pool.streams["a"][0].ended.set()
    await pool.change(pod("b"))
    assert len(pool.streams["a"]) == 1
    await pool.change(pod("a"))
    assert len(pool.streams["a"]) == 2
    assert {await pool.claim(), await pool.claim()} == {"a", "b"}


async def test_a_standby_whose_claim_fails_can_be_claimed_again(pool: TestedPool) -> None:
    await pool.change(pod("a"))
    pool.failure = StandbyError("the Kubernetes API does not answer")
    with pytest.raises(StandbyError):
        await pool.claim()
    pool.failure = None
    await pool.change(pod("a"))
    assert await pool.claim() == "a"


async def test_a_standby_that_another_hub_has_claimed_is_not_claimed(pool: TestedPool) -> None:
    await pool.change(pod("a"), pod("b"))
    await pool.change(claimed_pod("a"))
    pool.streams["a"][0].ended.set()
    await pool.change()
    assert await pool.claim() == "b"


async def test_a_claim_waits_for_the_standby_that_starts_and_the_next_one_gets_none(pool: TestedPool) -> None:
    await pool.change(pod("a", ready=False))
    first, second = asyncio.create_task(pool.claim()), asyncio.create_task(pool.claim())
    await asyncio.sleep(0)
    assert await second == ""
    await pool.change(pod("a"))
    assert await first == "a"
    assert pool.progress == ["Waiting for the next R: about 10 s"]


async def test_without_a_standby_on_its_way_a_claim_gets_none(pool: TestedPool) -> None:
    pool.reconciler.replica_failure = "exceeded quota"
    assert await pool.claim() == ""


async def test_an_event_of_one_standby_costs_the_same_beside_few_and_many_pods(
    pool: TestedPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[Pod] = []
    is_ready = pod_profile_pool.is_ready

    def recording(pod: Pod) -> bool:
        checked.append(pod)
        return is_ready(pod)

    await pool.change(*(pod(f"standby-{n}") for n in range(100)))
    await pool.change(*(claimed_pod(f"server-{n}") for n in range(100)))
    monkeypatch.setattr(pod_profile_pool, "is_ready", recording)
    await pool.change(pod("new"))
    assert {each["metadata"]["name"] for each in checked} == {"new"}, f"{len(checked)} checks"
