"""Brings one service to the desired state: attaches, renews and revokes, each server for itself.

The worker knows which credentials exist in the service: it lists them at the start and every ten seconds or more, and
records its own changes in between. So a change of one server costs one operation, also beside a thousand other servers,
and a server whose operation fails or takes long delays no other one.
"""

import asyncio
import logging
import time
import traceback
from collections.abc import Callable, Collection
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from rc2hub.errors import ServiceUnavailableError
from rc2hub.messages import DesiredState, State
from rc2hub.server_id import ServerId
from rc2hub.services.base import Attachment, ExistingCredential, SharedService

log = logging.getLogger("rc2hub.broker")

LIST_INTERVAL = 10.0
"""Seconds between two lists of the credentials that exist; the hub sends a message, which wakes the worker, every 15."""
UNKNOWN = ExistingCredential("", datetime.min.replace(tzinfo=UTC))
"""Stands for the credential after an attach that failed or was cancelled: it may exist, at any level."""
Operation = Literal["attach", "revoke"]


@dataclass(frozen=True)
class Failure:
    """Why the service is not attached to a server."""

    revision: int
    """The desired state that the operation belonged to."""
    message: str


def operation_for(
    level: str | None, existing: ExistingCredential | None, is_cached: bool, renew_before: datetime
) -> Operation | None:
    """Compare the level that a server may have with the credential that exists in the service. Pure.

    A server is attached again if its credential is missing, has another level or expires before `renew_before`, or if its
    secret is not cached in the broker because the broker was restarted.
    """
    if level is None:
        return "revoke" if existing else None
    if is_cached and existing and existing.level == level and existing.expires_at >= renew_before:
        return None
    return "attach"


