"""The kind `spark`: one gateway for all users, which starts a Spark Connect server for each user."""

import re
from collections.abc import Mapping
from typing import Any

from rc2hub.errors import ConfigurationError
from rc2hub.gateways.broker_rpc import GatewayClient
from rc2hub.gateways.driver_token import user_of
from rc2hub.server_id import ServerId
from rc2hub.services.base import TOKEN_IN_PYTHON, Attachment
from rc2hub.services.gateway_service import GatewayService

ADDRESS = re.compile(r"sc://([A-Za-z0-9.-]+:\d+)")
STORES = ("hdfs", "hive", "s3")
"""The fields that name the entry of a store, and the kinds of these."""
SPARE = 1
"""How many standbys a gateway keeps if its entry does not say."""
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
    optional = frozenset({"admin", "hdfs", "hive", "s3", "share", "spare"})

    def __init__(self, name: str, entry: Mapping[str, Any], lifetime: float) -> None:
        """Take the entry."""
        super().__init__(name, entry, lifetime)
        match = ADDRESS.fullmatch(entry["gateway"])
        self.address = match[1] if match else ""
        self.settings = {"gateway": self.address, **{field: entry[field] for field in STORES if field in entry}}

    @classmethod
    def validate(cls, where: str, entry: Mapping[str, Any]) -> None:
        """Check the address, the number of standbys, and where the secret is.

        Raises:
            ConfigurationError: naming `where` and the accepted values.
        """
        if not isinstance(entry["gateway"], str) or not ADDRESS.fullmatch(entry["gateway"]):
            raise ConfigurationError(f"{where}: 'gateway' must be an address like sc://spark-gateway:15002.")
        if entry.get("share", "user") != "user":
            raise ConfigurationError(f"{where}: 'share' must be \"user\": each user has a separate Spark Connect server.")
        cls._validate_spare(where, entry)
        super().validate(where, entry)

    @classmethod
    def _validate_spare(cls, where: str, entry: Mapping[str, Any]) -> None:
        spare = entry.get("spare", SPARE)
        if isinstance(spare, bool) or not isinstance(spare, int) or spare < 0:
            raise ConfigurationError(f"{where}: 'spare' must be a number of standbys, such as 1; 0 keeps none.")
        if "spare" in entry and "admin" in entry:
            raise ConfigurationError(
                f"{where}: 'spare' is for a gateway that the hub starts, without 'admin'; the chart has spark.drivers.spare."
            )

    @classmethod
    def gateway_settings(cls, entry: Mapping[str, Any], config: Any) -> dict[str, Any]:
        """The settings of the Connect servers."""
        drivers = {**config.SparkDrivers, **config.ProcessDrivers, "spare": entry.get("spare", SPARE)}
        for field in STORES:
            if field in entry:
                store = config.SharedServices.catalogue[entry[field]]
                bucket = f"/{store['bucket']}" if field == "s3" else ""
                drivers[f"{field}_gateway"] = f"{store['gateway']}{bucket}"
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
            python_code=(
                "import os; from pyspark.sql import SparkSession; spark = SparkSession.builder.remote("
                f'"sc://{self.address}/;authorization=Bearer " + {TOKEN_IN_PYTHON}).create()'
            ),
        )
