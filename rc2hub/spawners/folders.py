"""Folders that groups share: which of them are a person's, and whether she may write there.

A folder has two groups of the operating system, for those who read and those who write. Their numbers are hashes of its
name, the same on every hub; a compute server is a member of those that its person's JupyterHub groups give her.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rc2hub.errors import ConfigurationError
from rc2hub.profiles import NAME
from rc2hub.spawners.accounts import folder_gid

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
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise ConfigurationError(f"{where}: a name is a lower-case letter followed by letters, digits and '-'.")
        if not isinstance(entry, Mapping) or not entry or not entry.keys() <= {"read", "write"}:
            raise ConfigurationError(f"{where} must be a dictionary such as {EXAMPLE}.")
        for level, groups in entry.items():
            if not isinstance(groups, list | tuple) or not all(isinstance(group, str) for group in groups):
                raise ConfigurationError(f"{where}[{level!r}] must be a list of JupyterHub groups, not {groups!r}.")
        return cls(name, frozenset(entry.get("read", ())), frozenset(entry.get("write", ())))

    def order(self, groups: Iterable[str]) -> dict[str, Any] | None:
        """What a standby has to know to open it for somebody in these groups; None if it is not for her."""
        hers = set(groups)
        writes = bool(hers & self.write)
        if not writes and not hers & self.read:
            return None
        numbers = {who: folder_gid(self.name, level) for who, level in (("readers", "read"), ("writers", "write"))}
        return {"name": self.name, **numbers, "writes": writes}


def parse_folders(where: str, value: object) -> list[GroupFolder]:
    """Read all of `group_folders`.

    Raises:
        ConfigurationError: naming the place and the accepted values.
    """
    if not isinstance(value, Mapping):
        raise ConfigurationError(f'{where} must be a dictionary such as {{"stat101": {EXAMPLE}}}.')
    return [GroupFolder.parse(where, name, entry) for name, entry in value.items()]
