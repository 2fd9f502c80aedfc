"""The server's side of Thrift over SASL with DIGEST-MD5 (RFC 2831): Hive's client in Spark can authenticate in no other way.

The client's delegation token is a driver's secret, both as identifier and as password, so it is the name in the client's
answer: no list of tokens is kept. Each call that follows is reviewed with it.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable

from rc2hub.gateways.thrift_message import ThriftError

START, OK, BAD, COMPLETE = 1, 2, 3, 5
"""The statuses of Thrift's negotiation."""
HEADER = 5
"""Bytes before a message of the negotiation: its status and its length."""
LENGTH = 4
"""Bytes before a message after it: its length."""
MECHANISM = b"DIGEST-MD5"
MAX_NEGOTIATION = 1 << 14
NEGOTIATION_TIMEOUT = 10.0
"""Seconds for a client to authenticate."""
FIELD = re.compile(r'([\w-]+)=(?:"([^"]*)"|([^,]*))')


class SaslError(Exception):
    """A client that does not authenticate as it should."""


class SaslConnection:
    """One connection of a client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take the connection."""
        self._reader, self._writer = reader, writer

    async def serve(self, answer: Callable[[str, bytes], Awaitable[bytes]], limit: int) -> None:
        """Authenticate the client, and answer its calls one after another: `answer` gets its token and the call.

        The connection ends with what is no call, or has more bytes than `limit`.
        """
        try:
            async with asyncio.timeout(NEGOTIATION_TIMEOUT):
                token = await self._authenticate()
            while True:
                size = int.from_bytes(await self._reader.readexactly(LENGTH), "big")
                if size > limit:
                    return
                content = await answer(token, await self._reader.readexactly(size))
                self._writer.write(len(content).to_bytes(LENGTH, "big") + content)
                await self._writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError, ThriftError):
            return
        except SaslError as error:
            self._put(BAD, str(error).encode())
        finally:
            self._writer.close()

    async def _authenticate(self) -> str:
        """The token with which the client has authenticated.

        Raises:
            SaslError: if it has not.
        """
        status, mechanism = await self._get()
        if (status, mechanism) != (START, MECHANISM):
            raise SaslError("This server takes DIGEST-MD5 only.")
        await self._get()  # the client has nothing to say before the challenge
        nonce = secrets.token_hex(16)
        self._put(OK, f'realm="default",nonce="{nonce}",charset=utf-8,algorithm=md5-sess,qop="auth"'.encode())
        _, response = await self._get()
        token, proof = check_response(response, nonce)
        self._put(COMPLETE, f"rspauth={proof}".encode())
        return token

    async def _get(self) -> tuple[int, bytes]:
        header = await self._reader.readexactly(HEADER)
        size = int.from_bytes(header[1:], "big")
        if size > MAX_NEGOTIATION:
            raise SaslError("This is no message of SASL.")
        return header[0], await self._reader.readexactly(size)

    def _put(self, status: int, content: bytes) -> None:
        self._writer.write(bytes([status]) + len(content).to_bytes(LENGTH, "big") + content)


def check_response(response: bytes, nonce: str) -> tuple[str, str]:
    """The token of a client's answer to the challenge, and the proof that the server knows it too.

    Raises:
        SaslError: if the answer was not made with the token, or for another challenge.
    """
    try:
        found = {name: quoted or plain for name, quoted, plain in FIELD.findall(response.decode())}
        token = base64.b64decode(found["username"], validate=True).decode()
        session = f"{found['username']}:{found.get('realm', '')}:{found['username']}".encode()
        base = _md5(hashlib.md5(session, usedforsecurity=False).digest() + f":{nonce}:{found['cnonce']}".encode())
        challenge, address = f"{nonce}:{found['nc']}:{found['cnonce']}:auth", found["digest-uri"]
        expected, proof = (
            _md5(f"{base}:{challenge}:{_md5(f'{verb}:{address}'.encode())}".encode()) for verb in ("AUTHENTICATE", "")
        )
        is_right = hmac.compare_digest(expected.encode(), found["response"].encode()) and found["nc"] == "00000001"
    except (KeyError, ValueError, binascii.Error) as error:
        raise SaslError("This is no answer of DIGEST-MD5.") from error
    if not is_right:
        raise SaslError("The token was refused; restart Spark, or attach it again.")
    return token, proof


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
