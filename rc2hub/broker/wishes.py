"""Attaching and detaching while a server runs: a person tells the broker, the hub decides and puts it in its list.

So there is one place that knows what is asked for, and a broker that is killed forgets nothing that was granted.
"""

import asyncio
from dataclasses import asdict, dataclass

from rc2hub.broker.reconcile import Desired, Reconciler
from rc2hub.errors import ServiceUnavailableError
from rc2hub.services.base import Server

PATIENCE = 8.0
"""Seconds a person waits for her answer."""


@dataclass(frozen=True)
class Wish:
    """A running server should have a service at a level, or, with None, should have it no longer."""

    user: str
    server: str
    service: str
    level: str | None

    def holds_in(self, desired: Desired | None) -> bool:
        """Whether the hub's list already says so."""
        asked = desired.servers.get(Server(self.user, self.server), {}) if desired else {}
        return asked.get(self.service) == self.level


class Wishes:
    """What the hub has not fetched yet."""

    def __init__(self) -> None:
        """Start with none; the hub's list is the memory."""
        self._pending: list[Wish] = []
        self._arrived = asyncio.Event()

    async def take(self, seconds: float) -> list[dict[str, str | None]]:
        """For the hub: all wishes, waiting at most so many seconds for a first one."""
        try:
            async with asyncio.timeout(seconds):
                await self._arrived.wait()
        except TimeoutError:
            return []
        self._arrived.clear()
        taken, self._pending = self._pending, []
        return [asdict(wish) for wish in taken]

    async def fulfil(self, wish: Wish, reconciler: Reconciler) -> None:
        """For a person: pass the wish on, and return when the services are as it says.

        Raises:
            ServiceUnavailableError: if the hub or the service does not answer in time.
        """
        if not wish.holds_in(reconciler.desired):
            self._pending.append(wish)
            self._arrived.set()
        if not await reconciler.until(
            lambda: wish.holds_in(reconciler.desired) and reconciler.settled(wish.service), PATIENCE
        ):
            raise ServiceUnavailableError(
                f"{wish.service}: the hub did not take the change up in {PATIENCE:.0f} seconds; try again in a moment."
            )
