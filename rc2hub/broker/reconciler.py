"""Brings the services to the hub's desired state, with a worker for each service.

The same steps handle a start, a stop, a crash, a new grant and a revoked grant, and a restart of the broker: the broker
stores nothing that it cannot read or create again.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping

from rc2hub.broker.changes import Changes
from rc2hub.broker.service_worker import ServiceWorker
from rc2hub.errors import ConflictError
from rc2hub.messages import AttachmentList, AttachmentState, DesiredState, DesiredStateUpdate, Message
from rc2hub.server_id import ServerId
from rc2hub.services.base import SharedService

DESIRED_STATE = "desired state"
"""The key of those who wait for the next desired state; the others wait with a `ServerId`."""


class Reconciler:
    """Holds the newest desired state, and hands it to the workers."""

    def __init__(self, services: Mapping[str, SharedService]) -> None:
        """Take the opened services; `run` works until it is cancelled."""
        self.services = services
        self.desired: DesiredState | None = None
        self._changes = Changes()
        self._workers = {name: ServiceWorker(service, self._changes.notify) for name, service in services.items()}

    @property
    def revision(self) -> int:
        """The revision of the desired state; 0 before the first."""
        return self.desired.revision if self.desired else 0

    def update(self, update: DesiredStateUpdate) -> None:
        """Replace the desired state, and wake the workers.

        Raises:
            ConflictError: if the message is not newer than the desired state, or is the difference to another one.
        """
        if update.revision <= self.revision or update.since not in {None, self.revision}:
            raise ConflictError(f"This desired state does not follow the revision {self.revision}.")
        before, self.desired = self.desired or DesiredState(), DesiredState.updated(self.desired or DesiredState(), update)
        changed = _changed_servers(before, self.desired, update)
        for worker in self._workers.values():
            worker.update(self.desired, changed)
        for key in (DESIRED_STATE, *changed):
            self._changes.notify(key)

    async def run(self) -> None:
        """Reconcile until cancelled."""
        async with asyncio.TaskGroup() as workers:
            for name, worker in self._workers.items():
                workers.create_task(worker.run(), name=f"rc2 {name}")
            await asyncio.Event().wait()  # a broker without services has no worker, but has to answer requests

    async def wait_for_desired_state(self, condition: Callable[[DesiredState], bool], seconds: float) -> bool:
        """Wait up to `seconds` for a desired state for which the condition is true; return whether there is one."""
        return await self._changes.wait_for(
            DESIRED_STATE, lambda: self.desired is not None and condition(self.desired), seconds
        )

    async def wait_until_decided(self, server: ServerId, service: str, seconds: float) -> bool:
        """Wait up to `seconds` until the service is attached to the server, revoked or failed; return whether it is."""
        return await self._changes.wait_for(server, lambda: not self._workers[service].is_busy(server), seconds)

    async def wait_until_startable(self, server: ServerId, revision: int, seconds: float) -> bool:
        """Wait up to `seconds` until no service blocks the start of the server; return whether that is so.

        What failed before the desired state had this revision is tried again, also what fails only now.
        """

        def is_startable() -> bool:
            self.retry(server, revision)
            return not self._blocks_start(server)

        return await self._changes.wait_for(server, is_startable, seconds)

    async def wait_for_change(self, server: ServerId, etag: str, seconds: float) -> bool:
        """Wait up to `seconds` until the server's attachments have another ETag; return whether they have."""
        return await self.wait_until(server, lambda: self.etag(server) != etag, seconds)

    async def wait_until(self, server: ServerId, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait up to `seconds` until the condition is true; it may depend on the server's attachments and grants."""
        return await self._changes.wait_for(server, condition, seconds)

    def retry(self, server: ServerId, revision: int) -> None:
        """Try again what failed for this server before the desired state had this revision."""
        for worker in self._workers.values():
            worker.retry(server, revision)

    def states(self, server: ServerId, with_files: bool = False) -> AttachmentList:
        """The state of each service that the server requests; with the secret files if `with_files`."""
        requested = self.desired.services(server) if self.desired else {}
        return AttachmentList(
            attachments=tuple(
                self._state(self._workers[name], server, level, with_files)
                for name, level in sorted(requested.items())
                if name in self._workers
            )
        )

    def etag(self, server: ServerId) -> str:
        """A hash that changes with the server's attachments and reveals nothing of them."""
        return etag_of(self.states(server, with_files=True))

    def health(self) -> dict[str, str]:
        """Service name to `ready` or `failed`."""
        return {name: "failed" if self._workers[name].problem else "ready" for name in sorted(self._workers)}

    def _blocks_start(self, server: ServerId) -> bool:
        requested = self.desired.services(server) if self.desired else {}
        return any(
            self.services[name].blocks_start and self._workers[name].is_busy(server)
            for name in requested
            if name in self._workers
        )

    def _state(self, worker: ServiceWorker, server: ServerId, level: str, with_files: bool) -> AttachmentState:
        service, (state, message) = worker.service, worker.state(server, level)
        if state != "attached":
            return AttachmentState(service=service.name, kind=service.kind, level=level, state=state, message=message)
        attachment = worker.attachments[server]
        return AttachmentState(
            service=service.name,
            kind=service.kind,
            level=level,
            state=state,
            role=attachment.role,
            expires_at=attachment.expires_at.isoformat(timespec="seconds"),
            r_code=attachment.r_code,
            python_code=attachment.python_code,
            settings=dict(attachment.settings),
            files=dict(attachment.files) if with_files else None,
        )


def etag_of(message: Message) -> str:
    """A hash that changes with the message and reveals nothing of it."""
    return f'"{hashlib.sha256(message.model_dump_json().encode()).hexdigest()[:32]}"'


def _changed_servers(before: DesiredState, after: DesiredState, update: DesiredStateUpdate) -> set[ServerId]:
    """The servers whose services or grants differ, also those that are in one of both only."""
    users = update.users.keys() if update.since is not None else before.users.keys() | after.users.keys()
    changed = {user for user in users if before.users.get(user) != after.users.get(user)}
    return {server for state in (before, after) for user in changed for server in state.servers_of(user)}
