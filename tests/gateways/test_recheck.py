"""The gateway's check of running calls, while the broker answers late or not at all. The broker is a stand-in."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from rc2hub.errors import NotGrantedError, ServiceUnavailableError
from rc2hub.gateways import recheck as recheck_module
from rc2hub.gateways.attached_servers import GROUP_LOST, LEVEL_LOST, Call
from rc2hub.gateways.recheck import REVIEW_GRACE, recheck, recheck_server
from rc2hub.gateways.spark_gateway import Gateway
from rc2hub.gateways.token_review import Review
from rc2hub.server_id import ServerId

ALICE, BOB = ServerId("alice"), ServerId("bob")


class Reviewer:
    """Answers for each token as the test says; an event is an answer that does not come."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    async def review(self, token: str) -> Review:
        answer = self.answers[token]
        if isinstance(answer, asyncio.Event):
            await answer.wait()
        if isinstance(answer, Exception):
            raise answer
        return Review(ServerId(token), "read")

    def forget(self, server_id: ServerId) -> None:
        """Forget nothing."""


class Drivers:
    """Has no Connect server."""

    def idle_seconds(self) -> dict[str, float]:
        return {}

    def __contains__(self, key: str) -> bool:
        return False

    async def stop(self, key: str) -> None:
        """Stop nothing."""


@contextmanager
def gateway(**answers: Any) -> Iterator[tuple[Gateway, dict[str, Call]]]:
    """A gateway with a running call for each token, which is a user's name."""
    reviewer: Any = Reviewer(**answers)
    drivers: Any = Drivers()
    made, calls = Gateway(reviewer, drivers), {}
    with ExitStack() as running:
        for name in answers:
            made.attached_servers.attach(ServerId(name), "use", time.time() + 3600)
            calls[name] = running.enter_context(made.attached_servers.track_call(ServerId(name), name))
        yield made, calls


async def recheck_once(checked: Gateway) -> None:
    for server_id, server in checked.attached_servers:
        await recheck_server(checked, server_id, server)


async def test_a_lost_grant_ends_the_call_while_the_answer_for_another_user_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recheck_module, "RECHECK_INTERVAL", 0)
    with gateway(alice=asyncio.Event(), bob=NotGrantedError("lost")) as (checked, calls):
        task = asyncio.create_task(recheck(checked))
        async with asyncio.timeout(5):
            while BOB in checked.attached_servers:
                await asyncio.sleep(0)
        task.cancel()
        assert (calls["bob"].end_message, calls["alice"].end_message) == ("lost", "")


async def test_calls_end_when_the_broker_has_not_answered_for_five_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    with gateway(alice=ServiceUnavailableError("away"), bob=None) as (checked, calls):
        await recheck_once(checked)
        assert ALICE in checked.attached_servers
        now = time.monotonic() + REVIEW_GRACE + 1
        monkeypatch.setattr(recheck_module, "time", SimpleNamespace(monotonic=lambda: now, time=time.time))
        await recheck_once(checked)
        assert ALICE not in checked.attached_servers
        assert calls["alice"].end_message == "The call was ended: away"
        assert BOB in checked.attached_servers


async def test_a_server_that_was_not_renewed_is_detached_though_the_broker_does_not_answer() -> None:
    with gateway(alice=ServiceUnavailableError("away")) as (checked, calls):
        checked.attached_servers.attach(ALICE, "use", time.time() - 1)
        await recheck_once(checked)
        assert ALICE not in checked.attached_servers
        assert calls["alice"].end_message


async def test_a_call_that_takes_a_higher_level_ends_and_the_server_stays_attached() -> None:
    with gateway(alice=None) as (checked, calls):
        calls["alice"].levels = frozenset({"write"})
        with checked.attached_servers.track_call(ALICE, "alice", frozenset({"read", "write"})) as reading:
            await recheck_once(checked)
        assert (calls["alice"].end_message, reading.end_message) == (LEVEL_LOST, "")
        assert ALICE in checked.attached_servers


async def test_a_call_in_the_files_of_a_group_ends_when_its_user_has_left_the_group() -> None:
    with gateway(alice=None) as (checked, calls):
        calls["alice"].groups = frozenset({"staff"})
        await recheck_once(checked)
        assert calls["alice"].end_message == GROUP_LOST
        assert ALICE in checked.attached_servers
