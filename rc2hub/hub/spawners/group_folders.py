"""Folders that groups share: which of them a user may use, and whether the user may write there.

A folder has two groups of the operating system, one for readers and one for writers. Their ids are hashes of the folder's
name, the same on every hub; a compute server joins those that its user's JupyterHub groups give.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rc2hub.entry import Name, read_value
from rc2hub.errors import ConfigurationError
from rc2hub.hub.spawners.accounts import folder_gid

EXAMPLE = '{"read": ["stat101"], "write": ["stat101-teachers"]}'


@dataclass(frozen=True)
class GroupFolder:
    """One folder, and the JupyterHub groups that may use it."""

    name: str
    read: frozenset[str]
    write: frozenset[str]

    @classmethod
    def parse(cls, where: str, name: object, entry: object) -> "GroupFolder":
        """Read one entry of `group_folders`.

        Raises:
            ConfigurationError: naming `where` and the accepted values.
        """
        where = f"{where}[{name!r}]"
        read_value(Name, f"{where}: the name", name)
        if not isinstance(entry, Mapping) or not entry or not entry.keys() <= {"read", "write"}:
            raise ConfigurationError(f"{where} must be a dictionary such as {EXAMPLE}.")
        for level, groups in entry.items():
            if not isinstance(groups, list | tuple) or not all(isinstance(group, str) for group in groups):
                raise ConfigurationError(f"{where}[{level!r}] must be a list of JupyterHub groups, not {groups!r}.")
        return cls(str(name), frozenset(entry.get("read", ())), frozenset(entry.get("write", ())))

    def access(self, groups: Iterable[str]) -> dict[str, Any] | None:
        """What a standby needs to open the folder for a user in these groups; None if the user has no access."""
        user_groups = set(groups)
        writes = bool(user_groups & self.write)
        if not writes and not user_groups & self.read:
            return None
        gids = {who: folder_gid(self.name, level) for who, level in (("readers", "read"), ("writers", "write"))}
        return {"name": self.name, **gids, "writes": writes}


def parse_folders(where: str, value: object) -> list[GroupFolder]:
    """Read all of `group_folders`.

    Raises:
        ConfigurationError: naming the place and the accepted values.
    """
    if not isinstance(value, Mapping):
        raise ConfigurationError(f'{where} must be a dictionary such as {{"stat101": {EXAMPLE}}}.')
    return [GroupFolder.parse(where, name, entry) for name, entry in value.items()]
