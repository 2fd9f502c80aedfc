"""The HDFS gateway: WebHDFS on both sides. It alone may act for users in HDFS, and it keeps no data.

    python -m rc2hub.gateways.hdfs_gateway

JupyterHub starts it (or an operator does). Each call carries the hub token of the caller's compute server. The gateway asks
the broker whose token it is and at which level, makes a new call in the name of that user, and streams the data. HDFS's
own permissions decide; the gateway adds the level, and ends what runs when the grant is lost. Spark's drivers and executors
use it with Hadoop's own client; their token is the driver's.
"""

import os
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

if __name__ == "__main__":
    # Hadoop's client sends letters beyond ASCII as they are; aiohttp's parser in Python takes them, the one in C does not
    os.environ["AIOHTTP_NO_EXTENSIONS"] = "1"

from aiohttp import ClientResponse, web

from rc2hub.errors import NotGrantedError, Rc2Error
from rc2hub.gateways.broker_http import BROKER_PREFIX
from rc2hub.gateways.gateway_process import run
from rc2hub.gateways.hdfs_client import HdfsClient, hdfs_user
from rc2hub.gateways.refused_call import RefusedCallError
from rc2hub.gateways.stream_gateway import Audit, StreamGateway, received, send_on, serve
from rc2hub.gateways.token_review import TokenReviewer, bearer_token
from rc2hub.gateways.webhdfs_conf import TOKEN_PATH
from rc2hub.gateways.webhdfs_request import (
    ACCESS_CONTROL,
    IO_ERROR,
    PREFIX,
    WITH_DATA,
    WebHdfsError,
    WebHdfsRequest,
    forbidden,
    parse,
    remote_exception,
)
from rc2hub.server_id import ServerId

TEMPORARY_REDIRECT = 307
TOKEN_LIFETIME = 3600
"""Seconds after which Hadoop's client asks for its token again. Each call has it reviewed, so this number is no limit."""


class HdfsGateway(StreamGateway):
    """Passes the calls of users on."""

    name = "HDFS"

    def __init__(self, token_reviewer: TokenReviewer, hdfs: HdfsClient) -> None:
        """Take the client of the broker's token review, and HDFS."""
        super().__init__(token_reviewer)
        self.hdfs = hdfs

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

    async def detach(self, server_id: ServerId, message: str = "") -> None:
        """End the server's calls, and with the last server of a user what HDFS gave for this user."""
        was_attached = server_id in self.attached_servers
        await super().detach(server_id, message)
        if was_attached and server_id.user not in {other.user for other, _ in self.attached_servers}:
            await self.hdfs.drop(hdfs_user(server_id.user))

    async def answer(self, request: web.Request, audit: Audit) -> web.StreamResponse:
        """Answer a call of WebHDFS.

        Raises:
            WebHdfsError, NotGrantedError, ServiceUnavailableError: if the call is refused or fails.
        """
        if not (token := bearer_token(request.headers) or basic_password(request.headers)):
            raise WebHdfsError(401, ACCESS_CONTROL, "This call carries no token; connect with rc2_hdfs().")
        review = await self.token_reviewer.review(token)
        user = hdfs_user(review.server_id.user)
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
            return await self.pass_on(request, call, audit, lambda answer: self._stream(request, asked, user, answer, audit))

    def refused(self, error: Rc2Error) -> RefusedCallError:
        """What is refused, or has failed, as WebHDFS has it."""
        return forbidden(str(error)) if isinstance(error, NotGrantedError) else WebHdfsError(503, IO_ERROR, str(error))

    def refusal(self, error: RefusedCallError) -> web.Response:
        """The answer to a call that is refused or has failed."""
        return web.json_response(remote_exception(error), status=error.status)

    def add_routes(self, app: web.Application) -> None:
        """Add WebHDFS, and where Hadoop's client gets its token."""
        app.on_response_prepare.append(drop_content_type)
        app.router.add_post(TOKEN_PATH, give_token)
        app.router.add_route("*", PREFIX + r"{path:[\s\S]*}", self.handle)

    async def close(self) -> None:
        """Close the connections to HDFS."""
        await self.hdfs.close()

    async def _stream(
        self, request: web.Request, asked: WebHdfsRequest, user: str, answer: web.StreamResponse, audit: Audit
    ) -> None:
        """Send the data of a write, if it is one, and stream HDFS's answer."""
        options = dict[str, Any]()
        if asked.operation in WITH_DATA:
            options["data"] = received(request, audit)
            if length := request.headers.get("Content-Length"):
                options["headers"] = {"Content-Length": length}
        async with self.hdfs.call(asked, user, **options) as upstream:
            copy_head(upstream, answer)
            await send_on(upstream, request, answer, audit)


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


def basic_password(headers: Mapping[str, str]) -> str:
    """The password of HTTP's Basic authentication in a call: clients such as fsspec send the token there; empty without."""
    scheme, _, encoded = headers.get("Authorization", "").partition(" ")
    try:
        return b64decode(encoded).decode().partition(":")[2] if scheme.lower() == "basic" else ""
    except ValueError:
        return ""


async def give_token(request: web.Request) -> web.Response:
    """OAuth2's client credentials grant (RFC 6749, 4.4) for Hadoop's client: the secret is the token of its calls."""
    secret = (await request.post()).get("client_secret", "")
    return web.json_response({"access_token": str(secret), "token_type": "bearer", "expires_in": TOKEN_LIFETIME})


async def drop_content_type(request: web.Request, answer: web.StreamResponse) -> None:
    """Send none to users' clients: Hadoop's cannot read one, as its jars lack the class, and fails at every answer."""
    if not request.path.startswith(BROKER_PREFIX):
        answer.headers.pop("Content-Type", None)


def make(token_reviewer: TokenReviewer, settings: dict[str, Any]) -> HdfsGateway:
    """The gateway with these settings."""
    return HdfsGateway(token_reviewer, HdfsClient(settings["namenode"], settings.get("keytab", ""), settings.get("ca", "")))


if __name__ == "__main__":
    run("rc2-hdfs", lambda: serve("RC2_HDFS_GATEWAY", make))
