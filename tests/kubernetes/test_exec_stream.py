"""Streams into pods that nothing answers, or that the API server refuses."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from kubernetes_asyncio.client import Configuration

from rc2hub.errors import StandbyError
from rc2hub.kubernetes import exec_failure, exec_stream, open_exec

DEADLINE = 5.0


class Kubelet:
    """What answers an exec, through the API server."""

    status = 0
    """The status with which an exec is refused; 0 for no answer."""

    async def answer(self, _request: web.Request) -> web.StreamResponse:
        if not self.status:
            await asyncio.sleep(3600)
        return web.json_response({"message": "error dialing backend"}, status=self.status)


@pytest.fixture
async def kubelet() -> AsyncIterator[Kubelet]:
    made, app, before = Kubelet(), web.Application(), Configuration.get_default_copy()
    app.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    Configuration.set_default(Configuration(host=f"http://127.0.0.1:{runner.addresses[0][1]}"))
    try:
        yield made
    finally:
        Configuration.set_default(before)
        await runner.cleanup()


async def failure() -> StandbyError:
    async with asyncio.timeout(DEADLINE):
        with pytest.raises(StandbyError, match="could not be reached in its pod") as raised:
            await open_exec("ns", "a", "notebook", ["true"])
    return raised.value


async def test_a_stream_that_nothing_answers_is_given_up(kubelet: Kubelet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exec_stream, "CONNECT_TIMEOUT", 0.2)
    assert exec_failure(await failure()) == "an exec gets no answer"


async def test_the_status_of_a_refused_stream_is_told_to_operators(kubelet: Kubelet) -> None:
    kubelet.status = 502
    assert exec_failure(await failure()) == "the API server answers 502 to an exec"
