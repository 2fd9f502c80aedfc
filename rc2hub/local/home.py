"""RC2_HOME: the one folder that holds everything of single-user mode, and the ports its parts use."""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rc2hub.errors import Rc2Error
from rc2hub.processes import free_ports

PEOPLE = """\
# Who may log in here, and in which groups they are. A change counts within ten seconds, also for running servers.

[alice]
groups = ["analysts"]

[bob]
groups = []
"""
PARTS = ("hub", "proxy_api", "broker", "spark")


class Home:
    """The folder, by name of what lies where."""

    def __init__(self, root: Path) -> None:
        """Take the folder; nothing is created yet."""
        self.root = root.absolute()
        self.hub = self.root / "hub"
        self.log = self.root / "hub.log"
        self.homes = self.root / "homes"
        self.links = self.root / "links"
        self.people = self.root / "people.toml"
        self.database = self.root / "postgresql"

    @classmethod
    def from_environment(cls) -> "Home":
        """The folder that the variable RC2_HOME names, or `.rc2` here."""
        return cls(Path(os.environ.get("RC2_HOME", ".rc2")))

    def create(self) -> None:
        """Create what is missing, for this account alone."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.hub, self.homes, self.links):
            folder.mkdir(mode=0o700, exist_ok=True)
        if not self.people.exists():
            self.people.write_text(PEOPLE)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep a second `make up` away from this folder while the first runs.

        Raises:
            Rc2Error: if one runs already.
        """
        with (self.root / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Rc2Error(
                    f"Rc² runs already with the folder {self.root}; stop that one, or set RC2_HOME to another folder."
                ) from error
            # the hub inherits the lock, so that it holds until the last process is gone
            os.set_inheritable(file.fileno(), True)
            yield

    def ports(self) -> dict[str, int]:
        """A port for each part, the same at every start, so that compute servers find a hub that was restarted."""
        file = self.root / "ports.json"
        ports: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
        if missing := [part for part in PARTS if part not in ports]:
            ports.update(zip(missing, free_ports(len(missing)), strict=True))
            file.write_text(json.dumps(ports))
        return ports


def is_free(port: int) -> bool:
    """Whether something could listen on this port of the loopback interface."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
