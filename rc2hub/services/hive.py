"""The kind `hive`: a gateway in front of Hive's metastore, which acts for each user under the user's own name in HDFS."""

import re
from collections.abc import Mapping
from typing import Any

from rc2hub.errors import ConfigurationError
from rc2hub.gateways.broker_http import HttpGatewayClient
from rc2hub.gateways.hdfs_client import hdfs_user
from rc2hub.gateways.hive_databases import PLAIN_NAME, RESERVED, database_of
from rc2hub.gateways.webhdfs_request import READ, WRITE
from rc2hub.server_id import ServerId
from rc2hub.services.base import Attachment
from rc2hub.services.gateway_service import GatewayService
from rc2hub.services.hdfs import ADDRESS

METASTORE = re.compile(r"http://[A-Za-z0-9.-]+:\d+/[A-Za-z0-9._/-]+")
ATTACH_TIMEOUT = 60.0
"""Seconds for the gateway to make a user's databases, when many users come at once."""


class HiveService(GatewayService):
    """Hive's tables; a compute server and its Spark use them through the gateway, as the user."""

    kind = "hive"
    gateway_module, gateway_variable = "rc2hub.gateways.hive_gateway", "RC2_HIVE_GATEWAY"
    levels = (READ, WRITE)
    blocks_start = False
    required = frozenset({"gateway", "metastore", "hdfs", "key"})
    optional = frozenset({"admin", "groups"})

    def __init__(self, name: str, entry: Mapping[str, Any], lifetime: float) -> None:
        """Take the entry."""
        super().__init__(name, entry, lifetime)
        self.gateway, self.groups = entry["gateway"], tuple(entry.get("groups", ()))

    @classmethod
    def validate(cls, where: str, entry: Mapping[str, Any]) -> None:
        """Check the addresses, the groups, and where key and secret are.

        Raises:
            ConfigurationError: naming `where` and the accepted values.
        """
        addresses = (("gateway", ADDRESS, "hive-gateway:14010"), ("metastore", METASTORE, "metastore:9083/metastore"))
        for field, pattern, example in addresses:
            if not isinstance(entry[field], str) or not pattern.fullmatch(entry[field]):
                raise ConfigurationError(f"{where}: {field!r} must be an address like http://{example}.")
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
        super().validate(where, entry)

    @classmethod
    def gateway_settings(cls, entry: Mapping[str, Any], config: Any) -> dict[str, Any]:
        """Where metastore, NameNode and key are, and the groups that have a database."""
        return {
            "metastore": entry["metastore"],
            "namenode": config.SharedServices.catalogue[entry["hdfs"]]["namenode"],
            "key": entry["key"]["file"],
            "groups": entry.get("groups", []),
        }

    def new_client(self) -> HttpGatewayClient:
        """A client of the gateway, by HTTP."""
        return HttpGatewayClient(self.gateway, self._credential.read)

    async def attach(self, server: ServerId, level: str) -> Attachment:
        """Attach the server in the gateway, which makes the user's databases at the first time.

        Raises:
            ServiceUnavailableError: if HDFS or the metastore does not answer.
        """
        user = hdfs_user(server.user)
        expires_at = await self.attach_in_gateway(server, level, ATTACH_TIMEOUT)
        return Attachment(
            service=self.name,
            kind=self.kind,
            level=level,
            role=user,
            expires_at=expires_at,
            r_code="rc2_hive_tables()" if self.name == "hive" else f'rc2_hive_tables("{self.name}")',
            settings={"gateway": self.gateway, "database": database_of(user, self.groups)},
            files={},
        )


def _is_plain(group: str) -> bool:
    return bool(PLAIN_NAME.fullmatch(group)) and group not in RESERVED
