"""The standby's end of its control stream, over which the hub sends the one activation request.

Frames are lines of JSON. Out: `{"ready": true, "port": …}`. In: an activation request (`ActivationRequest` of the hub), then
`{"attachments": […]}`. Out: `{"active": true}` or `{"error": …}`. Where standbys are processes beside the hub, the stream is
a socket that the standby inherits. In a pod it is a socket that only root can open; the hub reaches it by `exec` through
the Kubernetes API.
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
"""Bytes; an activation request with many attachments is a few kilobytes."""
READY_FILE = "ready"
ACTIVATED_FILE = "activated"
"""Its existence means that this pod has had its activation request: a restarted container must not be claimed again."""
ALREADY_ACTIVATED = "This R server is already in use; start another."
Frame = dict[str, Any]


class Control(Protocol):
    """What the standby needs of its control stream."""

    async def open(self, port: int) -> None:
        """Open the stream to the hub; `port` is where the standby will serve."""

    async def mark_ready(self) -> None:
        """Report that this standby can be activated at once."""

    async def wait_for_activation(self) -> Frame:
        """Wait for the one activation request."""

    async def receive(self) -> Frame:
        """The next frame after the activation request."""

    async def mark_active(self) -> None:
        """Report that the user's server listens."""

    async def report_error(self, sentence: str) -> None:
        """Report why this standby cannot be activated for the user."""


def open_control(location: str) -> Control:
    """The control stream: `location` is the number of an inherited file descriptor, or the path of a socket to make."""
    return InheritedControl(int(location)) if location.isdigit() else ListeningControl(location)


class _FrameStream:
    """Frames over a pair of asyncio streams."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def receive(self) -> Frame:
        """The next frame; ends the process if the hub has closed the stream, even in the middle of a frame.

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

    async def report_error(self, sentence: str) -> None:
        """Report why this standby cannot be activated for the user."""
        await self.send({"error": sentence})

    async def report_already_activated(self) -> None:
        """Report that this standby is activated already, and close the stream."""
        with contextlib.suppress(OSError):
            await self.send({"error": ALREADY_ACTIVATED, "already_activated": True})
        self.writer.close()


class InheritedControl(_FrameStream):
    """A socket of the hub that started this process; if it closes before the activation request, the standby ends."""

    def __init__(self, fd: int) -> None:
        """Take over the file descriptor; neither R nor any other child process inherits it."""
        self._socket = socket.socket(fileno=fd)
        self._socket.set_inheritable(False)

    async def open(self, port: int) -> None:
        """Open the stream to the hub."""
        self._port = port
        self.reader, self.writer = await asyncio.open_unix_connection(sock=self._socket, limit=FRAME_LIMIT)

    async def mark_ready(self) -> None:
        """Report that this standby can be activated, and where it will serve."""
        await self.send({"ready": True, "port": self._port})

    async def mark_active(self) -> None:
        """Report that the user's server listens."""
        await self.send({"active": True})

    async def wait_for_activation(self) -> Frame:
        """Wait for the one activation request."""
        return await self.receive()


class ListeningControl(_FrameStream):
    """A socket to which hubs connect until one sends the activation request.

    The file `ready` beside it is for the pod's readiness probe.
    """

    def __init__(self, path: str) -> None:
        """Choose the path, in a folder where each account can remove its own files only.

        Raises:
            SystemExit: if this pod was activated before, and that server has ended.
        """
        self._path, self._activated_file = path, Path(path).with_name(ACTIVATED_FILE)
        if self._activated_file.exists():
            raise SystemExit("rc2hub: the server of this pod has ended; the pod cannot be activated again.")
        self._ready_file = Path(path).with_name(READY_FILE)
        self._ready_file.unlink(missing_ok=True)  # left by an earlier container of the same pod
        if os.geteuid() == 0:
            self._activated_file.parent.chmod(0o1777)
        self._activation: asyncio.Future[Frame]
        self._server: asyncio.Server
        self._callers: set[_FrameStream] = set()

    async def open(self, port: int) -> None:
        """Listen."""
        self._activation, self._port = asyncio.get_running_loop().create_future(), port
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._accept, self._path, limit=FRAME_LIMIT)
        finally:
            os.umask(before)

    async def mark_ready(self) -> None:
        """Make the pod Ready."""
        if not self._ready_file.exists():
            self._ready_file.touch()

    async def mark_active(self) -> None:
        """Report that the user's server listens; a pod that was started for a waiting user is Ready only now."""
        await self.mark_ready()
        await self.send({"active": True})

    async def wait_for_activation(self) -> Frame:
        """Wait for the one activation request; all other callers get an error, and no new ones are accepted."""
        frame = await self._activation
        self._activated_file.touch()
        self._server.close()
        for other in list(self._callers):  # at the other end of each is a process of root, which this ends
            await other.report_already_activated()
        return frame

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read from one caller; the first complete activation request counts, and its caller gets the answers."""
        caller = _FrameStream()
        caller.reader, caller.writer = reader, writer
        await caller.send({"ready": True, "port": self._port})
        self._callers.add(caller)
        line = await reader.readline()
        self._callers.discard(caller)
        is_complete = line.endswith(b"\n")  # else the caller closed the stream, perhaps in the middle of a request
        if not is_complete:
            writer.close()
        elif self._activation.done():
            await caller.report_already_activated()
        else:
            self.reader, self.writer = reader, writer
            self._activation.set_result(json.loads(line))
