"""`rc2hub up` and `rc2hub link`: prepare the folder, start the hub, print login links, stop everything on Ctrl-C."""

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from rc2hub.entry import read_file
from rc2hub.errors import ConfigurationError, Rc2Error
from rc2hub.hub.authenticators.login_link import make_link, read_users
from rc2hub.hub.pool.process_pool import default_runtime_dir, sweep
from rc2hub.local import database, hdfs, hive, sample_data
from rc2hub.local.home import Home
from rc2hub.local.offer import offered_services
from rc2hub.local.ports import StoredPorts
from rc2hub.permissions import grants_in
from rc2hub.processes import end_with_parent, free_ports, interrupt, reserved, stop_process

EXAMPLES = Path(__file__).parents[2] / "examples"
"""Each new home gets a copy of this folder."""
REQUIRED_SPACE = 1 << 30
"""Bytes of free disk; database and homes use about a third of it at first."""
START_TIMEOUT = 60.0
"""Seconds for the hub to answer."""
STOP_TIMEOUT = 9.0
"""Seconds for the hub to stop before it is killed, so that Ctrl-C takes ten at most."""
POLL_INTERVAL = 0.1
"""Seconds between two checks whether the hub answers."""


def run(home: Home, config: Path, port: int) -> None:
    """Run until Ctrl-C or SIGTERM.

    Raises:
        SystemExit: with one sentence, if Rc² cannot run.
    """
    try:
        home.create()
        with home.lock():
            _run_locked(home, config, port)
    except Rc2Error as error:
        sys.exit(f"rc2hub: {error}")
    except OSError as error:
        sys.exit(
            f"rc2hub: {error.strerror}: {error.filename or home.root}; check space and permissions there, and try again."
        )


def print_link(home: Home, name: str) -> None:
    """Print a new login link for a user.

    Raises:
        SystemExit: with one sentence, if there is no such user, Rc² does not run, or the users' file has a mistake.
    """
    if not (home.hub / "url").exists():
        sys.exit(f"rc2hub: Rc² does not run with the folder {home.root}; start it with `make up`.")
    try:
        users = read_users(home.users_file)
    except ConfigurationError as error:
        sys.exit(f"rc2hub: {error}")
    if name.lower() not in users:
        sys.exit(f"rc2hub: {name} is not in {home.users_file}; add the user there.")
    sys.stdout.write(link(home, name.lower()) + "\n")


def link(home: Home, name: str) -> str:
    """A login link for the user, which works once."""
    return f"{(home.hub / 'url').read_text()}hub/link?token={make_link(home.links, name)}"


def _run_locked(home: Home, config: Path, port: int) -> None:
    _stop_orphaned_proxy(home)
    if shutil.disk_usage(home.root).free < REQUIRED_SPACE:
        raise Rc2Error(
            f"The disk of {home.root} has less than 1 GiB left; free some space, or set RC2_HOME to another disk."
        )
    with _reserved(port), ExitStack() as ports:
        for stored in (home.ports, *_ports_of_servers(home)):
            ports.enter_context(stored.reserved())
        _prepare(home)
        _run_hub(home, config, port)


def _reserved(port: int) -> socket.socket:
    try:
        return reserved(port)
    except OSError:
        message = f"Port {port} is in use; choose another, such as `make up PORT={free_ports(1)[0]}`."
        raise Rc2Error(message) from None


def _ports_of_servers(home: Home) -> Iterator[StoredPorts]:
    offered = offered_services()
    if "flights" in offered:
        yield database.ports(home.database)
    if "hdfs" in offered:
        yield hdfs.ports(home.hdfs)
    if "hive" in offered:
        yield hive.ports(home.hive)


def _prepare(home: Home) -> None:
    offered = offered_services()
    if "flights" in offered:
        _print("Preparing PostgreSQL")
        database.prepare(home.database)
        sample_data.fill(home.database)
    if "hive" in offered:
        hive.prepare(home.hive)
    shutil.rmtree(home.links)
    home.create()


