"""The push of the desired state, to a broker that is a stand-in: one sender, nothing lost, nothing overtaken."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub.scopes import define_custom_scopes
from prometheus_client import REGISTRY

from rc2hub.broker.reconciler import Reconciler
from rc2hub.errors import ServiceUnavailableError
from rc2hub.hub.broker_sync.desired_state import DesiredStatePush
from rc2hub.messages import DesiredState, DesiredStateUpdate, RevisionConflict, UserState
from rc2hub.permissions import custom_scopes
from tests.hub.broker_sync.hub_stub import Hub, accept, spawner

READ = "custom:rc2:flights:read"


class Broker:
    """Holds the desired state as the real broker does, answers when the test lets it, or does not answer."""

    def __init__(self) -> None:
        self.reconciler = Reconciler({})
        self.messages: list[DesiredStateUpdate] = []
        self.is_down = False
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def put_desired_state(self, update: DesiredStateUpdate) -> RevisionConflict | None:
        self.messages.append(update)
        await self.may_answer.wait()
        if self.is_down:
            raise ServiceUnavailableError("down")
        return accept(self.reconciler, update)

    @property
    def desired(self) -> DesiredState:
        return self.reconciler.desired or DesiredState()


@pytest.fixture
def hub() -> Hub:
    define_custom_scopes(custom_scopes({"flights": ["read", "write"]}))
    hub = Hub(readers=[READ])
    hub.add("alice", spawner(flights="read"), role="readers")
    return hub


@asynccontextmanager
async def running(hub: Any, broker: Any) -> AsyncIterator[DesiredStatePush]:
    """A push that runs."""
    push = DesiredStatePush(broker, hub)
    task = asyncio.create_task(push.run())
    try:
        yield push
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_desired_state_has_the_owners_of_active_servers_and_no_other_user(hub: Hub) -> None:
    hub.add("idle", spawner(active=False))
    hub.add("stopping", spawner(pending="stop"))
    hub.add("bob", spawner("two"), spawner("three", flights="write"))
    broker = Broker()
    async with running(hub, broker) as push:
        assert await push.push() == broker.desired.revision
    assert broker.desired.users == {
        "alice": UserState(scopes=frozenset({READ}), servers={"": {"flights": "read"}}),
        "bob": UserState(scopes=frozenset(), servers={"two": {}, "three": {"flights": "write"}}),
    }


async def test_many_pushes_at_once_are_few_messages_that_never_overlap(hub: Hub) -> None:
    """60 users who log in at the same time do not cause 60 messages, and the newest arrives last."""
    broker = Broker()
    async with running(hub, broker) as push:
        await push.push()
        broker.may_answer.clear()
        pushes = [asyncio.create_task(push.push()) for _ in range(30)]
        await asyncio.sleep(0)
        hub.add("late", spawner())
        pushes += [asyncio.create_task(push.push()) for _ in range(30)]
        broker.may_answer.set()
        revisions = await asyncio.gather(*pushes)
    assert len(broker.messages) <= 3
    assert [message.revision for message in broker.messages] == sorted({message.revision for message in broker.messages})
    assert max(revisions) == broker.desired.revision
    assert "late" in broker.desired.users


async def test_what_changes_during_a_push_is_sent_at_once(hub: Hub) -> None:
    broker = Broker()
    broker.may_answer.clear()
    async with running(hub, broker) as push:
        while not broker.messages:
            await asyncio.sleep(0)
        hub.add("late", spawner())
        push.push_soon()
        broker.may_answer.set()
        async with asyncio.timeout(5):
            while "late" not in broker.desired.users:
                await asyncio.sleep(0)


async def test_a_message_holds_only_what_changed(hub: Hub) -> None:
    broker = Broker()
    async with running(hub, broker) as push:
        first = await push.push()
        hub.add("bob", spawner())
        await push.push()
        hub.users.get("alice").spawners.clear()
        await push.push()
    changes = [message for message in broker.messages if message.revision > first]
    assert [dict.fromkeys(message.users) for message in changes] == [{"bob": None}, {"alice": None}]
    assert set(broker.desired.users) == {"bob"}


async def test_a_broker_that_was_restarted_gets_everything(hub: Hub) -> None:
    broker = Broker()
    async with running(hub, broker) as push:
        await push.push()
        broker.reconciler = Reconciler({})
        assert await push.push() == broker.desired.revision
    assert set(broker.desired.users) == {"alice"}


async def test_a_hub_whose_clock_is_behind_goes_on_from_the_brokers_revision(hub: Hub) -> None:
    broker = Broker()
    broker.reconciler.desired = DesiredState(2**52, {"gone": UserState(scopes=frozenset(), servers={})})
    async with running(hub, broker) as push:
        await push.push()
    assert broker.desired.revision > 2**52
    assert set(broker.desired.users) == {"alice"}


async def test_a_failed_push_is_an_error_for_all_who_wait_and_the_next_one_succeeds(hub: Hub) -> None:
    broker = Broker()
    async with running(hub, broker) as push:
        broker.is_down = True
        outcomes = await asyncio.gather(push.push(), push.push(), return_exceptions=True)
        assert [str(outcome) for outcome in outcomes] == ["down", "down"]
        assert REGISTRY.get_sample_value("rc2_broker_up") == 0
        broker.is_down = False
        await push.push()
        assert REGISTRY.get_sample_value("rc2_broker_up") == 1
    assert set(broker.desired.users) == {"alice"}


async def test_the_broker_gets_the_grants_of_a_user_whom_it_asks_for(hub: Hub) -> None:
    hub.add("visitor", role="readers")
    broker = Broker()
    async with running(hub, broker) as push:
        push.include_grants_of(["visitor", "unknown"])
        await push.push()
    assert broker.desired.users["visitor"] == UserState(scopes=frozenset({READ}), servers={})
    assert "unknown" not in broker.desired.users


@pytest.mark.parametrize(("server", "polled"), [("of the broker", ["rc2", "rc2-spark"]), (None, [])])
async def test_a_hub_that_ends_does_not_start_its_services_again(server: str | None, polled: list[str]) -> None:
    found: list[str] = []

    def service(name: str, url: str, server: str | None) -> Any:
        async def poll_and_notify() -> None:
            found.append(name)

        spawner = SimpleNamespace(poll_and_notify=poll_and_notify)
        return SimpleNamespace(managed=True, url=url, server=server, spawner=spawner)

    hub = Hub()
    hub.tornado_settings = {
        "services": {"rc2": service("rc2", "http://127.0.0.1:1", server), "rc2-spark": service("rc2-spark", "", None)}
    }
    client: Any = None
    await DesiredStatePush(client, hub).check_managed_services()
    assert found == polled
