"""What a start does about a standby that fails: faults are injected here, whole logins are tested elsewhere."""

import asyncio
from typing import Any

import pytest

from rc2hub import lifecycle
from rc2hub.errors import LostStandbyError, StandbyError
from rc2hub.pool.activation import Order
from rc2hub.request import Offer, SpawnRequest
from rc2hub.services.base import Server

LOST = LostStandbyError("The R server ended while it was started; start it again.")
HERS = StandbyError("The home /home/alice belongs to a system account; an operator has to give it to its owner.")


class Standby:
    """A standby that fails, or serves."""

    def __init__(self, number: int, error: Exception | None) -> None:
        self.url, self.error, self.ended = f"http://standby-{number}", error, False

    async def activate(self, order: Order) -> None:
        """Take the order."""

    async def deliver(self, attachments: list[dict[str, Any]]) -> None:
        if self.error is not None:
            raise self.error

    async def discard(self) -> None:
        self.ended = True


class Push:
    """A hub's push that goes nowhere."""

    def push_soon(self) -> None:
        """Nothing is attached."""


class Alice:
    """A compute server whose standbys fail one after the other as said."""

    offer, key, api_token = Offer({}, {}), Server("alice", ""), "token"
    request = SpawnRequest("r", {})

    def __init__(self, *errors: Exception | None) -> None:
        self.errors, self.standbys, self.said = list(errors), list[Standby](), list[str]()
        self.attached: dict[str, str] = {}
        self.push: Any = Push()

    async def claim(self) -> Standby:
        self.standbys.append(Standby(len(self.standbys), self.errors.pop(0)))
        return self.standbys[-1]

    def order(self) -> Order:
        return Order({}, "/home/alice")

    async def delete_tokens(self) -> None:
        """None are there."""

    def remember(self) -> None:
        """Nothing is there."""

    def say(self, message: str) -> None:
        self.said.append(message)


async def error_of(alice: Alice) -> BaseException:
    with pytest.raises(BaseExceptionGroup) as raised:
        await lifecycle.start(alice)
    return lifecycle.first_error(raised.value)


async def test_for_a_standby_that_is_lost_the_next_one_is_taken() -> None:
    alice = Alice(LOST, None)
    assert await lifecycle.start(alice) == "http://standby-1"
    assert [standby.ended for standby in alice.standbys] == [True, False]
    assert "That R was lost; taking the next" in alice.said


async def test_it_is_taken_once() -> None:
    alice = Alice(LOST, LOST, None)
    assert await error_of(alice) is LOST
    assert [standby.ended for standby in alice.standbys] == [True, True]


async def test_a_failure_that_is_the_persons_takes_no_other_standby() -> None:
    alice = Alice(HERS, None)
    assert await error_of(alice) is HERS
    assert [standby.ended for standby in alice.standbys] == [True]


async def test_a_cancelled_start_ends_its_standby() -> None:
    alice = Alice(asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await lifecycle.start(alice)
    assert alice.standbys[0].ended
