"""The broker's heart: bring what the services hold to what the hub says it should be.

The hub is the only one who decides. It sends the whole desired state, at every change and every 15 s; each service has
a worker that compares it with what is really there and attaches, renews or revokes. One mechanism for a start, a stop,
a crash, a grant given and a grant taken away. Nothing is kept here that a restart would miss.
"""

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from rc2hub.errors import ServiceUnavailableError
from rc2hub.permissions import Grant, Grants
from rc2hub.profiles import PoolState
from rc2hub.services.base import Attachment, Existing, Server, SharedService

log = logging.getLogger("rc2hub.broker")


@dataclass(frozen=True)
class Desired:
    """The hub's list: every active server with the services it asks for, what people may use, and how the pools are."""

    servers: Mapping[Server, Mapping[str, str]] = field(default_factory=dict)
    grants: Mapping[str, Grants] = field(default_factory=dict)
    pools: Sequence[PoolState] = ()

    def wanted(self, service: str) -> dict[Server, str]:
        """Server to level: who asks for this service and may have it."""
        return {
            server: asked[service]
            for server, asked in self.servers.items()
            if service in asked and self.may(server.user, service, asked[service])
        }

    def may(self, user: str, service: str, level: str) -> bool:
        """Whether the person holds this grant; somebody the hub does not name holds none."""
        return Grant(service, level) in self.grants.get(user, frozenset())


@dataclass(frozen=True)
class Plan:
    """What has to be done in one service."""

    attach: Mapping[Server, str]
    revoke: AbstractSet[Server]


def plan(
    wanted: Mapping[Server, str],
    seen: Mapping[Server, Existing],
    held: AbstractSet[Server],
    renew_before: datetime,
) -> Plan:
    """Compare what is wanted with what the service holds. Pure.

    A server is attached anew if the service does not know it, knows it at another level, will forget it before
    `renew_before`, or if the broker does not hold its secret (`held`) because it was restarted since.
    """
    attach = {
        server: level
        for server, level in wanted.items()
        if server not in held or server not in seen or seen[server].level != level or seen[server].until < renew_before
    }
    return Plan(attach, seen.keys() - wanted.keys())


