"""The pool of one machine: which claim gets which standby, and when standbys are started and ended."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from rc2hub.errors import ConfigurationError, StandbyError
from rc2hub.hub.pool import process_pool
from rc2hub.hub.pool.process_pool import ProcessProfilePool, sweep
from rc2hub.messages import PoolState
from rc2hub.profiles import Profile
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


class ChangingSpare(Spare):
    """A `spare` that the test changes, as the time of day does."""

    number = 1

    def desired(self, *_: object) -> int:
        return self.number


class TestedPool:
    """A pool that runs, and every standby that it has started."""

    __test__ = False

    def __init__(self, spare: int | Spare) -> None:
        self.standbys: list[FakeStandby] = []
        value = Spare(spare) if isinstance(spare, int) else spare
        self.profile_pool = ProcessProfilePool(Profile("r", "R", spare=value), self._start)

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
        await becomes(lambda: len(self.profile_pool._queue) == count)


async def becomes(condition: Callable[[], bool]) -> None:
    async def holds() -> bool:
        return condition()

    await until(holds, 5)


@asynccontextmanager
async def running(spare: int | Spare) -> AsyncIterator[TestedPool]:
    pool = TestedPool(spare)
    task = asyncio.create_task(pool.profile_pool.run())
    try:
        yield pool
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same delays, shorter."""
    monkeypatch.setattr(process_pool, "QUIET_PERIOD", 0.05)
    monkeypatch.setattr(process_pool, "CHECK_INTERVAL", 0.05)
    monkeypatch.setattr(process_pool, "RETRY_DELAY", 0.05)


async def test_spare_standbys_are_started_one_at_a_time():
    async with running(spare=3) as pool:
        await pool.with_ready(3)
    assert len(pool.standbys) == 3


async def test_the_oldest_ready_standby_is_claimed_and_another_started():
    async with running(spare=2) as pool:
        await pool.with_ready(2)
        assert await pool.profile_pool.claim() is pool.standbys[0]
        await pool.has_started(3)


