"""A broker that has just started knows nobody's server until the hub tells: it waits for that, and refuses nobody meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import ClientSession
from jupyterhub.services.auth import HubOAuth

from rc2hub.broker import api
from rc2hub.broker.app import make_app
from rc2hub.broker.reconcile import Desired, Reconciler
from rc2hub.broker.state import Broker
from rc2hub.broker.wishes import Wishes
from rc2hub.processes import free_ports
from rc2hub.services.base import Server

MODEL = {"kind": "user", "name": "alice", "scopes": ["access:services!service=rc2", "access:servers!server=alice/"]}


class Hub:
    """Knows one token, as JupyterHub's client would find it."""

    access_scopes = ("access:services!service=rc2",)

    def get_token(self, handler: Any, in_cookie: bool) -> str:
        return "token"

    async def user_for_token(self, token: str, sync: bool) -> dict[str, Any]:
        return MODEL

    def check_scopes(self, wanted: Any, model: Any) -> bool:
        return True


@pytest.fixture
async def broker(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Reconciler, str]]:
    monkeypatch.setattr(HubOAuth, "instance", Hub)
    shared: Any = SimpleNamespace()
    reconciler, (port,) = Reconciler({}), free_ports(1)
    server = make_app(Broker(shared, reconciler, Wishes(), "secret"), "/").listen(port, "127.0.0.1")
    yield reconciler, f"http://127.0.0.1:{port}/api/services"
    server.stop()


async def ask(url: str) -> tuple[int, Any]:
    async with ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.json()


async def test_who_asks_before_the_first_list_is_answered_with_it(broker: tuple[Reconciler, str]) -> None:
    reconciler, url = broker
    asking = asyncio.create_task(ask(url))
    waiting = asyncio.create_task(asyncio.wait({asking}, timeout=0.3))
    assert (await waiting)[1] == {asking}
    reconciler.accept(Desired({Server("alice"): {}}))
    assert await asking == (200, {"services": []})


async def test_without_a_list_for_long_it_says_so_and_refuses_nothing(
    broker: tuple[Reconciler, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "FIRST_LIST", 0.1)
    status, answer = await ask(broker[1])
    assert (status, "try again in a moment" in answer["message"]) == (503, True)


async def test_a_server_that_is_not_in_the_list_is_refused(broker: tuple[Reconciler, str]) -> None:
    reconciler, url = broker
    reconciler.accept(Desired({}))
    assert await ask(url) == (403, {"message": "The server of this token does not run."})
