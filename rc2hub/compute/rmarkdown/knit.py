"""Knitting: a job of the user's server that runs a document in a new R and writes the output beside it.

A job has the environment, attachments and memory limit of a kernel, and goes on when the browser is closed. The output is
made in a folder of its own beside the document and takes its place at the end, so a knit that fails leaves the earlier one.
"""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from asyncio.subprocess import Process
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

from rc2hub.compute.kernel import prepare_process
from rc2hub.compute.rmarkdown.document import Kind, first_lines, lines_of, split
from rc2hub.compute.rmarkdown.quarto import missing_features

KNIT_R = Path(__file__).with_name("knit.R")
QUARTO_R = Path(__file__).with_name("quarto.R")
LOG_SIZE = 32 << 10
"""Bytes of the end of R's output that are shown."""
INTERRUPT_TIMEOUT = 5.0
"""Seconds that R gets to end by itself when it is interrupted, and to remove its intermediate files."""
UNNAMED = "unnamed-chunk-"
"""The beginning of knitr's labels of chunks without one."""

DUPLICATE_LABEL = re.compile(r"[Dd]uplicate chunk label '(?P<label>[^']*)'")
SHELL_CHARACTERS = re.compile(r"[ <>()|:&;#?*'\\]")
"""What rmarkdown replaces by a hyphen in the names of its files."""


class Format(StrEnum):
    """What a document becomes."""

    OWN = "own"
    """The first format in its head, and HTML without one."""
    HTML = "html"
    WORD = "word"
    PDF = "pdf"


