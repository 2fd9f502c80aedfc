"""The hub's side of the broker: one guarded task that keeps the broker's list right, and the calls a start makes.

JupyterHub itself looks at a person's groups only when she makes a request; this task has the authenticator look again
every `auth_refresh_age`, so that a lost group takes a service away while she works.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import quote

from aiohttp import ClientError, ClientResponse, ClientTimeout
from jupyterhub import orm
from jupyterhub.httpclient import fetch
from jupyterhub.scopes import get_scopes_for

from rc2hub import metrics
from rc2hub.broker.reconcile import Desired
from rc2hub.broker.wire import DEFAULT_SERVER, encode
from rc2hub.broker.wishes import Wish
from rc2hub.errors import ServiceUnavailableError
from rc2hub.permissions import Grants, grants_in
from rc2hub.profiles import PoolState
from rc2hub.services.base import Server

log = logging.getLogger("JupyterHub")

INTERVAL = 15.0
"""Seconds between two pushes when nothing changes."""
BROKER_DEADLINE = 8.0
"""Seconds a start waits for the attachments it needs, so that a dead service fails it within ten."""
RESTART_DEADLINE = 40.0
"""Seconds a start waits for the broker itself, which JupyterHub restarts on its poll."""
REFRESHES_AT_ONCE = 10
"""People the authenticator looks at again at the same time: after a restart of the hub a whole class is due at once."""


class BrokerClient:
    """HTTP calls to the broker with the secret that hub and broker share."""

    def __init__(self, url: str, token: str) -> None:
        """Take the broker's root address, which ends in `/services/rc2/`, and the shared secret."""
        self.url = url
        self._token = token

    async def push(self, desired: Desired) -> None:
        """Send the whole desired state.

        Raises:
            ServiceUnavailableError: if the broker does not answer.
        """
        await self._call("PUT", "api/state", json=encode(desired))

    async def wishes(self, wait: float) -> list[Wish]:
        """Fetch what people asked for live, waiting so many seconds for a first wish.

        Raises:
            ServiceUnavailableError: if the broker does not answer.
        """
        answer = await self._call("GET", f"api/wishes?wait={wait}")
        return [Wish(**wish) for wish in (await answer.json())["wishes"]]

    async def attachments(self, server: Server, server_token: str) -> list[dict[str, Any]]:
        """The server's attachments with their secret files, when those it must wait for have settled.

        Raises:
            ServiceUnavailableError: if the broker does not answer.
        """
        path = f"api/servers/{quote(server.user, safe='')}/{quote(server.name or DEFAULT_SERVER, safe='')}/attachments"
        answer = await self._call("GET", f"{path}?wait={BROKER_DEADLINE}", token=server_token)
        attachments: list[dict[str, Any]] = (await answer.json())["attachments"]
        return attachments

    async def health(self) -> dict[str, str]:
        """Name of each service to its state, `ready` or `failed`; empty while the broker is away."""
        try:
            states: dict[str, str] = (await (await self._call("GET", "api/health")).json())["services"]
        except ServiceUnavailableError:
            return {}
        return states

    async def _call(self, method: str, path: str, *, token: str | None = None, **options: Any) -> ClientResponse:
        headers = {"Authorization": f"token {token or self._token}"}
        timeout = ClientTimeout(total=INTERVAL + BROKER_DEADLINE)
        try:
            response: ClientResponse = await fetch(
                self.url + path, method=method, headers=headers, timeout=timeout, **options
            )
        except (ClientError, TimeoutError) as error:
            raise ServiceUnavailableError(
                "The broker of the shared services does not answer; it is restarted by itself, try again in a moment."
            ) from error
        return response


class ComputeServer(Protocol):
    """What the push needs to know of a spawner."""

    pending: str | None
    active: bool
    name: str
    attached: dict[str, str]


