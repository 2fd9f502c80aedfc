"""The language server of R: what it knows, what it is told, and how a page reaches it."""

import asyncio
import json
import re
import subprocess
import sysconfig
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from rc2hub.compute import language_server
from rc2hub.compute.language_server import CONFIG, environment, messages, started
from tests.compute.rmarkdown.test_preview_handler import is_refused
from tests.fixtures.hub import HANG_TIMEOUT, Client, Rc2

MISTAKES = """\
if (x = NA) 1
if (NULL == y) T
f <- function(a, a) { return(1); 2 }
kept <- sum(1, , 2)
"""


def initialize(number: int = 1) -> dict[str, Any]:
    parameters = {"processId": None, "rootUri": None, "capabilities": {}}
    return {"jsonrpc": "2.0", "id": number, "method": "initialize", "params": parameters}


async def test_it_knows_the_packages_of_r_and_what_a_script_misses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    document = {"uri": (tmp_path / "a.R").as_uri(), "languageId": "r", "version": 0}
    opened = {**document, "text": "library(dplyr)\nmutate(cars, a = speed)\nmutat(cars)\n"}
    async with started(await environment()) as process:

        def send(message: dict[str, Any]) -> None:
            content = json.dumps({"jsonrpc": "2.0", **message}).encode()
            process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(content), content))

        send(initialize())
        send({"method": "initialized", "params": {}})
        send({"method": "textDocument/didOpen", "params": {"textDocument": opened}})
        async with asyncio.timeout(HANG_TIMEOUT):
            async for message in messages(process.stdout):
                found = json.loads(message).get("params", {}).get("diagnostics", [])
                if any("mutat`" in each["message"] for each in found):
                    break
    assert [each["range"]["start"]["line"] for each in found] == [2]
    assert process.returncode is not None


async def test_it_is_told_no_secret_and_no_address(monkeypatch: pytest.MonkeyPatch):
    for name in ("JUPYTERHUB_API_TOKEN", "ARITY_REMOTE_URL", "http_proxy"):
        monkeypatch.setenv(name, "secret")
    told = await environment()
    assert "secret" not in told.values()
    assert set(told) <= {"HOME", "XDG_CACHE_HOME", "ARITY_CONFIG", "R_HOME", "R_LIBS_USER"}
    assert all(Path(library).is_dir() for library in told["R_LIBS_USER"].split(":"))


def test_mistakes_are_found_and_variables_that_are_only_assigned_are_none(tmp_path: Path):
    (tmp_path / "a.R").write_text(MISTAKES)
    arity = Path(sysconfig.get_path("scripts"), "arity")
    done = subprocess.run([arity, "lint", "--config", CONFIG, tmp_path], capture_output=True, text=True, check=False)
    found = set(re.findall(r"^(?:warning|error): ([^:\n]+)", done.stdout + done.stderr, re.MULTILINE))
    assert {"assignment-in-condition", "equals-null", "true-false-symbol", "duplicate-formal", "unreachable-code"} <= found
    assert not {"unused-binding", "unknown lint rule"} & found


async def test_a_message_that_is_too_long_ends_the_connection(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(language_server, "LIMIT", 10)
    stream = asyncio.StreamReader()
    stream.feed_data(b"Content-Length: 2\r\n\r\n{}Content-Length: 11\r\n\r\n")
    assert [message async for message in messages(stream)] == ["{}"]


async def test_a_page_reaches_it_alone_and_it_ends_with_the_page(rc2: Rc2, client: Client, username: str):
    rc2.groups(alice=["analysts"], bob=[], **{username: ["analysts"]})
    await client.create(username)
    assert (await client.start(username, services=[]))[0] == 201
    address = f"/user/{username}/rc2/language-server"
    async with client.session.ws_connect(client.address(address)) as socket:
        root = json.loads((await socket.receive(HANG_TIMEOUT)).data)["root"]
        assert root == (rc2.home / "homes" / username).as_uri()
        await socket.send_json(initialize(7))
        answer = json.loads((await socket.receive(HANG_TIMEOUT)).data)
        assert (answer["id"], answer["result"]["serverInfo"]["name"]) == (7, "arity")
        running = processes_of(rc2.home / "homes" / username)
        assert len(running) == 1
        assert "JUPYTERHUB_API_TOKEN" not in running[0].environ()
    psutil.wait_procs(running, HANG_TIMEOUT)
    assert not running[0].is_running()
    async with client.session.ws_connect(client.address(address)) as socket:
        await socket.receive(HANG_TIMEOUT)
        processes_of(rc2.home / "homes" / username)[0].kill()
        assert (await socket.receive(HANG_TIMEOUT)).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == language_server.HAS_ENDED
    async with rc2.client("wrong") as stranger:
        await is_refused(stranger, address, 403)
    await client.stop(username)


def processes_of(home: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["name"]):
        with suppress(psutil.Error):  # those of other tests may end meanwhile
            if process.info["name"] == "arity" and process.environ().get("HOME") == str(home):
                found.append(process)
    return found
