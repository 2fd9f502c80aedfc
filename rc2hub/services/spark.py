"""The kind `spark`: one gateway for all users, which starts a Spark Connect server for each user."""

import re
from collections.abc import Mapping
from typing import Any

from rc2hub.errors import ConfigurationError
from rc2hub.gateways.broker_rpc import GatewayClient
from rc2hub.gateways.driver_token import user_of
from rc2hub.server_id import ServerId
from rc2hub.services.base import Attachment
from rc2hub.services.gateway_service import GatewayService

ADDRESS = re.compile(r"sc://([A-Za-z0-9.-]+:\d+)")
START_TIMEOUT = 160.0
"""Seconds for the gateway to start a user's Spark Connect server: a minute in the queue, and the start."""


class SparkService(GatewayService):
    """A Spark gateway, and behind it a Spark Connect server for each user."""

    kind = "spark"
    gateway_module, gateway_variable = "rc2hub.gateways.spark_gateway", "RC2_SPARK_GATEWAY"
    levels = ("use",)
    blocks_start = False
    max_concurrency = 100  # an attach waits for a driver that starts, for up to a minute
    required = frozenset({"gateway"})
    optional = frozenset({"admin", "hdfs", "hive", "share"})

    def __init__(self, name: str, entry: Mapping[str, Any], lifetime: float) -> None:
        """Take the entry."""
        super().__init__(name, entry, lifetime)
        match = ADDRESS.fullmatch(entry["gateway"])
        self.address = match[1] if match else ""
        self.settings = {"gateway": self.address, **{field: entry[field] for field in ("hdfs", "hive") if field in entry}}

    @classmethod
    def validate(cls, where: str, entry: Mapping[str, Any]) -> None:
        """Check the address and where the secret is.

        Raises:
            ConfigurationError: naming `where` and the accepted values.
        """
        if not isinstance(entry["gateway"], str) or not ADDRESS.fullmatch(entry["gateway"]):
            raise ConfigurationError(f"{where}: 'gateway' must be an address like sc://spark-gateway:15002.")
        if entry.get("share", "user") != "user":
            raise ConfigurationError(f"{where}: 'share' must be \"user\": each user has a separate Spark Connect server.")
        super().validate(where, entry)

    @classmethod
    def gateway_settings(cls, entry: Mapping[str, Any], config: Any) -> dict[str, Any]:
        """The settings of the Connect servers."""
        drivers = {**config.SparkDrivers, **config.ProcessDrivers}
        for field in ("hdfs", "hive"):
            if field in entry:
                drivers[f"{field}_gateway"] = config.SharedServices.catalogue[entry[field]]["gateway"]
        return {"drivers": drivers}

    def user_of_token(self, token: str) -> str | None:
        """The user for whom the Spark driver with this token works."""
        return user_of(self._credential.read(), token)

    def new_client(self) -> GatewayClient:
        """A client of the gateway, by gRPC."""
        return GatewayClient(self.address, self._credential.read)

    async def attach(self, server: ServerId, level: str) -> Attachment:
        """Attach the server in the gateway, and wait until Spark answers.

        Raises:
            ServiceUnavailableError: if Spark does not answer.
        """
        expires_at = await self.attach_in_gateway(server, level, START_TIMEOUT)
        return Attachment(
            service=self.name,
            kind=self.kind,
            level=level,
            role=server.user,
            expires_at=expires_at,
            r_code="con <- rc2_spark()" if self.name == "spark" else f'con <- rc2_spark("{self.name}")',
            settings=self.settings,
            files={},
        )
