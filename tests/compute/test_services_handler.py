"""The services at the server's own address, for the panel of JupyterLab."""

import asyncio
import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from rc2hub.compute.attachments import Answer
from rc2hub.compute.extension import _prefer_r
from rc2hub.compute.services_handler import ServicesWatch
from tests.fixtures.hub import Client, Rc2


@pytest.fixture
async def address(rc2: Rc2, client: Client, username: str):
    """The address of the services of a user's server without attachments."""
    rc2.groups(alice=["analysts"], bob=[], **{username: ["analysts"]})
    await client.create(username)
    assert (await client.start(username, services=[]))[0] == 201
    yield f"/user/{username}/rc2/services"
    await client.stop(username)


async def test_the_answer_comes_when_something_changes_and_has_no_credential(client: Client, address: str):
    async with client.session.get(client.address(address)) as first:
        before = {service["service"]: service["state"] for service in (await first.json())["services"]}
        headers = {"If-None-Match": first.headers["Etag"]}
    assert before["flights"] == "detached"
    waiting = asyncio.create_task(client.call("GET", address, headers=headers))
    assert (await client.call("PUT", f"{address}/flights", json={"level": "read"}))[0] == 200
    status, after = await waiting
    flights = next(service for service in after["services"] if service["service"] == "flights")
    assert (status, flights["level"]) == (200, "read")
    assert "files" not in json.dumps(after)
    assert (await client.call("DELETE", f"{address}/flights"))[0] == 204


async def test_a_refusal_is_the_brokers_sentence(client: Client, address: str):
    assert await client.call("PUT", f"{address}/flights", json={"level": "write"}) == (
        403,
        {"message": "flights: you have no grant for it at the level write; ask the operator of this hub."},
    )
    assert await client.call("DELETE", f"{address}/no%2Fsuch") == (404, {"message": "This service does not exist."})


async def test_another_web_page_can_change_nothing(rc2: Rc2, address: str):
    async with rc2.client("unknown") as stranger:
        assert (await stranger.call("GET", address))[0] == 403
        assert (await stranger.call("PUT", f"{address}/flights", json={}))[0] == 403


async def test_the_broker_holds_one_request_however_many_windows_wait():
    asked: list[str] = []
    changed = asyncio.Event()

    class Broker:
        async def ask(self, _method: str, _path: str, headers: dict[str, str]) -> Answer:
            asked.append(headers["If-None-Match"])
            await changed.wait()
            return Answer(200, b"{}", "b")

    watch = ServicesWatch(Broker())  # type: ignore[arg-type]
    waiting = [asyncio.create_task(watch.next("a")) for _ in range(20)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    changed.set()
    answers = await asyncio.gather(*waiting[1:])
    assert asked == ["a"]
    assert {answer.etag for answer in answers} == {"b"}


@pytest.mark.parametrize(
    ("config", "kernel"), [({}, "ir"), ({"MappingKernelManager": {"default_kernel_name": "x"}}, "python3")]
)
def test_r_is_the_default_kernel_unless_another_is_chosen(config: dict[str, Any], kernel: str):
    app = SimpleNamespace(
        config=config, kernel_manager=SimpleNamespace(default_kernel_name="python3"), log=logging.getLogger()
    )
    _prefer_r(app)  # type: ignore[arg-type]
    assert app.kernel_manager.default_kernel_name == kernel
