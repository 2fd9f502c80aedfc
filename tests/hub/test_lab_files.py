"""How the hub finds the address of JupyterLab's files that all servers share."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from rc2hub.hub import lab_files
from rc2hub.hub.lab_files import LabFiles

PREFIX = "/services/rc2-lab/"


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SimpleNamespace]:
    """The service as JupyterHub describes it; `answers` are its next answers, of which the last stays."""
    monkeypatch.setattr(lab_files, "INTERVAL", 0.01)
    monkeypatch.setattr(lab_files, "RETRY_INTERVAL", 0.01)
    answers: list[web.Response] = []

    async def answer(_: web.Request) -> web.Response:
        status, body = answers[0] if len(answers) == 1 else answers.pop(0)
        return web.Response(status=status, text=body, content_type="application/json")

    application = web.Application()
    application.router.add_get(f"{PREFIX}index.json", answer)
    async with TestServer(application) as server:
        yield SimpleNamespace(url=str(server.make_url("")), prefix=PREFIX, answers=answers)


async def urls(hub: Any, count: int) -> list[str]:
    """The next addresses that differ from the one before."""
    files, found = LabFiles(), [""]
    task = asyncio.create_task(files.run(hub))
    async with asyncio.timeout(20):
        while len(found) <= count:
            await asyncio.sleep(0.002)
            if files.url != found[-1]:
                found.append(files.url)
    task.cancel()
    return found[1:]


def hub(services: dict[str, Any], subdomain_host: str = "") -> Any:
    return SimpleNamespace(tornado_settings={"services": services}, subdomain_host=subdomain_host)


async def test_the_address_has_the_hash_and_is_gone_while_the_service_is(service: SimpleNamespace) -> None:
    service.answers.extend(
        [(503, "no")] * 2 + [(200, '{"hash": "a1"}')] * 3 + [(200, "<html>")] * 3 + [(200, '{"hash": "b2"}')]
    )
    assert await urls(hub({"rc2-lab": service}), 3) == [f"{PREFIX}a1/", "", f"{PREFIX}b2/"]


@pytest.mark.parametrize("subdomain_host", ["", "https://hub.example.org"], ids=["no service", "a host for each user"])
async def test_other_hubs_have_no_such_address(service: SimpleNamespace, subdomain_host: str) -> None:
    service.answers.append((200, '{"hash": "a1"}'))
    files = LabFiles()
    task = asyncio.create_task(files.run(hub({"rc2-lab": service} if subdomain_host else {}, subdomain_host)))
    await asyncio.sleep(0)
    assert files.url == ""
    task.cancel()
