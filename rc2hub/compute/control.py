"""The standby's end of its control stream, over which the one order comes that makes it somebody's.

Frames are lines of JSON: `{"ready": true, "port": …}` out; an order (`Order`) and `{"attachments": […]}` in;
`{"active": true}` or `{"error": …}` out. On one machine the stream is a socket that the standby inherits; in a pod it is
one that only root there can open, reached by `exec` through the Kubernetes API.
"""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

FRAME_LIMIT = 1 << 20
"""Bytes; an order with many attachments is a few kilobytes."""
READY = "ready"
WAS_TAKEN = "taken"
"""The file that says that this pod has had its order: Kubernetes starts a container again, but nobody's it is no more."""
TAKEN = "This R server is somebody's already; start another."
Frame = dict[str, Any]


class Control(Protocol):
    """What the standby needs of it."""

    async def open(self, port: int) -> None:
        """Let hubs in; `port` is where the standby will serve."""

    async def ready(self) -> None:
        """Say that this standby can be somebody's at once."""

    async def order(self) -> Frame:
        """Wait for the one order."""

    async def receive(self) -> Frame:
        """The next frame after the order."""

    async def active(self) -> None:
        """Say that the person's server listens."""

    async def refuse(self, sentence: str) -> None:
        """Say why this standby cannot be the person's."""


def open_control(place: str) -> Control:
    """The control stream: `place` is the number of an inherited file descriptor, or the path of a socket to make."""
    return InheritedControl(int(place)) if place.isdigit() else ListeningControl(place)


class _Streams:
    """Frames over a pair of asyncio streams."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def receive(self) -> Frame:
        """The next frame; ends the process if the hub is gone, perhaps in the middle of one.

        Raises:
            SystemExit: if the other end closed the stream.
        """
        line = await self.reader.readline()
        if not line.endswith(b"\n"):
            raise SystemExit(0)
        frame: Frame = json.loads(line)
        return frame

    async def send(self, frame: Mapping[str, Any]) -> None:
        """Send one frame."""
        self.writer.write(json.dumps(frame).encode() + b"\n")
        await self.writer.drain()

    async def refuse(self, sentence: str) -> None:
        """Say why this standby cannot be the person's."""
        await self.send({"error": sentence})

    async def refuse_taken(self) -> None:
        """Say that it is somebody's already, and hang up."""
        with contextlib.suppress(OSError):
            await self.send({"error": TAKEN, "taken": True})
        self.writer.close()


class InheritedControl(_Streams):
    """A socket of the hub that started us: when it goes away before the order, the standby ends."""

    def __init__(self, fd: int) -> None:
        """Take over the file descriptor, and keep it from R and everything else the server starts."""
        self._socket = socket.socket(fileno=fd)
        self._socket.set_inheritable(False)

    async def open(self, port: int) -> None:
        """Take up the stream to the hub."""
        self._port = port
        self.reader, self.writer = await asyncio.open_unix_connection(sock=self._socket, limit=FRAME_LIMIT)

    async def ready(self) -> None:
        """Say that this standby can be somebody's, and where it will serve."""
        await self.send({"ready": True, "port": self._port})

    async def active(self) -> None:
        """Say that the person's server listens."""
        await self.send({"active": True})

    async def order(self) -> Frame:
        """Wait for the one order."""
        return await self.receive()


class ListeningControl(_Streams):
    """A socket at which hubs come and go until one gives the order; the file `ready` beside it is for the pod's probe."""

    def __init__(self, path: str) -> None:
        """Take the path, in a folder where each account can remove only what is its own.

        Raises:
            SystemExit: if this pod was somebody's, whose server has ended.
        """
        self._path, self._taken = path, Path(path).with_name(WAS_TAKEN)
        if self._taken.exists():
            raise SystemExit("rc2hub: this pod was somebody's, whose server has ended; it takes no other order.")
        self._ready = Path(path).with_name(READY)
        self._ready.unlink(missing_ok=True)  # of a standby before this one in the same pod, which ended
        if os.geteuid() == 0:
            self._taken.parent.chmod(0o1777)
        self._ordered: asyncio.Future[Frame]
        self._server: asyncio.Server
        self._others: set[_Streams] = set()

    async def open(self, port: int) -> None:
        """Listen."""
        self._ordered, self._port = asyncio.get_running_loop().create_future(), port
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._meet, self._path, limit=FRAME_LIMIT)
        finally:
            os.umask(before)

    async def ready(self) -> None:
        """Let the pod be Ready."""
        if not self._ready.exists():
            self._ready.touch()

    async def active(self) -> None:
        """Say that the person's server listens; a pod that was started for her is Ready only now."""
        await self.ready()
        await self.send({"active": True})

    async def order(self) -> Frame:
        """Wait for the one order; from then on nobody else is listened to."""
        frame = await self._ordered
        self._taken.touch()
        self._server.close()
        for other in list(self._others):  # a process of root is at the other end of each, which ends by this
            await other.refuse_taken()
        return frame

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Listen to one caller; the first complete order counts, and its caller gets the answers."""
        caller = _Streams()
        caller.reader, caller.writer = reader, writer
        await caller.send({"ready": True, "port": self._port})
        self._others.add(caller)
        line = await reader.readline()
        self._others.discard(caller)
        complete = line.endswith(b"\n")  # else the caller has gone, perhaps in the middle of an order
        if not complete:
            writer.close()
        elif self._ordered.done():
            await caller.refuse_taken()
        else:
            self.reader, self.writer = reader, writer
            self._ordered.set_result(json.loads(line))
