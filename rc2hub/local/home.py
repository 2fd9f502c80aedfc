"""RC2_HOME: the folder with all files of single-user mode."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rc2hub.errors import Rc2Error
from rc2hub.local.ports import StoredPorts

USERS_TEMPLATE = """\
# The users who may log in, and their groups. A change takes effect within ten seconds, also for running servers.

[alice]
groups = ["analysts"]

[bob]
groups = []
"""
PORT_NAMES = ("hub", "proxy_api", "broker", "spark", "hdfs", "hive", "lab")


class Home:
    """The folder, with the paths of its parts."""

    def __init__(self, root: Path) -> None:
        """Name the paths; `create` makes them."""
        self.root = root.absolute()
        self.hub = self.root / "hub"
        self.log = self.root / "hub.log"
        self.homes = self.root / "homes"
        self.links = self.root / "links"
        self.users_file = self.root / "users.toml"
        self.database = self.root / "postgresql"
        self.hdfs = self.root / "hdfs"
        self.hive = self.root / "hive"
        self.ports = StoredPorts(self.root / "ports.json", *PORT_NAMES)
        """The ports of the hub's parts; compute servers find the hub there after its restart."""

    @classmethod
    def from_environment(cls) -> "Home":
        """The folder that the variable RC2_HOME names, or else `.rc2` in the working directory."""
        return cls(Path(os.environ.get("RC2_HOME", ".rc2")))

    def create(self) -> None:
        """Create what is missing; only this account can read it."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.hub, self.homes, self.links):
            folder.mkdir(mode=0o700, exist_ok=True)
        if not self.users_file.exists():
            self.users_file.write_text(USERS_TEMPLATE)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the folder, so that a second `make up` cannot use it.

        Raises:
            Rc2Error: if another one has the lock.
        """
        with (self.root / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Rc2Error(
                    f"Rc² runs already with the folder {self.root}; stop it, or set RC2_HOME to another folder."
                ) from error
            # the hub inherits the lock, so it stays locked until the last process has ended
            os.set_inheritable(file.fileno(), True)
            yield
