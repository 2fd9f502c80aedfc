"""The gateway's calls to HDFS, by WebHDFS: as its account for a user, and as the superuser to make the users' folders."""

import asyncio
import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import quote

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from yarl import URL

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways.webhdfs_request import ACCOUNT, IO_ERROR, SUPERUSER, WebHdfsError, address

BUFFER_SIZE = 1 << 17
"""Bytes that the gateway reads ahead on each side of a call."""
CONNECT_TIMEOUT = 3.0
"""Seconds for a connection to HDFS; below the broker's patience with the gateway."""
ADMIN_TIMEOUT = 4.0
"""Seconds for a whole call as the superuser."""
MAX_ANSWER = 1 << 16
"""Bytes of an answer that the gateway reads itself: an error, or the address of a DataNode."""
OK, FIRST_ERROR_STATUS, FORBIDDEN, NOT_FOUND = 200, 400, 403, 404
HOMES = "/user"
PLAIN_NAME = re.compile(r"(?!rc2-)[A-Za-z_][A-Za-z0-9._-]{0,63}")
"""A user's name that HDFS takes as it is: Kerberos' rules would shorten one with `@` or `/` to another user's."""
OWN_ACCOUNTS = frozenset({ACCOUNT, SUPERUSER, "root"})
URL_CHARACTERS = "!#$%&'()*+,/:;=?@[]~"
NO_ANSWER = "HDFS does not answer; try again in a moment."


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

    def __init__(self, namenode: str) -> None:
        """Take the NameNode's address, `http://host:port`."""
        self.namenode = namenode
        self._session: ClientSession | None = None
        self._making = asyncio.Lock()

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    def request(self, method: str, url: str, **options: Any) -> AbstractAsyncContextManager[ClientResponse]:
        """A call whose answer is not read yet; `url` has its escapes already."""
        if self._session is None:
            self._session = ClientSession(
                connector=TCPConnector(limit=0),
                cookie_jar=DummyCookieJar(),  # the NameNode's cookie names the account of one call, and is no other's
                timeout=ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
                headers={"Accept-Encoding": "identity"},
                read_bufsize=BUFFER_SIZE,
                auto_decompress=False,
                trust_env=False,
            )
        return self._session.request(method, URL(url, encoded=True), allow_redirects=False, **options)

    async def datanode(self, method: str, url: str) -> str:
        """The address at which a DataNode answers a call, as the NameNode says.

        Raises:
            WebHdfsError: with the NameNode's refusal.
        """
        async with self.request(method, url) as answer:
            await raise_refusal(answer)
            try:
                # the NameNode leaves letters beyond ASCII as they are, and the DataNode would read them as Latin-1
                return quote(str((await read_json(answer))["Location"]), safe=URL_CHARACTERS)
            except (ValueError, KeyError, TypeError) as error:
                raise WebHdfsError(502, IO_ERROR, "HDFS named no DataNode.") from error

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
            if await self._status(parent) is None:
                await self._administer("PUT", parent, "MKDIRS", permission="755")
            await self._administer("PUT", draft, "MKDIRS", permission="700")
            if acl:
                await self._administer("PUT", draft, "SETACL", aclspec=acl)
            await self._administer("PUT", draft, "SETOWNER", **owner)
            await self._administer("PUT", draft, "RENAME", destination=folder, renameoptions="NONE")

    async def allows(self, user: str, path: str, rights: str) -> bool:
        """Whether HDFS gives a user these rights to a path, such as `r-x`; not to one that does not exist.

        Raises:
            ServiceUnavailableError: if HDFS does not answer.
        """
        query = {"op": "CHECKACCESS", "fsaction": rights, "user.name": ACCOUNT, "doas": user}
        try:
            async with asyncio.timeout(ADMIN_TIMEOUT), self.request("GET", address(self.namenode, path, query)) as answer:
                if answer.status in {OK, FORBIDDEN, NOT_FOUND}:
                    return answer.status == OK
                await raise_refusal(answer)
        except (ClientError, TimeoutError, WebHdfsError) as error:
            raise ServiceUnavailableError(NO_ANSWER) from error
        return False

    async def _status(self, path: str) -> Mapping[str, Any] | None:
        """What HDFS knows of a path; None if there is nothing."""
        try:
            return await self._administer("GET", path, "GETFILESTATUS")
        except WebHdfsError as error:
            if error.status == NOT_FOUND:
                return None
            raise ServiceUnavailableError(f"HDFS refuses its gateway: {error}") from error

    async def _administer(self, method: str, path: str, operation: str, **parameters: str) -> Mapping[str, Any]:
        query = {"op": operation, **parameters, "user.name": SUPERUSER}
        try:
            async with asyncio.timeout(ADMIN_TIMEOUT), self.request(method, address(self.namenode, path, query)) as answer:
                await raise_refusal(answer)
                return await read_json(answer)
        except WebHdfsError as error:
            if method == "GET":
                raise
            raise ServiceUnavailableError(f"HDFS refuses to make the folder: {error}") from error
        except (ClientError, TimeoutError) as error:
            raise ServiceUnavailableError(NO_ANSWER) from error


async def raise_refusal(answer: ClientResponse) -> None:
    """Raise what HDFS refuses.

    Raises:
        WebHdfsError: with HDFS's own sentence, if the answer is a refusal.
    """
    if answer.status < FIRST_ERROR_STATUS:
        return
    try:
        refusal = (await read_json(answer))["RemoteException"]
        message = str(refusal["message"]).strip().partition("\n")[0]
        raise WebHdfsError(answer.status, str(refusal.get("javaClassName") or refusal["exception"]), message)
    except (ValueError, KeyError, TypeError) as error:
        raise WebHdfsError(answer.status, IO_ERROR, f"HDFS answered with the status {answer.status}.") from error


async def read_json(answer: ClientResponse) -> dict[str, Any]:
    """A short answer of HDFS; empty if it has no body.

    Raises:
        ValueError: if it is no JSON, or too long.
    """
    content = bytearray()
    async for piece in answer.content.iter_any():
        content += piece
        if len(content) > MAX_ANSWER:
            raise ValueError("The answer is too long.")
    found: dict[str, Any] = json.loads(content or b"{}")
    return found
