"""The S3 gateway: S3 on both sides. It alone has the key of the store, and it keeps no data.

    python -m rc2hub.gateways.s3_gateway

JupyterHub starts it (or an operator does). Each call carries the hub token of the caller's compute server: as a bearer
token, or where clients of S3 send the session token of a temporary key. The gateway asks the broker whose token it is, at
which level, and which groups the user is in. It checks each bucket and key of the call against the folders of that user,
signs a new call with the operator's key, and streams the data. The client's own signature says nothing and is not read.
"""

import hashlib
import re
from base64 import b64encode
from typing import Any
from xml.sax.saxutils import escape

from aiohttp import ClientResponse, web

from rc2hub.errors import NotGrantedError, Rc2Error
from rc2hub.gateways.gateway_process import run
from rc2hub.gateways.refused_call import RefusedCallError
from rc2hub.gateways.s3_client import NOT_MODIFIED, S3Client
from rc2hub.gateways.s3_request import (
    UNSIGNED_TRAILER,
    S3Error,
    S3Request,
    delete_content,
    denied,
    keys_to_delete,
    parse,
    path_of,
)
from rc2hub.gateways.stream_gateway import Audit, StreamGateway, received, send_on, serve
from rc2hub.gateways.token_review import TokenReviewer, bearer_token
from rc2hub.gateways.user_folders import UserFolders
from rc2hub.server_id import ServerId

SESSION_TOKEN = "X-Amz-Security-Token"  # noqa: S105 - the name of a header
MAX_KEYS_CONTENT = 4 << 20
"""Bytes of a list of 1000 keys to delete."""
NO_CONTENT = 204
NOT_PRINTABLE = re.compile("[^ -~]")
PASSED_ANSWERS = frozenset(
    {
        *("content-length", "content-type", "content-range", "content-encoding", "content-disposition", "content-language"),
        *("cache-control", "expires", "etag", "last-modified", "accept-ranges"),
        *("x-amz-request-id", "x-amz-mp-parts-count", "x-amz-restore", "x-amz-storage-class", "x-amz-missing-meta"),
    }
)
"""The headers of an answer that reach the client, beside those of metadata and checksums."""
PASSED_ANSWER_STARTS = ("x-amz-meta-", "x-amz-checksum-")


