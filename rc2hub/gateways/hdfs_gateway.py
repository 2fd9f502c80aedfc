"""The HDFS gateway: WebHDFS on both sides. It alone may act for users in HDFS, and it keeps no data.

    python -m rc2hub.gateways.hdfs_gateway

JupyterHub starts it (or an operator does). Each call carries the hub token of the caller's compute server. The gateway asks
the broker whose token it is and at which level, makes a new call in the name of that user, and streams the data. HDFS's
own permissions decide; the gateway adds the level, and ends what runs when the grant is lost. Spark's drivers and executors
use it with Hadoop's own client; their token is the driver's.
"""

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

if __name__ == "__main__":
    # Hadoop's client sends letters beyond ASCII as they are; aiohttp's parser in Python takes them, the one in C does not
    os.environ["AIOHTTP_NO_EXTENSIONS"] = "1"

from aiohttp import ClientError, ClientResponse, web

from rc2hub.errors import NotGrantedError, ServiceUnavailableError
from rc2hub.gateways.attached_servers import AttachedServers, Call
from rc2hub.gateways.broker_http import BROKER_PREFIX, add_broker_routes
from rc2hub.gateways.gateway_process import read_settings, run, run_until_signal
from rc2hub.gateways.hdfs_client import BUFFER_SIZE, NO_ANSWER, HdfsClient, hdfs_user, raise_refusal
from rc2hub.gateways.recheck import recheck
from rc2hub.gateways.token_review import Review, TokenReviewer, bearer_token
from rc2hub.gateways.webhdfs_conf import TOKEN_PATH
from rc2hub.gateways.webhdfs_request import (
    ACCESS_CONTROL,
    AT_DATANODE,
    IO_ERROR,
    PREFIX,
    WITH_DATA,
    WebHdfsError,
    WebHdfsRequest,
    forbidden,
    parse,
)
from rc2hub.server_id import ServerId

log = logging.getLogger("rc2hub.gateways")

TEMPORARY_REDIRECT = 307
SHUTDOWN_TIMEOUT = 1.0
"""Seconds that running calls have when the gateway stops."""
TOKEN_LIFETIME = 3600
"""Seconds after which Hadoop's client asks for its token again. Each call has it reviewed, so this number is no limit."""


@dataclass
class Audit:
    """The line of the log for one call; it holds no token."""

    method: str
    user: str = "-"
    server: str = ""
    operation: str = "-"
    path: str = "-"
    other: str = ""
    """The second path of a RENAME, or those of a CONCAT."""
    outcome: str = "gone"
    """The status; `gone` if the client went before the end, `ended` if the gateway ended the call, `lost` if HDFS did."""
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
            self.outcome,
            self.size,
            time.monotonic() - self.started_at,
        )


class HdfsGateway:
    """Passes the calls of users on."""

    def __init__(self, token_reviewer: TokenReviewer, hdfs: HdfsClient) -> None:
        """Take the client of the broker's token review, and HDFS."""
        self.token_reviewer, self.hdfs, self.attached_servers = token_reviewer, hdfs, AttachedServers()

    async def check(self) -> None:
        """Check that HDFS answers.

        Raises:
            ServiceUnavailableError: if it does not.
        """
        await self.hdfs.check()

    async def attach(self, server_id: ServerId, level: str, expires_at: float) -> None:
        """Record that the server may use HDFS at this level, and make its user's folder if there is none.

        Raises:
            ServiceUnavailableError: if HDFS does not answer.
        """
        await self.hdfs.make_home(hdfs_user(server_id.user))
        self.token_reviewer.forget(server_id)  # the level may be another one
        self.attached_servers.attach(server_id, level, expires_at)

    async def detach(self, server_id: ServerId, message: str = "HDFS was detached from this server.") -> None:
        """End the server's calls."""
        self.token_reviewer.forget(server_id)
        self.attached_servers.detach(server_id, message)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a call of a user, and write its line of the log."""
        audit = Audit(request.method)
        try:
            return await self._answer(request, audit)
        except WebHdfsError as error:
            audit.outcome = str(error.status)
            return refusal(error)
        finally:
            audit.write()

    async def _answer(self, request: web.Request, audit: Audit) -> web.StreamResponse:
        if not (token := bearer_token(request.headers)):
            raise WebHdfsError(401, ACCESS_CONTROL, "This call carries no token; connect with rc2_hdfs().")
        review, user = await self._reviewed(token)
        audit.user, audit.server = review.server_id.user, review.server_id.name
        asked = parse(request.method, request.raw_path, user)
        audit.operation, audit.path = asked.operation, asked.path
        audit.other = asked.parameters.get("destination", asked.parameters.get("sources", ""))
        if review.level not in asked.levels:
            raise forbidden(f"{asked.operation} takes the level write; this server has the level {review.level}.")
        if asked.operation in WITH_DATA and not asked.has_second_step and not request.can_read_body:
            audit.outcome = str(TEMPORARY_REDIRECT)
            location = asked.second_step(f"{request.scheme}://{request.host}")
            return web.Response(status=TEMPORARY_REDIRECT, headers={"Location": location})
        with self.attached_servers.track_call(review.server_id, token, asked.levels) as call:
            return await self._run(request, asked, user, call, audit)

    async def _reviewed(self, token: str) -> tuple[Review, str]:
        """What the broker says of the token, and its user's name in HDFS."""
        try:
            review = await self.token_reviewer.review(token)
            return review, hdfs_user(review.server_id.user)
        except NotGrantedError as error:
            raise forbidden(str(error)) from error
        except ServiceUnavailableError as error:
            raise WebHdfsError(503, IO_ERROR, str(error)) from error

    async def _run(
        self, request: web.Request, asked: WebHdfsRequest, user: str, call: Call, audit: Audit
    ) -> web.StreamResponse:
        """Pass the call on. An answer that has begun and cannot be completed is cut: an ordinary end would look whole."""
        task = asyncio.current_task()
        call.cancel = task.cancel if task else call.cancel
        answer = web.StreamResponse()
        try:
            url = asked.url(self.hdfs.namenode, user)
            if asked.operation in AT_DATANODE:
                url = await self.hdfs.datanode(asked.method, url)
            await self._stream(request, asked, url, answer, audit)
            audit.outcome = str(answer.status)
        except asyncio.CancelledError:
            if not (task and call.end_message):
                raise
            task.uncancel()
            error, audit.outcome = forbidden(call.end_message), "ended"
        except (ClientError, OSError, web.RequestPayloadError) as lost:
            error, audit.outcome = WebHdfsError(503, IO_ERROR, NO_ANSWER), outcome_of_loss(request, lost)
        else:
            return answer
        if not answer.prepared:
            return refusal(error)
        if request.transport:
            request.transport.abort()
        return answer

    async def _stream(
        self, request: web.Request, asked: WebHdfsRequest, url: str, answer: web.StreamResponse, audit: Audit
    ) -> None:
        """Send the data of a write, if it is one, and stream HDFS's answer."""
        options: dict[str, Any] = {}
        if asked.operation in WITH_DATA:
            options["data"] = received(request, audit)
            if length := request.headers.get("Content-Length"):
                options["headers"] = {"Content-Length": length}
        async with self.hdfs.request(asked.method, url, **options) as upstream:
            await raise_refusal(upstream)
            copy_head(upstream, answer)
            await answer.prepare(request)
            async for piece in upstream.content.iter_any():
                audit.size += len(piece)
                await answer.write(piece)
            await answer.write_eof()


