"""The queue of both pools: which claim gets which standby, and that none is lost."""

import asyncio
from collections.abc import Callable

import pytest

from rc2hub.errors import StandbyError
from rc2hub.hub.pool import standby_queue
from rc2hub.hub.pool.standby_queue import StandbyQueue

Claim = asyncio.Task[str | None]


def never(_ahead: int) -> bool:
    return False


@pytest.fixture
def queue() -> StandbyQueue[str]:
    return StandbyQueue()


async def waiting(queue: StandbyQueue[str], count: int, goes_on: Callable[[int], bool] = lambda _: True) -> list[Claim]:
    """So many claims that wait, in this order."""
    claims = [asyncio.create_task(queue.wait(goes_on)) for _ in range(count)]
    await asyncio.sleep(0)
    assert queue.waiting == count
    return claims


async def cancel(claim: Claim) -> None:
    claim.cancel()
    await asyncio.wait({claim})
    assert claim.cancelled()


async def test_the_oldest_standby_is_taken_first(queue: StandbyQueue[str]) -> None:
    for name in ("a", "b"):
        queue.put(name)
    assert [queue.take(), queue.take(), queue.take()] == ["a", "b", None]


async def test_a_preferred_standby_is_taken_before_an_older_one_and_any_other_if_there_is_none(
    queue: StandbyQueue[str],
) -> None:
    for name in ("old", "new 1", "new 2"):
        queue.put(name)
    taken = [queue.take(lambda standby: standby.startswith("new")) for _ in range(4)]
    assert taken == ["new 1", "new 2", "old", None]


async def test_the_newest_standby_is_the_surplus_one(queue: StandbyQueue[str]) -> None:
    for name in ("a", "b"):
        queue.put(name)
    assert queue.take_newest() == "b"
    assert list(queue) == ["a"]


async def test_a_removed_standby_is_not_taken(queue: StandbyQueue[str]) -> None:
    for name in ("a", "b"):
        queue.put(name)
    assert queue.remove("a")
    assert not queue.remove("a")
    assert (len(queue), queue.take()) == (1, "b")


async def test_a_standby_may_be_removed_while_the_queue_is_iterated(queue: StandbyQueue[str]) -> None:
    for name in ("a", "b", "c"):
        queue.put(name)
    assert [name for name in queue if queue.remove(name)] == ["a", "b", "c"]


async def test_new_standbys_go_to_the_claims_that_wait_in_their_order(queue: StandbyQueue[str]) -> None:
    claims = await waiting(queue, 2)
    for name in ("a", "b", "c"):
        queue.put(name)
    assert await asyncio.gather(*claims) == ["a", "b"]
    assert list(queue) == ["c"]
    assert queue.waiting == 0


async def test_a_claim_is_told_how_many_are_before_it(queue: StandbyQueue[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standby_queue, "POLL_INTERVAL", 0.01)
    seen: list[int] = []

    def goes_on(ahead: int) -> bool:
        seen.append(ahead)
        return True

    first = (await waiting(queue, 1))[0]
    second = asyncio.create_task(queue.wait(goes_on))
    await asyncio.sleep(0)
    assert seen == [1]
    queue.put("a")
    assert await first == "a"
    while seen[-1]:
        await asyncio.sleep(0.01)
    queue.put("b")
    assert await second == "b"


async def test_a_claim_ends_without_a_standby_if_none_is_on_its_way(queue: StandbyQueue[str]) -> None:
    assert await queue.wait(never) is None
    queue.put("a")
    assert list(queue) == ["a"]


async def test_a_claim_that_waits_ends_when_no_standby_is_on_its_way_any_more(
    queue: StandbyQueue[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standby_queue, "POLL_INTERVAL", 0.01)
    on_the_way = 1
    claim = (await waiting(queue, 1, lambda ahead: ahead < on_the_way))[0]
    on_the_way = 0
    assert await claim is None
    assert queue.waiting == 0


async def test_a_claim_that_is_cancelled_before_it_waits_takes_nothing(queue: StandbyQueue[str]) -> None:
    claim = asyncio.create_task(queue.wait())
    await cancel(claim)
    queue.put("a")
    assert list(queue) == ["a"]


async def test_a_claim_that_is_cancelled_while_it_waits_leaves_its_place_to_the_next(queue: StandbyQueue[str]) -> None:
    first, second = await waiting(queue, 2)
    await cancel(first)
    queue.put("a")
    assert await second == "a"
    assert list(queue) == []


async def test_a_standby_that_comes_between_the_cancellation_and_the_end_of_a_claim_is_not_lost(
    queue: StandbyQueue[str],
) -> None:
    first, second = await waiting(queue, 2)
    first.cancel()
    queue.put("a")
    assert await second == "a"
    assert first.cancelled()


async def test_a_claim_that_is_cancelled_after_its_standby_came_gives_it_to_the_next(queue: StandbyQueue[str]) -> None:
    first, second = await waiting(queue, 2)
    queue.put("a")
    first.cancel()
    assert await second == "a"
    assert first.cancelled()


async def test_a_cancelled_claim_gives_its_standby_back_if_no_claim_waits(queue: StandbyQueue[str]) -> None:
    (claim,) = await waiting(queue, 1)
    queue.put("a")
    await cancel(claim)
    assert queue.take() == "a"


async def test_a_failure_ends_the_claim_that_has_waited_longest_and_no_other(queue: StandbyQueue[str]) -> None:
    first, second = await waiting(queue, 2)
    queue.fail(StandbyError("no R"))
    with pytest.raises(StandbyError, match="no R"):
        await first
    queue.put("a")
    assert await second == "a"


async def test_a_failure_without_a_claim_that_waits_changes_nothing(queue: StandbyQueue[str]) -> None:
    queue.fail(StandbyError("no R"))
    queue.put("a")
    assert queue.take() == "a"


async def test_a_claim_that_is_cancelled_after_its_failure_ends_cancelled(queue: StandbyQueue[str]) -> None:
    (claim,) = await waiting(queue, 1)
    queue.fail(StandbyError("no R"))
    await cancel(claim)
    assert len(queue) == 0
