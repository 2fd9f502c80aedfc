"""Spark as a shared service: one gateway for everybody, which proves each call with the broker and starts what it takes.

There is no credential to hand out: a compute server shows its own hub token, and the gateway asks the broker whose it is.
What is attached is what the gateway has been told, so the broker may be killed at any time.
"""

import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from typing import Any

from rc2hub.errors import ConfigurationError, ServiceUnavailableError
from rc2hub.gateways.control import GatewayClient
from rc2hub.services.base import GATEWAY_SECRET, AdminCredential, Attachment, Existing, Server, SharedService

ADDRESS = re.compile(r"sc://([A-Za-z0-9.-]+:\d+)")
DEADLINE = 5.0
"""Seconds the gateway has for an answer."""
START_DEADLINE = 120.0
"""Seconds it has to start a Connect server for somebody."""


class SparkService(SharedService):
    """A Spark gateway, and behind it a Spark Connect server for each person."""

    kind = "spark"
    levels = ("use",)
    before_prompt = False
    required = frozenset({"gateway"})
    optional = frozenset({"admin", "share"})

    def __init__(self, name: str, entry: Mapping[str, Any], lifetime: float) -> None:
        """Take the entry; without `admin` the hub has started the gateway, with a secret that the broker got too."""
        super().__init__(name, entry, lifetime)
        match = ADDRESS.fullmatch(entry["gateway"])
        self.address = match[1] if match else ""
        self._credential = AdminCredential.parse(name, entry.get("admin", {"env": GATEWAY_SECRET}))
        self._client: GatewayClient | None = None

    @classmethod
    def validate(cls, where: str, entry: Mapping[str, Any]) -> None:
        """Check the address and the place of the secret.

        Raises:
            ConfigurationError: naming `where` and the accepted values.
        """
        if not isinstance(entry["gateway"], str) or not ADDRESS.fullmatch(entry["gateway"]):
            raise ConfigurationError(f"{where}: 'gateway' must be an address like sc://spark-gateway:15002.")
        if entry.get("share", "user") != "user":
            raise ConfigurationError(
                f"{where}: 'share' must be \"user\": each person has a Spark Connect server of her own."
            )
        if "admin" in entry:
            AdminCredential.parse(f"{where}['admin']", entry["admin"])

    @classmethod
    def gateway_command(cls, name: str, entry: Mapping[str, Any], config: Any) -> tuple[list[str], dict[str, Any]] | None:
        """The gateway, unless an operator runs it and says with `admin` where its secret is."""
        if "admin" in entry:
            return None
        drivers = {**config.SparkDrivers, **config.ProcessDrivers}
        settings = {"service": name, "address": entry["gateway"].removeprefix("sc://"), "drivers": drivers}
        return [sys.executable, "-m", "rc2hub.gateways.spark"], {"RC2_SPARK_GATEWAY": settings}

    async def check(self) -> None:
        """See that the gateway answers and could start Spark.

        Raises:
            ServiceUnavailableError: if it does not, saying why.
        """
        await self.attached()

    async def attached(self) -> Mapping[Server, Existing]:
        """Every compute server that the gateway knows.

        Raises:
            ServiceUnavailableError: if the gateway does not answer, or Spark cannot be started there.
        """
        answer = await self._call("Attached", DEADLINE)
        return {
            Server(entry["user"], entry["server"]): Existing(entry["level"], datetime.fromtimestamp(entry["until"], UTC))
            for entry in answer["servers"]
        }

    async def attach(self, server: Server, level: str) -> Attachment:
        """Tell the gateway that the server may call, and wait until Spark answers.

        Raises:
            ServiceUnavailableError: if it does not.
        """
        until = datetime.now(UTC) + timedelta(seconds=self.lifetime)
        who = {"user": server.user, "server": server.name}
        await self._call("Ensure", START_DEADLINE, **who, level=level, until=until.timestamp())
        return Attachment(
            service=self.name,
            kind=self.kind,
            level=level,
            role=server.user,
            until=until,
            use="con <- rc2_spark()" if self.name == "spark" else f'con <- rc2_spark("{self.name}")',
            settings={"gateway": self.address},
            files={},
        )

    async def revoke(self, server: Server) -> None:
        """Have the gateway cut the server's calls and close its sessions.

        Raises:
            ServiceUnavailableError: if the gateway does not answer.
        """
        await self._call("Release", DEADLINE, user=server.user, server=server.name)

    async def close(self) -> None:
        """Let go of the gateway."""
        if self._client is not None:
            await self._client.close()

    def is_gateway(self, secret: str) -> bool:
        """Whether this is the secret that gateway and broker share."""
        return compare_digest(secret.encode(), self._credential.read().encode())

    async def _call(self, method: str, seconds: float, **message: Any) -> dict[str, Any]:
        if self._client is None:
            self._client = GatewayClient(self.address, self._credential.read)
        try:
            return await self._client.call(method, seconds, **message)
        except ServiceUnavailableError as error:
            raise ServiceUnavailableError(f"{self.name}: {error}") from error
