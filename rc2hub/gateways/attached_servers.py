"""The compute servers that use a gateway's service now: until when they may, their sessions, and their running calls."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rc2hub.server_id import ServerId

REGISTRATION_GRACE = 60.0
"""Seconds that a server may use the service before the broker has attached it."""
LEVEL_LOST = "Your level of this service no longer allows this call."
GROUP_LOST = "You are no longer in the group whose files this call uses."


@dataclass(eq=False)
class Call:
    """One running call."""

    token: str = field(repr=False)
    levels: frozenset[str] = frozenset()
    """The levels that allow the call; empty if all do."""
    groups: frozenset[str] = frozenset()
    """The groups whose files the call uses; the user has to be in all of them."""
    session: str = ""
    end_message: str = ""
    """Why the gateway cancelled the call; empty while it runs."""
    cancel: Callable[[], object] = field(default=lambda: None, repr=False)

    def end(self, message: str) -> None:
        """Cancel the call, with a message for the user."""
        self.end_message = message
        self.cancel()

    def end_unless_allowed(self, level: str) -> None:
        """Cancel the call if this level does not allow it."""
        if self.levels and level not in self.levels:
            self.end(LEVEL_LOST)

    def end_unless_in_groups(self, groups: frozenset[str]) -> None:
        """Cancel the call if it uses the files of a group that is not one of these."""
        if not self.groups <= groups:
            self.end(GROUP_LOST)


@dataclass
class AttachedServer:
    """One compute server."""

    level: str = ""
    expires_at: float = field(default_factory=lambda: time.time() + REGISTRATION_GRACE)
    """Seconds since the epoch."""
    reviewed_at: float = field(default_factory=time.monotonic)
    """When the broker last said that the server may use the service, on the monotonic clock."""
    sessions: set[str] = field(default_factory=set)
    calls: set[Call] = field(default_factory=set)


class AttachedServers:
    """All compute servers that use the service. The broker compares them with the desired state."""

    def __init__(self) -> None:
        """Start with none: after a restart of the gateway the broker attaches them again."""
        self._servers: dict[ServerId, AttachedServer] = {}

    def __iter__(self) -> Iterator[tuple[ServerId, AttachedServer]]:
        """Each server with its id."""
        return iter(list(self._servers.items()))

    def __contains__(self, server_id: ServerId) -> bool:
        """Whether this server uses the service."""
        return server_id in self._servers

    def attach(self, server_id: ServerId, level: str, expires_at: float) -> None:
        """Record until when a server may use the service, in seconds since the epoch."""
        server = self._servers.setdefault(server_id, AttachedServer())
        server.level, server.expires_at = level, expires_at
        for call in server.calls:
            call.end_unless_allowed(level)

    @contextmanager
    def track_call(
        self, server_id: ServerId, token: str, levels: frozenset[str] = frozenset(), groups: frozenset[str] = frozenset()
    ) -> Iterator[Call]:
        """Record a call while it runs, and its session afterwards."""
        server, call = self._servers.setdefault(server_id, AttachedServer()), Call(token, levels, groups)
        server.reviewed_at = time.monotonic()  # a call begins with a review
        server.calls.add(call)
        try:
            yield call
        finally:
            server.calls.discard(call)
            if call.session:
                server.sessions.add(call.session)

    def detach(self, server_id: ServerId, message: str) -> set[str]:
        """Cancel the server's running calls with this message, and forget the server; returns its sessions."""
        server = self._servers.pop(server_id, AttachedServer())
        for call in server.calls:
            call.end(message)
        return server.sessions | {call.session for call in server.calls if call.session}
