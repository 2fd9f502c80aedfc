"""Processes on one machine: find and end those of a compute server, and end a process with its parent. Linux only.

A standby starts with an environment variable that names its attachments folder. All its children inherit the variable: R,
terminals, programs that R starts. So a scan of `/proc` finds all of them, also after some of them were killed.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

PR_SET_PDEATHSIG = 1
MARKER_VARIABLE = "RC2_ATTACHMENTS_DIR"
END_WITH_PARENT = ("setpriv", "--pdeathsig")
"""With a signal and a command: sends it to the command when this process ends. From util-linux, as a process with threads
must run no Python between fork and exec: gRPC's fork handlers would end the child."""


def marked_processes(root: Path) -> Iterator[tuple[int, Path]]:
    """Process id and folder of every process whose attachments folder is `root` or a folder in it."""
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            variables = environ.read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended, or belongs to another account
        for variable in variables:
            name, _, value = variable.partition(b"=")
            if name == MARKER_VARIABLE.encode() and (folder := Path(os.fsdecode(value))).is_relative_to(root):
                yield int(environ.parent.name), folder


def is_running(pid: int, folder: Path) -> bool:
    """Whether this process runs and belongs to this folder; another process may have the same number by now."""
    return any(found == pid for found, _ in marked_processes(folder))


def temporary_dir(folder: Path) -> Path:
    """The folder for temporary files of these processes. It is on disk, while the attachments folder is in memory."""
    return Path(tempfile.gettempdir(), f"rc2-{folder.name}")


def kill_marked(folder: Path) -> None:
    """Kill every process of the folder, and remove its files. Blocks until the processes have ended."""
    while pids := [pid for pid, _ in marked_processes(folder)]:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
    for leftover in (temporary_dir(folder), folder):
        shutil.rmtree(leftover, ignore_errors=True)


def free_ports(count: int, address: str = "127.0.0.1") -> list[int]:
    """Ports of this machine on which nothing listens; Linux gives them to no other program for the next minute.

    Each port has had a connection, whose TIME_WAIT keeps it from everybody who asks for any port. A server that asks for
    this port and sets SO_REUSEADDR, as servers do, can listen on it (tcp(7), socket(7)).
    """
    return [_free_port(address) for _ in range(count)]


def _free_port(address: str) -> int:
    with reserved(0, address) as listener:
        listener.listen()
        with socket.create_connection(listener.getsockname()):
            connection, _ = listener.accept()
            connection.close()  # who closes first has the TIME_WAIT
        return int(listener.getsockname()[1])


def reserved(port: int, address: str = "127.0.0.1") -> socket.socket:
    """A socket that keeps the port from other programs as long as it is open, while servers of ours can listen there.

    Args:
        port: the port, or 0 for any.
        address: an address of this machine.

    Raises:
        OSError: if the port is in use.
    """
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((address, port))
    except OSError:
        found.close()
        raise
    return found


def end_with_parent() -> None:
    """Have the kernel send SIGTERM to this process when its parent ends, even by SIGKILL (prctl(2)).

    Raises:
        SystemExit: if the parent has ended already.
    """
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent or parent == 1:
        raise SystemExit(1)


def start_server(command: Sequence[str], environment: Mapping[str, str], log: Path) -> "subprocess.Popen[bytes]":
    """Start a server that gets SIGTERM when this process ends, and adds its output to a file."""
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603
            [*END_WITH_PARENT, "TERM", *command], env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )


def stop_process(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    """Stop a process with SIGTERM, or kill it if it has not ended after these seconds."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def interrupt(_signum: int, _frame: FrameType | None) -> None:
    """Handle a signal as Ctrl-C.

    Raises:
        KeyboardInterrupt: always.
    """
    raise KeyboardInterrupt
