"""The hub's end of a standby's control stream: frames are lines of JSON, as `rc2hub.compute.standby` describes them."""

import asyncio
import json
import socket
from collections.abc import Mapping
from typing import Any

from rc2hub.errors import StandbyError

LIMIT = 1 << 20
"""Bytes of one frame."""


class Stream:
    """A stream over a connected socket."""

    def __init__(self, connected: socket.socket) -> None:
        """Take over the socket."""
        self._socket = connected
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """Open the stream in the running loop."""
        self._reader, self._writer = await asyncio.open_unix_connection(sock=self._socket, limit=LIMIT)

    async def send(self, frame: Mapping[str, Any]) -> None:
        """Send one frame.

        Raises:
            StandbyError: if the standby is gone.
        """
        if self._writer is None:
            raise StandbyError("The standby is not connected yet; claim it when it is ready.")
        try:
            self._writer.write(json.dumps(frame).encode() + b"\n")
            await self._writer.drain()
        except OSError as error:
            raise StandbyError("The R server ended while it was started; start it again.") from error

    async def receive(self) -> dict[str, Any]:
        """Wait for the next frame.

        Raises:
            StandbyError: if the standby is gone, or says that it failed.
        """
        try:
            line = await self._reader.readline()
        except OSError:
            line = b""
        if not line:
            raise StandbyError("The R server ended while it was started; start it again.")
        frame: dict[str, Any] = json.loads(line)
        return frame

    def close(self) -> None:
        """Close both ends; a standby that is nobody's ends by that."""
        if self._writer is not None:
            self._writer.close()
        else:
            self._socket.close()