class Reconciler:
    """Holds the hub's last list and one worker for each service."""

    def __init__(self, services: Mapping[str, SharedService]) -> None:
        """Take the opened services; `run` works until it is cancelled."""
        self.services = services
        self.desired: Desired | None = None
        self.attachments: dict[tuple[Server, str], Attachment] = {}
        self.failures: dict[str, str] = {}
        self._behind: dict[tuple[Server, str], asyncio.Task[None]] = {}
        self._failed_behind: dict[tuple[Server, str], str] = {}
        self._wake = {name: asyncio.Event() for name in services}
        self._settled: dict[str, Desired] = {}
        self._changed = asyncio.Event()

    def accept(self, desired: Desired) -> None:
        """Take the hub's list; the workers start at once."""
        self.desired = desired
        for event in self._wake.values():
            event.set()
        self._notify()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as workers:
            for service in self.services.values():
                workers.create_task(self._work(service), name=f"rc2 {service.name}")
            await asyncio.Event().wait()  # a broker without services has nothing to do, but has to answer

    async def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until the condition holds, at most so many seconds; tells whether it does."""
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def settled(self, service: str) -> bool:
        """Whether the worker has finished with the hub's newest list, well or badly."""
        return self._settled.get(service) is self.desired

    def holds_up(self, server: Server) -> bool:
        """Whether a service that has to be there before the prompt is still being attached."""
        return any(
            state["state"] == "starting" and self.services[state["service"]].before_prompt for state in self.states(server)
        )

    def states(self, server: Server) -> list[dict[str, Any]]:
        """What the server asks for and what became of it, without secrets, in the words of the API."""
        asked = self.desired.servers.get(server, {}) if self.desired else {}
        return [self._state(server, name, level) for name, level in sorted(asked.items()) if name in self.services]

    def files(self, server: Server, service: str) -> Mapping[str, str]:
        """The secret files of one attachment, empty if it is not attached."""
        attachment = self.attachments.get((server, service))
        return attachment.files if attachment else {}

    def version(self, server: Server) -> str:
        """Changes when anything of the server's attachments does; tells nothing else."""
        everything = [(state, dict(self.files(server, state["service"]))) for state in self.states(server)]
        return f'"{hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()[:32]}"'

    def _state(self, server: Server, name: str, level: str) -> dict[str, Any]:
        service, attachment = self.services[name], self.attachments.get((server, name))
        common = {"service": name, "kind": service.kind, "level": level}
        if attachment and attachment.level == level:
            return common | {
                "state": "attached",
                "role": attachment.role,
                "until": attachment.until.isoformat(timespec="seconds"),
                "why": "",
                "use": attachment.use,
                "settings": dict(attachment.settings),
            }
        state, why = self._why_not(server, name, level)
        return common | {"state": state, "role": "", "until": "", "why": why, "use": "", "settings": {}}

    def _why_not(self, server: Server, name: str, level: str) -> tuple[str, str]:
        if self.desired is None or not self.desired.may(server.user, name, level):
            return "detached", "The grant for this service was taken away."
        failure = self.failures.get(name) or self._failed_behind.get((server, name))
        if failure:
            return "failed", failure
        return "starting", "The service is being attached."

    async def _work(self, service: SharedService) -> None:
        while True:
            await self._wake[service.name].wait()
            self._wake[service.name].clear()
            desired = self.desired
            if desired is None:
                continue
            try:
                await self._reconcile(service, desired)
                self.failures.pop(service.name, None)
            except ServiceUnavailableError as error:
                if self.failures.get(service.name) != str(error):
                    log.warning("%s", error)
                self.failures[service.name] = str(error)
            self._settled[service.name] = desired
            self._notify()

    async def _reconcile(self, service: SharedService, desired: Desired) -> None:
        wanted = desired.wanted(service.name)
        # a lost grant closes the door here before the service hears of it
        self._forget(service.name, keep=wanted)
        seen = await service.attached()
        held = {server for server, name in self.attachments if name == service.name}
        renew_before = datetime.now(UTC) + timedelta(seconds=service.lifetime / 2)
        todo = plan(wanted, seen, held, renew_before)
        for server in {server for server, name in self._behind if name == service.name} - wanted.keys():
            self._behind[server, service.name].cancel()
        attach = self._attach if service.before_prompt else self._attach_behind
        attaching = (attach(service, server, level) for server, level in todo.attach.items())
        revoking = (self._revoke(service, server) for server in todo.revoke)
        # one that fails must not keep the others waiting: each is tried, then the first failure counts for all
        for outcome in await asyncio.gather(*attaching, *revoking, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _attach(self, service: SharedService, server: Server, level: str) -> None:
        self.attachments[server, service.name] = attachment = await service.attach(server, level)
        log.info("attached service=%s user=%s server=%s role=%s", service.name, server.user, server.name, attachment.role)
        self._notify()

    async def _attach_behind(self, service: SharedService, server: Server, level: str) -> None:
        """Begin to attach what no prompt waits for; other people's attachments do not wait for it either."""

        async def attach() -> None:
            try:
                await self._attach(service, server, level)
                self._failed_behind.pop(key, None)
            except ServiceUnavailableError as error:
                self._failed_behind[key] = str(error)
                log.warning("%s", error)
            finally:
                del self._behind[key]
                self._notify()

        key = server, service.name
        if key not in self._behind:
            self._behind[key] = asyncio.create_task(attach(), name=f"rc2 {service.name} behind")

    async def _revoke(self, service: SharedService, server: Server) -> None:
        await service.revoke(server)
        log.info("revoked service=%s user=%s server=%s", service.name, server.user, server.name)

    def _forget(self, service: str, keep: Iterable[Server]) -> None:
        for server in {server for server, name in self.attachments if name == service} - set(keep):
            del self.attachments[server, service]
        for server in {server for server, name in self._failed_behind if name == service} - set(keep):
            del self._failed_behind[server, service]

    def _notify(self) -> None:
        event, self._changed = self._changed, asyncio.Event()
        event.set()
