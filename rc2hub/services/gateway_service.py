"""What kinds behind a gateway share: the gateway stores which servers are attached, and asks the broker about tokens.

There is no credential: a compute server sends its JupyterHub token to the gateway.
"""

import sys
from abc import abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from typing import Any, ClassVar

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways.broker_calls import GatewayCaller
from rc2hub.server_id import ServerId
from rc2hub.services.base import GATEWAY_SECRET, AdminCredential, ExistingCredential, SharedService

CALL_TIMEOUT = 5.0
"""Seconds for an answer of the gateway."""


class GatewayService(SharedService):
    """A service whose gateway holds the attachments, so the broker can be killed at any time."""

    gateway_module: ClassVar[str]
    """The module that runs the gateway."""
    gateway_variable: ClassVar[str]
    """The environment variable with its settings."""

    def __init__(self, name: str, entry: Mapping[str, Any], lifetime: float) -> None:
        """Take the entry; without `admin` the hub has started the gateway and given its secret to the broker, too."""
        super().__init__(name, entry, lifetime)
        self._credential = AdminCredential.parse(name, entry.get("admin", {"env": GATEWAY_SECRET}))
        self._client: GatewayCaller | None = None

    @classmethod
    def validate(cls, where: str, entry: Mapping[str, Any]) -> None:
        """Check where the secret is.

        Raises:
            ConfigurationError: naming `where` and the accepted values.
        """
        if "admin" in entry:
            AdminCredential.parse(f"{where}['admin']", entry["admin"])

    @classmethod
    def gateway_command(cls, name: str, entry: Mapping[str, Any], config: Any) -> tuple[list[str], dict[str, Any]] | None:
        """The gateway, unless an operator runs it; the entry then has the field `admin` with its secret."""
        if "admin" in entry:
            return None
        address = entry["gateway"].partition("://")[2]
        settings = {"service": name, "address": address, **cls.gateway_settings(entry, config)}
        return [sys.executable, "-m", cls.gateway_module], {cls.gateway_variable: settings}

    @classmethod
    @abstractmethod
    def gateway_settings(cls, entry: Mapping[str, Any], config: Any) -> dict[str, Any]:
        """What the gateway needs beside the name of the service and its address."""

    @abstractmethod
    def new_client(self) -> GatewayCaller:
        """A client of the gateway."""

    async def check(self) -> None:
        """Check that the gateway answers, and that the service behind it can be used.

        Raises:
            ServiceUnavailableError: if it does not, with the reason.
        """
        await self.attached()

    async def attached(self) -> Mapping[ServerId, ExistingCredential]:
        """Every compute server that is attached in the gateway.

        Raises:
            ServiceUnavailableError: if the gateway does not answer, or the service behind it cannot be used.
        """
        answer = await self.call_gateway("ListAttachments", CALL_TIMEOUT)
        return {
            ServerId(entry["user"], entry["server"]): ExistingCredential(
                entry["level"], datetime.fromtimestamp(entry["expires_at"], UTC)
            )
            for entry in answer["servers"]
        }

    async def attach_in_gateway(self, server: ServerId, level: str, seconds: float) -> datetime:
        """Attach the server in the gateway, which has that many seconds; when the attachment expires.

        Raises:
            ServiceUnavailableError: if the service does not answer.
        """
        expires_at = datetime.now(UTC) + timedelta(seconds=self.lifetime)
        identity = {"user": server.user, "server": server.name}
        await self.call_gateway("Attach", seconds, **identity, level=level, expires_at=expires_at.timestamp())
        return expires_at

    async def revoke(self, server: ServerId) -> None:
        """Have the gateway end what the server does.

        Raises:
            ServiceUnavailableError: if the gateway does not answer.
        """
        await self.call_gateway("Detach", CALL_TIMEOUT, user=server.user, server=server.name)

    async def close(self) -> None:
        """Close the connection to the gateway."""
        if self._client is not None:
            await self._client.close()

    def is_gateway_secret(self, secret: str) -> bool:
        """Whether this is the secret shared by the gateway and the broker."""
        return compare_digest(secret.encode(), self._credential.read().encode())

    async def call_gateway(self, method: str, seconds: float, **message: Any) -> dict[str, Any]:
        """Call a method of the gateway, which has that many seconds.

        Raises:
            ServiceUnavailableError: if it fails, naming the service.
        """
        if self._client is None:
            self._client = self.new_client()
        try:
            return await self._client.call(method, seconds, **message)
        except ServiceUnavailableError as error:
            raise ServiceUnavailableError(f"{self.name}: {error}") from error
