"""Applies the change requests that users send to the broker while their server runs."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from rc2hub.errors import ServiceUnavailableError
from rc2hub.hub.broker_sync.client import LONG_POLL
from rc2hub.hub.broker_sync.desired_state import DesiredStatePush, running_spawners
from rc2hub.messages import ChangeRequest

RETRY_DELAY = 1.0
"""Seconds before the next question while the broker does not answer."""


class ChangeRequestFollower:
    """Asks the broker for change requests with a long poll, and applies them to the spawners."""

    def __init__(self, push: DesiredStatePush, apply: Callable[[Any, ChangeRequest], Awaitable[None]]) -> None:
        """Take what applies a change request to a spawner."""
        self._push, self._apply = push, apply

    async def run(self) -> None:
        """Follow the users' change requests until cancelled."""
        while True:
            try:
                requests = await self._push.client.change_requests(LONG_POLL)
            except ServiceUnavailableError:
                await asyncio.sleep(RETRY_DELAY)
                self._push.push_soon()  # a broker that comes back knows nothing, and the Spark gateway asks it already
                continue
            for request in requests:
                await self._apply_to_server(request)

    async def _apply_to_server(self, request: ChangeRequest) -> None:
        user = self._push.hub.users.get(request.user)
        for spawner in running_spawners(user) if user else ():
            if spawner.name == request.server:
                await self._apply(spawner, request)
