"""Applies the change requests that users send to the broker while their server runs."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from rc2hub.errors import ServiceUnavailableError
from rc2hub.hub.broker_sync.desired_state import DesiredStatePush, running_spawners
from rc2hub.messages import ChangeRequest

RETRY_DELAY = 1.0
"""Seconds before the next question while the broker does not answer."""
log = logging.getLogger("JupyterHub")


class ChangeRequestFollower:
    """Asks the broker for change requests with a long poll, and applies them to the spawners."""

    def __init__(self, push: DesiredStatePush, apply: Callable[[Any, ChangeRequest], None]) -> None:
        """Take the function that applies a change request to a spawner."""
        self._push, self._apply = push, apply

    async def run(self) -> None:
        """Follow the users' change requests until cancelled."""
        while True:
            try:
                pending = await self._push.client.pending_requests()
            except ServiceUnavailableError:
                await asyncio.sleep(RETRY_DELAY)
                self._push.push_soon()  # a broker that comes back knows nothing, and the Spark gateway asks it already
                continue
            for request in pending.change_requests:
                self._apply_to_server(request)
            if pending.users:
                self._push.include_grants_of(pending.users)
            if pending.change_requests:
                self._push.push_soon()

    def _apply_to_server(self, request: ChangeRequest) -> None:
        """Apply one request; an error of one must not lose the others, which the broker does not send again."""
        user = self._push.hub.users.get(request.user)
        for spawner in running_spawners(user) if user else ():
            if spawner.name == request.server:
                try:
                    self._apply(spawner, request)
                except Exception:
                    log.exception("The change of %s for %s could not be stored.", request.service, request.user)
