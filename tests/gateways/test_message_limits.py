"""No user takes the memory of the gateway that all share."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways import message_limits
from rc2hub.gateways.message_limits import MAX_CALLS_OF_USER, MAX_MESSAGES_OF_USER, MessageLimits


async def take(limits: MessageLimits, user: str, taken: list[str], end: asyncio.Event) -> None:
    async with limits.call(user), limits.message(user):
        taken.append(user)
        await end.wait()


async def test_a_user_who_uploads_four_times_waits_and_others_do_not() -> None:
    limits, end = MessageLimits(), asyncio.Event()
    taken: list[str] = []
    async with asyncio.TaskGroup() as tasks:
        for user in ["alice"] * 4 + ["bob"]:
            tasks.create_task(take(limits, user, taken, end))
        async with asyncio.timeout(5):
            while "bob" not in taken:
                await asyncio.sleep(0)
        assert taken.count("alice") == MAX_MESSAGES_OF_USER
        end.set()
    assert taken.count("alice") == 4


async def test_a_message_that_does_not_arrive_ends_its_call_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_limits, "MESSAGE_TIMEOUT", 0.01)
    limits = MessageLimits()
    for _ in range(2 * MAX_MESSAGES_OF_USER):
        with pytest.raises(ServiceUnavailableError, match="did not arrive within 60 seconds; try again"):
            async with limits.message("alice"):
                await asyncio.Event().wait()


async def test_the_calls_of_a_user_are_limited_and_those_of_others_go_on() -> None:
    limits = MessageLimits()
    async with AsyncExitStack() as calls:
        for _ in range(MAX_CALLS_OF_USER):
            await calls.enter_async_context(limits.call("alice"))
        with pytest.raises(ServiceUnavailableError, match="256 running calls of Spark; try again when one has ended"):
            await calls.enter_async_context(limits.call("alice"))
        await calls.enter_async_context(limits.call("bob"))
    async with limits.call("alice"):
        """Ended calls count no longer."""