def _run_hub(home: Home, config: Path, port: int) -> None:
    _print("Starting JupyterHub")
    hub = _start_hub(home, config, port)
    try:
        _wait_for_hub(hub, home, port)
        _print_links(home, config)
        hub.wait()
        raise Rc2Error(f"The hub ended unexpectedly; see {home.log}.")
    except KeyboardInterrupt:
        _print("Stopping")
    finally:
        _clean_up(home, hub)
    _end_servers(home)


def _clean_up(home: Home, hub: "subprocess.Popen[bytes]") -> None:
    (home.hub / "url").unlink(missing_ok=True)
    _stop_hub(hub)
    _stop_orphaned_proxy(home)


def _end_servers(home: Home) -> None:
    """End the servers that the hub had no time to end. Those of a hub that has crashed go on, as the next hub finds them."""
    root = Path(default_runtime_dir(str(home.hub.resolve())))
    if root.exists():
        sweep(root, frozenset())
        root.rmdir()


def _stop_orphaned_proxy(home: Home) -> None:
    """End the proxy of a killed hub: it has our port. No other hub uses it, because we hold the folder's lock."""
    try:
        pid = int((home.hub / "jupyterhub-proxy.pid").read_text())
        if b"configurable-http-proxy" in Path(f"/proc/{pid}/cmdline").read_bytes():
            process = os.pidfd_open(pid)
            signal.pidfd_send_signal(process, signal.SIGTERM)
            select.select([process], [], [], STOP_TIMEOUT)
            os.close(process)
    except (OSError, ValueError):
        return


def _start_hub(home: Home, config: Path, port: int) -> "subprocess.Popen[bytes]":
    (home.hub / "url").write_text(f"http://127.0.0.1:{port}/")
    os.environ.update(
        RC2_HOME=str(home.root),
        RC2_HUB_PORT=str(port),
        PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        R_LIBS=str(Path(sys.prefix, "lib", "R", "library")),
        RC2_EXAMPLES_DIR=str(EXAMPLES),
        RC2_DATA_PYTHON=str(Path(sys.prefix, "spark", "bin", "python")),
    )
    for signum in (signal.SIGINT, signal.SIGTERM):  # SIGINT too, because a shell makes its background jobs ignore it
        signal.signal(signum, interrupt)
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "jupyterhub", "-f", str(config.absolute())],
        cwd=home.hub,
        stdout=home.log.open("wb"),
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        close_fds=False,
        preexec_fn=end_with_parent,  # noqa: PLW1509 - this process has no threads
    )


def _wait_for_hub(hub: "subprocess.Popen[bytes]", home: Home, port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if hub.poll() is not None:
            raise Rc2Error(f"The hub did not start: {_last_log_line(home)}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/hub/health", timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(POLL_INTERVAL)
    raise Rc2Error(f"The hub did not answer within {START_TIMEOUT:.0f} seconds; see {home.log}.")


def _last_log_line(home: Home) -> str:
    lines = [line for line in home.log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].removeprefix("rc2hub: ") if lines else f"see {home.log}."


def _print_links(home: Home, config: Path) -> None:
    roles = read_file(config).JupyterHub.load_roles
    _print("Ready. Each link works once; `rc2hub link NAME` prints a new one. Ctrl-C stops everything.\n")
    for name, groups in read_users(home.users_file).items():
        granting = [role for role in roles if name in role.get("users", []) or set(groups) & set(role.get("groups", []))]
        services = sorted(f"{grant.service} ({grant.level})" for role in granting for grant in grants_in(role["scopes"]))
        _print(f"  {name} may use {', '.join(services) or 'no shared service'}:\n    {link(home, name)}\n")


def _stop_hub(hub: "subprocess.Popen[bytes]") -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hub.poll() is None:
        stop_process(hub, STOP_TIMEOUT)


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
