"""The kind `hive`: a gateway in front of Hive's metastore, which acts for each user under the user's own name in HDFS."""

import re
from collections.abc import Mapping
from typing import Any

from rc2hub.errors import ConfigurationError
from rc2hub.gateways.hive_databases import PLAIN_NAME, RESERVED, database_of
from rc2hub.services.hadoop_service import ADDRESS, HadoopService

METASTORE = re.compile(r"http://[A-Za-z0-9.-]+:\d+/[A-Za-z0-9._/-]+")


class HiveService(HadoopService):
    """Hive's tables; a compute server and its Spark use them through the gateway, as the user."""

    kind = "hive"
    gateway_module, gateway_variable = "rc2hub.gateways.hive_gateway", "RC2_HIVE_GATEWAY"
    required = frozenset({"gateway", "metastore", "hdfs", "key"})
    optional = frozenset({"admin", "groups"})
    addresses = (("gateway", ADDRESS, "hive-gateway:14010"), ("metastore", METASTORE, "metastore:9083/metastore"))
    attach_timeout = 60.0  # many users may come at once

    def __init__(self, name: str, entry: Mapping[str, Any], lifetime: float) -> None:
        """Take the entry."""
        super().__init__(name, entry, lifetime)
        self.groups = tuple(entry.get("groups", ()))

    @classmethod
    def validate(cls, where: str, entry: Mapping[str, Any]) -> None:
        """Check the addresses, the groups, and where key and secret are.

        Raises:
            ConfigurationError: naming `where` and the accepted values.
        """
        super().validate(where, entry)
        if (
            not isinstance(entry["key"], Mapping)
            or list(map(type, entry["key"].values())) != [str]
            or "file" not in entry["key"]
        ):
            raise ConfigurationError(f'{where}: \'key\' must be {{"file": "/path/to/key.pem"}}.')
        groups = entry.get("groups", [])
        if not isinstance(groups, list) or not all(isinstance(name, str) and _is_plain(name) for name in groups):
            raise ConfigurationError(
                f"{where}: 'groups' must be a list of groups of HDFS, lower-case letters, digits and _."
            )

    @classmethod
    def gateway_settings(cls, entry: Mapping[str, Any], config: Any) -> dict[str, Any]:
        """Where metastore, NameNode and key are, and the groups that have a database."""
        return {
            "metastore": entry["metastore"],
            "namenode": config.SharedServices.catalogue[entry["hdfs"]]["namenode"],
            "key": entry["key"]["file"],
            "groups": entry.get("groups", []),
        }

    def r_code(self) -> str:
        """The line of R that lists the tables."""
        return "rc2_hive_tables()" if self.name == "hive" else f'rc2_hive_tables("{self.name}")'

    def python_code(self, user: str) -> str:
        """The line of Python that lists the tables, in the session of Spark's line."""
        return 'spark.sql("SHOW TABLES").toPandas()'

    def settings_of(self, user: str) -> dict[str, str]:
        """The user's database, which the gateway makes."""
        return {"database": database_of(user, self.groups)}


def _is_plain(group: str) -> bool:
    return bool(PLAIN_NAME.fullmatch(group)) and group not in RESERVED
