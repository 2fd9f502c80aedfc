"""Limits of the calls that the gateway forwards, so that no user takes the memory that all share.

A message is in the gateway's memory about three times while it is forwarded: as received, with the user set, and as sent.
The size of a message is not known before it is read, so a message is read only while there is room for a large one. Until
then HTTP/2 lets the client wait.
"""

import asyncio
import collections
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rc2hub.errors import ServiceUnavailableError

MAX_MESSAGES = 4
"""Messages that are received or sent on at the same time: 4 x 3 x 32 MiB are within the chart's 512 MiB."""
MAX_MESSAGES_OF_USER = 2
"""The same, for one user."""
MAX_CALLS_OF_USER = 256
"""Calls of one user at the same time."""
MESSAGE_TIMEOUT = 60.0
"""Seconds in which a message arrives and is sent on."""
TOO_MANY_CALLS = f"You have {MAX_CALLS_OF_USER} running calls of Spark; try again when one has ended."
TOO_SLOW = f"A message to Spark did not arrive within {MESSAGE_TIMEOUT:.0f} seconds; try again."


class MessageLimits:
    """Counts calls and messages by user."""

    def __init__(self) -> None:
        """Start without calls."""
        self._all = asyncio.Semaphore(MAX_MESSAGES)
        self._of_user: collections.defaultdict[str, asyncio.Semaphore] = collections.defaultdict(
            lambda: asyncio.Semaphore(MAX_MESSAGES_OF_USER)
        )
        self._calls: collections.Counter[str] = collections.Counter()

    @asynccontextmanager
    async def call(self, user: str) -> AsyncIterator[None]:
        """Count a call while it runs.

        Raises:
            ServiceUnavailableError: if the user has too many.
        """
        if self._calls[user] >= MAX_CALLS_OF_USER:
            raise ServiceUnavailableError(TOO_MANY_CALLS)
        self._calls[user] += 1
        try:
            yield
        finally:
            self._calls[user] -= 1
            if not self._calls[user]:
                del self._calls[user]
                self._of_user.pop(user, None)

    @asynccontextmanager
    async def message(self, user: str) -> AsyncIterator[None]:
        """Wait until there is room for a message, and keep it while the message is received and sent on.

        Raises:
            ServiceUnavailableError: if that takes longer than a minute.
        """
        async with self._of_user[user], self._all:
            try:
                async with asyncio.timeout(MESSAGE_TIMEOUT):
                    yield
            except TimeoutError:
                raise ServiceUnavailableError(TOO_SLOW) from None
