"""A broker that has just started knows no server: its requests wait for the first desired state and are not refused."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import ClientSession
from jupyterhub.services.auth import HubOAuth

from rc2hub.broker import api_handler
from rc2hub.broker.app import make_app
from rc2hub.broker.change_requests import ChangeRequests
from rc2hub.broker.reconciler import Reconciler
from rc2hub.broker.state import BrokerState
from rc2hub.messages import DesiredStateUpdate, UserState
from rc2hub.processes import free_ports

MODEL = {"kind": "user", "name": "alice", "scopes": ["access:services!service=rc2", "access:servers!server=alice/"]}


class Hub:
    """JupyterHub's client, with one token."""

    access_scopes = ("access:services!service=rc2",)

    def get_token(self, handler: Any, in_cookie: bool) -> str:
        return "token"

    async def user_for_token(self, token: str, sync: bool) -> dict[str, Any]:
        return MODEL

    def check_scopes(self, required: Any, model: Any) -> bool:
        return True


@pytest.fixture
async def broker(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Reconciler, str]]:
    monkeypatch.setattr(HubOAuth, "instance", Hub)
    shared: Any = SimpleNamespace()
    reconciler, (port,) = Reconciler({}), free_ports(1)
    server = make_app(BrokerState(shared, reconciler, ChangeRequests(reconciler), "secret"), "/").listen(port, "127.0.0.1")
    yield reconciler, f"http://127.0.0.1:{port}/api/services"
    server.stop()


async def get(url: str) -> tuple[int, Any]:
    async with ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.json()


async def test_a_request_before_the_first_desired_state_waits_for_it(broker: tuple[Reconciler, str]) -> None:
    reconciler, url = broker
    request = asyncio.create_task(get(url))
    waiting = asyncio.create_task(asyncio.wait({request}, timeout=0.3))
    assert (await waiting)[1] == {request}
    reconciler.update(DesiredStateUpdate(revision=1, users={"alice": UserState(scopes=frozenset(), servers={"": {}})}))
    assert await request == (200, {"services": []})


async def test_a_request_without_a_desired_state_gets_503_after_the_timeout(
    broker: tuple[Reconciler, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_handler, "DESIRED_STATE_TIMEOUT", 0.1)
    status, answer = await get(broker[1])
    assert (status, "try again in a moment" in answer["message"]) == (503, True)


async def test_a_server_that_is_not_in_the_desired_state_is_refused(broker: tuple[Reconciler, str]) -> None:
    reconciler, url = broker
    reconciler.update(DesiredStateUpdate(revision=1, users={}))
    assert await get(url) == (403, {"message": "The server of this token is not running."})
