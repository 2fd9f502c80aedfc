"""The gateway's calls to HDFS, by WebHDFS: as its account for a user, and as the superuser to make the users' folders."""

import asyncio
import hashlib
import json
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any
from urllib.parse import quote

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from yarl import URL

from rc2hub.errors import ConfigurationError, ServiceUnavailableError
from rc2hub.gateways.delegation_tokens import DelegationTokens, TrustedNames
from rc2hub.gateways.spnego import Spnego
from rc2hub.gateways.stream_gateway import BUFFER_SIZE
from rc2hub.gateways.webhdfs_refusal import (
    FIRST_ERROR_STATUS,
    INVALID_TOKEN,
    MAY_NOT_ACT,
    NO_ANSWER,
    UNAVAILABLE,
    refusal_in,
)
from rc2hub.gateways.webhdfs_request import (
    ACCOUNT,
    AT_DATANODE,
    IO_ERROR,
    SUPERUSER,
    Query,
    WebHdfsError,
    WebHdfsRequest,
    address,
)

CONNECT_TIMEOUT = 3.0
"""Seconds for a connection to HDFS; below the broker's patience with the gateway."""
IN_TIME = ClientTimeout(total=4.0, sock_connect=CONNECT_TIMEOUT)
"""Seconds for a whole call of the gateway itself."""
MAX_ANSWER = 1 << 16
"""Bytes of an answer that the gateway reads itself: an error, or the address of a DataNode."""
OK, FORBIDDEN, NOT_FOUND = 200, 403, 404
HOMES = "/user"
PLAIN_NAME = re.compile(r"(?!rc2-)[A-Za-z_][A-Za-z0-9._-]{0,63}")
"""A user's name that HDFS takes as it is: Kerberos' rules would shorten one with `@` or `/` to another user's."""
OWN_ACCOUNTS = frozenset({ACCOUNT, SUPERUSER, "root"})
URL_CHARACTERS = "!#$%&'()*+,/:;=?@[]~"


def hdfs_user(name: str) -> str:
    """The user of HDFS for a user of the hub: the same name, or a hash of one that HDFS would not take as it is.

    Raises:
        ServiceUnavailableError: if the name is an account that runs HDFS.
    """
    if name.lower() in OWN_ACCOUNTS:
        raise ServiceUnavailableError(
            f"The name {name} is an account of HDFS itself; ask the operator for another user name."
        )
    return name if PLAIN_NAME.fullmatch(name) else f"rc2-{hashlib.sha256(name.encode()).hexdigest()[:24]}"


