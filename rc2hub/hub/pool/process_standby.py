"""Compute servers as processes of this machine: one process, from its start to the end of all its descendants."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from rc2hub.hub.pool.activation import Standby
from rc2hub.hub.pool.control_stream import SocketLines, Stream
from rc2hub.processes import kill_marked, temporary_dir

READY_TIMEOUT = 120.0
"""Seconds until a standby is ready: three on two idle cores, far more if twenty start at once."""


class ProcessStandby(Standby):
    """One process that can be claimed."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Start the process; its attachments folder also marks all its descendants."""
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True)
        temporary_dir(folder).mkdir(mode=0o700)
        ours, theirs = socket.socketpair()
        with theirs:
            fd = theirs.fileno()
            command = [sys.executable, "-m", "rc2hub.compute.standby_server", str(fd)]
            self.process = subprocess.Popen(command, env=dict(environment), pass_fds=[fd], start_new_session=True)  # noqa: S603
        self._lines = SocketLines(ours)
        self.stream = Stream(self._lines)
        self.port = 0

    async def get_ready(self) -> None:
        """Wait until it can be claimed.

        Raises:
            StandbyError: if it ended instead.
            TimeoutError: if it took too long.
        """
        await self._lines.open()
        async with asyncio.timeout(READY_TIMEOUT):
            self.port = (await self.stream.receive())["port"]
        self.url = f"http://127.0.0.1:{self.port}"

    async def discard(self) -> None:
        """End the process and its descendants, and remove its folder; no step really waits, so it is never half done."""
        await self.stream.close()
        kill_marked(self.folder)
        self.process.wait()
