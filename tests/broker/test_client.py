"""The hub's task that has the authenticator look again at people who work; hub and authenticator are stand-ins."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import REGISTRY

from rc2hub.broker.client import Push
from rc2hub.errors import ServiceUnavailableError

AGE = 60


@dataclass
class User:
    """What the task needs to know of one of JupyterHub's."""

    name: str
    active: bool = True
    groups: list[str] = field(default_factory=lambda: ["staff"])
    auth_state: dict[str, Any] | None = None

    @property
    def spawners(self) -> dict[str, Any]:
        return {"": SimpleNamespace(active=self.active, pending=None, name="", attached={})}

    def sync_groups(self, names: list[str]) -> None:
        self.groups = names

    async def save_auth_state(self, state: dict[str, Any]) -> None:
        self.auth_state = state


class Authenticator:
    """Answers as it is told."""

    auth_refresh_age = AGE
    manage_groups = enable_auth_state = True

    def __init__(self, **answers: Any) -> None:
        self.answers, self.asked = answers, list[str]()

    async def refresh_user(self, user: User, handler: None) -> Any:
        self.asked.append(user.name)
        answer = self.answers[user.name]
        if isinstance(answer, Exception):
            raise answer
        return answer


def push(authenticator: Authenticator, *users: User) -> Push:
    hub = SimpleNamespace(authenticator=authenticator, users={user.name: user for user in users})
    return Push(SimpleNamespace(), hub, lambda *_: None)


async def test_groups_and_tokens_that_were_exchanged_are_stored():
    alice = User("alice")
    await push(
        Authenticator(alice={"name": "alice", "groups": ["x"], "auth_state": {"refresh_token": 2}}), alice
    ).refresh_people()
    assert (alice.groups, alice.auth_state) == (["x"], {"refresh_token": 2})


async def test_a_model_without_tokens_leaves_those_that_are_stored():
    alice = User("alice", auth_state={"refresh_token": 1})
    await push(Authenticator(alice={"name": "alice", "groups": []}), alice).refresh_people()
    assert (alice.groups, alice.auth_state) == ([], {"refresh_token": 1})


async def test_somebody_the_authenticator_no_longer_knows_is_in_no_group():
    alice = User("alice")
    await push(Authenticator(alice=False), alice).refresh_people()
    assert alice.groups == []


async def test_nothing_new_changes_nothing():
    alice = User("alice")
    await push(Authenticator(alice=True), alice).refresh_people()
    assert alice.groups == ["staff"]


async def test_one_who_cannot_be_looked_at_keeps_her_groups_and_holds_nobody_up(caplog: pytest.LogCaptureFixture):
    alice, bob = User("alice"), User("bob")
    await push(Authenticator(alice=OSError("away"), bob=False), alice, bob).refresh_people()
    assert (alice.groups, bob.groups) == (["staff"], [])
    assert "could not look again at alice" in caplog.text


async def test_people_are_looked_at_at_the_pace_of_the_authenticator_and_only_while_they_work(
    monkeypatch: pytest.MonkeyPatch,
):
    authenticator = Authenticator(alice=True, idle=True)
    task, now = push(authenticator, User("alice"), User("idle", active=False)), [1000.0]
    monkeypatch.setattr("rc2hub.broker.client.time", SimpleNamespace(monotonic=lambda: now[0]))
    for seconds in (0, AGE - 1, 1):
        now[0] += seconds
        await task.refresh_people()
    assert authenticator.asked == ["alice", "alice"]


class Broker:
    """Takes the hub's list, or not."""

    away = False

    async def push(self, _desired: object) -> None:
        if self.away:
            raise ServiceUnavailableError("away")


async def test_the_metrics_say_whether_the_broker_answers(monkeypatch: pytest.MonkeyPatch):
    broker = Broker()
    task = Push(broker, SimpleNamespace(users={}), lambda *_: None)
    monkeypatch.setattr(task, "desired", lambda: None)
    await task.push()
    assert REGISTRY.get_sample_value("rc2_broker_up") == 1
    broker.away = True
    with pytest.raises(ServiceUnavailableError):
        await task.push()
    assert REGISTRY.get_sample_value("rc2_broker_up") == 0


async def test_an_authenticator_without_a_pace_is_not_asked():
    authenticator = Authenticator(alice=False)
    authenticator.auth_refresh_age = 0
    await push(authenticator, User("alice")).refresh_people()
    assert authenticator.asked == []
