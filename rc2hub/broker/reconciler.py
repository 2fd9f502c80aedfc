"""Brings the services to the hub's desired state.

The hub sends the whole desired state at every change and every 15 s. A worker for each service compares it with the
credentials that exist in the service, and attaches, renews or revokes. The same steps handle a start, a stop, a crash, a
new grant and a revoked grant, and a restart of the broker: the broker stores nothing that it cannot read or create again.
"""

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from rc2hub.errors import ServiceUnavailableError
from rc2hub.messages import DesiredState, ServerId
from rc2hub.services.base import Attachment, ExistingCredential, SharedService

log = logging.getLogger("rc2hub.broker")


@dataclass(frozen=True)
class Plan:
    """The changes to make in one service."""

    attach: Mapping[ServerId, str]
    revoke: AbstractSet[ServerId]


def plan(
    desired: Mapping[ServerId, str],
    existing: Mapping[ServerId, ExistingCredential],
    cached: AbstractSet[ServerId],
    renew_before: datetime,
) -> Plan:
    """Compare the desired levels with the credentials that exist in the service. Pure.

    A server is attached again if its credential is missing, has another level or expires before `renew_before`, or if
    its secret is not `cached` in the broker because the broker was restarted.
    """
    attach = {
        server: level
        for server, level in desired.items()
        if server not in cached
        or server not in existing
        or existing[server].level != level
        or existing[server].expires_at < renew_before
    }
    return Plan(attach, existing.keys() - desired.keys())


class Reconciler:
    """Holds the newest desired state and one worker for each service."""

    def __init__(self, services: Mapping[str, SharedService]) -> None:
        """Take the opened services; `run` works until it is cancelled."""
        self.services = services
        self.desired: DesiredState | None = None
        self.attachments: dict[tuple[ServerId, str], Attachment] = {}
        self.failures: dict[str, str] = {}
        self._background_attaches: dict[tuple[ServerId, str], asyncio.Task[None]] = {}
        self._background_failures: dict[tuple[ServerId, str], str] = {}
        self._wake = {name: asyncio.Event() for name in services}
        self._reconciled: dict[str, DesiredState] = {}
        self._changed = asyncio.Event()

    def set_desired_state(self, desired: DesiredState) -> None:
        """Replace the desired state and wake the workers."""
        self.desired = desired
        for event in self._wake.values():
            event.set()
        self._notify()

    async def run(self) -> None:
        """Reconcile until cancelled."""
        async with asyncio.TaskGroup() as workers:
            for service in self.services.values():
                workers.create_task(self._run_worker(service), name=f"rc2 {service.name}")
            await asyncio.Event().wait()  # a broker without services has no worker, but has to answer requests

    async def wait_for(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait up to `seconds` until the condition is true; return whether it is."""
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def is_reconciled(self, service: str) -> bool:
        """Whether the worker has finished with the newest desired state, with success or with a failure."""
        return self._reconciled.get(service) is self.desired

    def blocks_start(self, server: ServerId) -> bool:
        """Whether the server's start still waits for a service to be attached."""
        return any(
            state["state"] == "starting" and self.services[state["service"]].blocks_start for state in self.states(server)
        )

    def states(self, server: ServerId) -> list[dict[str, Any]]:
        """The state of each service that the server requests, as the API returns it, without secrets."""
        requested = self.desired.servers.get(server, {}) if self.desired else {}
        return [self._state(server, name, level) for name, level in sorted(requested.items()) if name in self.services]

    def files(self, server: ServerId, service: str) -> Mapping[str, str]:
        """The secret files of one attachment, empty if it is not attached."""
        attachment = self.attachments.get((server, service))
        return attachment.files if attachment else {}

    def etag(self, server: ServerId) -> str:
        """A hash that changes with the server's attachments and reveals nothing of them."""
        everything = [(state, dict(self.files(server, state["service"]))) for state in self.states(server)]
        return f'"{hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()[:32]}"'

    def _state(self, server: ServerId, name: str, level: str) -> dict[str, Any]:
        service, attachment = self.services[name], self.attachments.get((server, name))
        common = {"service": name, "kind": service.kind, "level": level}
        if attachment and attachment.level == level:
            return common | {
                "state": "attached",
                "role": attachment.role,
                "expires_at": attachment.expires_at.isoformat(timespec="seconds"),
                "message": "",
                "r_code": attachment.r_code,
                "settings": dict(attachment.settings),
            }
        state, message = self._state_without_attachment(server, name, level)
        return common | {"state": state, "role": "", "expires_at": "", "message": message, "r_code": "", "settings": {}}

    def _state_without_attachment(self, server: ServerId, name: str, level: str) -> tuple[str, str]:
        if self.desired is None or not self.desired.has_grant(server.user, name, level):
            return "detached", "Your grant for this service was revoked."
        failure = self.failures.get(name) or self._background_failures.get((server, name))
        if failure:
            return "failed", failure
        return "starting", "The service is being attached."

    async def _run_worker(self, service: SharedService) -> None:
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
            self._reconciled[service.name] = desired
            self._notify()

    async def _reconcile(self, service: SharedService, desired: DesiredState) -> None:
        allowed = desired.allowed_servers(service.name)
        # the broker stops serving a revoked credential before the service is called
        self._forget(service.name, keep=allowed)
        existing = await service.attached()
        cached = {server for server, name in self.attachments if name == service.name}
        renew_before = datetime.now(UTC) + timedelta(seconds=service.lifetime / 2)
        changes = plan(allowed, existing, cached, renew_before)
        for server in {server for server, name in self._background_attaches if name == service.name} - allowed.keys():
            self._background_attaches[server, service.name].cancel()
        attach = self._attach if service.blocks_start else self._attach_in_background
        attaching = (attach(service, server, level) for server, level in changes.attach.items())
        revoking = (self._revoke(service, server) for server in changes.revoke)
        # one failure must not stop the other changes: all are tried, then the first failure is raised
        for outcome in await asyncio.gather(*attaching, *revoking, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _attach(self, service: SharedService, server: ServerId, level: str) -> None:
        self.attachments[server, service.name] = attachment = await service.attach(server, level)
        log.info("attached service=%s user=%s server=%s role=%s", service.name, server.user, server.name, attachment.role)
        self._notify()

    async def _attach_in_background(self, service: SharedService, server: ServerId, level: str) -> None:
        """Attach a service that no start waits for; the attachments of other servers do not wait for it either."""

        async def attach() -> None:
            try:
                await self._attach(service, server, level)
                self._background_failures.pop(key, None)
            except ServiceUnavailableError as error:
                self._background_failures[key] = str(error)
                log.warning("%s", error)
            finally:
                del self._background_attaches[key]
                self._notify()

        key = server, service.name
        if key not in self._background_attaches:
            self._background_attaches[key] = asyncio.create_task(attach(), name=f"rc2 {service.name} attach")

    async def _revoke(self, service: SharedService, server: ServerId) -> None:
        await service.revoke(server)
        log.info("revoked service=%s user=%s server=%s", service.name, server.user, server.name)

    def _forget(self, service: str, keep: Iterable[ServerId]) -> None:
        for server in {server for server, name in self.attachments if name == service} - set(keep):
            del self.attachments[server, service]
        for server in {server for server, name in self._background_failures if name == service} - set(keep):
            del self._background_failures[server, service]

    def _notify(self) -> None:
        event, self._changed = self._changed, asyncio.Event()
        event.set()
