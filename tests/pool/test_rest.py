"""When a new standby is placed: not beside the logins that it follows, and never much later. Time is a fake here."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from rc2hub.cluster import Pods
from rc2hub.errors import StandbyError
from rc2hub.pool import rest
from rc2hub.pool.deployment import GATE, POOL
from rc2hub.pool.rest import LONGEST, LOOK, QUIET, Rest

RESTING: dict[str, Any] = {"metadata": {"name": "new"}, "spec": {"schedulingGates": [{"name": GATE}]}}
PLACED: dict[str, Any] = {"metadata": {"name": "new"}, "spec": {}}


class World:
    """A cluster and a clock, of which a test decides everything."""

    def __init__(self) -> None:
        self.now = 100.0
        self.placed: list[tuple[str, str, float]] = []
        self.failures = 0
        self.awaited_from = float("inf")
        self.logins: list[float] = []
        self.pods = Pods("ns", POOL, api=object())
        self.pods._pods["new"] = RESTING
        cluster: Any = SimpleNamespace(place=self.place)
        self.rest = Rest(cluster, self.pods, lambda: self.now >= self.awaited_from)

    async def place(self, name: str, gate: str) -> None:
        if self.failures:
            self.failures -= 1
            raise StandbyError("the Kubernetes API does not answer")
        self.placed.append((name, gate, self.now - 100))

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.now += seconds
        for _ in [login for login in self.logins if login <= self.now]:
            self.rest.login()

    async def look(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            self.rest.look(tasks, "new", self.pods.get("new"))  # type: ignore[arg-type]
            self.rest.look(tasks, "new", self.pods.get("new"))  # type: ignore[arg-type]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(rest, "time", SimpleNamespace(monotonic=lambda: made.now))
    monkeypatch.setattr(rest, "asyncio", SimpleNamespace(sleep=made.sleep))
    return made


async def test_with_nobody_there_a_new_standby_is_placed_at_once_and_once(world: World) -> None:
    await world.look()
    assert world.placed == [("new", GATE, 0.0)]


async def test_it_rests_until_the_login_is_over(world: World) -> None:
    world.rest.login()
    await world.look()
    assert world.placed == [("new", GATE, pytest.approx(QUIET, abs=LOOK))]


async def test_it_rests_no_longer_than_two_seconds_however_many_log_in(world: World) -> None:
    world.rest.login()
    world.logins = [100.0]  # and from then on at each look
    await world.look()
    assert world.placed == [("new", GATE, pytest.approx(LONGEST, abs=LOOK))]


async def test_who_waits_for_it_is_worth_more_than_the_logins_that_go_on(world: World) -> None:
    world.rest.login()
    world.awaited_from = 100.3
    await world.look()
    assert world.placed == [("new", GATE, pytest.approx(0.3, abs=LOOK))]


async def test_it_is_tried_again_for_as_long_as_it_rests(world: World) -> None:
    world.failures = 2
    await world.look()
    assert world.placed == [("new", GATE, 2 * rest.AGAIN)]


async def test_a_hub_that_is_told_to_end_leaves_none_resting(world: World) -> None:
    world.rest.login()
    looking = asyncio.create_task(world.look())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert world.placed == []
    looking.cancel()
    await asyncio.wait({looking})
    assert [name for name, _, _ in world.placed] == ["new"]


async def test_one_that_is_placed_or_gone_is_left_alone(world: World) -> None:
    world.pods._pods["new"] = PLACED
    await world.look()
    assert world.placed == []