async def test_nothing_is_started_while_claims_keep_coming(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(process_pool, "QUIET_PERIOD", 3600)
    async with running(spare=2) as pool:
        await pool.with_ready(2)
        await pool.profile_pool.claim()
        pool.standbys[1].status = 1
        await becomes(lambda: pool.standbys[1].discarded)
        assert len(pool.standbys) == 2


async def test_claims_that_wait_get_standbys_in_the_order_of_the_claims():
    async with running(spare=0) as pool:
        claims = []
        for index in range(3):
            claims.append(asyncio.create_task(pool.profile_pool.claim()))
            await becomes(lambda count=index + 1: pool.profile_pool._queue.waiting == count)
        for index, claim in enumerate(claims):
            await becomes(lambda count=index: len(pool.standbys) > count)
            pool.standbys[index].started.set_result(None)
            assert await claim is pool.standbys[index]
    assert len(pool.standbys) == 3


async def test_for_claims_that_wait_as_many_standbys_start_at_once_as_there_are_cores(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    async with running(spare=0) as pool:
        claims = [asyncio.create_task(pool.profile_pool.claim()) for _ in range(5)]
        await pool.has_started(2)
        pool.standbys[0].started.set_result(None)
        await pool.has_started(3)
        assert [claim.done() for claim in claims].count(True) == 1
        for claim in claims:
            claim.cancel()


async def test_a_cancelled_claim_gets_no_standby():
    async with running(spare=0) as pool:
        cancelled, stays = asyncio.create_task(pool.profile_pool.claim()), asyncio.create_task(pool.profile_pool.claim())
        await becomes(lambda: pool.profile_pool._queue.waiting == 2)
        cancelled.cancel()
        pool.standbys[0].started.set_result(None)
        assert await stays is pool.standbys[0]


async def test_a_claim_that_is_cancelled_when_it_gets_a_standby_passes_it_to_the_next():
    async with running(spare=0) as pool:
        first, second = asyncio.create_task(pool.profile_pool.claim()), asyncio.create_task(pool.profile_pool.claim())
        await becomes(lambda: pool.profile_pool._queue.waiting == 2)
        standby = FakeStandby()
        pool.profile_pool._queue.put(standby)
        first.cancel()
        assert await second is standby
        assert first.cancelled()


async def test_a_standby_that_has_died_is_never_claimed():
    async with running(spare=1) as pool:
        await pool.with_ready(1)
        pool.standbys[0].status = 1
        claim = asyncio.create_task(pool.profile_pool.claim())
        await pool.has_started(2)
        pool.standbys[1].started.set_result(None)
        assert await claim is pool.standbys[1]
        assert pool.standbys[0].discarded


async def test_a_standby_that_has_died_is_replaced_before_the_next_claim():
    async with running(spare=1) as pool:
        await pool.with_ready(1)
        pool.standbys[0].status = 1
        await pool.has_started(2)
        assert pool.standbys[0].discarded


async def test_standbys_that_do_not_start_are_tried_again_with_longer_and_longer_delays():
    times = []
    async with running(spare=1) as pool:
        for index in range(4):
            await pool.has_started(index + 1)
            times.append(asyncio.get_running_loop().time())
            pool.standbys[index].started.set_exception(StandbyError("no R"))
    assert all(standby.discarded for standby in pool.standbys)
    delays = [after - before for before, after in itertools.pairwise(times)]
    assert delays[0] >= 0.04
    assert delays[1] >= 0.09
    assert delays[2] >= 0.19


async def test_the_claim_that_has_waited_longest_fails_if_a_standby_does_not_start():
    async with running(spare=0) as pool:
        claim = asyncio.create_task(pool.profile_pool.claim())
        await pool.has_started(1)
        pool.standbys[0].started.set_exception(StandbyError("no R"))
        with pytest.raises(StandbyError, match="an operator finds the reason in the hub's log"):
            await claim


async def test_when_the_pool_ends_its_unclaimed_standbys_end():
    async with running(spare=2) as pool:
        await pool.with_ready(2)
        await pool.profile_pool.claim()
        await pool.has_started(3)
    assert [standby.discarded for standby in pool.standbys] == [False, True, True]


async def test_when_spare_grows_standbys_are_started_and_when_it_shrinks_the_newest_end():
    changing = ChangingSpare()
    async with running(changing) as pool:
        await pool.with_ready(1)
        changing.number = 3
        await pool.has_started(2)
        pool.standbys[1].started.set_result(None)
        await pool.has_started(3)
        pool.standbys[2].started.set_result(None)
        changing.number = 1
        await becomes(lambda: pool.standbys[1].discarded and pool.standbys[2].discarded)
        assert not pool.standbys[0].discarded
        assert await pool.profile_pool.claim() is pool.standbys[0]


async def test_a_pool_by_demand_grows_with_the_claims():
    async with running(Spare(Demand(1, 5))) as pool:
        await pool.with_ready(1)
        claims = [asyncio.create_task(pool.profile_pool.claim()) for _ in range(3)]
        for index in range(1, 6):
            await pool.has_started(index + 1)
            pool.standbys[index].started.set_result(None)
        await asyncio.gather(*claims)
        await becomes(lambda: len(pool.profile_pool._queue) == 3)


def claims(result: str) -> float:
    return REGISTRY.get_sample_value("rc2_pool_claims_total", {"profile": "r", "result": result, "reason": ""})


def standbys(state: str) -> float:
    return REGISTRY.get_sample_value("rc2_pool_standbys", {"profile": "r", "state": state})


async def test_the_metrics_count_claims_and_standbys():
    async with running(spare=1) as pool:
        warm, waited, failed = claims("warm"), claims("waited"), claims("failed")
        await pool.has_started(1)
        assert (standbys("ready"), standbys("starting"), standbys("broken")) == (0, 1, 0)
        await pool.with_ready(1)
        assert (standbys("ready"), standbys("starting"), standbys("broken")) == (1, 0, 0)
        await pool.profile_pool.claim()
        waiting = asyncio.create_task(pool.profile_pool.claim())
        await pool.has_started(2)
        pool.standbys[1].started.set_result(None)
        await waiting
        refused = asyncio.create_task(pool.profile_pool.claim())
        await pool.has_started(3)
        pool.standbys[2].started.set_exception(StandbyError("no R"))
        with pytest.raises(StandbyError):
            await refused
        assert (claims("warm"), claims("waited"), claims("failed")) == (warm + 1, waited + 1, failed + 1)
        assert standbys("broken") == 1


async def test_the_state_counts_standbys_and_contains_the_reason_of_a_failure():
    async with running(spare=1) as pool:
        await pool.has_started(1)
        assert pool.profile_pool.stats.state() == PoolState("r", 1, 0, 1, 0, "")
        pool.standbys[0].started.set_exception(StandbyError("There is no R."))
        await pool.has_started(2)
        assert pool.profile_pool.stats.state() == PoolState("r", 1, 0, 1, 1, "There is no R.")
        pool.standbys[1].started.set_exception(TimeoutError())
        await pool.has_started(3)
        assert pool.profile_pool.stats.state().message == "R was not ready in 120 seconds."
        pool.standbys[2].started.set_result(None)
        await becomes(lambda: pool.profile_pool.stats.state() == PoolState("r", 1, 1, 0, 0, ""))


def test_a_folder_of_another_account_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    account = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: account + 1)
    with pytest.raises(ConfigurationError, match=r"belongs to another account; set c\.ProcessPool\.runtime_dir"):
        sweep(tmp_path, set())