class S3Gateway(StreamGateway):
    """Passes the calls of users on."""

    name = "The store"

    def __init__(self, token_reviewer: TokenReviewer, store: S3Client, settings: dict[str, Any]) -> None:
        """Take the client of the broker's token review, the store, and the bucket, prefix and groups of the settings."""
        super().__init__(token_reviewer)
        self.store, self.bucket, self.prefix = store, settings["bucket"], settings["prefix"]
        self.groups = frozenset(settings["groups"])

    async def check(self) -> None:
        """Check that the store answers.

        Raises:
            ServiceUnavailableError: if it does not.
        """
        await self.store.check(self.bucket)

    async def attach(self, server_id: ServerId, level: str, expires_at: float) -> None:
        """Record that the server may use the store at this level; a folder needs not be made.

        Raises:
            ServiceUnavailableError: if the store does not answer.
        """
        await self.check()
        self.token_reviewer.forget(server_id)  # the level may be another one
        self.attached_servers.attach(server_id, level, expires_at)

    async def answer(self, request: web.Request, audit: Audit) -> web.StreamResponse:
        """Answer a call of S3.

        Raises:
            S3Error, NotGrantedError, ServiceUnavailableError: if the call is refused or fails.
        """
        if not (token := request.headers.get(SESSION_TOKEN) or bearer_token(request.headers)):
            raise denied(
                "This call carries no token; connect with rc2_s3(), or give the server's token as the session token."
            )
        review = await self.token_reviewer.review(token)
        audit.user, audit.server = review.server_id.user, review.server_id.name
        asked = parse(request.method, request.raw_path, request.headers)
        audit.operation, audit.path, audit.other = asked.operation, f"/{asked.bucket}/{asked.key}", asked.source
        if review.level not in asked.levels:
            raise denied(f"{asked.operation} takes the level write; this server has the level {review.level}.")
        if asked.bucket != self.bucket:
            raise denied(f"This store has the bucket {self.bucket} and no other one.")
        folders = UserFolders.of(self.prefix, self.groups, review.server_id.user, review.groups)
        content = await self._keys_content(request, folders, audit) if asked.operation == "DeleteObjects" else None
        groups = check_folders(folders, asked)
        with self.attached_servers.track_call(review.server_id, token, asked.levels, groups) as call:
            return await self.pass_on(
                request, call, audit, lambda answer: self._stream(request, asked, content, answer, audit)
            )

    def refused(self, error: Rc2Error) -> RefusedCallError:
        """What is refused, or has failed, as S3 has it."""
        is_refusal = isinstance(error, NotGrantedError)
        return denied(str(error)) if is_refusal else S3Error(503, "ServiceUnavailable", str(error))

    def refusal(self, error: RefusedCallError) -> web.Response:
        """The answer to a call that is refused or has failed."""
        text = f"<Error><Code>{escape(error.code)}</Code><Message>{escape(str(error))}</Message></Error>"
        head = '<?xml version="1.0" encoding="UTF-8"?>\n'
        # the answer to HEAD has no content, but clients show this line of its head
        reason = NOT_PRINTABLE.sub("?", str(error))
        return web.Response(status=error.status, reason=reason, text=head + text, content_type="application/xml")

    def add_routes(self, app: web.Application) -> None:
        """Add every address that is none of the broker's."""
        app.router.add_route("*", r"/{path:[\s\S]*}", self.handle)

    async def close(self) -> None:
        """Close the connections to the store."""
        await self.store.close()

    async def _keys_content(self, request: web.Request, folders: UserFolders, audit: Audit) -> bytes:
        """The content of a new DeleteObjects, if the user may delete each of its objects."""
        content = bytearray()
        async for piece in received(request, audit):
            content += piece
            if len(content) > MAX_KEYS_CONTENT:
                raise S3Error(400, "MalformedXML", "The list of keys to delete is too long.")
        keys = keys_to_delete(bytes(content))
        for key in keys:
            check_key_in(folders, key)
        return delete_content(keys)

    async def _stream(
        self, request: web.Request, asked: S3Request, content: bytes | None, answer: web.StreamResponse, audit: Audit
    ) -> None:
        """Send the content of a write, if it is one, and stream the store's answer."""
        headers, payload, options = dict(asked.headers), asked.payload, dict[str, Any]()
        if content is not None:
            headers = {"Content-MD5": b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()}
            payload, options["data"] = hashlib.sha256(content).hexdigest(), content
        elif asked.has_content:
            if "content-length" not in headers:
                raise S3Error(411, "MissingContentLength", "A write must say how many bytes it has.")
            options["data"] = received(request, audit)
        if asked.source:
            headers["x-amz-copy-source"] = path_of(asked.bucket, asked.source)
        if payload == UNSIGNED_TRAILER and not asked.has_content:
            raise S3Error(400, "InvalidRequest", f"{asked.operation} has no content.")
        async with self.store.request(asked.method, asked.target, headers, payload, **options) as upstream:
            copy_head(upstream, answer)
            await send_on(upstream, request, answer, audit)


def check_folders(folders: UserFolders, asked: S3Request) -> frozenset[str]:
    """Check that a user may use the objects of a call; returns the groups in whose folders they are.

    Raises:
        S3Error: if not.
    """
    if asked.operation == "DeleteObjects":
        return folders.groups  # its keys are checked already
    is_folder = asked.method in {"GET", "HEAD"} and asked.key in folders.names and not asked.is_list
    if not is_folder:  # some clients ask first whether a folder is an object
        check_key_in(folders, asked.key)
    if asked.source:
        check_key_in(folders, asked.source)
    return folders.group_of(asked.key) | folders.group_of(asked.source)


def check_key_in(folders: UserFolders, key: str) -> None:
    """Check that a key is in a folder of a user.

    Raises:
        S3Error: if not.
    """
    if not folders.holds(key):
        names = " and ".join(f"{name}/" for name in folders.names)
        raise denied(f"{key[:200] or 'The whole bucket'} is in no folder of yours; yours: {names}.")


def copy_head(upstream: ClientResponse, answer: web.StreamResponse) -> None:
    """Take over what a client needs of the store's answer.

    Raises:
        S3Error: if the answer does not say where it ends, as a part of it could not be told from the whole.
    """
    has_end = "Content-Length" in upstream.headers or "chunked" in upstream.headers.get("Transfer-Encoding", "")
    if not has_end and upstream.status not in {NO_CONTENT, NOT_MODIFIED} and upstream.method != "HEAD":
        raise S3Error(502, "InternalError", "The store sent an answer of unknown length.")
    answer.set_status(upstream.status)
    for name, value in upstream.headers.items():
        if name.lower() in PASSED_ANSWERS or name.lower().startswith(PASSED_ANSWER_STARTS):
            answer.headers[name] = value


def make(token_reviewer: TokenReviewer, settings: dict[str, Any]) -> S3Gateway:
    """The gateway with these settings."""
    store = S3Client(settings["endpoint"], settings["region"], settings["credentials"])
    return S3Gateway(token_reviewer, store, settings)


if __name__ == "__main__":
    run("rc2-s3", lambda: serve("RC2_S3_GATEWAY", make))
