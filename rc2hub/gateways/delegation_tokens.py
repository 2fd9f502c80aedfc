"""How the gateway's calls to HDFS name their user: by a name that HDFS trusts, or with Kerberos by a token for the user.

HDFS gives such a token (a delegation token) to the gateway's account, which may act for users. It is in the gateway's memory
only, is renewed while it is used, and is cancelled when the last server of its user is detached.
"""

import asyncio
import json
import logging
import time
from dataclasses import dataclass, field
from typing import Any

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways.spnego import Spnego
from rc2hub.gateways.webhdfs_refusal import INVALID_TOKEN, refusal_in
from rc2hub.gateways.webhdfs_request import ACCOUNT, SUPERUSER, Query, WebHdfsError, acting_for, address

log = logging.getLogger("rc2hub.gateways")

CLOSE_TIMEOUT = 10.0
"""Seconds for cancelling all tokens when the gateway stops."""
RETRY_DELAY = 60.0
"""Seconds after which a renewal is tried again that failed while the token is still good."""


class TrustedNames:
    """HDFS without Kerberos: it trusts the name in a call."""

    inspector = SUPERUSER
    """As whom the gateway itself looks at HDFS."""

    async def query(self, user: str) -> Query:
        """The parameters of a call that name a user of HDFS."""
        return {"user.name": SUPERUSER} if user == SUPERUSER else acting_for(user)

    def forget(self, user: str, refused: Query) -> None:
        """Do nothing: a name is not replaced by another one."""

    async def drop(self, user: str) -> None:
        """Do nothing: there is no token."""

    async def close(self) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class Token:
    """A token of one user of HDFS."""

    text: str = field(repr=False)
    renew_at: float
    """When half of its time has passed, on the monotonic clock."""


class DelegationTokens:
    """HDFS with Kerberos: a token for each user."""

    inspector = ACCOUNT

    def __init__(self, namenode: str, spnego: Spnego) -> None:
        """Take the NameNode's address, and what calls it as the gateway's account."""
        self._namenode, self._spnego = namenode, spnego
        self._tokens: dict[str, asyncio.Task[Token]] = {}

    async def query(self, user: str) -> Query:
        """The parameters of a call that name a user of HDFS; calls at the same time share what is asked of HDFS.

        Raises:
            ServiceUnavailableError: if Kerberos or HDFS gives no token.
            WebHdfsError: if HDFS does not let the gateway act for the user.
        """
        task = self._tokens.get(user)
        if task is None or (task.done() and not _is_token(task)):
            task = self._tokens[user] = asyncio.create_task(self._get(user))
        elif task.done() and task.result().renew_at < time.monotonic():
            task = self._tokens[user] = asyncio.create_task(self._renewed(user, task.result()))
        return {"delegation": (await asyncio.shield(task)).text}

    def forget(self, user: str, refused: Query) -> None:
        """Have the next call get a new token in the place of one that HDFS refused."""
        task = self._tokens.get(user)
        if task and _is_token(task) and task.result().text == refused["delegation"]:
            del self._tokens[user]

    async def drop(self, user: str) -> None:
        """Cancel the user's token; one that HDFS does not cancel now ends by itself, and no other program has it."""
        task = self._tokens.pop(user, None)
        if task is None:
            return
        await asyncio.wait([task])
        if not _is_token(task):
            return
        try:
            await self._call("PUT", "CANCELDELEGATIONTOKEN", token=task.result().text)
        except (ServiceUnavailableError, WebHdfsError) as error:
            log.warning("HDFS's token of %s was not cancelled: %s", user, error)

    async def close(self) -> None:
        """Cancel all tokens, as many as the time of a stop allows."""
        if drops := [asyncio.create_task(self.drop(user)) for user in self._tokens]:
            await asyncio.wait(drops, timeout=CLOSE_TIMEOUT)

    async def _get(self, user: str) -> Token:
        acting = {} if user == ACCOUNT else {"doas": user}
        found = await self._call("GET", "GETDELEGATIONTOKEN", renewer=ACCOUNT, **acting)
        return await self._renew(str(found["Token"]["urlString"]))

    async def _renew(self, text: str) -> Token:
        """Renew a token; only this tells when it expires."""
        expires_at = (await self._call("PUT", "RENEWDELEGATIONTOKEN", token=text))["long"] / 1000
        return Token(text, time.monotonic() + (expires_at - time.time()) / 2)

    async def _renewed(self, user: str, token: Token) -> Token:
        """The token, renewed; a new one if HDFS has ended it, and the same if it cannot be renewed now."""
        try:
            return await self._renew(token.text)
        except (ServiceUnavailableError, WebHdfsError) as error:
            if isinstance(error, WebHdfsError) and error.code == INVALID_TOKEN:
                return await self._get(user)
            log.warning("HDFS's token of %s was not renewed: %s", user, error)
            return Token(token.text, time.monotonic() + RETRY_DELAY)

    async def _call(self, method: str, operation: str, **parameters: str) -> dict[str, Any]:
        status, content = await self._spnego.call(method, address(self._namenode, "/", {"op": operation, **parameters}))
        if refusal := refusal_in(status, content):
            raise refusal
        found: dict[str, Any] = json.loads(content or b"{}")
        return found


def _is_token(task: asyncio.Task[Token]) -> bool:
    """Whether a task has ended with a token."""
    return task.done() and not task.cancelled() and task.exception() is None
