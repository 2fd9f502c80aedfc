import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from rc2hub.broker.reconcile import Desired, Plan, Reconciler, plan
from rc2hub.broker.wire import decode, encode
from rc2hub.errors import ServiceUnavailableError
from rc2hub.permissions import Grant
from rc2hub.profiles import PoolState
from rc2hub.services.base import Attachment, Existing, Server, SharedService

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ALICE, BOB = Server("alice"), Server("bob", "second")
FRESH, OLD = Existing("read", NOW + timedelta(hours=1)), Existing("read", NOW - timedelta(seconds=1))
READ = frozenset({Grant("flights", "read")})


@pytest.mark.parametrize(
    ("wanted", "seen", "held", "expected"),
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
        "asked for",
        "in order",
        "gone from the hub",
        "soon out of date",
        "other level",
        "secret lost in a restart of the broker",
        "dropped behind our back",
        "one comes, one goes",
    ],
)
def test_the_plan_brings_the_service_to_the_hubs_list(wanted, seen, held, expected):
    assert plan(wanted, seen, held, NOW) == expected


def test_who_asks_without_a_grant_is_not_wanted():
    desired = Desired({ALICE: {"flights": "read"}, BOB: {"flights": "read"}}, {"alice": READ})
    assert desired.wanted("flights") == {ALICE: "read"}


def test_the_desired_state_survives_its_travel():
    desired = Desired(
        {ALICE: {"flights": "read"}, BOB: {}}, {"alice": READ, "bob": frozenset()}, [PoolState("r", 3, 1, 1, 1, "no room")]
    )
    assert decode(encode(desired)) == desired


class Shelf(SharedService):
    """A service of which only the faults are made up."""

    kind, levels, before_prompt, required = "shelf", ("read", "write"), True, frozenset()

    def __init__(self) -> None:
        super().__init__("flights", {}, 3600.0)
        self.there: dict[Server, Existing] = {}
        self.dead = False
        self.refuses: set[Server] = set()

    @classmethod
    def validate(cls, where, entry) -> None: ...

    async def check(self) -> None:
        if self.dead:
            raise ServiceUnavailableError("flights: the shelf is gone.")

    async def attached(self) -> Mapping[Server, Existing]:
        await self.check()
        return dict(self.there)

    async def attach(self, server: Server, level: str) -> Attachment:
        if server in self.refuses:
            raise ServiceUnavailableError("flights: not for her.")
        until = datetime.now(UTC) + timedelta(hours=1)
        self.there[server] = Existing(level, until)
        return Attachment("flights", "shelf", level, f"role of {server.user}", until, "use it", {}, {"secret": "s3cret"})

    async def revoke(self, server: Server) -> None:
        self.there.pop(server, None)

    async def close(self) -> None: ...


@pytest.fixture
async def shelf():
    return Shelf()


@pytest.fixture
async def reconciler(shelf):
    reconciler = Reconciler({"flights": shelf})
    working = asyncio.create_task(reconciler.run())
    yield reconciler
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


async def settle(reconciler, desired):
    reconciler.accept(desired)
    assert await reconciler.until(lambda: reconciler.settled("flights"), 5)


async def test_a_broker_that_just_started_does_nothing_before_the_first_list(reconciler, shelf):
    shelf.there[BOB] = FRESH
    assert not await reconciler.until(lambda: reconciler.settled("flights") and reconciler.desired is not None, 0.05)
    assert shelf.there == {BOB: FRESH}


async def test_what_the_hub_lists_is_attached_and_what_it_does_not_is_revoked(reconciler, shelf):
    shelf.there[BOB] = FRESH
    await settle(reconciler, Desired({ALICE: {"flights": "read"}}, {"alice": READ}))
    assert set(shelf.there) == {ALICE}
    assert reconciler.states(ALICE)[0]["state"] == "attached"


async def test_a_lost_grant_detaches_and_says_so(reconciler, shelf):
    await settle(reconciler, Desired({ALICE: {"flights": "read"}}, {"alice": READ}))
    await settle(reconciler, Desired({ALICE: {"flights": "read"}}, {"alice": frozenset()}))
    assert shelf.there == {}
    assert reconciler.states(ALICE)[0]["state"] == "detached"
    assert "taken away" in reconciler.states(ALICE)[0]["why"]
    assert reconciler.files(ALICE, "flights") == {}


async def test_a_dead_service_is_a_sentence_and_comes_back_with_the_next_list(reconciler, shelf):
    desired = Desired({ALICE: {"flights": "read"}}, {"alice": READ})
    shelf.dead = True
    await settle(reconciler, desired)
    assert reconciler.states(ALICE)[0]["state"] == "failed"
    assert reconciler.states(ALICE)[0]["why"] == "flights: the shelf is gone."
    shelf.dead = False
    await settle(reconciler, Desired(desired.servers, desired.grants))
    assert reconciler.states(ALICE)[0]["state"] == "attached"


async def test_one_server_that_fails_does_not_keep_the_others_waiting(reconciler, shelf):
    shelf.refuses = {ALICE}
    everyone = {server: {"flights": "read"} for server in (ALICE, BOB)}
    await settle(reconciler, Desired(everyone, {"alice": READ, "bob": READ}))
    assert set(shelf.there) == {BOB}


async def test_the_version_changes_with_the_secret_but_does_not_tell_it(reconciler):
    desired = Desired({ALICE: {"flights": "read"}}, {"alice": READ})
    before = reconciler.version(ALICE)
    await settle(reconciler, desired)
    assert reconciler.version(ALICE) != before
    assert "s3cret" not in reconciler.version(ALICE)


async def test_states_hold_no_secret(reconciler):
    await settle(reconciler, Desired({ALICE: {"flights": "read"}}, {"alice": READ}))
    assert "s3cret" not in repr(reconciler.states(ALICE))
    assert "s3cret" not in repr(reconciler.attachments)
