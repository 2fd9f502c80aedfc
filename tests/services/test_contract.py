"""What the broker relies on, for every kind of shared service: a new kind adds one line to IMPLEMENTATIONS."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from rc2hub.errors import ServiceUnavailableError
from rc2hub.services.base import Server, SharedService

IMPLEMENTATIONS = ["postgres", "spark"]
ALICE, BOB = Server("alice"), Server("bob", "second")
ODD_NAMES = [
    "al@ce",
    "../bob",
    "Ünï cødé",
    "x" * 300,
    "a b",
    "a-b",
    "a_b",
    "A",
    "a",
    'quo"te',
    "back\\slash",
    "semi;colon",
    "-",
]


@pytest.fixture(params=IMPLEMENTATIONS)
def service(request: pytest.FixtureRequest) -> SharedService:
    return request.getfixturevalue(f"{request.param}_service")


async def test_nothing_is_attached_at_first(service: SharedService):
    assert await service.attached() == {}


async def test_what_is_attached_is_known_to_the_service_itself(service: SharedService):
    attachment = await service.attach(ALICE, service.levels[0])
    assert attachment.level == service.levels[0]
    assert datetime.now(UTC) < attachment.until <= datetime.now(UTC) + timedelta(seconds=service.lifetime)
    seen = await service.attached()
    assert set(seen) == {ALICE}
    assert seen[ALICE].level == service.levels[0]
    assert abs(seen[ALICE].until - attachment.until) < timedelta(seconds=1)


async def test_attaching_again_prolongs_and_changes_nothing_that_a_program_has_read(service: SharedService):
    first, second = [await service.attach(ALICE, service.levels[0]) for _ in range(2)]
    assert (first.role, first.settings, first.files) == (second.role, second.settings, second.files)
    assert first.until < second.until
    assert len(await service.attached()) == 1


async def test_the_level_can_change(service: SharedService):
    for level in service.levels:
        await service.attach(ALICE, level)
        assert (await service.attached())[ALICE].level == level


async def test_what_is_revoked_is_gone_and_the_other_stays(service: SharedService):
    await service.attach(ALICE, service.levels[0])
    await service.attach(BOB, service.levels[0])
    await service.revoke(ALICE)
    assert set(await service.attached()) == {BOB}


async def test_revoking_what_is_not_there_does_nothing(service: SharedService):
    await service.revoke(ALICE)
    await service.attach(ALICE, service.levels[0])
    await asyncio.gather(service.revoke(ALICE), service.revoke(ALICE))
    assert await service.attached() == {}


async def test_people_whose_names_differ_at_all_never_share_a_role(service: SharedService):
    servers = [Server(name) for name in ODD_NAMES] + [Server("a", "b"), Server("alice", "one")]
    roles = [(await service.attach(server, service.levels[0])).role for server in servers]
    people = {role: {server.user for server, its in zip(servers, roles, strict=True) if its == role} for role in roles}
    assert all(len(users) == 1 for users in people.values())
    assert set(await service.attached()) == set(servers)
    await asyncio.gather(*(service.revoke(server) for server in servers))
    assert await service.attached() == {}


async def test_many_at_once_all_succeed(service: SharedService):
    servers = [Server(f"user{number}") for number in range(20)]
    await asyncio.gather(*(service.attach(server, service.levels[0]) for server in servers))
    assert set(await service.attached()) == set(servers)
    await asyncio.gather(*(service.revoke(server) for server in servers))
    assert await service.attached() == {}


async def test_no_secret_is_in_a_repr(service: SharedService):
    attachment = await service.attach(ALICE, service.levels[0])
    for content in attachment.files.values():
        assert content not in repr(attachment)
        for secret in content.strip().split(":")[4:]:
            assert secret not in repr(attachment)


@pytest.fixture(params=IMPLEMENTATIONS)
def dead_service(request: pytest.FixtureRequest) -> SharedService:
    return request.getfixturevalue(f"dead_{request.param}_service")


async def test_a_dead_service_says_so_within_ten_seconds(dead_service: SharedService):
    async with asyncio.timeout(10):
        with pytest.raises(ServiceUnavailableError, match=dead_service.name):
            await dead_service.attached()
        with pytest.raises(ServiceUnavailableError):
            await dead_service.attach(ALICE, dead_service.levels[0])
