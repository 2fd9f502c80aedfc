"""The hub's end of a standby's control stream: frames are lines of JSON, described in `rc2hub.compute.control_socket`."""

import asyncio
import json
import socket
from collections.abc import Mapping
from typing import Any, Protocol

from rc2hub.errors import LostStandbyError, StandbyError

MAX_FRAME = 1 << 20
"""Bytes."""
ENDED = "The R server ended while it was started; start it again."


class Lines(Protocol):
    """What transports the lines."""

    async def write(self, line: bytes) -> None:
        """Send a line; raises an OSError if the other end is gone."""

    async def readline(self) -> bytes:
        """The next line; without its end when the other side is gone."""

    async def close(self) -> None:
        """Close both ends."""


class SocketLines:
    """Lines over a connected socket."""

    def __init__(self, connected: socket.socket) -> None:
        """Take over the socket."""
        self._socket = connected
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """Open the stream in the running loop."""
        self._reader, self._writer = await asyncio.open_unix_connection(sock=self._socket, limit=MAX_FRAME)

    async def write(self, line: bytes) -> None:
        """Send a line.

        Raises:
            OSError: if the other end is gone, or `open` has not been called yet.
        """
        if self._writer is None:
            raise OSError("not open")
        self._writer.write(line)
        await self._writer.drain()

    async def readline(self) -> bytes:
        """The next line; without its end when the other side is gone."""
        try:
            return await self._reader.readline()
        except OSError:
            return b""

    async def close(self) -> None:
        """Close both ends, without waiting."""
        if self._writer is not None:
            self._writer.close()
        else:
            self._socket.close()


class Stream:
    """Frames over lines."""

    def __init__(self, lines: Lines) -> None:
        """Take over what transports the lines."""
        self._lines = lines
        self._reading: asyncio.Task[bytes] | None = None

    async def send(self, frame: Mapping[str, Any]) -> None:
        """Send one frame.

        Raises:
            LostStandbyError: if the standby is gone.
        """
        try:
            await self._lines.write(json.dumps(frame).encode() + b"\n")
        except OSError as error:
            raise LostStandbyError(ENDED) from error

    async def receive(self) -> dict[str, Any]:
        """Wait for the next frame.

        Raises:
            LostStandbyError: if the standby is gone, or is already activated.
            StandbyError: if it reports why it cannot be the user's.
        """
        line = await self._next_line()
        self._reading = None
        if not line.endswith(b"\n"):
            raise LostStandbyError(ENDED)
        frame: dict[str, Any] = json.loads(line)
        if "error" in frame:
            raise (LostStandbyError if frame.get("already_activated") else StandbyError)(frame["error"])
        return frame

    async def wait_readable(self) -> None:
        """Wait until there is a frame to receive, or the stream has ended; `receive` still gets it."""
        await asyncio.wait({self._next_line()})

    async def close(self) -> None:
        """Close both ends; a standby process that is not activated ends then."""
        if self._reading is not None:
            self._reading.cancel()
        await self._lines.close()

    def _next_line(self) -> "asyncio.Task[bytes]":
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(self._lines.readline())
        return self._reading
