import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from rc2hub.broker.reconciler import Plan, Reconciler, plan
from rc2hub.errors import ServiceUnavailableError
from rc2hub.messages import DesiredState, PoolState, ServerId, decode, encode
from rc2hub.permissions import Grant
from rc2hub.services.base import Attachment, ExistingCredential, SharedService

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ALICE, BOB = ServerId("alice"), ServerId("bob", "second")
FRESH, OLD = ExistingCredential("read", NOW + timedelta(hours=1)), ExistingCredential("read", NOW - timedelta(seconds=1))
READ = frozenset({Grant("flights", "read")})


@pytest.mark.parametrize(
    ("desired", "existing", "cached", "expected"),
    [
        ({}, {}, set(), Plan({}, set())),
        ({ALICE: "read"}, {}, set(), Plan({ALICE: "read"}, set())),
        ({ALICE: "read"}, {ALICE: FRESH}, {ALICE}, Plan({}, set())),
        ({}, {ALICE: FRESH}, {ALICE}, Plan({}, {ALICE})),
        ({ALICE: "read"}, {ALICE: OLD}, {ALICE}, Plan({ALICE: "read"}, set())),
        ({ALICE: "write"}, {ALICE: FRESH}, {ALICE}, Plan({ALICE: "write"}, set())),
        ({ALICE: "read"}, {ALICE: FRESH}, set(), Plan({ALICE: "read"}, set())),
        ({ALICE: "read"}, {}, {ALICE}, Plan({ALICE: "read"}, set())),
        ({ALICE: "read"}, {BOB: FRESH}, {ALICE}, Plan({ALICE: "read"}, {BOB})),
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
        "attach one and revoke another",
    ],
)
def test_the_plan_brings_the_service_to_the_desired_state(desired, existing, cached, expected):
    assert plan(desired, existing, cached, NOW) == expected


def test_a_server_without_a_grant_is_not_allowed():
    desired = DesiredState({ALICE: {"flights": "read"}, BOB: {"flights": "read"}}, {"alice": READ})
    assert desired.allowed_servers("flights") == {ALICE: "read"}


def test_a_desired_state_can_be_encoded_and_decoded():
    desired = DesiredState(
        {ALICE: {"flights": "read"}, BOB: {}}, {"alice": READ, "bob": frozenset()}, [PoolState("r", 3, 1, 1, 1, "no room")]
    )
    assert decode(encode(desired)) == desired


class MemoryService(SharedService):
    """A service in memory that can fail on request."""

    kind, levels, blocks_start, required = "memory", ("read", "write"), True, frozenset()

    def __init__(self) -> None:
        super().__init__("flights", {}, 3600.0)
        self.credentials: dict[ServerId, ExistingCredential] = {}
        self.is_down = False
        self.refused: set[ServerId] = set()

    @classmethod
    def validate(cls, where, entry) -> None: ...

    async def check(self) -> None:
        if self.is_down:
            raise ServiceUnavailableError("flights: the service is down.")

    async def attached(self) -> Mapping[ServerId, ExistingCredential]:
        await self.check()
        return dict(self.credentials)

    async def attach(self, server: ServerId, level: str) -> Attachment:
        if server in self.refused:
            raise ServiceUnavailableError("flights: refused.")
        expires_at = datetime.now(UTC) + timedelta(hours=1)
        self.credentials[server] = ExistingCredential(level, expires_at)
        return Attachment(
            "flights", "memory", level, f"role of {server.user}", expires_at, "use it", {}, {"secret": "s3cret"}
        )

    async def revoke(self, server: ServerId) -> None:
        self.credentials.pop(server, None)

    async def close(self) -> None: ...


@pytest.fixture
async def service():
    return MemoryService()


@pytest.fixture
async def reconciler(service):
    reconciler = Reconciler({"flights": service})
    task = asyncio.create_task(reconciler.run())
    yield reconciler
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def reconcile(reconciler, desired):
    reconciler.set_desired_state(desired)
    assert await reconciler.wait_for(lambda: reconciler.is_reconciled("flights"), 30)


async def test_a_broker_that_just_started_changes_nothing_before_the_first_desired_state(reconciler, service):
    service.credentials[BOB] = FRESH
    assert not await reconciler.wait_for(
        lambda: reconciler.is_reconciled("flights") and reconciler.desired is not None, 0.05
    )
    assert service.credentials == {BOB: FRESH}


async def test_desired_services_are_attached_and_others_are_revoked(reconciler, service):
    service.credentials[BOB] = FRESH
    await reconcile(reconciler, DesiredState({ALICE: {"flights": "read"}}, {"alice": READ}))
    assert set(service.credentials) == {ALICE}
    assert reconciler.states(ALICE)[0]["state"] == "attached"


async def test_a_revoked_grant_detaches_the_service_with_a_message(reconciler, service):
    await reconcile(reconciler, DesiredState({ALICE: {"flights": "read"}}, {"alice": READ}))
    await reconcile(reconciler, DesiredState({ALICE: {"flights": "read"}}, {"alice": frozenset()}))
    assert service.credentials == {}
    assert reconciler.states(ALICE)[0]["state"] == "detached"
    assert "revoked" in reconciler.states(ALICE)[0]["message"]
    assert reconciler.files(ALICE, "flights") == {}


async def test_a_failed_service_has_a_message_and_is_attached_with_the_next_desired_state(reconciler, service):
    desired = DesiredState({ALICE: {"flights": "read"}}, {"alice": READ})
    service.is_down = True
    await reconcile(reconciler, desired)
    assert reconciler.states(ALICE)[0]["state"] == "failed"
    assert reconciler.states(ALICE)[0]["message"] == "flights: the service is down."
    service.is_down = False
    await reconcile(reconciler, DesiredState(desired.servers, desired.grants))
    assert reconciler.states(ALICE)[0]["state"] == "attached"


async def test_one_failed_attach_does_not_block_the_others(reconciler, service):
    service.refused = {ALICE}
    everyone = {server: {"flights": "read"} for server in (ALICE, BOB)}
    await reconcile(reconciler, DesiredState(everyone, {"alice": READ, "bob": READ}))
    assert set(service.credentials) == {BOB}


async def test_the_etag_changes_with_the_secret_and_does_not_contain_it(reconciler):
    desired = DesiredState({ALICE: {"flights": "read"}}, {"alice": READ})
    before = reconciler.etag(ALICE)
    await reconcile(reconciler, desired)
    assert reconciler.etag(ALICE) != before
    assert "s3cret" not in reconciler.etag(ALICE)


async def test_states_contain_no_secret(reconciler):
    await reconcile(reconciler, DesiredState({ALICE: {"flights": "read"}}, {"alice": READ}))
    assert "s3cret" not in repr(reconciler.states(ALICE))
    assert "s3cret" not in repr(reconciler.attachments)
