"""The attachments' files on the compute side, and the task that keeps them as the broker says.

Paths never change (design D12): everything lies in the folder `RC2_ATTACHMENTS`, memory-backed and the person's alone,
and is replaced by rename, so an R kernel that runs since the morning sees a service that came a second ago.
"""

import asyncio
import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from logging import Logger
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse

SUMMARY = "attachments.json"
WAIT = 25
"""Seconds the broker may hold a question open while nothing changes; below the usual idle cut of proxies."""
LONGEST_PAUSE = 15.0
"""Seconds between questions while the broker is away."""
NOT_MODIFIED = 304


def folder() -> Path:
    """The folder that holds the attachments of this compute server."""
    return Path(os.environ["RC2_ATTACHMENTS"])


def write_files(attachments: Iterable[Mapping[str, Any]]) -> None:
    """Make the folder hold exactly these attachments; files of equal name are joined."""
    contents: dict[str, list[str]] = defaultdict(list)
    summary = []
    for attachment in attachments:
        for name, content in attachment.get("files", {}).items():
            contents[Path(name).name].append(content)
        summary.append({key: value for key, value in attachment.items() if key != "files"})
    files = {name: "".join(parts) for name, parts in contents.items()}
    for gone in folder().iterdir():
        if gone.is_file() and gone.name not in {*files, SUMMARY}:
            gone.unlink()
    for name, content in files.items():
        _replace(name, content)
    _replace(SUMMARY, json.dumps({"attachments": summary}, indent=1))


def _replace(name: str, content: str) -> None:
    """Write a file of mode 0600 so that a reader sees the old one or the new one, nothing between."""
    descriptor, draft = tempfile.mkstemp(dir=folder(), prefix=".")
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
    Path(draft).replace(folder() / name)


class Attachments:
    """Asks the broker, with the server's own hub token, what should be attached, and writes it down."""

    def __init__(self, log: Logger) -> None:
        """Remember who we are; the identity is in the environment, as JupyterHub puts it."""
        self.log = log
        self.broker = os.environ["RC2_BROKER_URL"]
        self.token = os.environ["JUPYTERHUB_API_TOKEN"]
        user, server = os.environ["JUPYTERHUB_USER"], os.environ.get("JUPYTERHUB_SERVER_NAME", "")
        self.mine = f"api/servers/{quote(user, safe='')}/{quote(server or '-', safe='')}/attachments"

    async def call(self, method: str, path: str, **options: Any) -> HTTPResponse:
        """Call the broker; `path` is relative to its root.

        Raises:
            HTTPClientError: if it refuses, or does not answer.
        """
        headers = {"Authorization": f"token {self.token}", **options.pop("headers", {})}
        return await AsyncHTTPClient().fetch(
            HTTPRequest(self.broker + path, method=method, headers=headers, request_timeout=WAIT + 10, **options)
        )

    async def keep(self) -> None:
        """Follow the broker for as long as the server runs: it renews, attaches and detaches; we write."""
        version, pause = "", 1.0
        while True:
            try:
                answer = await self.call("GET", f"{self.mine}?wait={WAIT}", headers={"If-None-Match": version})
                await asyncio.to_thread(write_files, json.loads(answer.body)["attachments"])
                version, pause = answer.headers["Etag"], 1.0
            except (HTTPClientError, OSError) as error:
                if getattr(error, "code", None) == NOT_MODIFIED:
                    continue
                self.log.warning("The broker of the shared services does not answer (%s); asking again.", error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
