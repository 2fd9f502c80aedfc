"""The compute servers that use Spark now: until when they may, what sessions they have open, and their running calls."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rc2hub.gateways.identity import Identity

UNANNOUNCED = 60.0
"""Seconds for a server that calls before the broker has announced it."""


@dataclass(eq=False)
class Call:
    """One running call."""

    token: str = field(repr=False)
    session: str = ""
    why_ended: str = ""
    cancel: Callable[[], object] = field(default=lambda: None, repr=False)


@dataclass
class Guest:
    """One compute server."""

    level: str = ""
    until: float = field(default_factory=lambda: time.time() + UNANNOUNCED)
    """Seconds since the epoch."""
    sessions: set[str] = field(default_factory=set)
    calls: set[Call] = field(default_factory=set)


class Guests:
    """All of them; the truth of what is attached, which the broker compares with the hub's list."""

    def __init__(self) -> None:
        """Start with none: after a restart the broker announces them again."""
        self._guests: dict[Identity, Guest] = {}

    def __iter__(self) -> Iterator[tuple[Identity, Guest]]:
        """Each with its name."""
        return iter(list(self._guests.items()))

    def __contains__(self, identity: Identity) -> bool:
        """Whether this server uses Spark."""
        return identity in self._guests

    def admit(self, identity: Identity, level: str, until: float) -> None:
        """Note until when a server may use Spark, in seconds since the epoch."""
        guest = self._guests.setdefault(identity, Guest())
        guest.level, guest.until = level, until

    @contextmanager
    def calling(self, identity: Identity, token: str) -> Iterator[Call]:
        """Keep a call, and afterwards its session."""
        guest, call = self._guests.setdefault(identity, Guest()), Call(token)
        guest.calls.add(call)
        try:
            yield call
        finally:
            guest.calls.discard(call)
            if call.session:
                guest.sessions.add(call.session)

    def end(self, identity: Identity, why: str) -> set[str]:
        """Cut the server's running calls, with this sentence, and forget it; returns its sessions."""
        guest = self._guests.pop(identity, Guest())
        for call in guest.calls:
            call.why_ended = why
            call.cancel()
        return guest.sessions | {call.session for call in guest.calls if call.session}
