"""The services for the panel of JupyterLab: the broker's answers, asked for with the server's own token.

The browser needs no other login and gets no credential. While nothing changes, the broker holds one request, however many
windows wait.
"""

import asyncio
from urllib.parse import quote

from jupyter_server.base.handlers import APIHandler
from tornado.web import authenticated

from rc2hub.compute.attachments import LONG_POLL_TIMEOUT, Answer, AttachmentSync


class ServicesWatch:
    """The catalogue as the server's owner sees it, and one request for its next change."""

    def __init__(self, attachments: AttachmentSync) -> None:
        """Take the client of the broker."""
        self._attachments = attachments
        self._polls: dict[str, asyncio.Task[Answer]] = {}

    async def next(self, etag: str) -> Answer:
        """The broker's answer when the catalogue has another ETag, or 304 after `LONG_POLL_TIMEOUT`; without one at once."""
        poll = self._polls.get(etag)
        if poll is None:
            poll = self._polls[etag] = asyncio.create_task(self._ask(etag))
            poll.add_done_callback(lambda _done: self._polls.pop(etag))
        return await asyncio.shield(poll)

    async def _ask(self, etag: str) -> Answer:
        headers = {"If-None-Match": etag} if etag else {}
        return await self._attachments.ask("GET", f"api/services?wait={LONG_POLL_TIMEOUT}", headers=headers)


class _BrokerHandler(APIHandler):
    """A request that the broker answers."""

    def pass_on(self, answer: Answer) -> None:
        """Answer as the broker did."""
        self.set_status(answer.status)
        if answer.etag:
            self.set_header("Etag", answer.etag)
        self.finish(answer.body or None)  # tornado allows 304 no body, not even an empty one


class ServicesHandler(_BrokerHandler):
    """All services."""

    def initialize(self, watch: ServicesWatch) -> None:
        """Take the client of the broker."""
        self.watch = watch

    @authenticated
    async def get(self) -> None:
        """Answer when the catalogue differs from the one with the ETag in `If-None-Match`; without the header at once."""
        self.pass_on(await self.watch.next(self.request.headers.get("If-None-Match", "")))


class ServiceHandler(_BrokerHandler):
    """One service of this server."""

    def initialize(self, attachments: AttachmentSync) -> None:
        """Take the client of the broker."""
        self.attachments = attachments

    @authenticated
    async def put(self, service: str) -> None:
        """Attach it at the level in the body."""
        self.pass_on(await self.attachments.ask("PUT", self._path(service), body=self.request.body))

    @authenticated
    async def delete(self, service: str) -> None:
        """Detach it; R goes on."""
        self.pass_on(await self.attachments.ask("DELETE", self._path(service)))

    def _path(self, service: str) -> str:
        return f"{self.attachments.path}/{quote(service, safe='')}"
