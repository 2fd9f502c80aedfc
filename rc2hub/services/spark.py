"""The kind `spark`: one gateway for all users, which starts a Spark Connect server for each user.

There is no credential: a compute server sends its JupyterHub token, and the gateway has the broker review it. The gateway
stores which servers are attached, so the broker can be killed at any time.
"""

import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from typing import Any

from rc2hub.errors import ConfigurationError, ServiceUnavailableError
from rc2hub.gateways.broker_rpc import GatewayClient
from rc2hub.server_id import ServerId
from rc2hub.services.base import GATEWAY_SECRET, AdminCredential, Attachment, ExistingCredential, SharedService

ADDRESS = re.compile(r"sc://([A-Za-z0-9.-]+:\d+)")
CALL_TIMEOUT = 5.0
"""Seconds for an answer of the gateway."""
START_TIMEOUT = 160.0
"""Seconds for the gateway to start a user's Spark Connect server: a minute in the queue, and the start."""


class SparkService(SharedService):
    """A Spark gateway, and behind it a Spark Connect server for each user."""

    kind = "spark"
    levels = ("use",)
    blocks_start = False
    max_concurrency = 100  # an attach waits for a driver that starts, for up to a minute
    required = frozenset({"gateway"})
    optional = frozenset({"admin", "share"})

    def __init__(self, name: str, entry: Mapping[str, Any], lifetime: float) -> None:
        """Take the entry; without `admin` the hub has started the gateway and given its secret to the broker, too."""
        super().__init__(name, entry, lifetime)
        match = ADDRESS.fullmatch(entry["gateway"])
        self.address = match[1] if match else ""
        self._credential = AdminCredential.parse(name, entry.get("admin", {"env": GATEWAY_SECRET}))
        self._client: GatewayClient | None = None

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
        if "admin" in entry:
            AdminCredential.parse(f"{where}['admin']", entry["admin"])

    @classmethod
    def gateway_command(cls, name: str, entry: Mapping[str, Any], config: Any) -> tuple[list[str], dict[str, Any]] | None:
        """The gateway, unless an operator runs it; the entry then has the field `admin` with its secret."""
        if "admin" in entry:
            return None
        drivers = {**config.SparkDrivers, **config.ProcessDrivers}
        settings = {"service": name, "address": entry["gateway"].removeprefix("sc://"), "drivers": drivers}
        return [sys.executable, "-m", "rc2hub.gateways.spark_gateway"], {"RC2_SPARK_GATEWAY": settings}

    async def check(self) -> None:
        """Check that the gateway answers and can start Spark.

        Raises:
            ServiceUnavailableError: if it does not, with the reason.
        """
        await self.attached()

    async def attached(self) -> Mapping[ServerId, ExistingCredential]:
        """Every compute server that is attached in the gateway.

        Raises:
            ServiceUnavailableError: if the gateway does not answer, or cannot start Spark.
        """
        answer = await self._call("ListAttachments", CALL_TIMEOUT)
        return {
            ServerId(entry["user"], entry["server"]): ExistingCredential(
                entry["level"], datetime.fromtimestamp(entry["expires_at"], UTC)
            )
            for entry in answer["servers"]
        }

    async def attach(self, server: ServerId, level: str) -> Attachment:
        """Attach the server in the gateway, and wait until Spark answers.

        Raises:
            ServiceUnavailableError: if Spark does not answer.
        """
        expires_at = datetime.now(UTC) + timedelta(seconds=self.lifetime)
        identity = {"user": server.user, "server": server.name}
        await self._call("Attach", START_TIMEOUT, **identity, level=level, expires_at=expires_at.timestamp())
        return Attachment(
            service=self.name,
            kind=self.kind,
            level=level,
            role=server.user,
            expires_at=expires_at,
            r_code="con <- rc2_spark()" if self.name == "spark" else f'con <- rc2_spark("{self.name}")',
            settings={"gateway": self.address},
            files={},
        )

    async def revoke(self, server: ServerId) -> None:
        """Have the gateway end the server's calls and sessions.

        Raises:
            ServiceUnavailableError: if the gateway does not answer.
        """
        await self._call("Detach", CALL_TIMEOUT, user=server.user, server=server.name)

    async def close(self) -> None:
        """Close the connection to the gateway."""
        if self._client is not None:
            await self._client.close()

    def is_gateway_secret(self, secret: str) -> bool:
        """Whether this is the secret shared by the gateway and the broker."""
        return compare_digest(secret.encode(), self._credential.read().encode())

    async def _call(self, method: str, seconds: float, **message: Any) -> dict[str, Any]:
        if self._client is None:
            self._client = GatewayClient(self.address, self._credential.read)
        try:
            return await self._client.call(method, seconds, **message)
        except ServiceUnavailableError as error:
            raise ServiceUnavailableError(f"{self.name}: {error}") from error
