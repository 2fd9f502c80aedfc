"""Requests to attach and detach on their way to the hub: an error means that nothing is carried out later."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from rc2hub.broker import change_requests
from rc2hub.broker.change_requests import ChangeRequests
from rc2hub.broker.reconciler import Reconciler
from rc2hub.errors import ConflictError, ServiceUnavailableError
from rc2hub.messages import ChangeRequest, DesiredStateUpdate, UserState
from tests.broker.memory_service import MemoryService

READ = frozenset({"custom:rc2:flights:read"})
ATTACH, DETACH = ChangeRequest("alice", "", "flights", "read"), ChangeRequest("alice", "", "flights", None)


@pytest.fixture
async def service() -> MemoryService:
    return MemoryService()


@pytest.fixture
async def requests(service: MemoryService, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ChangeRequests]:
    monkeypatch.setattr(change_requests, "REQUEST_TIMEOUT", 0.2)
    reconciler = Reconciler({"flights": service})
    task = asyncio.create_task(reconciler.run())
    hub_says(reconciler)
    yield ChangeRequests(reconciler)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def hub_says(reconciler: Reconciler, **services: str) -> None:
    """The hub's next desired state: alice's server with these services."""
    alice = UserState(scopes=READ, servers={"": services})
    reconciler.update(DesiredStateUpdate(revision=reconciler.revision + 1, users={"alice": alice}))


async def test_a_request_is_answered_when_the_service_is_attached(requests: ChangeRequests, service: MemoryService) -> None:
    submitted = asyncio.create_task(requests.submit(ATTACH))
    assert (await requests.take(5)).change_requests == (ATTACH,)
    hub_says(requests._reconciler, flights="read")
    assert await submitted
    assert len(service.credentials) == 1


async def test_a_request_that_the_hub_does_not_take_is_an_error_and_is_not_carried_out_when_it_returns(
    requests: ChangeRequests,
) -> None:
    with pytest.raises(ServiceUnavailableError, match=r"flights: the hub did not apply the change within .*; try again"):
        await requests.submit(ATTACH)
    assert (await requests.take(0.05)).change_requests == ()


async def test_a_request_whose_user_goes_away_is_withdrawn(requests: ChangeRequests) -> None:
    submitted = asyncio.create_task(requests.submit(ATTACH))
    await asyncio.sleep(0)
    submitted.cancel()
    await asyncio.gather(submitted, return_exceptions=True)
    assert (await requests.take(0.05)).change_requests == ()


async def test_of_two_waiting_requests_the_later_one_counts(requests: ChangeRequests) -> None:
    attaching, detaching = (asyncio.create_task(requests.submit(request)) for request in (ATTACH, DETACH))
    await asyncio.sleep(0)
    assert (await requests.take(5)).change_requests == (DETACH,)
    hub_says(requests._reconciler)
    assert await detaching
    with pytest.raises(ConflictError, match="a later request of yours replaced this one"):
        await attaching


async def test_a_request_that_the_hub_took_and_does_not_confirm_is_no_error(requests: ChangeRequests) -> None:
    submitted = asyncio.create_task(requests.submit(ATTACH))
    await requests.take(5)
    assert not await submitted


async def test_to_attach_again_what_failed_tries_again(requests: ChangeRequests, service: MemoryService) -> None:
    service.is_down = True
    hub_says(requests._reconciler, flights="read")
    assert await requests._reconciler.wait_until_decided(ATTACH.server_id, "flights", 5)
    service.is_down = False
    submitted = asyncio.create_task(requests.submit(ATTACH))
    await requests.take(5)
    hub_says(requests._reconciler, flights="read")
    assert await submitted
    assert requests._reconciler.states(ATTACH.server_id).attachments[0].state == "attached"


async def test_the_hub_is_asked_for_the_grants_of_a_user_without_a_server(requests: ChangeRequests) -> None:
    learning = asyncio.create_task(requests.learn_grants("visitor"))
    assert (await requests.take(5)).users == ("visitor",)
    visitor = UserState(scopes=READ, servers={})
    revision = requests._reconciler.revision
    requests._reconciler.update(DesiredStateUpdate(revision=revision + 1, since=revision, users={"visitor": visitor}))
    await learning
    assert await requests.learn_grants("visitor") is None
    assert (await requests.take(0.05)).users == ()
