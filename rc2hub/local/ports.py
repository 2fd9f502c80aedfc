"""The ports of the servers of single-user mode, in files, so that they stay the same after a restart."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from rc2hub.processes import free_ports, reserved

STOP_TIMEOUT = 8.0
"""Seconds in which the servers of a hub that was killed end by themselves."""
POLL_INTERVAL = 0.1
"""Seconds between two tries to reserve a port."""


class StoredPorts:
    """A port for each of some names, in a JSON file."""

    def __init__(self, file: Path, *names: str) -> None:
        """Take the file, which need not exist."""
        self.file, self.names = file, names

    def read(self) -> dict[str, int]:
        """Name to port; a name that has none yet gets one."""
        ports: dict[str, int] = json.loads(self.file.read_text()) if self.file.exists() else {}
        if missing := [name for name in self.names if name not in ports]:
            ports.update(zip(missing, free_ports(len(missing)), strict=True))
            self._write(ports)
        return ports

    @contextmanager
    def reserved(self) -> Iterator[None]:
        """Keep the ports for these servers. A port that another program uses already is replaced."""
        deadline = time.monotonic() + STOP_TIMEOUT
        with ExitStack() as kept:
            for name, port in self.read().items():
                kept.enter_context(_reserved_until(port, deadline) or self._replaced(name))
            yield

    def _replaced(self, name: str) -> socket.socket:
        (port,) = free_ports(1)
        self._write({**self.read(), name: port})
        return reserved(port)

    def _write(self, ports: dict[str, int]) -> None:
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.file.write_text(json.dumps(ports))


def _reserved_until(port: int, deadline: float) -> socket.socket | None:
    while True:
        with suppress(OSError):
            return reserved(port)
        if time.monotonic() > deadline:
            return None
        time.sleep(POLL_INTERVAL)
