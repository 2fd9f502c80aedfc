"""Processes of this machine: which belong to a compute server, and which must not outlive the one that started them.

A standby's first environment names its attachments folder, and everything it starts inherits that: R, terminals, what R
starts. So a scan of `/proc` finds them all, whoever is left of the family after a kill. Linux only.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PR_SET_PDEATHSIG = 1
MARK = "RC2_ATTACHMENTS"


def marked(root: Path) -> Iterator[tuple[int, Path]]:
    """Process id and folder of every process whose attachments folder is `root`, or lies in it."""
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            variables = environ.read_bytes().split(b"\0")
        except OSError:
            continue  # ended meanwhile, or somebody else's
        for variable in variables:
            name, _, value = variable.partition(b"=")
            if name == MARK.encode() and (folder := Path(os.fsdecode(value))).is_relative_to(root):
                yield int(environ.parent.name), folder


def is_running(pid: int, folder: Path) -> bool:
    """Whether this process still runs and is the one that has this folder."""
    return any(found == pid for found, _ in marked(folder))


def scratch(folder: Path) -> Path:
    """Where the processes of the folder keep temporary files: on disk, as the folder itself is memory."""
    return Path(tempfile.gettempdir(), f"rc2-{folder.name}")


def end(folder: Path) -> None:
    """End every process that belongs to the folder at once, and remove its files. Blocks for a moment."""
    while left := [pid for pid, _ in marked(folder)]:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
    for left_behind in (scratch(folder), folder):
        shutil.rmtree(left_behind, ignore_errors=True)


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nothing listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def end_with_parent() -> None:
    """Have the kernel end this process when its parent ends, even by SIGKILL (prctl(2)).

    Raises:
        SystemExit: if the parent is gone already.
    """
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent or parent == 1:
        raise SystemExit(1)
