"""The hub's calls of the broker, with a broker that hangs, refuses, or ends in the middle of an answer."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from jupyterhub.httpclient import JupyterHubHTTPClient

from rc2hub.errors import ServiceUnavailableError
from rc2hub.hub.broker_sync import client
from rc2hub.hub.broker_sync.client import BrokerClient
from rc2hub.messages import DesiredStateUpdate, RevisionConflict
from rc2hub.processes import free_ports


class Broker:
    """Answers each request as the test says."""

    def __init__(self) -> None:
        self.status, self.body = 200, "{}"
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        (self.port,) = free_ports(1)

    async def answer(self, request: web.Request) -> web.Response:
        await self.may_answer.wait()
        assert request.headers["Authorization"] == "token secret"
        return web.Response(text=self.body, status=self.status)


@pytest.fixture
async def broker() -> AsyncIterator[Broker]:
    broker, application = Broker(), web.Application()
    application.router.add_route("*", "/{path:.*}", broker.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", broker.port).start()
    yield broker
    broker.may_answer.set()
    await JupyterHubHTTPClient.loop_instance().close()
    await runner.cleanup()


def calls(broker: Broker) -> BrokerClient:
    return BrokerClient(f"http://127.0.0.1:{broker.port}/", "secret")


async def test_the_form_shows_no_states_when_the_broker_hangs(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.HEALTH_TIMEOUT <= 1
    monkeypatch.setattr(client, "HEALTH_TIMEOUT", 0.05)
    broker.may_answer.clear()
    assert await calls(broker).health() == {}


async def test_the_form_shows_the_states_of_the_services(broker: Broker) -> None:
    broker.body = '{"has_desired_state": true, "services": {"flights": "ready"}}'
    assert await calls(broker).health() == {"flights": "ready"}


async def test_a_conflict_is_an_answer_and_no_error(broker: Broker) -> None:
    broker.status, broker.body = 409, '{"message": "no", "revision": 7}'
    update = DesiredStateUpdate(revision=1, users={})
    assert await calls(broker).put_desired_state(update) == RevisionConflict(message="no", revision=7)


@pytest.mark.parametrize(("status", "body"), [(200, ""), (200, '{"change_'), (200, "<html>"), (500, "{}"), (403, "{}")])
async def test_any_other_answer_is_one_sentence_for_the_user(broker: Broker, status: int, body: str) -> None:
    broker.status, broker.body = status, body
    with pytest.raises(ServiceUnavailableError, match="does not answer; try again in a moment") as error:
        await calls(broker).pending_requests()
    shown: Any = error.value
    assert "secret" not in str(shown)