class HdfsClient:
    """The NameNode, and the DataNodes that it names."""

    def __init__(self, namenode: str, keytab: str = "", ca: str = "") -> None:
        """Take the NameNode's address, `http://host:port` or with `https`, and two files that it may need.

        `keytab` has the key of the gateway's account in Kerberos, `ca` the certificate of the authority of HDFS's servers.

        Raises:
            ConfigurationError: if the file of the certificate cannot be read.
        """
        self._namenode, self._tls = namenode, trusting(ca)
        self._users = DelegationTokens(namenode, Spnego(keytab, ca)) if keytab else TrustedNames()
        self._session: ClientSession | None = None
        self._making = asyncio.Lock()

    async def close(self) -> None:
        """Cancel the tokens of all users, and close all connections."""
        await self._users.close()
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def call(self, asked: WebHdfsRequest, user: str, **data: Any) -> AsyncIterator[ClientResponse]:
        """The answer, which is no refusal and is not read yet, to what a user of HDFS asks; `data` are those of a write.

        Raises:
            WebHdfsError: with HDFS's refusal.
            ServiceUnavailableError: if Kerberos gives no token for the user.
        """
        async with self._ask(asked.method, asked.path, asked.query, user) as answer:
            if asked.operation not in AT_DATANODE:
                yield answer
                return
            location = await datanode_in(answer)
        async with self._request(asked.method, location, **data) as answer:
            await raise_refusal(answer)
            yield answer

    async def drop(self, user: str) -> None:
        """Cancel the token of a user whose servers are all detached."""
        await self._users.drop(user)

    @asynccontextmanager
    async def _ask(self, method: str, path: str, query: Query, user: str, **options: Any) -> AsyncIterator[ClientResponse]:
        """The NameNode's answer to a call in a user's name; a token that it no longer knows is replaced once.

        Raises:
            WebHdfsError, ServiceUnavailableError: as `call` does.
        """
        for is_last in (False, True):
            name = await self._users.query(user)
            async with self._request(method, address(self._namenode, path, query | name), **options) as answer:
                try:
                    await raise_refusal(answer)
                except WebHdfsError as error:
                    if is_last or error.code != INVALID_TOKEN:
                        raise
                    self._users.forget(user, name)
                    continue
                yield answer
                return

    def _request(self, method: str, url: str, **options: Any) -> AbstractAsyncContextManager[ClientResponse]:
        """A call whose answer is not read yet; `url` has its escapes already."""
        if self._session is None:
            self._session = ClientSession(
                connector=TCPConnector(limit=0, ssl=self._tls),
                cookie_jar=DummyCookieJar(),  # the NameNode's cookie names the account of one call, and is no other's
                timeout=ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
                headers={"Accept-Encoding": "identity"},
                read_bufsize=BUFFER_SIZE,
                auto_decompress=False,
                trust_env=False,
            )
        return self._session.request(method, URL(url, encoded=True), allow_redirects=False, **options)

    async def check(self) -> None:
        """Check that HDFS answers.

        Raises:
            ServiceUnavailableError: if it does not, or refuses the gateway.
        """
        await self._status("/")

    async def make_home(self, user: str) -> None:
        """Make the user's folder, which this user alone may read, if there is none.

        Raises:
            ServiceUnavailableError: if HDFS does not answer, or refuses.
        """
        await self.make_folder(HOMES, user, {"owner": user})

    async def make_folder(self, parent: str, name: str, owner: Mapping[str, str], acl: str = "") -> None:
        """Make a folder with this owner or group, and others' rights by `acl`, in one that users may list, if there is none.

        It gets its name when all is done, so that a gateway that is killed leaves no folder of another owner.

        Raises:
            ServiceUnavailableError: if HDFS does not answer, or refuses.
        """
        async with self._making:
            folder, draft = f"{parent}/{name}", f"{parent}/.rc2-{name}"
            if await self._status(folder) is not None:
                return
            step = partial(self._administer, SUPERUSER, "PUT")
            try:
                if await self._status(parent) is None:
                    await step(parent, "MKDIRS", permission="755")
                await step(draft, "MKDIRS", permission="700")
                if acl:
                    await step(draft, "SETACL", aclspec=acl)
                await step(draft, "SETOWNER", **owner)
                await step(draft, "RENAME", destination=folder, renameoptions="NONE")
            except WebHdfsError as error:
                raise _not_made(folder, error) from error
            finally:
                await self._users.drop(SUPERUSER)

    async def allows(self, user: str, path: str, rights: str) -> bool:
        """Whether HDFS gives a user these rights to a path, such as `r-x`; not to one that does not exist.

        Raises:
            ServiceUnavailableError: if HDFS does not answer.
        """
        try:
            query = {"op": "CHECKACCESS", "fsaction": rights}
            async with self._ask("GET", path, query, user, timeout=IN_TIME) as answer:
                return answer.status == OK
        except WebHdfsError as error:
            if error.status in {FORBIDDEN, NOT_FOUND}:
                return False
            raise ServiceUnavailableError(NO_ANSWER) from error
        except (ClientError, TimeoutError) as error:
            raise ServiceUnavailableError(NO_ANSWER) from error

    async def _status(self, path: str) -> Mapping[str, Any] | None:
        """What HDFS knows of a path; None if there is nothing."""
        try:
            return await self._administer(self._users.inspector, "GET", path, "GETFILESTATUS")
        except WebHdfsError as error:
            if error.status == NOT_FOUND:
                return None
            raise _unavailable("HDFS refuses its gateway: ", error) from error

    async def _administer(
        self, account: str, method: str, path: str, operation: str, **parameters: str
    ) -> Mapping[str, Any]:
        try:
            query = {"op": operation, **parameters}
            async with self._ask(method, path, query, account, timeout=IN_TIME) as answer:
                return await read_json(answer)
        except (ClientError, TimeoutError) as error:
            raise ServiceUnavailableError(NO_ANSWER) from error


def _unavailable(refusal: str, error: WebHdfsError) -> ServiceUnavailableError:
    return ServiceUnavailableError(str(error) if error.status == UNAVAILABLE else f"{refusal}{error}")


def _not_made(folder: str, error: WebHdfsError) -> ServiceUnavailableError:
    if error.code == MAY_NOT_ACT:
        return ServiceUnavailableError(
            f"HDFS has no folder {folder}, and its gateway may not make it; ask the operator to make it."
        )
    return _unavailable("HDFS refuses to make the folder: ", error)


def trusting(ca: str) -> ssl.SSLContext | bool:
    """What checks the certificates of HDFS's servers: by this file, or by those of the machine if it is empty.

    Raises:
        ConfigurationError: if the file holds no certificate.
    """
    try:
        return ssl.create_default_context(cafile=ca) if ca else True
    except OSError as error:
        raise ConfigurationError(f"The certificate {ca} in `ca` of the service of HDFS cannot be read.") from error


async def datanode_in(answer: ClientResponse) -> str:
    """The address at which a DataNode answers a call, as the NameNode says.

    Raises:
        WebHdfsError: if it says none.
    """
    try:
        # the NameNode leaves letters beyond ASCII as they are, and the DataNode would read them as Latin-1
        return quote(str((await read_json(answer))["Location"]), safe=URL_CHARACTERS)
    except (ValueError, KeyError, TypeError) as error:
        raise WebHdfsError(502, IO_ERROR, "HDFS named no DataNode.") from error


async def raise_refusal(answer: ClientResponse) -> None:
    """Raise what HDFS refuses.

    Raises:
        WebHdfsError: with HDFS's own sentence, if the answer is a refusal.
    """
    if answer.status >= FIRST_ERROR_STATUS and (refusal := refusal_in(answer.status, await read(answer))):
        raise refusal


async def read(answer: ClientResponse) -> bytes:
    """A short answer of HDFS; empty if it is too long."""
    content = bytearray()
    async for piece in answer.content.iter_any():
        content += piece
        if len(content) > MAX_ANSWER:
            return b""
    return bytes(content)


async def read_json(answer: ClientResponse) -> dict[str, Any]:
    """A short answer of HDFS; empty if it has no body.

    Raises:
        ValueError: if it is no JSON.
    """
    found: dict[str, Any] = json.loads(await read(answer) or b"{}")
    return found
