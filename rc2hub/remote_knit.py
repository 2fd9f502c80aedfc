"""`rc2hub knit`: knits a document on the user's server, with the user's services, from any machine; for example by cron.

The server is started if it does not run, and then stopped again. The token is a user's own, from the hub's page Token.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import aiohttp

from rc2hub.errors import Rc2Error

TOKEN_VARIABLE = "JUPYTERHUB_API_TOKEN"  # noqa: S105 - the name of a variable
"""The environment variable of JupyterHub's clients; a token in an argument would be seen by other users of the machine."""


class KnitError(Rc2Error):
    """The document was not knitted; the message says why, in words for the user."""


@dataclass(frozen=True)
class KnitRequest:
    """What is to be knitted, and where."""

    hub: str
    """The address of the hub, such as `https://rc2.example.org`."""
    document: str
    """Its path in the user's home on the server."""
    output_format: str
    services: Sequence[str]
    """`NAME` or `NAME:LEVEL` of each shared service that the document needs."""
    output: Path | None
    """Where the output is written; by default a file of its name in the working directory."""


def run(request: KnitRequest) -> None:
    """Knit, and print the path of the output; what happens meanwhile goes to the standard error.

    Raises:
        SystemExit: with exit code 1 and a sentence.
    """
    token = os.environ.get(TOKEN_VARIABLE)
    if not token:
        sys.exit(f"rc2hub: set {TOKEN_VARIABLE} to a token of yours, from {request.hub}/hub/token.")
    try:
        sys.stdout.write(f"{asyncio.run(_knit(request, token))}\n")
    except KnitError as error:
        sys.exit(f"rc2hub: {error}")
    except KeyboardInterrupt:
        sys.exit("rc2hub: knitting was cancelled.")
    except (aiohttp.ClientError, TimeoutError):
        sys.exit(f"rc2hub: {request.hub} does not answer; look at the address.")


async def _knit(request: KnitRequest, token: str) -> Path:
    headers = {"Authorization": f"token {token}"}
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=120)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        hub = _Client(session, request.hub.rstrip("/"))
        user = quote(await _user_of_token(hub), safe="")
        async with _running_server(hub, user, request.services):
            server = _Client(session, f"{hub.address}/user/{user}")
            output = await _output_of_job(server, request)
            target = request.output or Path(PurePosixPath(output).name)
            target.write_bytes(await server.read(f"/files/{quote(output)}"))
    return target


class _Client:
    """Calls with the user's token."""

    def __init__(self, session: aiohttp.ClientSession, address: str) -> None:
        self._session, self.address = session, address

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer as JSON, or None if it has no text.

        Raises:
            KnitError: with the sentence of a refusal.
        """
        async with self._session.request(method, self.address + path, json=body) as answer:
            text = await answer.text()
            if not answer.ok:
                raise KnitError(_sentence(text) or f"{self.address} answers {answer.status} {answer.reason}.")
            return json.loads(text) if text else None

    async def read(self, path: str) -> bytes:
        """The contents of a file."""
        async with self._session.get(self.address + path) as answer:
            answer.raise_for_status()
            return await answer.read()

    async def events(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """The events of a start."""
        async with self._session.get(self.address + path) as answer:
            async for line in answer.content:
                if line.startswith(b"data:"):
                    yield json.loads(line[5:])


async def _user_of_token(hub: _Client) -> str:
    try:
        return str((await hub.ask("GET", "/hub/api/user"))["name"])
    except KnitError:
        raise KnitError(f"{hub.address} refuses the token in {TOKEN_VARIABLE}; make one on the page Token.") from None


def _sentence(text: str) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, TypeError, KeyError):
        return ""


@asynccontextmanager
async def _running_server(hub: _Client, user: str, services: Sequence[str]) -> AsyncIterator[None]:
    """The user's default server with these services; one that is started here is stopped at the end."""
    server = f"/hub/api/users/{user}/server"
    if (await hub.ask("GET", f"/hub/api/users/{user}"))["servers"].get("", {}).get("ready"):
        for service in services:
            await _attach(hub, user, service)
        yield
        return
    await hub.ask("POST", server, {"services": list(services)})
    try:
        await _wait_until_ready(hub, server)
        yield
    finally:
        await hub.ask("DELETE", server)


async def _attach(hub: _Client, user: str, service: str) -> None:
    name, _, level = service.partition(":")
    body = {"level": level} if level else {}
    state = await hub.ask("PUT", f"/services/rc2/api/servers/{user}/-/attachments/{quote(name, safe='')}", body)
    if state["state"] == "failed":
        raise KnitError(f"{name}: {state['message']}")


async def _wait_until_ready(hub: _Client, server: str) -> None:
    async for event in hub.events(f"{server}/progress"):
        if event.get("failed"):
            raise KnitError(event["message"])
        if event.get("ready"):
            return


async def _output_of_job(server: _Client, request: KnitRequest) -> str:
    """Run the job; the path of its output in the user's home."""
    job = f"/rc2/knit/{quote(request.document)}"
    state, told = await server.ask("POST", job, {"format": request.output_format}), ""
    try:
        while state["state"] == "running":
            if state["message"] != told:
                told = state["message"]
                sys.stderr.write(f"{told}\n")
            state = await server.ask("GET", f"{job}?version={state['version']}")
    except asyncio.CancelledError:
        await server.ask("DELETE", job)
        raise
    if state["state"] != "done":
        raise KnitError("\n".join(filter(None, [state["message"], state["log"].strip()])))
    return str(PurePosixPath(request.document).with_name(state["output"]))
