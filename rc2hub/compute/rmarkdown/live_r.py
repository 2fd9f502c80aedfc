"""The R of a preview: runs the engine in `live/` with the environment and memory limit of a notebook."""

import asyncio
import json
import os
import signal
import subprocess
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rc2hub.compute.kernel import prepare_process

ENGINE = Path(__file__).with_name("live")
LIMIT = 1 << 28
"""Bytes of one answer; a chunk's output is one line."""


class RHasEndedError(Exception):
    """R has ended, for want of memory or by the document's own code."""


class LiveR:
    """One R process, which keeps what the pieces of one document have given."""

    def __init__(self, document: Path, kept: Path) -> None:
        """Take the file, in whose folder R runs, and the file of results that an earlier R has kept."""
        self._document, self._kept = document, kept
        self._temporary = tempfile.TemporaryDirectory(prefix="rc2-preview-")
        self._process: Process
        self._answers: asyncio.StreamReader
        self._requests = -1

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._requests >= 0 and self._process.returncode is None

    async def start(self) -> None:
        """Start R.

        Raises:
            OSError: if it cannot be started.
        """
        request_reader, self._requests = os.pipe()
        answer_reader, answer_writer = os.pipe()
        arguments = (
            *(str(ENGINE), str(request_reader), str(answer_writer)),
            *(self._temporary.name, self._document.name, str(self._kept)),
        )
        try:
            self._process = await asyncio.create_subprocess_exec(
                *("R", "--no-echo", "--no-save", "--no-restore", f"--file={ENGINE / 'serve.R'}", "--args", *arguments),
                cwd=self._document.parent,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # what a chunk writes past knitr
                stderr=subprocess.DEVNULL,
                pass_fds=(request_reader, answer_writer),
                start_new_session=True,
                preexec_fn=prepare_process,
            )
        finally:
            os.close(request_reader)
            os.close(answer_writer)
        self._answers = asyncio.StreamReader(limit=LIMIT)
        protocol = asyncio.StreamReaderProtocol(self._answers)
        await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(answer_reader, "rb", buffering=0))

    async def update(self, head: str, pieces: Sequence[str]) -> AsyncIterator[dict[str, Any]]:
        """Run what has changed in the document; yields the answers that `serve.R` describes, the last one with `done`.

        Raises:
            RHasEndedError: if R ends.
        """
        async for answer in self._ask({"head": head, "pieces": list(pieces)}):
            yield answer

    async def keep(self) -> None:
        """Keep the results in the file, as far as they can be kept.

        Raises:
            RHasEndedError: if R ends.
        """
        async for _ in self._ask({"keep": True}):
            pass

    async def _ask(self, request: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        try:
            await asyncio.to_thread(_write, self._requests, json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise RHasEndedError from error
        while True:
            line = await self._answers.readline()
            if not line:
                raise RHasEndedError
            answer = json.loads(line)
            yield answer
            if answer.get("done"):
                return

    def interrupt(self) -> None:
        """Interrupt the piece that runs; its pass ends with an answer that has `interrupted`."""
        self._send(signal.SIGINT)

    def kill(self) -> None:
        """End R at once; `close` removes what it leaves."""
        self._send(signal.SIGKILL)

    async def close(self) -> None:
        """End R, and remove its files."""
        if self._requests >= 0:
            self.kill()
            await self._process.wait()
            os.close(self._requests)
            self._requests = -1
        self._temporary.cleanup()

    def _send(self, number: int) -> None:
        if self.is_running:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


def _write(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
