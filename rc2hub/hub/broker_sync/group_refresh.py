"""Refreshes the groups of users with a running server, so that a lost group takes a service away while R goes on.

JupyterHub itself refreshes a user only at a request of that user.
"""

import asyncio
import logging
import time
from typing import Any

from rc2hub.hub.broker_sync.desired_state import DesiredStatePush, running_spawners

log = logging.getLogger("JupyterHub")

MAX_CONCURRENT_REFRESHES = 10
"""Users that the authenticator refreshes at the same time: after a restart of the hub, a whole class is due at once."""


class GroupRefresh:
    """Has the authenticator refresh each user with a running server every `auth_refresh_age`."""

    def __init__(self, push: DesiredStatePush) -> None:
        """Take the push that sends the new grants to the broker."""
        self._push, self._hub = push, push.hub
        self._refreshed: dict[int, float] = {}

    async def run(self) -> None:
        """Refresh until cancelled. A task of its own, because an identity provider that hangs must not delay a push."""
        while True:
            await self.refresh_users()
            await asyncio.sleep(self._push.interval() / 3)

    async def refresh_users(self) -> None:
        """Refresh the users who are due, then push their grants."""
        now, age = time.monotonic(), self._hub.authenticator.auth_refresh_age
        # by id, as the name of each user would be loaded from the database again
        running = {user_id: user for user_id, user in self._hub.users.items() if any(running_spawners(user))}
        due = {user_id: user for user_id, user in running.items() if age and now - self._refreshed.get(user_id, -age) >= age}
        last = {user_id: at for user_id, at in self._refreshed.items() if user_id in running}
        self._refreshed = {**last, **dict.fromkeys(due, now)}
        limit = asyncio.Semaphore(MAX_CONCURRENT_REFRESHES)
        async with asyncio.TaskGroup() as tasks:
            for user_id, user in due.items():
                tasks.create_task(self._refresh(user, limit), name=f"rc2 refresh of user {user_id}")
        if due:
            self._push.push_soon()

    async def _refresh(self, user: Any, limit: asyncio.Semaphore) -> None:
        authenticator = self._hub.authenticator
        try:
            async with limit:
                model = await authenticator.refresh_user(user, None)
            if model is True:
                return
            if authenticator.manage_groups:
                # a user whom the authenticator no longer knows is in no group
                user.sync_groups((model or {}).get("groups") or [])
            if model and authenticator.enable_auth_state and "auth_state" in model:
                # JupyterHub does this at a request; without it, a refresh token that was exchanged here is lost
                await user.save_auth_state(model["auth_state"])
        except Exception:
            log.exception("The authenticator could not refresh %s; the user keeps the same groups.", user.name)
