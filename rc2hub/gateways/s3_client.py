"""The gateway's calls to an S3-compatible store, signed with the operator's key by AWS's own library."""

import configparser
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from awscrt.auth import (
    AwsCredentialsProvider,
    AwsSignedBodyHeaderType,
    AwsSigningAlgorithm,
    AwsSigningConfig,
    aws_sign_request,
)
from awscrt.http import HttpHeaders, HttpRequest
from yarl import URL

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways.s3_request import UNSIGNED, S3Error, path_of
from rc2hub.gateways.stream_gateway import BUFFER_SIZE

CONNECT_TIMEOUT = 3.0
"""Seconds for a connection to the store; below the broker's patience with the gateway."""
CHECK_TIMEOUT = 4.0
"""Seconds for the whole check."""
MAX_ERROR = 1 << 16
"""Bytes of an error of the store that the gateway reads."""
MAX_MESSAGE = 300
FIRST_NOT_OK, NOT_MODIFIED, FIRST_ERROR, NOT_FOUND = 300, 304, 400, 404
OPERATORS_ERRORS = frozenset(
    {
        *(
            "AccessDenied",
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "ExpiredToken",
            "InvalidToken",
            "RequestTimeTooSkewed",
        ),
        *("AuthorizationHeaderMalformed", "Forbidden", "PermanentRedirect", "TemporaryRedirect", "Redirect"),
    }
)
"""What a store says of the gateway's key or region; its texts can hold the key."""
OPERATORS_MESSAGE = "The store refuses its gateway; ask the operator to check its key, rights and region."
Credentials = tuple[str, str, str | None]
"""Key, secret, and the token of a temporary key."""


def read_credentials(file: str) -> Credentials:
    """The operator's key, from a file in AWS's format for credentials; read at each use, so that it can be rotated.

    Raises:
        ServiceUnavailableError: without any part of the content.
    """
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    try:
        parser.read_string(Path(file).read_text())
        found = parser["default"]
        return found["aws_access_key_id"], found["aws_secret_access_key"], found.get("aws_session_token")
    except (OSError, UnicodeDecodeError, configparser.Error, KeyError):
        raise ServiceUnavailableError(
            f"The gateway cannot read the store's key in {file}; ask an operator to provide it."
        ) from None


class S3Client:
    """One store."""

    def __init__(self, endpoint: str, region: str, credentials: str) -> None:
        """Take the store's address without a path, its region, and the file with the operator's key."""
        self._endpoint, self._region, self._credentials = endpoint, region, credentials
        self._session: ClientSession | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def check(self, bucket: str) -> None:
        """Check that the store answers, and that the key may list the bucket.

        Raises:
            ServiceUnavailableError: if not.
        """
        timeout = ClientTimeout(total=CHECK_TIMEOUT)
        try:
            async with self.request("GET", f"{path_of(bucket, '')}?list-type=2&max-keys=1", {}, timeout=timeout):
                pass
        except S3Error as error:
            raise ServiceUnavailableError(f"The store refuses its gateway: {error}") from error
        except (ClientError, OSError) as error:
            raise ServiceUnavailableError("The store does not answer; try again in a moment.") from error

    @asynccontextmanager
    async def request(
        self, method: str, target: str, headers: Mapping[str, str], payload: str = UNSIGNED, **options: Any
    ) -> AsyncIterator[ClientResponse]:
        """A call whose answer is no error and is not read yet; `target` is path and query with their escapes.

        Raises:
            S3Error: with the store's refusal.
            ServiceUnavailableError: if the operator's key cannot be read.
        """
        if self._session is None:
            self._session = ClientSession(
                connector=TCPConnector(limit=0),
                cookie_jar=DummyCookieJar(),
                timeout=ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
                skip_auto_headers=("Content-Type", "User-Agent"),
                read_bufsize=BUFFER_SIZE,
                auto_decompress=False,
                trust_env=False,
            )
        signed = self._sign(method, target, {"Accept-Encoding": "identity", **headers}, payload)
        url = URL(f"{self._endpoint}{target}", encoded=True)
        async with self._session.request(method, url, headers=signed, allow_redirects=False, **options) as answer:
            if answer.status >= FIRST_NOT_OK and answer.status != NOT_MODIFIED:
                raise await refusal_of(answer)
            yield answer

    def _sign(self, method: str, target: str, headers: Mapping[str, str], payload: str) -> dict[str, str]:
        """The headers of a request with their signature (AWS Signature Version 4)."""
        config = AwsSigningConfig(
            algorithm=AwsSigningAlgorithm.V4,
            credentials_provider=AwsCredentialsProvider.new_static(*read_credentials(self._credentials)),
            region=self._region,
            service="s3",
            use_double_uri_encode=False,
            should_normalize_uri_path=False,
            signed_body_value=payload,
            signed_body_header_type=AwsSignedBodyHeaderType.X_AMZ_CONTENT_SHA_256,
            omit_session_token=False,
        )
        named = [("Host", urlsplit(self._endpoint).netloc), *headers.items()]
        signed: HttpRequest = aws_sign_request(HttpRequest(method, target, HttpHeaders(named)), config).result()
        return dict(signed.headers)


async def refusal_of(answer: ClientResponse) -> S3Error:
    """The store's refusal; what concerns the gateway's own key is a sentence for the operator."""
    content = bytearray()
    async for piece in answer.content.iter_any():
        content += piece
        if len(content) > MAX_ERROR:
            break
    text = content.decode(errors="replace")
    code, message = (field(text, name) for name in ("Code", "Message"))
    if code in OPERATORS_ERRORS or answer.status < FIRST_ERROR or (not code and answer.status in {401, 403}):
        return S3Error(403, "AccessDenied", OPERATORS_MESSAGE)
    if not code:
        code, message = ("NoSuchKey", "There is no such object.") if answer.status == NOT_FOUND else ("InternalError", "")
    message = " ".join(message.split())[:MAX_MESSAGE] or f"The store answered with the status {answer.status}."
    return S3Error(answer.status, code, message)


def field(text: str, name: str) -> str:
    """The first text of an element of this name in an error of a store; empty if there is none."""
    found = re.search(f"<{name}>([^<]*)</{name}>", text)
    return unescape(found[1]) if found else ""
