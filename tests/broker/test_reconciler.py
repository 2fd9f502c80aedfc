"""The reconciler and its workers, with a service in memory that fails on request."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rc2hub.broker import service_worker
from rc2hub.broker.reconciler import Reconciler
from rc2hub.broker.service_worker import operation_for
from rc2hub.errors import ConflictError, ServiceUnavailableError
from rc2hub.messages import DesiredState, DesiredStateUpdate, PoolState, UserState
from rc2hub.server_id import ServerId
from rc2hub.services.base import ExistingCredential
from tests.broker.memory_service import MemoryService

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ALICE, BOB = ServerId("alice"), ServerId("bob", "second")
FRESH, OLD = ExistingCredential("read", NOW + timedelta(hours=1)), ExistingCredential("read", NOW - timedelta(seconds=1))
READ = frozenset({"custom:rc2:flights:read"})


@pytest.mark.parametrize(
    ("level", "existing", "is_cached", "expected"),
    [
        (None, None, False, None),
        ("read", None, False, "attach"),
        ("read", FRESH, True, None),
        (None, FRESH, True, "revoke"),
        ("read", OLD, True, "attach"),
        ("write", FRESH, True, "attach"),
        ("read", FRESH, False, "attach"),
        ("read", None, True, "attach"),
    ],
    ids=[
        "nothing",
        "requested",
        "up to date",
        "no longer desired",
        "expires soon",
        "another level",
        "secret lost by a restart of the broker",
        "credential deleted in the service",
    ],
)
def test_an_operation_brings_a_server_to_the_desired_state(
    level: str | None, existing: ExistingCredential | None, is_cached: bool, expected: str | None
) -> None:
    assert operation_for(level, existing, is_cached, NOW) == expected


def user(server: ServerId, scopes: frozenset[str] = READ, **services: str) -> dict[str, UserState]:
    """A user with one server."""
    return {server.user: UserState(scopes=scopes, servers={server.name: services})}


def test_a_server_without_a_grant_is_not_allowed() -> None:
    desired = DesiredState(1, {**user(ALICE, flights="read"), **user(BOB, frozenset(), flights="read")})
    assert [desired.allowed_level(server, "flights") for server in (ALICE, BOB)] == ["read", None]


def test_a_message_of_changes_has_the_same_effect_as_the_whole_desired_state() -> None:
    pools = (PoolState("r", 3, 1, 1, 1, "no room"),)
    before = DesiredState(1, {**user(ALICE, flights="read"), **user(BOB)})
    whole = DesiredStateUpdate(revision=2, users=user(BOB, flights="read"), pools=pools)
    changes = DesiredStateUpdate(revision=2, since=1, users={"alice": None, **user(BOB, flights="read")}, pools=pools)
    assert before.updated(changes) == before.updated(whole) == DesiredState(2, user(BOB, flights="read"), pools)
    assert DesiredStateUpdate.model_validate_json(changes.model_dump_json()) == changes


@pytest.fixture
async def service() -> MemoryService:
    return MemoryService()


@pytest.fixture
async def reconciler(service: MemoryService) -> AsyncIterator[Reconciler]:
    reconciler = Reconciler({"flights": service})
    task = asyncio.create_task(reconciler.run())
    yield reconciler
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def update(reconciler: Reconciler, *users: dict[str, UserState]) -> None:
    """Send the whole desired state, with the next revision."""
    everyone = {name: state for part in users for name, state in part.items()}
    reconciler.update(DesiredStateUpdate(revision=reconciler.revision + 1, users=everyone))


async def reconcile(reconciler: Reconciler, *users: dict[str, UserState]) -> None:
    """Send the whole desired state, and wait until it is reached for both servers."""
    update(reconciler, *users)
    for server in (ALICE, BOB):
        assert await reconciler.wait_until_decided(server, "flights", 30)


async def eventually(condition: Any) -> None:
    """Wait for the end of work in the background."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0)


def state(reconciler: Reconciler, server: ServerId = ALICE) -> Any:
    """The state of the server's only service."""
    return reconciler.states(server).attachments[0]


async def test_a_broker_that_just_started_changes_nothing_before_the_first_desired_state(reconciler, service):
    service.credentials[BOB] = FRESH
    assert not await reconciler.wait_for_desired_state(lambda _desired: True, 0.05)
    assert service.credentials == {BOB: FRESH}


