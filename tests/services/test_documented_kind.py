"""The kind of service in docs/add-a-kind.md meets the contract of every kind, with a server that has the admin API it uses."""

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web

from rc2hub.services.base import SharedService
from tests.fixtures.hub import ROOT
from tests.services import test_contract

globals().update({name: test for name, test in vars(test_contract).items() if name.startswith("test_")})


def documented_kind(endpoint: str) -> SharedService:
    page = (ROOT / "docs" / "add-a-kind.md").read_text()
    names: dict[str, Any] = {"__name__": "documented"}
    exec(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1], names)
    entry = {"endpoint": endpoint, "bucket": "archive", "admin": {"env": "ARCHIVE_PASSWORD"}}
    return names["ObjectStoreService"]("archive", entry, 60.0)


class Storage:
    """The keys of a storage, each with a note of its owner."""

    def __init__(self) -> None:
        self.keys: dict[tuple[str, ...], dict[str, Any]] = {}

    async def handle(self, request: web.Request) -> web.Response:
        if request.headers["Authorization"] != "Bearer of-the-admin":
            raise web.HTTPForbidden
        if request.method == "GET":
            return web.json_response(list(self.keys.values()))
        message = await request.json()
        owner = tuple(message["note"][name] for name in ("installation", "service", "user", "server"))
        if request.method == "DELETE":
            return web.json_response(self.keys.pop(owner, None))
        key = self.keys.setdefault(owner, {"id": uuid4().hex, "secret": uuid4().hex})
        key.update(note=message["note"], expires=message["expires"])
        return web.json_response(key)


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SharedService]:
    monkeypatch.setenv("ARCHIVE_PASSWORD", "of-the-admin")
    app = web.Application()
    app.router.add_route("*", "/keys", Storage().handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield documented_kind(f"http://127.0.0.1:{runner.addresses[0][1]}")
    await runner.cleanup()


@pytest.fixture
def dead_service(monkeypatch: pytest.MonkeyPatch) -> SharedService:
    monkeypatch.setenv("ARCHIVE_PASSWORD", "of-the-admin")
    return documented_kind("http://127.0.0.1:9")
