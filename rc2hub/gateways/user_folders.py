"""The folders of users and groups in a store that does not know users: one for each user, and one for each group offered.

The gateway of such a store alone decides who may use a folder.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

USERS, GROUPS = "users", "groups"
PLAIN_NAME = re.compile(r"(?!rc2-)[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
"""A name that is the name of a folder, too."""


def folder_of(user: str) -> str:
    """The folder of a user: with the same name, or a hash of one that is no name of a folder."""
    name = user if PLAIN_NAME.fullmatch(user) else f"rc2-{hashlib.sha256(user.encode()).hexdigest()[:24]}"
    return f"{USERS}/{name}"


@dataclass(frozen=True)
class UserFolders:
    """The folders that one user may use."""

    prefix: str
    """With what all keys begin; empty or with a slash at the end."""
    user: str
    groups: frozenset[str]
    """The groups of the user that have a folder."""

    @classmethod
    def of(cls, prefix: str, offered: Iterable[str], user: str, groups: Iterable[str]) -> "UserFolders":
        """The folders of a user who is in these groups."""
        return cls(prefix, user, frozenset(offered) & frozenset(groups))

    @property
    def names(self) -> list[str]:
        """Each folder, from the root of the bucket."""
        return [self.prefix + folder_of(self.user), *(f"{self.prefix}{GROUPS}/{group}" for group in sorted(self.groups))]

    def holds(self, key: str) -> bool:
        """Whether a key is below one of the folders."""
        return any(key.startswith(f"{name}/") for name in self.names)

    def group_of(self, key: str) -> frozenset[str]:
        """The group in whose folder a key is; empty if it is the user's own."""
        return frozenset(group for group in self.groups if key.startswith(f"{self.prefix}{GROUPS}/{group}/"))