async def test_desired_services_are_attached_and_others_are_revoked(reconciler, service):
    service.credentials[BOB] = FRESH
    await reconcile(reconciler, user(ALICE, flights="read"))
    await eventually(lambda: set(service.credentials) == {ALICE})
    assert state(reconciler).state == "attached"


async def test_a_revoked_grant_detaches_the_service_with_a_message(reconciler, service):
    await reconcile(reconciler, user(ALICE, flights="read"))
    await reconcile(reconciler, user(ALICE, frozenset(), flights="read"))
    assert service.credentials == {}
    assert state(reconciler).state == "detached"
    assert "revoked" in state(reconciler).message
    assert reconciler.states(ALICE, with_files=True).attachments[0].files is None


async def test_an_older_desired_state_is_refused(reconciler, service):
    """Messages can overtake each other on their way; the last to arrive must not win."""
    await reconcile(reconciler, user(ALICE, flights="read"))
    await reconcile(reconciler, user(ALICE, flights="read"), user(BOB, flights="read"))
    for late in (
        DesiredStateUpdate(revision=1, users=user(ALICE, flights="read")),
        DesiredStateUpdate(revision=2, users={}),
        DesiredStateUpdate(revision=3, since=1, users={"bob": None}),
    ):
        with pytest.raises(ConflictError, match="does not follow the revision 2"):
            reconciler.update(late)
    assert set(service.credentials) == {ALICE, BOB}


async def test_a_failed_service_has_a_message_and_is_attached_after_the_next_list(reconciler, service, monkeypatch):
    monkeypatch.setattr(service_worker, "LIST_INTERVAL", 0)
    service.is_down = True
    await reconcile(reconciler, user(ALICE, flights="read"))
    assert (state(reconciler).state, state(reconciler).message) == ("failed", "flights: the service is down.")
    await eventually(lambda: reconciler.health() == {"flights": "failed"})
    service.is_down = False
    update(reconciler, user(ALICE, flights="read"))
    await eventually(lambda: state(reconciler).state == "attached")
    assert reconciler.health() == {"flights": "ready"}


async def test_a_failure_before_does_not_refuse_the_next_user(reconciler, service):
    """The first login after an outage of the database succeeds."""
    service.is_down = True
    await reconcile(reconciler, user(ALICE, flights="read"))
    service.is_down = False
    update(reconciler, user(ALICE, flights="read"), user(BOB, flights="read"))
    assert await reconciler.wait_until_startable(BOB, reconciler.revision, 30)
    assert state(reconciler, BOB).state == "attached"


async def test_a_start_tries_again_what_failed_for_the_same_server_before(reconciler, service):
    service.is_down = True
    await reconcile(reconciler, user(ALICE, flights="read"))
    service.is_down = False
    update(reconciler, user(ALICE, flights="read"))
    assert await reconciler.wait_until_startable(ALICE, reconciler.revision, 30)
    assert state(reconciler).state == "attached"


async def test_one_failed_attach_does_not_block_the_others(reconciler, service):
    service.refused = {ALICE}
    await reconcile(reconciler, user(ALICE, flights="read"), user(BOB, flights="read"))
    assert set(service.credentials) == {BOB}
    assert [state(reconciler, server).state for server in (ALICE, BOB)] == ["failed", "attached"]
    assert reconciler.health() == {"flights": "ready"}


async def test_a_revoke_that_fails_refuses_no_start_and_is_tried_again(reconciler, service, monkeypatch):
    monkeypatch.setattr(service_worker, "LIST_INTERVAL", 0)
    await reconcile(reconciler, user(ALICE, flights="read"))

    async def refuse(_server: ServerId) -> None:
        raise ServiceUnavailableError("flights: the role cannot be dropped.")

    with monkeypatch.context() as patch:
        patch.setattr(service, "revoke", refuse)
        update(reconciler, user(BOB, flights="read"))
        assert await reconciler.wait_until_startable(BOB, reconciler.revision, 30)
        assert state(reconciler, BOB).state == "attached"
    update(reconciler, user(BOB, flights="read"))
    await eventually(lambda: set(service.credentials) == {BOB})


async def test_a_slow_attach_delays_no_other_server(reconciler, service):
    service.slow[ALICE] = asyncio.Event()
    update(reconciler, user(ALICE, flights="read"))
    await eventually(lambda: service.attaches == [ALICE])
    update(reconciler, user(ALICE, flights="read"), user(BOB, flights="read"))
    assert await reconciler.wait_until_decided(BOB, "flights", 30)
    assert [state(reconciler, server).state for server in (ALICE, BOB)] == ["starting", "attached"]


