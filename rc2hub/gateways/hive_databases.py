"""The databases of Hive: one for each user and one for each group that the operator names, and who may use them.

The folder of a database decides: who may read it in HDFS sees the database, and who may write in it changes its tables. So
metadata have the rights of the data. The folders and databases are made here, without a location.
"""

import asyncio
import hashlib
import re
import time
from collections.abc import Collection, Iterable

from rc2hub.gateways.hdfs_client import HdfsClient
from rc2hub.gateways.hive_client import HiveClient
from rc2hub.gateways.webhdfs_conf import WAREHOUSE
from rc2hub.gateways.webhdfs_request import READ

DEFAULT = "default"
"""Hive's own database, which every user sees and no user changes; Spark needs it."""
PLAIN_NAME = re.compile(r"(?!rc2_)[a-z][a-z0-9_]{0,63}")
RESERVED = frozenset({DEFAULT, "global_temp", "information_schema", "session", "sys"})
READ_RIGHTS, WRITE_RIGHTS = "r-x", "rwx"
CONCURRENT_MAKES = 4
"""How many users' databases are made at the same time; the metastore has few connections to its own database."""
RIGHTS_LIFETIME = 10.0
"""Seconds for which an answer of HDFS is used again."""
GROUP_ACL = ",".join(
    f"{scope}{who}::{rights}"
    for scope in ("", "default:")
    for who, rights in (("user", "rwx"), ("group", "rwx"), ("other", "---"))
)
"""The group may read and write all in the folder, and what is made in it."""


def database_of(user: str, groups: Collection[str] = ()) -> str:
    """The database of a user of HDFS: the same name, or a hash of one that Hive would not keep as it is."""
    if PLAIN_NAME.fullmatch(user) and user not in RESERVED and user not in groups:
        return user
    return f"rc2_{hashlib.sha256(user.encode()).hexdigest()[:24]}"


def folder_of(database: str) -> str:
    """The folder of a database."""
    return WAREHOUSE if database == DEFAULT else f"{WAREHOUSE}/{database}.db"


class HiveDatabases:
    """Makes the databases, and asks HDFS who may use them."""

    def __init__(self, hdfs: HdfsClient, hive: HiveClient, groups: Iterable[str]) -> None:
        """Take HDFS, the metastore, and the groups of HDFS that have a database."""
        self._hdfs, self._hive, self.groups = hdfs, hive, tuple(groups)
        self._making = asyncio.Semaphore(CONCURRENT_MAKES)
        self._rights: dict[tuple[str, str, str], tuple[float, bool]] = {}
        self._made: set[str] = set()

    async def own(self, user: str) -> str:
        """The database of a user, made if this gateway has not made it yet.

        Raises:
            ServiceUnavailableError: if HDFS or the metastore does not answer, or refuses.
        """
        if user not in self._made:
            await self.make(user)
        return database_of(user, self.groups)

    async def make(self, user: str) -> None:
        """Make the database of a user, and those of the groups, if they are missing.

        Raises:
            ServiceUnavailableError: if HDFS or the metastore does not answer, or refuses.
        """
        own = database_of(user, self.groups)
        async with self._making:
            await self._hdfs.make_folder(WAREHOUSE, f"{own}.db", {"owner": user})
            await self._hive.make_database(own, user)
            for group in self.groups:
                await self._hdfs.make_folder(WAREHOUSE, f"{group}.db", {"group": group}, GROUP_ACL)
                await self._hive.make_database(group, user, group)
        self._made.add(user)

    async def allows(self, user: str, database: str, level: str) -> bool:
        """Whether a user may read a database, or write in it; not one that does not exist.

        Raises:
            ServiceUnavailableError: if HDFS does not answer.
        """
        now = time.monotonic()
        self._rights = {key: kept for key, kept in self._rights.items() if kept[0] > now}
        key = user, database, level
        if key not in self._rights:
            rights = READ_RIGHTS if level == READ else WRITE_RIGHTS
            allowed = await self._hdfs.allows(user, folder_of(database), rights)
            self._rights[key] = now + RIGHTS_LIFETIME, allowed
        return self._rights[key][1]

    async def readable(self, user: str, databases: Iterable[str]) -> list[str]:
        """Those of these databases that a user may read, in their order.

        Raises:
            ServiceUnavailableError: if HDFS does not answer.
        """
        names = list(databases)
        allowed = await asyncio.gather(*(self.allows(user, name.lower(), READ) for name in names))
        return [name for name, is_allowed in zip(names, allowed, strict=True) if is_allowed]

    def forget(self, user: str) -> None:
        """Ask HDFS again for this user."""
        self._rights = {key: kept for key, kept in self._rights.items() if key[0] != user}
