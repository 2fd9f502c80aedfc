"""How a hub holds and gives away the standbys of a profile; here without a cluster, which `tests/cluster` has."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from rc2hub.cluster import Pod, Pods, Standbys
from rc2hub.errors import StandbyError
from rc2hub.pool import claim
from rc2hub.pool.claim import PodKind
from rc2hub.pool.deployment import POOL, TEMPLATE
from rc2hub.pool.pods import PodStandby
from rc2hub.pool.stream import Stream
from rc2hub.profiles import Profile

DEADLINE = 5.0


def pod(name: str, *, ready: bool = True, template: str = "new") -> Pod:
    conditions = [{"type": "Ready", "status": str(ready)}]
    metadata = {"name": name, "labels": {POOL: "r", TEMPLATE: template}}
    return {"metadata": metadata, "spec": {}, "status": {"conditions": conditions}}


class Lines:
    """A standby that says nothing until it ends."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    async def write(self, line: bytes) -> None: ...

    async def readline(self) -> bytes:
        await self.ended.wait()
        return b""

    async def close(self) -> None:
        self.ended.set()


class Kind:
    """A kind of standbys whose pods a test makes, and whose streams it holds."""

    def __init__(self) -> None:
        self.pods = Pods("ns", POOL, api=object())
        self.streams: dict[str, list[Lines]] = {}
        self.failure: StandbyError | None = None
        keeper: Any = SimpleNamespace(template="new", trouble="", run=lambda wanted: asyncio.Event().wait())
        cluster: Any = SimpleNamespace(claim=self.claim_pod)
        self.kind = PodKind(Profile("r", "R"), keeper, cluster, self.pods)

    async def claim_pod(self, name: str, patch: Any) -> Pod | None:
        if self.failure:
            raise self.failure
        return self.pods.get(name)

    async def connect(self, cluster: Standbys, name: str) -> PodStandby:
        self.streams.setdefault(name, []).append(lines := Lines())
        return PodStandby(cluster, name, Stream(lines))

    async def change(self, *pods: Pod) -> None:
        """Let these pods be as they are here, and whoever watches them see it."""
        for each in pods:
            self.pods._pods[each["metadata"]["name"]] = each
        self.pods._notify()
        for _ in range(5):
            await asyncio.sleep(0)

    async def claim(self) -> str:
        spawner: Any = SimpleNamespace(pod_name="", marks=({}, {}), say=lambda message: None)
        async with asyncio.timeout(DEADLINE):
            await self.kind.claim(spawner)
        return str(spawner.pod_name)


@pytest.fixture
async def kind(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Kind]:
    made = Kind()
    monkeypatch.setattr(PodStandby, "connect", made.connect)
    running = asyncio.create_task(made.kind.run())
    yield made
    running.cancel()
    for lines in itertools.chain(*made.streams.values()):
        lines.ended.set()
    await asyncio.wait({running})


async def test_the_standby_that_waits_longest_goes_first_but_one_of_the_newest_template_before_all(kind: Kind) -> None:
    await kind.change(pod("a", template="old"))
    await kind.change(pod("b"))
    await kind.change(pod("c"))
    assert [await kind.claim() for _ in range(3)] == ["b", "c", "a"]


async def test_a_standby_that_is_ready_again_has_a_stream_again(kind: Kind) -> None:
    await kind.change(pod("a"))
    await kind.change(pod("a", ready=False))
    kind.streams["a"][0].ended.set()
    await kind.change(pod("b"))
    assert len(kind.streams["a"]) == 1
    await kind.change(pod("a"))
    assert len(kind.streams["a"]) == 2
    assert {await kind.claim(), await kind.claim()} == {"a", "b"}


async def test_a_standby_is_not_lost_with_a_claim_that_fails(kind: Kind) -> None:
    await kind.change(pod("a"))
    kind.failure = StandbyError("the Kubernetes API does not answer")
    with pytest.raises(StandbyError):
        await kind.claim()
    kind.failure = None
    await kind.change(pod("a"))
    assert await kind.claim() == "a"


async def test_news_of_one_standby_cost_the_same_beside_few_and_many(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Pod] = []
    is_ready = claim.is_ready

    def noting(pod: Pod) -> bool:
        looked.append(pod)
        return is_ready(pod)

    await kind.change(*(pod(f"standby-{n}") for n in range(100)))
    monkeypatch.setattr(claim, "is_ready", noting)
    await kind.change(pod("new"))
    assert {each["metadata"]["name"] for each in looked} == {"new"}, f"{len(looked)} looks"
