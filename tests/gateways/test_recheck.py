"""The gateway's check of running calls, while the broker answers late or not at all. The broker is a stand-in."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from rc2hub.errors import NotGrantedError, ServiceUnavailableError
from rc2hub.gateways import spark_gateway
from rc2hub.gateways.attached_servers import Call
from rc2hub.gateways.spark_gateway import REVIEW_GRACE, Gateway
from rc2hub.server_id import ServerId

ALICE, BOB = ServerId("alice"), ServerId("bob")


class Reviewer:
    """Answers for each token as the test says; an event is an answer that does not come."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    async def review(self, token: str) -> None:
        answer = self.answers[token]
        if isinstance(answer, asyncio.Event):
            await answer.wait()
        if isinstance(answer, Exception):
            raise answer

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


async def recheck(checked: Gateway) -> None:
    for server_id, server in checked.attached_servers:
        await checked.recheck_server(server_id, server)


async def test_a_lost_grant_ends_the_call_while_the_answer_for_another_user_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark_gateway, "RECHECK_INTERVAL", 0)
    with gateway(alice=asyncio.Event(), bob=NotGrantedError("lost")) as (checked, calls):
        task = asyncio.create_task(checked.recheck())
        async with asyncio.timeout(5):
            while BOB in checked.attached_servers:
                await asyncio.sleep(0)
        task.cancel()
        assert (calls["bob"].end_message, calls["alice"].end_message) == ("lost", "")


async def test_calls_end_when_the_broker_has_not_answered_for_five_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    with gateway(alice=ServiceUnavailableError("away"), bob=None) as (checked, calls):
        await recheck(checked)
        assert ALICE in checked.attached_servers
        now = time.monotonic() + REVIEW_GRACE + 1
        monkeypatch.setattr(spark_gateway, "time", SimpleNamespace(monotonic=lambda: now, time=time.time))
        await recheck(checked)
        assert ALICE not in checked.attached_servers
        assert calls["alice"].end_message == "The call was ended: away"
        assert BOB in checked.attached_servers


async def test_a_server_that_was_not_renewed_is_detached_though_the_broker_does_not_answer() -> None:
    with gateway(alice=ServiceUnavailableError("away")) as (checked, calls):
        checked.attached_servers.attach(ALICE, "use", time.time() - 1)
        await recheck(checked)
        assert ALICE not in checked.attached_servers
        assert calls["alice"].end_message
