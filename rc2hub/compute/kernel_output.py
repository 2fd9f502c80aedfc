"""What a kernel's process writes itself: the output of `system()`, of C code, and of whatever else it runs.

IRkernel sends to the notebook what R prints. The rest goes to R's file descriptors 1 and 2. Here these are pipes that this
process reads at all times, so they never block R for long, and no log gets what a user's code writes. The text goes to
the notebooks that are connected, as output of the cell that was executed last.
"""

import asyncio
import codecs
import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

Receiver = Callable[[str, str, Mapping[str, Any]], None]
"""Takes the stream's name (stdout or stderr), the text, and the header of the request that executes the cell."""
PIPE_SIZE = 1 << 20
"""Bytes; Linux allows no larger pipe without privileges."""
READ_INTERVAL = 0.05
"""Seconds between two reads of a pipe, so that many short lines become few messages. A message of R causes a read too."""
LOG = {"stdout": 1, "stderr": 2}
HELD = 1 << 16
"""Characters that are kept while no notebook is connected, or no cell was executed yet: the last ones."""


class _Pipe:
    """One of the two pipes, until no process can write to it any more."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.read_end, self.write_end = os.pipe()
        os.set_blocking(self.read_end, False)
        with contextlib.suppress(OSError):  # the account has used up what Linux grants it; the usual 64 KiB do
            fcntl.fcntl(self.read_end, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def read(self) -> tuple[str, bool]:
        """What is in the pipe now, and whether it is at its end."""
        parts: list[bytes] = []
        size = 0
        while size <= PIPE_SIZE:  # not until it is empty: a fast writer must not keep this process here
            try:
                part = os.read(self.read_end, PIPE_SIZE)
            except BlockingIOError:
                return self._decoder.decode(b"".join(parts)), False
            if not part:
                return self._decoder.decode(b"".join(parts), final=True), True
            parts.append(part)
            size += len(part)
        return self._decoder.decode(b"".join(parts)), False


class KernelOutput:
    """The output of one kernel, also after a restart, of which children may outlive the process that wrote at first."""

    def __init__(self) -> None:
        """Open no pipe yet; `pipes` does, for each process."""
        self.receivers: set[Receiver] = set()
        """The notebooks that are connected."""
        self.request: Mapping[str, Any] = {}
        """The header of the request that executes a cell, or did it last; empty before the first one of a process."""
        self.goes_to_log = False
        """Whether no user owns the kernel yet: then the operator needs to know why R does not start."""
        self._open: set[_Pipe] = set()
        self._held: list[tuple[str, str]] = []
        self._passed = 0
        """Number of texts that were sent or forgotten."""

    @contextmanager
    def pipes(self) -> Iterator[dict[str, int]]:
        """The arguments of `subprocess.Popen` for a new process, which is started in this context, before its first cell."""
        self.request = {}
        pipes = [_Pipe("stdout"), _Pipe("stderr")]
        self._open.update(pipes)
        try:
            yield {pipe.name: pipe.write_end for pipe in pipes}
        finally:
            for pipe in pipes:
                os.close(pipe.write_end)
                self._read_later(pipe)

    def precede(self, request: Mapping[str, Any]) -> None:
        """Send what is in the pipes before a message of R, which belongs to this request.

        The first message of a cell only tells which cell it is: what is in the pipe then may be its output already.
        """
        if request.get("msg_type") == "execute_request" and request["msg_id"] != self.request.get("msg_id"):
            self.request = request
        else:
            self.deliver()

    def deliver(self) -> None:
        """Send, or log, what is in the pipes now."""
        for pipe in list(self._open):
            self._read(pipe)
        self._pass_on()

    def _read_later(self, pipe: _Pipe) -> None:
        loop = asyncio.get_running_loop()

        def read() -> None:
            loop.remove_reader(pipe.read_end)
            self._read(pipe)
            # R's message that a cell begins is sent before the cell's first output, but may be read after it
            loop.call_later(READ_INTERVAL, self._pass_on, len(self._held) + self._passed)
            if pipe in self._open:
                loop.call_later(READ_INTERVAL, self._read_later, pipe)

        if pipe in self._open:
            loop.add_reader(pipe.read_end, read)

    def _read(self, pipe: _Pipe) -> None:
        text, at_end = pipe.read()
        if at_end:
            self._open.discard(pipe)
            asyncio.get_running_loop().remove_reader(pipe.read_end)
            os.close(pipe.read_end)
        if text and self.goes_to_log:
            os.write(LOG[pipe.name], text.encode())
        elif text:
            self._held.append((pipe.name, text))

    def _pass_on(self, end: int | None = None) -> None:
        """Send what is held; of all texts ever held those before `end`."""
        if not self.request or not self.receivers:
            self._forget_old()
            return
        count = len(self._held) if end is None else max(end - self._passed, 0)
        held, self._held = self._held[:count], self._held[count:]
        self._passed += len(held)
        for name, text in held:
            for receiver in list(self.receivers):
                receiver(name, text, self.request)

    def _forget_old(self) -> None:
        surplus = sum(len(text) for _, text in self._held) - HELD
        while surplus > 0:
            name, text = self._held[0]
            if len(text) > surplus:
                self._held[0] = (name, text[surplus:])
            else:
                self._held.pop(0)
                self._passed += 1
            surplus -= len(text)
