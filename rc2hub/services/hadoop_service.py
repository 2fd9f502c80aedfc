"""What the kinds `hdfs` and `hive` share: a gateway, by HTTP, that acts for each user under the name in HDFS."""

import re
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from rc2hub.errors import ConfigurationError
from rc2hub.gateways.broker_http import HttpGatewayClient
from rc2hub.gateways.hdfs_client import hdfs_user
from rc2hub.gateways.webhdfs_request import READ, WRITE
from rc2hub.server_id import ServerId
from rc2hub.services.base import Attachment
from rc2hub.services.gateway_service import GatewayService

ADDRESS = re.compile(r"http://([A-Za-z0-9.-]+:\d+)")


class HadoopService(GatewayService):
    """A service whose gateway asks HDFS for the user's rights."""

    levels = (READ, WRITE)
    blocks_start = False
    addresses: ClassVar[tuple[tuple[str, re.Pattern[str], str], ...]]
    """Each field with an address: its name, its pattern, and an example without `http://`."""
    attach_timeout: ClassVar[float]
    """Seconds for the gateway to make what a user has at the first time."""

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
        for field, pattern, example in cls.addresses:
            if not isinstance(entry[field], str) or not pattern.fullmatch(entry[field]):
                raise ConfigurationError(f"{where}: {field!r} must be an address like http://{example}.")
        super().validate(where, entry)

    def new_client(self) -> HttpGatewayClient:
        """A client of the gateway, by HTTP."""
        return HttpGatewayClient(self.gateway, self._credential.read)

    async def attach(self, server: ServerId, level: str) -> Attachment:
        """Attach the server in the gateway, which makes what the user has at the first time.

        Raises:
            ServiceUnavailableError: if HDFS, or what is behind the gateway, does not answer.
        """
        user = hdfs_user(server.user)
        expires_at = await self.attach_in_gateway(server, level, self.attach_timeout)
        return Attachment(
            service=self.name,
            kind=self.kind,
            level=level,
            role=user,
            expires_at=expires_at,
            r_code=self.r_code(),
            settings={"gateway": self.gateway, **self.settings_of(user)},
            files={},
            python_code=self.python_code(user),
        )

    @abstractmethod
    def r_code(self) -> str:
        """The line of R that uses the service."""

    @abstractmethod
    def python_code(self, user: str) -> str:
        """The line of Python that uses the service, for a user of HDFS."""

    @abstractmethod
    def settings_of(self, user: str) -> dict[str, str]:
        """What R has to know beside the gateway's address, for a user of HDFS."""