async def received(request: web.Request, audit: Audit) -> AsyncIterator[bytes]:
    """The data of a write, as they come."""
    async for piece in request.content.iter_any():
        audit.size += len(piece)
        yield piece


def outcome_of_loss(request: web.Request, lost: Exception) -> str:
    """Who broke a call off; a write to a client that has gone may fail before aiohttp cancels the call."""
    if request.transport is None or request.transport.is_closing():
        return "gone"
    log.warning("HDFS broke a call off: %s", type(lost).__name__)
    return "lost"


def copy_head(upstream: ClientResponse, answer: web.StreamResponse) -> None:
    """Take over what a client needs of HDFS's answer; its `Location` of a new file names a server that clients cannot reach.

    Raises:
        WebHdfsError: if the answer does not say where it ends, as a part of it could not be told from the whole.
    """
    length = upstream.headers.get("Content-Length")
    if length is None and "chunked" not in upstream.headers.get("Transfer-Encoding", ""):
        raise WebHdfsError(502, IO_ERROR, "HDFS sent an answer of unknown length.")
    answer.set_status(upstream.status)
    answer.content_length = int(length) if length is not None else None
    answer.content_type = upstream.content_type


def refusal(error: WebHdfsError) -> web.Response:
    """The answer to a call that is refused or has failed."""
    return web.json_response(error.body, status=error.status)


async def give_token(request: web.Request) -> web.Response:
    """OAuth2's client credentials grant (RFC 6749, 4.4) for Hadoop's client: the secret is the token of its calls."""
    secret = (await request.post()).get("client_secret", "")
    return web.json_response({"access_token": str(secret), "token_type": "bearer", "expires_in": TOKEN_LIFETIME})


async def drop_content_type(request: web.Request, answer: web.StreamResponse) -> None:
    """Send none to users' clients: Hadoop's cannot read one, as its jars lack the class, and fails at every answer."""
    if not request.path.startswith(BROKER_PREFIX):
        answer.headers.pop("Content-Type", None)


async def serve() -> None:
    """Serve until SIGTERM or SIGINT."""
    settings, secret, token_reviewer = read_settings("RC2_HDFS_GATEWAY")
    hdfs = HdfsClient(settings["namenode"])
    gateway = HdfsGateway(token_reviewer, hdfs)
    runner = gateway_runner(gateway, secret)
    host, _, port = settings["address"].rpartition(":")
    await runner.setup()
    await web.TCPSite(runner, host, int(port)).start()
    try:
        await run_until_signal(asyncio.ensure_future(recheck(gateway)))
    finally:
        await runner.cleanup()
        await hdfs.close()


def gateway_runner(gateway: HdfsGateway, secret: str) -> web.AppRunner:
    """The server of a gateway. It has no line of the log for each call beside the gateway's."""
    app = web.Application()
    add_broker_routes(app, gateway, secret)
    app.on_response_prepare.append(drop_content_type)
    app.router.add_post(TOKEN_PATH, give_token)
    app.router.add_route("*", PREFIX + r"{path:[\s\S]*}", gateway.handle)
    return web.AppRunner(
        app,
        handler_cancellation=True,
        access_log=None,
        auto_decompress=False,
        read_bufsize=BUFFER_SIZE,
        shutdown_timeout=SHUTDOWN_TIMEOUT,
    )


if __name__ == "__main__":
    run("rc2-hdfs", serve)
