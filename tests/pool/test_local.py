"""A pool of one machine: who gets which standby, what happens to broken ones, and that nothing outlives its owner."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from rc2hub.errors import StandbyError
from rc2hub.pool import local
from rc2hub.pool.local import Kind, sweep
from rc2hub.profiles import PoolState, Profile
from rc2hub.spare import Demand, Spare
from tests.fixtures.hub import until


class FakeStandby:
    """A standby whose start and end the test decides."""

    def __init__(self) -> None:
        self.started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.discarded = False
        self.status: int | None = None
        self.process = self
        self.folder = Path("fake")

    def poll(self) -> int | None:
        return self.status

    async def get_ready(self) -> None:
        await self.started

    async def discard(self) -> None:
        self.discarded = True


class Tides:
    """A `spare` that the test changes, as the hours do."""

    number = 1

    def wanted(self, *_: object) -> int:
        return self.number


class Workshop:
    """A kind that runs, and every standby that it started."""

    def __init__(self, spare: int | Spare | Tides) -> None:
        self.standbys: list[FakeStandby] = []
        value = Spare(spare) if isinstance(spare, int) else spare
        self.kind = Kind(Profile("r", "R", spare=value), self._start)

    def _start(self, _profile: Profile) -> FakeStandby:
        self.standbys.append(FakeStandby())
        return self.standbys[-1]

    async def has_started(self, count: int) -> None:
        await becomes(lambda: len(self.standbys) >= count)

    async def with_ready(self, count: int) -> None:
        """Let the next `count` standbys get ready, one after the other."""
        for index in range(count):
            await self.has_started(index + 1)
            self.standbys[index].started.set_result(None)
        await becomes(lambda: len(self.kind._ready) == count)


async def becomes(condition: Callable[[], bool]) -> None:
    async def holds() -> bool:
        return condition()

    await until(holds, 5)


@asynccontextmanager
async def running(spare: int | Spare | Tides) -> AsyncIterator[Workshop]:
    workshop = Workshop(spare)
    task = asyncio.create_task(workshop.kind.run())
    try:
        yield workshop
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same waits, shorter."""
    monkeypatch.setattr(local, "QUIET", 0.05)
    monkeypatch.setattr(local, "LOOK_AGAIN", 0.05)
    monkeypatch.setattr(local, "FIRST_PAUSE", 0.05)


async def test_spare_standbys_are_started_one_at_a_time():
    async with running(spare=3) as workshop:
        await workshop.with_ready(3)
    assert len(workshop.standbys) == 3


async def test_the_oldest_ready_standby_is_claimed_and_another_started():
    async with running(spare=2) as workshop:
        await workshop.with_ready(2)
        assert await workshop.kind.claim() is workshop.standbys[0]
        await workshop.has_started(3)


