"""Works out the desired state from JupyterHub's own data, and keeps the broker informed of it."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from jupyterhub import orm
from sqlalchemy import select

from rc2hub.errors import ServiceUnavailableError
from rc2hub.hub import metrics
from rc2hub.hub.broker_sync.client import BrokerClient
from rc2hub.hub.broker_sync.grants import GrantTable, Groups, Scopes
from rc2hub.messages import DesiredStateUpdate, PoolState, RevisionConflict, UserState
from rc2hub.permissions import Grants, grants_in

log = logging.getLogger("JupyterHub")

INTERVAL = 15.0
"""Seconds between two pushes when nothing changes."""
BROKER_RESTART_TIMEOUT = 40.0
"""Seconds in which a start tries to reach the broker; JupyterHub, or Kubernetes, restarts a broker that has ended."""
RETRY_DELAY = 0.2
"""Seconds between tries of a start while the broker restarts."""
INCLUDE_TIME = 60.0
"""Seconds for which the broker gets the grants of a user whom it asked for, and who has no active server."""

UserContent = tuple[Scopes, Groups, Mapping[str, Mapping[str, str]]]
"""What is sent of a user: custom scopes, groups, and name of each active server to service to level."""


class RunningSpawner(Protocol):
    """What the desired state needs to know of a spawner."""

    pending: str | None
    active: bool
    name: str
    requested_services: dict[str, str]


class DesiredStatePush:
    """Sends the desired state to the broker for as long as the hub runs. Only `run` sends, so no push overtakes another."""

    def __init__(self, client: BrokerClient, hub: Any) -> None:
        """Take the running JupyterHub application."""
        self.client = client
        self.hub = hub
        self.pool_states: Callable[[], Sequence[PoolState]] = tuple
        """The state of the pools; empty before there is a pool."""
        self._grants = GrantTable(hub.db)
        self._wanted = asyncio.Event()
        self._waiting: list[asyncio.Future[int]] = []
        self._included: dict[str, float] = {}
        self._last_error = ""
        # greater than the last revision of an earlier run of the hub
        self._revision = time.time_ns() // 1_000_000
        self._sent: tuple[int, dict[str, UserContent]] | None = None
        """The revision and the content that the broker has; None if the next message has to hold everything."""

    async def run(self) -> None:
        """Push every 15 seconds, and whenever a push is wanted, until cancelled."""
        while True:
            # before the state is read: what changes during a push leads to another one
            self._wanted.clear()
            await self.check_managed_services()
            await self._push_for_all()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.interval()):
                    await self._wanted.wait()

    async def push(self) -> int:
        """Have the state as it is now sent; returns its revision once the broker has it.

        Raises:
            ServiceUnavailableError: if the broker does not answer.
        """
        sent: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append(sent)
        self._wanted.set()
        return await sent

    def push_soon(self) -> None:
        """Have the next push done at once, without waiting for it."""
        self._wanted.set()

    async def push_with_retry(self) -> int:
        """As `push`; if the broker does not answer, JupyterHub restarts one that it manages, and this tries again.

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
                await asyncio.sleep(RETRY_DELAY)

    def include_grants_of(self, users: Iterable[str]) -> None:
        """Have the grants of these users sent, too, for the next minute."""
        self._included |= dict.fromkeys(users, time.monotonic() + INCLUDE_TIME)
        self.push_soon()

    async def check_managed_services(self) -> None:
        """Have JupyterHub poll the broker and the gateways now; by itself it polls them every 30 seconds."""
        services = [
            service
            for name, service in self.hub.tornado_settings["services"].items()
            if name.partition("-")[0] == "rc2" and service.managed and service.spawner is not None
        ]
        if any(service.url and service.server is None for service in services):
            return  # the hub ends and has stopped one of them, which a poll would start again
        for service in services:
            await service.spawner.poll_and_notify()

    def content(self) -> dict[str, UserContent]:
        """What the broker has to know of each user: the owners of active servers, and the users it asked for."""
        servers = {
            user_id: {spawner.name: dict(spawner.requested_services) for spawner in spawners}
            for user_id, user in self.hub.users.items()
            if (spawners := list(running_spawners(user)))
        }
        user_ids = servers.keys() | self._included_ids()
        found, groups = self._grants.scopes(user_ids), self._grants.groups(user_ids)
        return {
            name: (scopes, groups.get(user_id, frozenset()), servers.get(user_id, {}))
            for user_id, (name, scopes) in found.items()
        }

    def grants(self, user: str) -> Grants:
        """The grants that JupyterHub's roles give to the user now."""
        return grants_in(self._grants.scopes_of(user))

    def interval(self) -> float:
        """Seconds between two pushes: no longer than the authenticator's `auth_refresh_age`."""
        return float(min(INTERVAL, self.hub.authenticator.auth_refresh_age or INTERVAL))

    async def _push_for_all(self) -> None:
        """Send one message for all who wait for a push."""
        waiting, self._waiting = self._waiting, []
        error: Exception | None = ServiceUnavailableError("The hub cannot tell the broker what runs; try again in a moment.")
        try:
            await self._send()
            error, self._last_error = None, ""
        except ServiceUnavailableError as unavailable:
            error, self._sent = unavailable, None
            self._log_once(str(unavailable))
        finally:
            metrics.BROKER_UP.set(error is None)
            for sent in waiting:
                if not sent.done() and error is not None:
                    sent.set_exception(error)
                elif not sent.done():
                    sent.set_result(self._revision)

    async def _send(self) -> None:
        """Send what changed, or everything if the broker does not have what was sent before."""
        content, pools = self.content(), tuple(self.pool_states())
        since, before = self._sent or (None, {})
        conflict = await self._put(since, before, content, pools)
        if conflict is not None:
            # the broker is new, or has a state of another run of the hub, whose clock was ahead
            self._revision = max(self._revision, conflict.revision)
            if await self._put(None, {}, content, pools) is not None:
                raise ServiceUnavailableError("The broker refuses the hub's state; does another hub use the same broker?")
        self._sent = self._revision, content

    async def _put(
        self,
        since: int | None,
        before: Mapping[str, UserContent],
        content: Mapping[str, UserContent],
        pools: tuple[PoolState, ...],
    ) -> RevisionConflict | None:
        self._revision += 1
        users: dict[str, UserState | None] = {
            name: UserState(scopes=scopes, groups=groups, servers=servers)
            for name, (scopes, groups, servers) in content.items()
            if before.get(name) != (scopes, groups, servers)
        }
        users |= dict.fromkeys(before.keys() - content.keys())
        update = DesiredStateUpdate(revision=self._revision, since=since, users=users, pools=pools)
        return await self.client.put_desired_state(update)

    def _included_ids(self) -> set[int]:
        now = time.monotonic()
        self._included = {name: until for name, until in self._included.items() if until > now}
        if not self._included:
            return set()
        return set(self.hub.db.scalars(select(orm.User.id).where(orm.User.name.in_(self._included))))

    def _log_once(self, message: str) -> None:
        if message != self._last_error:
            log.warning("%s", message)
        self._last_error = message


def running_spawners(user: Any) -> Iterable[RunningSpawner]:
    """The user's spawners whose server is active and does not stop."""
    return (spawner for spawner in list(user.spawners.values()) if spawner.active and spawner.pending != "stop")
