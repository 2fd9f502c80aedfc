"""What the broker requires of every kind of shared service, as tests for pytest and pytest-asyncio.

The tests of a kind are a subclass with two fixtures: `service`, a service to which nothing is attached, and `dead_service`,
one that does not answer. No other module imports this one.
"""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from rc2hub.errors import ServiceUnavailableError
from rc2hub.server_id import ServerId
from rc2hub.services.base import SharedService

ALICE, BOB = ServerId("alice"), ServerId("bob", "second")
MANY = [f"user{number}" for number in range(20)]
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


class ServiceContract:
    """One test for each thing that the broker relies on."""

    async def test_nothing_is_attached_at_first(self, service: SharedService) -> None:
        assert await service.attached() == {}

    async def test_the_service_stores_its_attachments(self, service: SharedService) -> None:
        attachment = await service.attach(ALICE, service.levels[0])
        assert attachment.level == service.levels[0]
        assert datetime.now(UTC) < attachment.expires_at <= datetime.now(UTC) + timedelta(seconds=service.lifetime)
        existing = await service.attached()
        assert set(existing) == {ALICE}
        assert existing[ALICE].level == service.levels[0]
        assert abs(existing[ALICE].expires_at - attachment.expires_at) < timedelta(seconds=1)

    async def test_its_line_of_python_can_be_compiled(self, service: SharedService) -> None:
        attachment = await service.attach(ALICE, service.levels[0])
        assert compile(attachment.python_code, attachment.service, "exec")

    async def test_attaching_again_extends_the_expiry_and_changes_no_setting_or_file(self, service: SharedService) -> None:
        first, second = [await service.attach(ALICE, service.levels[0]) for _ in range(2)]
        assert (first.role, first.settings, first.files) == (second.role, second.settings, second.files)
        assert first.expires_at < second.expires_at
        assert len(await service.attached()) == 1

    async def test_the_level_can_change(self, service: SharedService) -> None:
        for level in service.levels:
            await service.attach(ALICE, level)
            assert (await service.attached())[ALICE].level == level

    async def test_revoking_removes_one_attachment_and_keeps_the_others(self, service: SharedService) -> None:
        await service.attach(ALICE, service.levels[0])
        await service.attach(BOB, service.levels[0])
        await service.revoke(ALICE)
        assert set(await service.attached()) == {BOB}

    async def test_revoking_without_an_attachment_does_nothing(self, service: SharedService) -> None:
        await service.revoke(ALICE)
        await service.attach(ALICE, service.levels[0])
        await asyncio.gather(service.revoke(ALICE), service.revoke(ALICE))
        assert await service.attached() == {}

    async def test_users_with_different_names_never_share_a_role(self, service: SharedService) -> None:
        servers = [ServerId(name) for name in ODD_NAMES] + [ServerId("a", "b"), ServerId("alice", "one")]
        roles = [(await service.attach(server, service.levels[0])).role for server in servers]
        users_of = {
            role: {server.user for server, other in zip(servers, roles, strict=True) if other == role} for role in roles
        }
        assert all(len(users) == 1 for users in users_of.values())
        assert set(await service.attached()) == set(servers)
        await asyncio.gather(*(service.revoke(server) for server in servers))
        assert await service.attached() == {}

    async def test_many_concurrent_attaches_and_revokes_succeed(self, service: SharedService) -> None:
        servers = [ServerId(name) for name in MANY]
        await asyncio.gather(*(service.attach(server, service.levels[0]) for server in servers))
        assert set(await service.attached()) == set(servers)
        await asyncio.gather(*(service.revoke(server) for server in servers))
        assert await service.attached() == {}

    async def test_no_secret_is_in_a_repr(self, service: SharedService) -> None:
        attachment = await service.attach(ALICE, service.levels[0])
        for content in attachment.files.values():
            assert content not in repr(attachment)
            for secret in content.strip().split(":")[4:]:
                assert secret not in repr(attachment)

    async def test_a_dead_service_fails_within_ten_seconds(self, dead_service: SharedService) -> None:
        async with asyncio.timeout(10):
            with pytest.raises(ServiceUnavailableError, match=dead_service.name):
                await dead_service.attached()
            with pytest.raises(ServiceUnavailableError):
                await dead_service.attach(ALICE, dead_service.levels[0])