class Push:
    """Keeps the broker's list right for as long as the hub runs."""

    def __init__(self, client: BrokerClient, hub: Any, apply: Callable[[Any, Wish], Awaitable[None]]) -> None:
        """Take the running JupyterHub application, and what applies a person's wish to a spawner."""
        self.client = client
        self.hub = hub
        self.apply = apply
        self.pools: Callable[[], Sequence[PoolState]] = tuple
        """How the standbys are now; there are none before the hub is up."""
        self._soon = asyncio.Event()
        self._refreshed: dict[str, float] = {}
        self._last_error = ""

    async def run(self) -> None:
        """Push every 15 seconds and follow people's wishes, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._push_always(), name="rc2 push")
            tasks.create_task(self._follow_wishes(), name="rc2 wishes")
            tasks.create_task(self._refresh_always(), name="rc2 refresh")

    async def push(self) -> None:
        """Push now.

        Raises:
            ServiceUnavailableError: if the broker does not answer.
        """
        try:
            await self.client.push(self.desired())
        except ServiceUnavailableError:
            metrics.BROKER.set(0)
            raise
        metrics.BROKER.set(1)

    def push_soon(self) -> None:
        """Push without waiting for it: something changed that nobody depends on yet."""
        self._soon.set()

    async def push_patiently(self) -> None:
        """Push now; if the broker is away, have it restarted, and try until it has come back.

        Raises:
            ServiceUnavailableError: if it has not after 40 seconds.
        """
        deadline = time.monotonic() + RESTART_DEADLINE
        while True:
            try:
                return await self.push()
            except ServiceUnavailableError:
                if time.monotonic() > deadline:
                    raise
                await self.look_after_services()
                await asyncio.sleep(0.2)

    async def look_after_services(self) -> None:
        """Have JupyterHub look at broker and gateways that it manages, instead of at its next poll in up to 30 seconds."""
        for name, service in self.hub.tornado_settings["services"].items():
            if name.partition("-")[0] == "rc2" and service.managed and service.spawner is not None:
                await service.spawner.poll_and_notify()

    def desired(self) -> Desired:
        """Every active server with what it asks for, the grants of its owner and of who was active today, and the pools."""
        servers: dict[Server, Mapping[str, str]] = {}
        for user in self.hub.users.values():
            for spawner in _running(user.spawners.values()):
                servers[Server(user.name, spawner.name)] = dict(spawner.attached)
        people = {server.user for server in servers} | self._active_today()
        return Desired(servers, {name: self.grants(name) for name in people}, self.pools())

    def grants(self, user: str) -> Grants:
        """What the person may use now, as JupyterHub's roles say."""
        return grants_in(get_scopes_for(orm.User.find(self.hub.db, user)))

    async def refresh_people(self) -> None:
        """Have the authenticator look again at everyone with a running server, paced by `auth_refresh_age`."""
        now, age = time.monotonic(), self.hub.authenticator.auth_refresh_age
        running = [user for user in self.hub.users.values() if list(_running(user.spawners.values()))]
        due = [user for user in running if age and now - self._refreshed.get(user.name, -age) >= age]
        self._refreshed |= {user.name: now for user in due}
        at_once = asyncio.Semaphore(REFRESHES_AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            for user in due:
                tasks.create_task(self._refresh(user, at_once), name=f"rc2 refresh of {user.name}")
        if due:
            self.push_soon()

    async def _refresh(self, user: Any, at_once: asyncio.Semaphore) -> None:
        authenticator = self.hub.authenticator
        try:
            async with at_once:
                model = await authenticator.refresh_user(user, None)
            if model is True:
                return
            if authenticator.manage_groups:
                # somebody the authenticator no longer knows is in no group
                user.sync_groups((model or {}).get("groups") or [])
            if model and authenticator.enable_auth_state and "auth_state" in model:
                # JupyterHub does this at a request; a refresh token that was exchanged here would be lost
                await user.save_auth_state(model["auth_state"])
        except Exception:
            log.exception("The authenticator could not look again at %s, who stays in the same groups.", user.name)

    def _active_today(self) -> set[str]:
        since = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=1)
        return {name for (name,) in self.hub.db.query(orm.User.name).filter(orm.User.last_activity > since)}

    async def _push_always(self) -> None:
        while True:
            try:
                await self.look_after_services()
                await self.push()
                self._last_error = ""
            except ServiceUnavailableError as error:
                self._say_once(str(error))
            self._soon.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pace()):
                    await self._soon.wait()

    async def _refresh_always(self) -> None:
        # on its own, because an identity provider that hangs must not hold up the list
        while True:
            await self.refresh_people()
            await asyncio.sleep(self._pace() / 3)

    def _pace(self) -> float:
        return float(min(INTERVAL, self.hub.authenticator.auth_refresh_age or INTERVAL))

    async def _follow_wishes(self) -> None:
        while True:
            try:
                wishes = await self.client.wishes(INTERVAL)
            except ServiceUnavailableError:
                await asyncio.sleep(1)
                self.push_soon()  # a broker that comes back knows nothing, and people's Spark asks it already
                continue
            for wish in wishes:
                user = self.hub.users.get(wish.user)
                for spawner in _running(user.spawners.values() if user else []):
                    if spawner.name == wish.server:
                        await self.apply(spawner, wish)

    def _say_once(self, message: str) -> None:
        if message != self._last_error:
            log.warning("%s", message)
        self._last_error = message


def _running(spawners: Iterable[ComputeServer]) -> Iterable[ComputeServer]:
    return (spawner for spawner in list(spawners) if spawner.active and spawner.pending != "stop")
