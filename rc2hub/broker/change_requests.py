"""Attaching and detaching services of a running server.

The broker passes each request to the hub, and the hub changes the desired state. The desired state is stored only in the
hub, so a restart of the broker loses no decision.
"""

import asyncio
from dataclasses import asdict

from rc2hub.broker.reconciler import Reconciler
from rc2hub.errors import ServiceUnavailableError
from rc2hub.messages import ChangeRequest

REQUEST_TIMEOUT = 8.0
"""Seconds until a user gets an answer to a change request."""


class ChangeRequests:
    """The change requests that the hub has not taken yet."""

    def __init__(self) -> None:
        """Start with an empty queue."""
        self._pending: list[ChangeRequest] = []
        self._arrived = asyncio.Event()

    async def take(self, seconds: float) -> list[dict[str, str | None]]:
        """Return and remove all requests; wait up to `seconds` for the first one. The hub calls this."""
        try:
            async with asyncio.timeout(seconds):
                await self._arrived.wait()
        except TimeoutError:
            return []
        self._arrived.clear()
        taken, self._pending = self._pending, []
        return [asdict(change_request) for change_request in taken]

    async def submit(self, change_request: ChangeRequest, reconciler: Reconciler) -> None:
        """Queue a user's request for the hub, and return when the service is reconciled with it.

        Raises:
            ServiceUnavailableError: if that takes longer than `REQUEST_TIMEOUT`.
        """

        def is_done() -> bool:
            return change_request.is_applied_in(reconciler.desired) and reconciler.is_reconciled(change_request.service)

        if not change_request.is_applied_in(reconciler.desired):
            self._pending.append(change_request)
            self._arrived.set()
        if not await reconciler.wait_for(is_done, REQUEST_TIMEOUT):
            raise ServiceUnavailableError(
                f"{change_request.service}: the hub did not apply the change within {REQUEST_TIMEOUT:.0f} seconds;"
                " try again in a moment."
            )
