"""Standbys of Spark: Connect servers that are started and warmed, and not claimed yet. They know no user."""

import asyncio
import logging
import time
from collections.abc import Callable

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways.connect_server import ConnectServer

log = logging.getLogger("rc2hub.gateways")

REFILL_DELAY = 10.0
"""Seconds without a start of a user's server before a standby starts, which takes a core for twenty seconds."""
MAX_DELAY = 300.0
"""Seconds before a standby starts again, at most, if standbys end one after the other."""
START_TIMEOUT = 300.0
"""Seconds for a standby to start and to run its first queries; they take twenty on idle cores."""
CHECK_INTERVAL = 0.5
"""Seconds between two looks whether a standby is missing."""


class ConnectStandbys:
    """Keeps `spare` standbys. Each takes a place, as a user's server does, and passes it on when it is claimed."""

    def __init__(self, spare: int, places: asyncio.Semaphore, create: Callable[[], ConnectServer]) -> None:
        """Take the number of standbys, the places for Connect servers, and how a server is made."""
        self._spare, self._places, self._create = spare, places, create
        self._standbys: dict[ConnectServer, asyncio.Task[None]] = {}
        self._failures, self._due = 0, time.monotonic() + REFILL_DELAY

    @property
    def are_ready(self) -> bool:
        """Whether a claim would find a warmed standby."""
        return any(server.is_warm for server in self._standbys)

    def claim(self) -> ConnectServer | None:
        """Take a standby for one user, with its place: the one that has been ready longest, or one that starts.

        Who claims it must give it its user, or stop it. It never comes back. None if there is no standby.
        """
        self._failures, self._due = 0, time.monotonic() + REFILL_DELAY
        claimed = min(self._standbys, key=lambda server: not server.is_warm, default=None)
        if claimed is not None:
            self._standbys.pop(claimed).cancel()  # and its warm-up
        return claimed

    async def run(self) -> None:
        """Start what is missing, until cancelled. A standby takes no place for which a user waits."""
        while True:
            if len(self._standbys) < self._spare and time.monotonic() >= self._due and not self._places.locked():
                await self._places.acquire()
                server = self._create()
                self._standbys[server] = asyncio.create_task(self._keep(server), name="rc2 spark standby")
            await asyncio.sleep(CHECK_INTERVAL)

    async def close(self) -> None:
        """Stop all standbys."""
        standbys, self._standbys = self._standbys, {}
        for task in standbys.values():
            task.cancel()
        await asyncio.gather(*(server.stop() for server in standbys))

    async def _keep(self, server: ConnectServer) -> None:
        """Start and warm a standby, and remove it if it ends; a claim cancels this."""
        try:
            async with asyncio.timeout(START_TIMEOUT):
                await server.start()
                await server.warm_up()
            log.info("spark: a standby is ready")
            reason = await server.wait_ended() or "it ended"
        except (ServiceUnavailableError, TimeoutError) as error:
            reason = str(error) or "it was not ready in time"
        del self._standbys[server]
        self._failures += 1
        delay = min(REFILL_DELAY * 2**self._failures, MAX_DELAY)
        self._due = time.monotonic() + delay
        log.warning("spark: a standby is replaced in %.0f s: %s", delay, reason)
        await server.stop()
        self._places.release()
