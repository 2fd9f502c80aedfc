"""What the gateways of HDFS and S3 share: a call of a user is passed on as a stream, and is one line of the log."""

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import quote

from aiohttp import ClientError, ClientResponse, web

from rc2hub.errors import NotGrantedError, Rc2Error, ServiceUnavailableError
from rc2hub.gateways.attached_servers import AttachedServers, Call
from rc2hub.gateways.broker_http import add_broker_routes
from rc2hub.gateways.gateway_process import read_settings, run_until_signal
from rc2hub.gateways.recheck import recheck
from rc2hub.gateways.refused_call import RefusedCallError
from rc2hub.gateways.token_review import TokenReviewer
from rc2hub.server_id import ServerId

log = logging.getLogger("rc2hub.gateways")

BUFFER_SIZE = 1 << 17
"""Bytes that a gateway reads ahead on each side of a call."""
SHUTDOWN_TIMEOUT = 1.0
"""Seconds that running calls have when the gateway stops."""


@dataclass
class Audit:
    """The line of the log for one call; it holds no token."""

    method: str
    user: str = "-"
    server: str = ""
    operation: str = "-"
    path: str = "-"
    other: str = ""
    """The second path of a call that has one, such as a rename or a copy."""
    outcome: str = ""
    """The status; `gone` if the client went before the end, `ended` if the gateway ended it, `lost` if the service did."""
    size: int = 0
    """Bytes that were passed on."""
    started_at: float = field(default_factory=time.monotonic)

    def write(self) -> None:
        """Log the call."""
        log.info(
            "user=%s server=%s %s %s path=%s to=%s outcome=%s bytes=%d seconds=%.3f",
            quote(self.user),
            quote(self.server),
            self.method,
            self.operation,
            quote(self.path),
            quote(self.other),
            self.outcome or "gone",
            self.size,
            time.monotonic() - self.started_at,
        )


class StreamGateway(ABC):
    """Passes the calls of users on."""

    name: ClassVar[str]
    """What users call the service behind it."""

    def __init__(self, token_reviewer: TokenReviewer) -> None:
        """Take the client of the broker's token review."""
        self.token_reviewer, self.attached_servers = token_reviewer, AttachedServers()

    @abstractmethod
    async def check(self) -> None:
        """Check that the service answers.

        Raises:
            ServiceUnavailableError: if it does not.
        """

    @abstractmethod
    async def attach(self, server_id: ServerId, level: str, expires_at: float) -> None:
        """Record that the server may use the service at this level.

        Raises:
            ServiceUnavailableError: if the service does not answer.
        """

    @abstractmethod
    async def answer(self, request: web.Request, audit: Audit) -> web.StreamResponse:
        """Answer a call.

        Raises:
            RefusedCallError, NotGrantedError, ServiceUnavailableError: if the call is refused or fails.
        """

    @abstractmethod
    def refused(self, error: Rc2Error) -> RefusedCallError:
        """What the broker or this gateway refuses, or what has failed, as the service's own clients know it."""

    @abstractmethod
    def refusal(self, error: RefusedCallError) -> web.Response:
        """The answer to a call that is refused or has failed."""

    @abstractmethod
    def add_routes(self, app: web.Application) -> None:
        """Add the addresses of users' calls."""

    @abstractmethod
    async def close(self) -> None:
        """Close the connections to the service."""

    async def detach(self, server_id: ServerId, message: str = "") -> None:
        """End the server's calls."""
        self.token_reviewer.forget(server_id)
        self.attached_servers.detach(server_id, message or f"{self.name} was detached from this server.")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a call of a user, and write its line of the log."""
        audit = Audit(request.method)
        try:
            return await self.answer(request, audit)
        except (RefusedCallError, NotGrantedError, ServiceUnavailableError) as problem:
            error = problem if isinstance(problem, RefusedCallError) else self.refused(problem)
            audit.outcome = audit.outcome or str(error.status)
            return self.refusal(error)
        finally:
            audit.write()

    async def pass_on(
        self, request: web.Request, call: Call, audit: Audit, stream: Callable[[web.StreamResponse], Awaitable[None]]
    ) -> web.StreamResponse:
        """Have a call streamed. An answer that has begun and cannot be completed is cut: an ordinary end would look whole.

        Raises:
            NotGrantedError: if the gateway ends the call before its answer begins.
            ServiceUnavailableError: if the service breaks it off before.
        """
        task = asyncio.current_task()
        call.cancel = task.cancel if task else call.cancel
        answer, error = web.StreamResponse(), Rc2Error()
        try:
            await stream(answer)
        except asyncio.CancelledError:
            if not (task and call.end_message):
                raise
            task.uncancel()
            error, audit.outcome = NotGrantedError(call.end_message), "ended"
        except (ClientError, OSError, web.RequestPayloadError) as lost:
            problem = f"{self.name} does not answer; try again in a moment."
            error, audit.outcome = ServiceUnavailableError(problem), outcome_of_loss(request, lost)
        else:
            audit.outcome = str(answer.status)
            return answer
        if not answer.prepared:
            raise error
        if request.transport:
            request.transport.abort()
        return answer

    def runner(self, secret: str) -> web.AppRunner:
        """The server of the gateway. It has no line of the log for each call beside the gateway's."""
        app = web.Application()
        add_broker_routes(app, self, secret)
        self.add_routes(app)
        return web.AppRunner(
            app,
            handler_cancellation=True,
            access_log=None,
            auto_decompress=False,
            read_bufsize=BUFFER_SIZE,
            shutdown_timeout=SHUTDOWN_TIMEOUT,
        )


async def serve(variable: str, make: Callable[[TokenReviewer, dict[str, Any]], StreamGateway]) -> None:
    """Serve until SIGTERM or SIGINT; the environment variable has the settings."""
    settings, secret, token_reviewer = read_settings(variable)
    gateway = make(token_reviewer, settings)
    runner = gateway.runner(secret)
    host, _, port = settings["address"].rpartition(":")
    await runner.setup()
    await web.TCPSite(runner, host, int(port)).start()
    try:
        await run_until_signal(asyncio.ensure_future(recheck(gateway)))
    finally:
        await runner.cleanup()
        await gateway.close()


async def received(request: web.Request, audit: Audit) -> AsyncIterator[bytes]:
    """The data of a write, as they come."""
    async for piece in request.content.iter_any():
        audit.size += len(piece)
        yield piece


async def send_on(upstream: ClientResponse, request: web.Request, answer: web.StreamResponse, audit: Audit) -> None:
    """Send the service's answer to the client, as it comes; its head is set already."""
    await answer.prepare(request)
    async for piece in upstream.content.iter_any():
        audit.size += len(piece)
        await answer.write(piece)
    await answer.write_eof()


def outcome_of_loss(request: web.Request, lost: Exception) -> str:
    """Who broke a call off; a write to a client that has gone may fail before aiohttp cancels the call."""
    if request.transport is None or request.transport.is_closing():
        return "gone"
    log.warning("The service broke a call off: %s", type(lost).__name__)
    return "lost"