class State(StrEnum):
    """Where a job stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class KnitJob:
    """One run of a document, from `start` to its end."""

    def __init__(self, document: Path, output_format: Format) -> None:
        """Take the file; `start` begins."""
        self.document, self.format = document, output_format
        self.state = State.RUNNING
        self.version = 0
        """Counts the changes of what `describe` returns."""
        self._chunk, self._total, self._label = 0, 0, ""
        self._error, self._output, self._failed_in_document = "", "", False
        self._message, self._line, self._log = "R starts.", 0, ""
        self._changed = asyncio.Event()
        self._reports = b""
        self._cancelled = False
        self._process: Process

    async def start(self) -> None:
        """Start R.

        Raises:
            OSError: if the document cannot be read, or nothing can be written beside it.
            UnicodeDecodeError: if the document is not in UTF-8.
        """
        self._text = self.document.read_bytes().decode()
        self._draft = self.document.with_name(f".knit-{self.document.name}")
        if not self._has_cache:
            shutil.rmtree(self._draft, ignore_errors=True)
        self._draft.mkdir(exist_ok=True)
        for stale in self._draft.iterdir():  # of a job that failed; figures of cached chunks are in folders
            if stale.is_file():
                stale.unlink()
        with ExitStack() as opened:
            reader, writer = os.pipe()
            opened.callback(os.close, reader)
            log = opened.enter_context(tempfile.TemporaryFile())
            try:
                self._process = await self._start_r(writer, log)
            finally:
                os.close(writer)
            self._task = asyncio.create_task(self._follow(reader, log, opened.pop_all()), name=f"knit {self.document.name}")

    async def cancel(self) -> None:
        """Interrupt R, end it if that does not help, and wait for its end; a job that has ended stays as it is."""
        if self.state is not State.RUNNING:
            return
        self._cancelled = True
        for number, seconds in ((signal.SIGINT, INTERRUPT_TIMEOUT), (signal.SIGKILL, None)):
            if not self._task.done():
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, number)
                await asyncio.wait({self._task}, timeout=seconds)

    async def wait_for_change(self, version: int, seconds: float) -> None:
        """Wait until `describe` has another version than this, or for so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.version == version:
                    await self._changed.wait()

    def describe(self) -> dict[str, Any]:
        """What the user is shown: the state in words, the output, and where a chunk has failed.

        `line` is the first line of the chunk or text that failed, counted from 1, or 0; `output` the file's name.
        """
        return {
            "state": self.state,
            "message": self._message,
            "chunk": self._chunk,
            "total": self._total,
            "label": self._label,
            "output": self._output,
            "line": self._line,
            "log": self._log,
            "version": self.version,
        }

    async def _start_r(self, writer: int, log: BinaryIO) -> Process:
        options = ("--no-echo", "--no-save", "--no-restore", f"--file={KNIT_R}", "--args")
        return await asyncio.create_subprocess_exec(
            "R",
            *options,
            *(self.document.name, self.format, str(self._draft), str(writer), str(QUARTO_R)),
            cwd=self.document.parent,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(writer,),
            start_new_session=True,
            preexec_fn=prepare_process,
        )

    async def _follow(self, reader: int, log: BinaryIO, opened: ExitStack) -> None:
        with opened:
            with self._reading(reader):
                status = await self._process.wait()
            self._log = _end_of(log)
        if self._output:
            state, message = await asyncio.to_thread(self._publish)
        elif self._cancelled:
            state, message = State.CANCELLED, "Knitting was cancelled."
        else:
            state, message = State.FAILED, self._failure(status)
        if not self._has_cache:  # the figures of chunks that knitr has cached are in this folder
            await asyncio.to_thread(shutil.rmtree, self._draft, ignore_errors=True)
        self.state, self._message = state, message
        self._change()

    @contextmanager
    def _reading(self, reader: int) -> Iterator[None]:
        """Take R's reports meanwhile, and the last ones at the end; R's own processes may keep the pipe open for longer."""
        os.set_blocking(reader, False)
        loop = asyncio.get_running_loop()
        loop.add_reader(reader, self._receive, reader)
        yield
        self._receive(reader)
        loop.remove_reader(reader)

    def _receive(self, reader: int) -> None:
        with suppress(BlockingIOError):
            while received := os.read(reader, 1 << 16):
                self._reports += received
            asyncio.get_running_loop().remove_reader(reader)
        *lines, self._reports = self._reports.split(b"\n")
        for line in lines:
            self._take(json.loads(line))

    def _take(self, report: dict[str, Any]) -> None:
        if "chunk" in report:
            self._chunk, self._total, self._label = report["chunk"], report["total"], report["label"]
            if self._label:  # text between chunks takes no time
                name = "." if self._label.startswith(UNNAMED) else f": {self._label}"
                self._message = f"Chunk {self._chunk} of {self._total}{name}"
        elif "converting" in report:
            self._message = "Pandoc writes the output."
        self._failed_in_document = report.get("in_document", False)
        self._error, self._output = report.get("error", ""), report.get("output", "")
        self._change()

    def _change(self) -> None:
        self.version += 1
        self._changed.set()
        self._changed.clear()

    def _publish(self) -> tuple[State, str]:
        """Move what R has made to its place beside the document, the output last."""
        try:
            for name in sorted(os.listdir(self._draft), key=lambda name: name == self._output):
                self._move(self._draft / name, self.document.with_name(name))
        except OSError as error:
            return State.FAILED, f"{self._output} cannot be written: {error.strerror}."
        missing = missing_features(self.document, split(self._text))
        return State.DONE, f"{self._output} is ready. {missing}".rstrip()

    def _move(self, made: Path, place: Path) -> None:
        if not made.is_dir():
            made.replace(place)
            return
        if self._has_cache:
            shutil.copytree(made, place, dirs_exist_ok=True)
            return
        shutil.rmtree(place, ignore_errors=True)
        made.rename(place)

    @property
    def _has_cache(self) -> bool:
        """Whether knitr keeps results of this document, and refers to figures that it made before."""
        return self.document.with_name(f"{SHELL_CHARACTERS.sub('-', self.document.stem)}_cache").is_dir()

    def _failure(self, status: int) -> str:
        """One sentence: where, and what R said."""
        if found := DUPLICATE_LABEL.match(self._error):
            return f"Two chunks have the label {found['label']}, and knitr refuses the same label twice; give one another."
        reason = self._error.strip() or _sentence_of_end(status)
        if not self._failed_in_document:
            return reason
        first, last = self._lines()
        self._line = first
        place = f"chunk {self._label}" if self._label else "the text"
        return f"Error in {place}, lines {first} to {last}: {reason}"

    def _lines(self) -> tuple[int, int]:
        """The first and the last line of the chunk or text that R came to, counted from 1."""
        chunk, pieces = 0, split(self._text)
        for piece, first in zip(pieces, first_lines(pieces), strict=True):
            is_chunk = piece.kind is Kind.CHUNK
            chunk += is_chunk
            if chunk == self._chunk and is_chunk == bool(self._label) and piece.kind is not Kind.HEAD:
                return first, first + len(lines_of(piece.text)) - 1
        return 1, len(lines_of(self._text))


def _end_of(log: BinaryIO) -> str:
    size = log.seek(0, os.SEEK_END)
    log.seek(max(0, size - LOG_SIZE))
    return log.read().decode(errors="replace")


def _sentence_of_end(status: int) -> str:
    """Why R has ended without a report."""
    if status == -signal.SIGKILL:
        return "R was ended by the system, most often for want of memory."
    return "R has ended before the document was ready; its output says more."