class ServiceWorker:
    """The credentials of one service, and the operations that change them."""

    def __init__(self, service: SharedService, changed: Callable[[ServerId], None]) -> None:
        """Take a function to call after each change of a server's attachment; `run` works until it is cancelled."""
        self.service = service
        self.attachments: dict[ServerId, Attachment] = {}
        self.failures: dict[ServerId, Failure] = {}
        self.problem = ""
        """Why the service cannot list its credentials, in one sentence; empty while it can."""
        self._changed = changed
        self._desired = DesiredState()
        self._existing: dict[ServerId, ExistingCredential] = {}
        self._due: set[ServerId] = set()
        self._operations: dict[ServerId, asyncio.Task[None]] = {}
        self._attaching: set[ServerId] = set()
        self._urgent: set[ServerId] = set()
        """The servers whose user waits: these operations begin at once. The others, of which there can be many, queue."""
        self._limit = asyncio.Semaphore(service.max_concurrency)
        self._wake = asyncio.Event()
        self._list_at = 0.0
        self._is_listing = False
        self._since_list: set[ServerId] = set()

    def update(self, desired: DesiredState, servers: Collection[ServerId]) -> None:
        """Take a new desired state and the servers that changed. Compute servers no longer get what is no longer allowed."""
        if self._desired.revision:  # the first one holds all servers
            self._urgent.update(servers)
        if self.problem:  # it may be over
            self._list_at = 0.0
        self._desired = desired
        for server in servers:
            self._due.add(server)
            self.failures.pop(server, None)
            if desired.allowed_level(server, self.service.name) is None:
                self.attachments.pop(server, None)
                if server in self._attaching:
                    self._operations[server].cancel()
        self._wake.set()

    def retry(self, server: ServerId, before: int) -> None:
        """Try again at once what failed with a desired state older than the revision `before`."""
        if not self.is_busy(server) and server in self.failures and self.failures[server].revision < before:
            del self.failures[server]
            self._urgent.add(server)
            self._due.add(server)
            self._wake.set()

    def is_busy(self, server: ServerId) -> bool:
        """Whether an operation of this server is still to be decided, or runs."""
        return server in self._due or server in self._operations

    def state(self, server: ServerId, level: str) -> tuple[State, str]:
        """The state of a server that requests this level, and why it is not attached."""
        attachment = self.attachments.get(server)
        if attachment and attachment.level == level:
            return "attached", ""
        if self._desired.allowed_level(server, self.service.name) is None:
            return "detached", "Your grant for this service was revoked."
        if server in self.failures:
            return "failed", self.failures[server].message
        if self.problem:
            return "failed", self.problem
        return "starting", "The service is being attached."

    async def run(self) -> None:
        """Work until cancelled. An unexpected error ends one operation, never the worker."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._wake.wait()
                self._wake.clear()
                self._start_operations(tasks)
                if not self._is_listing and time.monotonic() >= self._list_at:
                    self._list_at = time.monotonic() + LIST_INTERVAL
                    tasks.create_task(self._list(), name=f"rc2 {self.service.name} list")

    def _start_operations(self, tasks: asyncio.TaskGroup) -> None:
        """Start what the due servers need. A server has one operation at a time, and is due again if that was outdated."""
        for server in self._due - self._operations.keys():
            self._due.discard(server)
            if operation := self._operation_for(server):
                level = self._desired.allowed_level(server, self.service.name)
                name = f"rc2 {self.service.name} {operation}"
                self._operations[server] = tasks.create_task(self._operate(server, level), name=name)
            else:
                self._urgent.discard(server)
                self._changed(server)

    def _operation_for(self, server: ServerId) -> Operation | None:
        level = self._desired.allowed_level(server, self.service.name)
        renew_before = datetime.now(UTC) + timedelta(seconds=self.service.lifetime / 2)
        return operation_for(level, self._existing.get(server), server in self.attachments, renew_before)

    async def _operate(self, server: ServerId, level: str | None) -> None:
        """Attach the server at the level, or revoke its credential if the level is None."""
        revision = self._desired.revision
        try:
            async with nullcontext() if server in self._urgent else self._limit:
                await (self._revoke(server) if level is None else self._attach(server, level))
            self.failures.pop(server, None)
        except ServiceUnavailableError as error:
            log.warning("%s", error)
            self._fail(server, level, Failure(revision, str(error)))
        except Exception as error:  # noqa: BLE001 - whatever a kind raises, the other servers must not suffer from it
            self._fail(server, level, Failure(revision, self._unexpected(error)))
        finally:
            del self._operations[server]
            self._urgent.discard(server)
            self._attaching.discard(server)
            self._since_list.add(server)
            if self._desired.allowed_level(server, self.service.name) != level:
                self._due.add(server)
            self._wake.set()  # also for a server that became due during the operation
            self._changed(server)

    def _fail(self, server: ServerId, level: str | None, failure: Failure) -> None:
        """Record a failed attach; a revoke that failed is tried again after the next list, which has the credential."""
        if level is not None and level == self._desired.allowed_level(server, self.service.name):
            self.failures[server] = failure
        if server in self._urgent:  # is it the service? the list decides
            self.problem, self._list_at = failure.message, 0.0
            self._wake.set()

    async def _attach(self, server: ServerId, level: str) -> None:
        self._existing.setdefault(server, UNKNOWN)
        self._attaching.add(server)
        attachment = await self.service.attach(server, level)
        self._existing[server] = ExistingCredential(level, attachment.expires_at)
        if self._desired.allowed_level(server, self.service.name) == level:
            self.attachments[server] = attachment
        log.info(
            "attached service=%s user=%s server=%s role=%s", self.service.name, server.user, server.name, attachment.role
        )

    async def _revoke(self, server: ServerId) -> None:
        await self.service.revoke(server)
        self._existing.pop(server, None)
        log.info("revoked service=%s user=%s server=%s", self.service.name, server.user, server.name)

    async def _list(self) -> None:
        """List the credentials that exist, and make due what differs: expiring, deleted or left over; failures, too."""
        self._is_listing = True
        self._since_list.clear()
        try:
            existing = dict(await self.service.attached())
        except ServiceUnavailableError as error:
            self._report(str(error))
        except Exception as error:  # noqa: BLE001 - as above
            self._report(self._unexpected(error))
        else:
            self._report("")
            # the list is older than what has been done since it was asked for
            for server in self._since_list | self._operations.keys():
                existing.pop(server, None)
                if server in self._existing:
                    existing[server] = self._existing[server]
            self._existing = existing
        finally:
            self._is_listing = False
        self._make_due()

    def _make_due(self) -> None:
        """Find what to do for all servers; while the service does not answer, only for those that are attached."""
        if self.problem:
            servers = set(self.attachments)
        else:
            requesting = {
                server for server in self._desired.servers() if self.service.name in self._desired.services(server)
            }
            servers = requesting | self._existing.keys()
        self._due |= {server for server in servers if self._operation_for(server)}
        self._wake.set()

    def _report(self, problem: str) -> None:
        if problem and problem != self.problem:
            log.warning("%s", problem)
        self.problem = problem

    def _unexpected(self, error: Exception) -> str:
        """One sentence for the user; the log says where, without the error's own text, which can hold a secret."""
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
        log.error("service=%s: unexpected %s at %s", self.service.name, type(error).__name__, place)
        return f"{self.service.name}: an unexpected error; ask an operator to look at the log of the broker."
