"""The task that refreshes the groups of users with a running server; hub and authenticator are stand-ins."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest
from sqlalchemy.orm import Session

from rc2hub.hub.broker_sync.desired_state import DesiredStatePush
from rc2hub.hub.broker_sync.group_refresh import GroupRefresh

AGE = 60


@dataclass
class User:
    """What the task needs to know of a JupyterHub user."""

    name: str
    active: bool = True
    groups: list[str] = field(default_factory=lambda: ["staff"])
    auth_state: dict[str, Any] | None = None

    @property
    def spawners(self) -> dict[str, Any]:
        return {"": SimpleNamespace(active=self.active, pending=None, name="", requested_services={})}

    def sync_groups(self, names: list[str]) -> None:
        self.groups = names

    async def save_auth_state(self, state: dict[str, Any]) -> None:
        self.auth_state = state


class Authenticator:
    """Gives the answers of the test."""

    auth_refresh_age = AGE
    manage_groups = enable_auth_state = True

    def __init__(self, **answers: Any) -> None:
        self.answers, self.refreshed = answers, list[str]()

    async def refresh_user(self, user: User, handler: None) -> Any:
        self.refreshed.append(user.name)
        answer = self.answers[user.name]
        if isinstance(answer, Exception):
            raise answer
        return answer


def refresh(authenticator: Authenticator, *users: User) -> GroupRefresh:
    hub: Any = SimpleNamespace(authenticator=authenticator, users=dict(enumerate(users)), db=Session())
    client: Any = SimpleNamespace()
    return GroupRefresh(DesiredStatePush(client, hub))


async def test_new_groups_and_exchanged_tokens_are_stored():
    alice = User("alice")
    await refresh(
        Authenticator(alice={"name": "alice", "groups": ["x"], "auth_state": {"refresh_token": 2}}), alice
    ).refresh_users()
    assert (alice.groups, alice.auth_state) == (["x"], {"refresh_token": 2})


async def test_a_model_without_tokens_keeps_the_stored_tokens():
    alice = User("alice", auth_state={"refresh_token": 1})
    await refresh(Authenticator(alice={"name": "alice", "groups": []}), alice).refresh_users()
    assert (alice.groups, alice.auth_state) == ([], {"refresh_token": 1})


async def test_a_user_whom_the_authenticator_no_longer_knows_is_in_no_group():
    alice = User("alice")
    await refresh(Authenticator(alice=False), alice).refresh_users()
    assert alice.groups == []


async def test_an_unchanged_user_keeps_the_groups():
    alice = User("alice")
    await refresh(Authenticator(alice=True), alice).refresh_users()
    assert alice.groups == ["staff"]


async def test_a_user_who_cannot_be_refreshed_keeps_the_groups_and_delays_no_other_user(caplog: pytest.LogCaptureFixture):
    alice, bob = User("alice"), User("bob")
    await refresh(Authenticator(alice=OSError("away"), bob=False), alice, bob).refresh_users()
    assert (alice.groups, bob.groups) == (["staff"], [])
    assert "could not refresh alice" in caplog.text


class Unloaded(User):
    """A user whose name JupyterHub would have to load from its database."""

    name = property(lambda _self: pytest.fail("the name was loaded"), lambda _self, _name: None)


async def test_a_refresh_that_changes_nothing_loads_no_user() -> None:
    authenticator = Authenticator()
    authenticator.refresh_user = AsyncMock(return_value=True)  # type: ignore[method-assign]
    await refresh(authenticator, *(Unloaded("") for _ in range(3))).refresh_users()
    assert authenticator.refresh_user.await_count == 3


async def test_users_with_a_running_server_are_refreshed_every_auth_refresh_age(monkeypatch: pytest.MonkeyPatch):
    authenticator = Authenticator(alice=True, idle=True)
    task, now = refresh(authenticator, User("alice"), User("idle", active=False)), [1000.0]
    monkeypatch.setattr("rc2hub.hub.broker_sync.group_refresh.time", SimpleNamespace(monotonic=lambda: now[0]))
    for seconds in (0, AGE - 1, 1):
        now[0] += seconds
        await task.refresh_users()
    assert authenticator.refreshed == ["alice", "alice"]


async def test_an_auth_refresh_age_of_zero_means_no_refresh():
    authenticator = Authenticator(alice=False)
    authenticator.auth_refresh_age = 0
    await refresh(authenticator, User("alice")).refresh_users()
    assert authenticator.refreshed == []
