"""A Connect server that starts without a user, and gets its user once, by an activation; as a process or as a pod."""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from rc2hub.gateways.hive_conf import hadoop_token
from rc2hub.gateways.java_command import LOOPBACK, TOKEN_PROPERTY

CONNECT_TIMEOUT = 3.0
"""Seconds for a Connect server to accept a connection, however busy it is."""
POLL_INTERVAL = 0.05
"""Seconds between two looks whether a Connect server listens."""
WARM_UP_USER = "rc2-warm-up"


class ConnectServer(ABC):
    """A Connect server, and the program `in_spark/connect_server.py`, which starts it and ends when it has a user."""

    def __init__(self, secret: str) -> None:
        """Take what a client of the server must know; it says nothing of a user."""
        self.secret = secret
        self.host, self.port = LOOPBACK, 0
        self.is_warm = False
        self._starting: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the server and wait until it listens; several callers wait for the same start.

        Raises:
            ServiceUnavailableError: if it cannot be started.
        """
        if self._starting is None:
            self._starting = asyncio.create_task(self._start(), name="rc2 spark start")
            # marks an exception as read, as it may be that nothing waits for this task
            self._starting.add_done_callback(lambda task: task.cancelled() or task.exception())
        await asyncio.shield(self._starting)

    async def warm_up(self) -> None:
        """Run the first queries, which no user then waits for.

        Raises:
            ServiceUnavailableError: if they fail.
        """
        session = str(uuid4())
        await self._call("open_warm_up", session=session)
        parameters = {"authorization": f"Bearer%20{self.secret}", "user_id": WARM_UP_USER, "session_id": session}
        url = ";".join(f"{name}={value}" for name, value in parameters.items())
        await self._run_first_queries(f"sc://{LOOPBACK}:{self.port}/;{url}")
        self.is_warm = True

    async def activate(self, token: str, conf: Mapping[str, str]) -> None:
        """Give the server its user: the token that names the user, and the user's options of Spark.

        Raises:
            ServiceUnavailableError: if it is not certain that the server has both; it must then be stopped.
        """
        user = {"token": token, "hadoop_token": hadoop_token(token), "token_property": TOKEN_PROPERTY, "conf": conf}
        await self._call("activate", **user)

    async def is_reachable(self) -> bool:
        """Whether the server accepts a connection."""
        with contextlib.suppress(OSError):
            async with asyncio.timeout(CONNECT_TIMEOUT):
                _, writer = await asyncio.open_connection(self.host, self.port)
                writer.close()
                return True
        return False

    @abstractmethod
    def check(self) -> None:
        """Check that the server has not ended.

        Raises:
            ServiceUnavailableError: with the reason, if it is known.
        """

    @abstractmethod
    async def wait_ended(self) -> str:
        """Wait until the server has ended for any reason, and remove what it left; returns the reason if it is known."""

    async def stop(self) -> None:
        """Stop the server and everything it has started."""
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        await self._stop()

    @abstractmethod
    async def _start(self) -> None:
        """Start the server and wait until it listens."""

    @abstractmethod
    async def _call(self, name: str, **arguments: Any) -> None:
        """Have the server's program do something.

        Raises:
            ServiceUnavailableError: if it does not answer.
        """

    @abstractmethod
    async def _run_first_queries(self, url: str) -> None:
        """Run `in_spark/warm_up.py` with the address of the server, from where the server runs."""

    @abstractmethod
    async def _stop(self) -> None:
        """Stop the server, which does not start any more."""
