"""The attachments' files on the compute side, and the task that keeps them in step with the broker.

Paths never change: everything lies in the folder `RC2_ATTACHMENTS_DIR`, which is in memory and readable by the user only.
Files are replaced by rename. So an R kernel that has run since the morning sees a service that was attached a second ago.
"""

import asyncio
import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from logging import Logger
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse

SUMMARY_FILE = "attachments.json"
FOLDER = "${RC2_ATTACHMENTS_DIR}"
"""What the broker writes for the folder, in a file or a setting that names a file there: it does not know the path."""
LONG_POLL_TIMEOUT = 25
"""Seconds for which the broker may hold a request while nothing changes; below the usual idle timeout of proxies."""
RETRY_DELAY = 1.0
"""Seconds before the first retry while the broker is away; each later one takes twice as long."""
MAX_RETRY_DELAY = 15.0
"""Seconds between retries at most."""
NOT_MODIFIED = 304
FIRST_ERROR_STATUS = 400


def folder() -> Path:
    """The folder that holds the attachments of this compute server."""
    return Path(os.environ["RC2_ATTACHMENTS_DIR"])


def write_files(attachments: Iterable[Mapping[str, Any]]) -> None:
    """Make the folder hold exactly these attachments; files of equal name are joined."""
    contents: dict[str, list[str]] = defaultdict(list)
    summary = []
    for attachment in attachments:
        for name, content in attachment.get("files", {}).items():
            contents[Path(name).name].append(content.replace(FOLDER, str(folder())))
        settings = {name: value.replace(FOLDER, str(folder())) for name, value in attachment.get("settings", {}).items()}
        summary.append({**{key: value for key, value in attachment.items() if key != "files"}, "settings": settings})
    files = {name: "".join(parts) for name, parts in contents.items()}
    for stale in folder().iterdir():
        if stale.is_file() and stale.name not in {*files, SUMMARY_FILE}:
            stale.unlink()
    for name, content in files.items():
        _replace(name, content)
    _replace(SUMMARY_FILE, json.dumps({"attachments": summary}, indent=1))


def unexpired(attachments: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those that have not expired; what is not attached has no expiry."""
    now = datetime.now(UTC)
    return [each for each in attachments if not each["expires_at"] or datetime.fromisoformat(each["expires_at"]) > now]


def attached_levels() -> dict[str, str]:
    """Service to level, for each service that is attached now or that the broker is attaching."""
    try:
        summary = json.loads((folder() / SUMMARY_FILE).read_text())["attachments"]
    except FileNotFoundError:
        return {}
    return {each["service"]: each["level"] for each in summary if each["state"] in {"attached", "starting"}}


def _replace(name: str, content: str) -> None:
    """Write a file of mode 0600 so that a reader sees the old content or the new, never a part of it."""
    descriptor, draft = tempfile.mkstemp(dir=folder(), prefix=".")
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.write(content)
    Path(draft).replace(folder() / name)


class Answer(NamedTuple):
    """What the broker answered, or that it did not."""

    status: int
    body: bytes = b""
    etag: str = ""

    @property
    def message(self) -> str:
        """The sentence of an error; empty if it is none."""
        return "" if self.status < FIRST_ERROR_STATUS else str(json.loads(self.body)["message"])


NO_ANSWER = Answer(503, b'{"message": "The broker of the shared services does not answer; try again in a moment."}')


class AttachmentSync:
    """Asks the broker, with the server's own hub token, what should be attached, and writes the files."""

    def __init__(self, log: Logger) -> None:
        """Read the server's name and token from the environment, as JupyterHub sets it."""
        self.log = log
        self.broker = os.environ["RC2_BROKER_URL"]
        self.token = os.environ["JUPYTERHUB_API_TOKEN"]
        user, server = os.environ["JUPYTERHUB_USER"], os.environ.get("JUPYTERHUB_SERVER_NAME", "")
        self.path = f"api/servers/{quote(user, safe='')}/{quote(server or '-', safe='')}/attachments"

    async def call(self, method: str, path: str, **options: Any) -> HTTPResponse:
        """Call the broker; `path` is relative to its root.

        Raises:
            HTTPClientError: if it answers with an error status, or not at all.
        """
        headers = {"Authorization": f"token {self.token}", **options.pop("headers", {})}
        return await AsyncHTTPClient().fetch(
            HTTPRequest(
                self.broker + path, method=method, headers=headers, request_timeout=LONG_POLL_TIMEOUT + 10, **options
            )
        )

    async def ask(self, method: str, path: str, **options: Any) -> Answer:
        """As `call`, for a user who waits: an error is an answer too, with one sentence."""
        answer: HTTPResponse | None
        try:
            answer = await self.call(method, path, **options)
        except HTTPClientError as error:
            answer = error.response
            if answer is None or not (answer.code == NOT_MODIFIED or _has_message(answer)):
                return NO_ANSWER
        except OSError:
            return NO_ANSWER
        return Answer(answer.code, answer.body, answer.headers.get("Etag", ""))

    async def follow(self) -> None:
        """Write what the broker reports, for as long as the server runs; the broker renews, attaches and detaches.

        What has not been renewed is removed when it expires, so hub and broker can be away without a file that stays.
        """
        version, delay, written = "", RETRY_DELAY, list[Mapping[str, Any]]()
        while True:
            try:
                if len(current := unexpired(written)) < len(written):
                    await asyncio.to_thread(write_files, current)
                    written = current
                answer = await self.call("GET", f"{self.path}?wait={LONG_POLL_TIMEOUT}", headers={"If-None-Match": version})
                written = unexpired(json.loads(answer.body)["attachments"])
                await asyncio.to_thread(write_files, written)
                version, delay = answer.headers["Etag"], RETRY_DELAY
            except (HTTPClientError, OSError) as error:
                if getattr(error, "code", None) == NOT_MODIFIED:
                    continue
                self.log.warning("The broker of the shared services does not answer (%s); trying again.", error)
                await asyncio.sleep(delay)
                delay = min(2 * delay, MAX_RETRY_DELAY)


def _has_message(answer: HTTPResponse) -> bool:
    """Whether this is the broker's own error, rather than that of a proxy before it."""
    return str(answer.headers.get("Content-Type", "")).startswith("application/json")
