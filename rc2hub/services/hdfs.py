"""The kind `hdfs`: a gateway in front of WebHDFS, which acts for each user under the user's own name in HDFS."""

import re
from collections.abc import Mapping
from typing import Any

from rc2hub.errors import ConfigurationError
from rc2hub.gateways.broker_http import HttpGatewayClient
from rc2hub.gateways.hdfs_client import HOMES, hdfs_user
from rc2hub.gateways.webhdfs_request import READ, WRITE
from rc2hub.server_id import ServerId
from rc2hub.services.base import Attachment
from rc2hub.services.gateway_service import GatewayService

ADDRESS = re.compile(r"http://([A-Za-z0-9.-]+:\d+)")
ATTACH_TIMEOUT = 20.0
"""Seconds for the gateway to make a user's folder."""


class HdfsService(GatewayService):
    """An HDFS; a compute server uses it through the gateway, as the user."""

    kind = "hdfs"
    gateway_module, gateway_variable = "rc2hub.gateways.hdfs_gateway", "RC2_HDFS_GATEWAY"
    levels = (READ, WRITE)
    blocks_start = False
    required = frozenset({"gateway", "namenode"})
    optional = frozenset({"admin"})

    def __init__(self, name: str, entry: Mapping[str, Any], lifetime: float) -> None:
        """Take the entry."""
        super().__init__(name, entry, lifetime)
        self.gateway = entry["gateway"]

    @classmethod
    def validate(cls, where: str, entry: Mapping[str, Any]) -> None:
        """Check the addresses and where the secret is.

        Raises:
            ConfigurationError: naming `where` and the accepted values.
        """
        for field, example in (("gateway", "hdfs-gateway:14000"), ("namenode", "namenode:9870")):
            if not isinstance(entry[field], str) or not ADDRESS.fullmatch(entry[field]):
                raise ConfigurationError(f"{where}: {field!r} must be an address like http://{example}.")
        super().validate(where, entry)

    @classmethod
    def gateway_settings(cls, entry: Mapping[str, Any], config: Any) -> dict[str, Any]:
        """The address of the NameNode."""
        return {"namenode": entry["namenode"]}

    def new_client(self) -> HttpGatewayClient:
        """A client of the gateway, by HTTP."""
        return HttpGatewayClient(self.gateway, self._credential.read)

    async def attach(self, server: ServerId, level: str) -> Attachment:
        """Attach the server in the gateway, which makes the user's folder at the first time.

        Raises:
            ServiceUnavailableError: if HDFS does not answer.
        """
        user = hdfs_user(server.user)
        expires_at = await self.attach_in_gateway(server, level, ATTACH_TIMEOUT)
        return Attachment(
            service=self.name,
            kind=self.kind,
            level=level,
            role=user,
            expires_at=expires_at,
            r_code=f'store <- rc2_hdfs("{self.name}")',
            settings={"gateway": self.gateway, "home": f"{HOMES}/{user}"},
            files={},
        )