async def test_a_message_during_an_attach_delays_the_start_no_longer_than_the_attach(reconciler, service):
    service.slow[ALICE] = asyncio.Event()
    update(reconciler, user(ALICE, flights="read"))
    await eventually(lambda: service.attaches == [ALICE])
    update(reconciler, user(ALICE, READ | {"custom:rc2:other:read"}, flights="read"))
    await asyncio.sleep(0.01)
    service.slow[ALICE].set()
    assert await reconciler.wait_until_startable(ALICE, reconciler.revision, 5)


async def test_a_message_during_a_revoke_does_not_cancel_it(reconciler, service, monkeypatch):
    await reconcile(reconciler, user(ALICE, flights="read"))
    began, may_end = asyncio.Event(), asyncio.Event()
    ends = []

    async def revoke(server: ServerId) -> None:
        began.set()
        await may_end.wait()
        ends.append(service.credentials.pop(server))

    monkeypatch.setattr(service, "revoke", revoke)
    update(reconciler, user(ALICE, frozenset(), flights="read"))
    await began.wait()
    update(reconciler, user(ALICE, frozenset({"custom:rc2:other:read"}), flights="read"))
    may_end.set()
    assert await reconciler.wait_until_decided(ALICE, "flights", 5)
    assert len(ends) == 1


async def test_a_grant_that_is_lost_during_an_attach_ends_it_and_leaves_no_credential(reconciler, service):
    service.slow[ALICE] = asyncio.Event()
    update(reconciler, user(ALICE, flights="read"))
    await eventually(lambda: service.attaches == [ALICE])
    service.credentials[ALICE] = FRESH
    await reconcile(reconciler, user(ALICE, frozenset(), flights="read"))
    assert service.credentials == {}
    assert state(reconciler).state == "detached"


@pytest.mark.parametrize("error", [UnicodeDecodeError("utf-8", b"\xff", 0, 1, "secret"), KeyError("user"), RuntimeError()])
async def test_an_unexpected_error_of_a_service_ends_nothing(reconciler, service, error, caplog, monkeypatch):
    monkeypatch.setattr(service_worker, "LIST_INTERVAL", 0)
    service.error = error
    await reconcile(reconciler, user(ALICE, flights="read"))
    await eventually(lambda: reconciler.health() == {"flights": "failed"})
    assert f"unexpected {type(error).__name__}" in caplog.text
    assert "Traceback" not in caplog.text
    service.error = None
    await reconcile(reconciler, user(ALICE, flights="read"), user(BOB, flights="read"))
    assert set(service.credentials) == {ALICE, BOB}


async def test_a_change_of_one_server_costs_one_operation_beside_a_thousand(reconciler, service):
    crowd = [user(ServerId(f"user{n}"), flights="read") for n in range(1000)]
    update(reconciler, *crowd)
    await eventually(lambda: len(service.credentials) == len(crowd))
    lists, attaches = service.lists, len(service.attaches)
    reconciler.update(DesiredStateUpdate(revision=2, since=1, users=user(ALICE, flights="read")))
    assert await reconciler.wait_until_decided(ALICE, "flights", 30)
    assert (service.lists, service.attaches[attaches:]) == (lists, [ALICE])


async def test_a_change_wakes_only_the_servers_that_it_concerns(reconciler, service):
    await reconcile(reconciler, user(ALICE, flights="read"), user(BOB))
    checks = []
    monitored = reconciler.etag
    reconciler.etag = lambda server: (checks.append(server), monitored(server))[1]
    waiting = asyncio.create_task(reconciler.wait_for_change(ALICE, monitored(ALICE), 30))
    await eventually(lambda: checks == [ALICE])
    await reconcile(reconciler, user(ALICE, flights="read"), user(BOB, flights="read"))
    assert (checks, waiting.done()) == ([ALICE], False)
    waiting.cancel()


async def test_the_etag_changes_with_the_secret_and_does_not_contain_it(reconciler):
    before = reconciler.etag(ALICE)
    await reconcile(reconciler, user(ALICE, flights="read"))
    assert reconciler.etag(ALICE) != before
    assert "s3cret" not in reconciler.etag(ALICE)


async def test_states_contain_no_secret(reconciler):
    await reconcile(reconciler, user(ALICE, flights="read"))
    assert "s3cret" not in repr(reconciler.states(ALICE))
    assert "s3cret" not in repr(reconciler.states(ALICE, with_files=True))
