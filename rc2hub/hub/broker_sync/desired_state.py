"""Works out the desired state from JupyterHub's own data, and keeps the broker informed of it."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from jupyterhub import orm
from jupyterhub.scopes import get_scopes_for

from rc2hub.errors import ServiceUnavailableError
from rc2hub.hub import metrics
from rc2hub.hub.broker_sync.client import BrokerClient
from rc2hub.messages import DesiredState, PoolState, ServerId
from rc2hub.permissions import Grants, grants_in

log = logging.getLogger("JupyterHub")

INTERVAL = 15.0
"""Seconds between two pushes when nothing changes."""
BROKER_RESTART_TIMEOUT = 40.0
"""Seconds in which a start tries to reach the broker; JupyterHub, or Kubernetes, restarts a broker that has ended."""
RETRY_DELAY = 0.2
"""Seconds between tries of a start while the broker restarts."""


class RunningSpawner(Protocol):
    """What the desired state needs to know of a spawner."""

    pending: str | None
    active: bool
    name: str
    requested_services: dict[str, str]


class DesiredStatePush:
    """Sends the desired state to the broker for as long as the hub runs."""

    def __init__(self, client: BrokerClient, hub: Any) -> None:
        """Take the running JupyterHub application."""
        self.client = client
        self.hub = hub
        self.pool_states: Callable[[], Sequence[PoolState]] = tuple
        """The state of the pools; empty before there is a pool."""
        self._soon = asyncio.Event()
        self._last_error = ""

    async def run(self) -> None:
        """Push every 15 seconds, and whenever `push_soon` is called, until cancelled."""
        while True:
            try:
                await self.check_managed_services()
                await self.push()
                self._last_error = ""
            except ServiceUnavailableError as error:
                self._log_once(str(error))
            self._soon.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.interval()):
                    await self._soon.wait()

    async def push(self) -> None:
        """Push now.

        Raises:
            ServiceUnavailableError: if the broker does not answer.
        """
        try:
            await self.client.put_desired_state(self.desired_state())
        except ServiceUnavailableError:
            metrics.BROKER_UP.set(0)
            raise
        metrics.BROKER_UP.set(1)

    def push_soon(self) -> None:
        """Have the next push done at once, without waiting for it."""
        self._soon.set()

    async def push_with_retry(self) -> None:
        """Push now; if the broker does not answer, have JupyterHub restart one that it manages, and try again.

        Raises:
            ServiceUnavailableError: if no try succeeds that begins within 40 seconds.
        """
        deadline = time.monotonic() + BROKER_RESTART_TIMEOUT
        while True:
            try:
                return await self.push()
            except ServiceUnavailableError:
                if time.monotonic() > deadline:
                    raise
                await self.check_managed_services()
                await asyncio.sleep(RETRY_DELAY)

    async def check_managed_services(self) -> None:
        """Have JupyterHub poll the broker and the gateways now; by itself it polls them every 30 seconds."""
        for name, service in self.hub.tornado_settings["services"].items():
            if name.partition("-")[0] == "rc2" and service.managed and service.spawner is not None:
                await service.spawner.poll_and_notify()

    def desired_state(self) -> DesiredState:
        """Active servers with their services, the grants of their owners and of users active today, and the pools."""
        servers: dict[ServerId, Mapping[str, str]] = {}
        for user in self.hub.users.values():
            for spawner in running_spawners(user):
                servers[ServerId(user.name, spawner.name)] = dict(spawner.requested_services)
        users = {server.user for server in servers} | self._users_active_today()
        return DesiredState(servers, {name: self.grants(name) for name in users}, self.pool_states())

    def grants(self, user: str) -> Grants:
        """The grants that JupyterHub's roles give to the user now."""
        return grants_in(get_scopes_for(orm.User.find(self.hub.db, user)))

    def interval(self) -> float:
        """Seconds between two pushes: no longer than the authenticator's `auth_refresh_age`."""
        return float(min(INTERVAL, self.hub.authenticator.auth_refresh_age or INTERVAL))

    def _users_active_today(self) -> set[str]:
        since = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=1)
        return {name for (name,) in self.hub.db.query(orm.User.name).filter(orm.User.last_activity > since)}

    def _log_once(self, message: str) -> None:
        if message != self._last_error:
            log.warning("%s", message)
        self._last_error = message


def running_spawners(user: Any) -> Iterable[RunningSpawner]:
    """The user's spawners whose server is active and does not stop."""
    return (spawner for spawner in list(user.spawners.values()) if spawner.active and spawner.pending != "stop")