async def test_nothing_is_started_while_claims_keep_coming(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(local, "QUIET", 3600)
    async with running(spare=2) as workshop:
        await workshop.with_ready(2)
        await workshop.kind.claim()
        workshop.standbys[1].status = 1
        await becomes(lambda: workshop.standbys[1].discarded)
        assert len(workshop.standbys) == 2


async def test_people_who_wait_are_served_in_the_order_they_came():
    async with running(spare=0) as workshop:
        claims = []
        for index in range(3):
            claims.append(asyncio.create_task(workshop.kind.claim()))
            await becomes(lambda wanted=index + 1: len(workshop.kind._waiting) == wanted)
        for index, claim in enumerate(claims):
            await becomes(lambda wanted=index: len(workshop.standbys) > wanted)
            workshop.standbys[index].started.set_result(None)
            assert await claim is workshop.standbys[index]
    assert len(workshop.standbys) == 3


async def test_people_who_wait_have_as_many_started_at_once_as_there_are_cores(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    async with running(spare=0) as workshop:
        claims = [asyncio.create_task(workshop.kind.claim()) for _ in range(5)]
        await workshop.has_started(2)
        workshop.standbys[0].started.set_result(None)
        await workshop.has_started(3)
        assert [claim.done() for claim in claims].count(True) == 1
        for claim in claims:
            claim.cancel()


async def test_who_gives_up_waiting_takes_nothing():
    async with running(spare=0) as workshop:
        gave_up, stays = asyncio.create_task(workshop.kind.claim()), asyncio.create_task(workshop.kind.claim())
        await becomes(lambda: len(workshop.kind._waiting) == 2)
        gave_up.cancel()
        workshop.standbys[0].started.set_result(None)
        assert await stays is workshop.standbys[0]


async def test_who_gives_up_in_the_moment_of_being_served_gives_it_to_the_next():
    async with running(spare=0) as workshop:
        first, second = asyncio.create_task(workshop.kind.claim()), asyncio.create_task(workshop.kind.claim())
        await becomes(lambda: len(workshop.kind._waiting) == 2)
        standby = FakeStandby()
        workshop.kind._take_in(standby)
        first.cancel()
        assert await second is standby
        assert first.cancelled()


async def test_a_standby_that_died_is_never_claimed():
    async with running(spare=1) as workshop:
        await workshop.with_ready(1)
        workshop.standbys[0].status = 1
        claim = asyncio.create_task(workshop.kind.claim())
        await workshop.has_started(2)
        workshop.standbys[1].started.set_result(None)
        assert await claim is workshop.standbys[1]
        assert workshop.standbys[0].discarded


async def test_a_standby_that_died_is_replaced_before_somebody_comes():
    async with running(spare=1) as workshop:
        await workshop.with_ready(1)
        workshop.standbys[0].status = 1
        await workshop.has_started(2)
        assert workshop.standbys[0].discarded


async def test_standbys_that_do_not_start_are_tried_again_with_longer_and_longer_pauses():
    moments = []
    async with running(spare=1) as workshop:
        for index in range(4):
            await workshop.has_started(index + 1)
            moments.append(asyncio.get_running_loop().time())
            workshop.standbys[index].started.set_exception(StandbyError("no R"))
    assert all(standby.discarded for standby in workshop.standbys)
    pauses = [after - before for before, after in itertools.pairwise(moments)]
    assert pauses[0] >= 0.04
    assert pauses[1] >= 0.09
    assert pauses[2] >= 0.19


async def test_who_has_waited_longest_is_told_that_standbys_do_not_start():
    async with running(spare=0) as workshop:
        claim = asyncio.create_task(workshop.kind.claim())
        await workshop.has_started(1)
        workshop.standbys[0].started.set_exception(StandbyError("no R"))
        with pytest.raises(StandbyError, match="an operator finds the reason in the hub's log"):
            await claim


async def test_when_the_pool_ends_so_do_its_standbys_but_not_somebodys():
    async with running(spare=2) as workshop:
        await workshop.with_ready(2)
        await workshop.kind.claim()
        await workshop.has_started(3)
    assert [standby.discarded for standby in workshop.standbys] == [False, True, True]


async def test_when_more_are_wanted_more_are_started_and_when_fewer_the_youngest_end():
    tides = Tides()
    async with running(tides) as workshop:
        await workshop.with_ready(1)
        tides.number = 3
        await workshop.has_started(2)
        workshop.standbys[1].started.set_result(None)
        await workshop.has_started(3)
        workshop.standbys[2].started.set_result(None)
        tides.number = 1
        await becomes(lambda: workshop.standbys[1].discarded and workshop.standbys[2].discarded)
        assert not workshop.standbys[0].discarded
        assert await workshop.kind.claim() is workshop.standbys[0]


async def test_a_pool_that_follows_demand_grows_with_the_claims():
    async with running(Spare(Demand(1, 5))) as workshop:
        await workshop.with_ready(1)
        claims = [asyncio.create_task(workshop.kind.claim()) for _ in range(3)]
        for index in range(1, 6):
            await workshop.has_started(index + 1)
            workshop.standbys[index].started.set_result(None)
        await asyncio.gather(*claims)
        await becomes(lambda: len(workshop.kind._ready) == 3)


def claims(result: str) -> float:
    return REGISTRY.get_sample_value("rc2_claims_total", {"profile": "r", "result": result, "reason": ""})


def standbys(state: str) -> float:
    return REGISTRY.get_sample_value("rc2_standbys", {"profile": "r", "state": state})


async def test_what_the_pool_does_is_counted():
    async with running(spare=1) as workshop:
        warm, waited, failed = claims("warm"), claims("waited"), claims("failed")
        await workshop.has_started(1)
        assert (standbys("ready"), standbys("starting"), standbys("broken")) == (0, 1, 0)
        await workshop.with_ready(1)
        assert (standbys("ready"), standbys("starting"), standbys("broken")) == (1, 0, 0)
        await workshop.kind.claim()
        waiting = asyncio.create_task(workshop.kind.claim())
        await workshop.has_started(2)
        workshop.standbys[1].started.set_result(None)
        await waiting
        refused = asyncio.create_task(workshop.kind.claim())
        await workshop.has_started(3)
        workshop.standbys[2].started.set_exception(StandbyError("no R"))
        with pytest.raises(StandbyError):
            await refused
        assert (claims("warm"), claims("waited"), claims("failed")) == (warm + 1, waited + 1, failed + 1)
        assert standbys("broken") == 1


async def test_it_says_how_many_standbys_there_are_and_what_hinders_them():
    async with running(spare=1) as workshop:
        await workshop.has_started(1)
        assert workshop.kind.tally.state() == PoolState("r", 1, 0, 1, 0, "")
        workshop.standbys[0].started.set_exception(StandbyError("There is no R."))
        await workshop.has_started(2)
        assert workshop.kind.tally.state() == PoolState("r", 1, 0, 1, 1, "There is no R.")
        workshop.standbys[1].started.set_exception(TimeoutError())
        await workshop.has_started(3)
        assert workshop.kind.tally.state().why == "R was not ready in 120 seconds."
        workshop.standbys[2].started.set_result(None)
        await becomes(lambda: workshop.kind.tally.state() == PoolState("r", 1, 1, 0, 0, ""))


def test_a_folder_of_another_account_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    account = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: account + 1)
    with pytest.raises(StandbyError, match=r"another account's; set c\.LocalPool\.runtime_dir"):
        sweep(tmp_path, set())
