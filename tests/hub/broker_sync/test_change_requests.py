"""The change requests of users reach their servers, whatever happens to one of them or to a push."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from rc2hub.errors import ServiceUnavailableError
from rc2hub.hub.broker_sync import change_requests, desired_state
from rc2hub.hub.broker_sync.change_requests import ChangeRequestFollower
from rc2hub.hub.broker_sync.desired_state import DesiredStatePush
from rc2hub.messages import ChangeRequest, DesiredStateUpdate, PendingRequests
from tests.hub.broker_sync.hub_stub import Hub, spawner


class Broker:
    """Asks the hub what the test says, and fails as often as it says."""

    def __init__(self, *answers: PendingRequests | Exception) -> None:
        self.answers = list(answers)
        self.failures = 0
        self.asks = asyncio.Event()
        self.pushed: list[DesiredStateUpdate] = []

    async def pending_requests(self) -> PendingRequests:
        await self.asks.wait()
        if not self.answers:
            await asyncio.Event().wait()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def put_desired_state(self, update: DesiredStateUpdate) -> None:
        if self.failures:
            self.failures -= 1
            raise ServiceUnavailableError("The broker does not answer.")
        self.pushed.append(update)


def detach(user: str) -> ChangeRequest:
    return ChangeRequest(user, "", "flights", None)


def apply(one: Any, request: ChangeRequest) -> None:
    """Detach, except from a server that fails."""
    if one.requested_services.get("flights") == "broken":
        raise RuntimeError("the state cannot be stored")
    one.requested_services.pop(request.service)


@asynccontextmanager
async def following(hub: Hub, broker: Broker) -> AsyncIterator[None]:
    """A hub that pushes and follows, until the block ends."""
    client: Any = broker
    push = DesiredStatePush(client, hub)
    tasks = [asyncio.create_task(run()) for run in (push.run, ChangeRequestFollower(push, apply).run)]
    broker.asks.set()
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def holds(broker: Broker, user: str, servers: dict[str, dict[str, str]]) -> None:
    """Wait until the broker knows these servers of the user."""
    async with asyncio.timeout(10):
        while not any((state := update.users.get(user)) and state.servers == servers for update in reversed(broker.pushed)):
            await asyncio.sleep(0.001)


async def test_a_request_that_cannot_be_stored_loses_no_other_one() -> None:
    hub = Hub()
    hub.add("ada", spawner(flights="broken"))
    hub.add("bob", spawner(flights="read"))
    broker = Broker(PendingRequests(change_requests=(detach("ada"), detach("bob"))))
    async with following(hub, broker):
        await holds(broker, "bob", {"": {}})


async def test_two_requests_are_carried_out_though_the_push_after_them_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = Hub()
    for name in ("ada", "bob"):
        hub.add(name, spawner(flights="read"))
    broker = Broker(PendingRequests(change_requests=(detach("ada"), detach("bob"))))
    monkeypatch.setattr(desired_state, "INTERVAL", 0.001)
    async with following(hub, broker):
        broker.asks.clear()
        await holds(broker, "ada", {"": {"flights": "read"}})
        broker.failures = 1
        broker.asks.set()
        await holds(broker, "ada", {"": {}})
        await holds(broker, "bob", {"": {}})


async def test_requests_are_followed_again_after_the_broker_was_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_requests, "RETRY_DELAY", 0.001)
    hub = Hub()
    hub.add("ada", spawner(flights="read"))
    broker = Broker(ServiceUnavailableError("away"), PendingRequests(change_requests=(detach("ada"),)))
    async with following(hub, broker):
        await holds(broker, "ada", {"": {}})
