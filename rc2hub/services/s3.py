"""The kind `s3`: a gateway in front of an S3-compatible store, which has the key and knows the folders of each user."""

import re
from collections.abc import Mapping
from typing import Any

from rc2hub.errors import ConfigurationError
from rc2hub.gateways.broker_http import HttpGatewayClient
from rc2hub.gateways.s3_request import READ, WRITE
from rc2hub.gateways.user_folders import PLAIN_NAME, folder_of
from rc2hub.server_id import ServerId
from rc2hub.services.base import TOKEN_IN_PYTHON, Attachment
from rc2hub.services.gateway_service import GatewayService

ATTACH_TIMEOUT = 8.0
"""Seconds for the gateway to ask the store."""
REGION = "us-east-1"
"""The region that stores of one site call themselves."""
FIELDS = {
    "gateway": (re.compile(r"http://[A-Za-z0-9.-]+:\d+"), "an address like http://s3-gateway:14020"),
    "endpoint": (re.compile(r"https?://[A-Za-z0-9.-]+(:\d+)?"), "an address like https://s3.example.org, without a path"),
    "bucket": (re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"), "the name of a bucket"),
    "credentials": (re.compile(r"/.+"), "the path of a file that the gateway can read, from the root"),
    "region": (re.compile(r"[a-z0-9-]+"), f"the name of a region, such as {REGION}"),
    "prefix": (re.compile(r"([A-Za-z0-9_-][A-Za-z0-9._-]*/)+"), "a text like rc2/, with a slash at its end"),
}
"""Each field that is a text: its pattern, and what is accepted."""


class S3Service(GatewayService):
    """A bucket of a store; a compute server uses it through the gateway, in the folders of its user."""

    kind = "s3"
    levels = (READ, WRITE)
    blocks_start = False
    gateway_module, gateway_variable = "rc2hub.gateways.s3_gateway", "RC2_S3_GATEWAY"
    required = frozenset({"gateway", "endpoint", "bucket", "credentials"})
    optional = frozenset({"admin", "region", "prefix", "groups"})

    def __init__(self, name: str, entry: Mapping[str, Any], lifetime: float) -> None:
        """Take the entry; the broker does not read the key."""
        super().__init__(name, entry, lifetime)
        self.gateway, self.bucket, self.prefix = entry["gateway"], entry["bucket"], entry.get("prefix", "")
        self.region = entry.get("region", REGION)

    @classmethod
    def validate(cls, where: str, entry: Mapping[str, Any]) -> None:
        """Check the values.

        Raises:
            ConfigurationError: naming `where` and the accepted values.
        """
        for field, (pattern, accepted) in FIELDS.items():
            if field in entry and not (isinstance(entry[field], str) and pattern.fullmatch(entry[field])):
                raise ConfigurationError(f"{where}: {field!r} must be {accepted}.")
        groups = entry.get("groups", [])
        if not isinstance(groups, list) or not all(isinstance(name, str) and PLAIN_NAME.fullmatch(name) for name in groups):
            raise ConfigurationError(
                f"{where}: 'groups' must be a list of groups whose names are letters, digits, `.`, `_`, `-`."
            )
        super().validate(where, entry)

    @classmethod
    def gateway_settings(cls, entry: Mapping[str, Any], config: Any) -> dict[str, Any]:
        """The store, the file with its key, and who has a folder in it."""
        defaults = {"region": REGION, "prefix": "", "groups": []}
        names = ("endpoint", "bucket", "credentials", *defaults)
        return {name: entry.get(name, defaults.get(name)) for name in names}

    def new_client(self) -> HttpGatewayClient:
        """A client of the gateway, by HTTP."""
        return HttpGatewayClient(self.gateway, self._credential.read)

    async def attach(self, server: ServerId, level: str) -> Attachment:
        """Attach the server in the gateway.

        Raises:
            ServiceUnavailableError: if the gateway or the store does not answer.
        """
        expires_at = await self.attach_in_gateway(server, level, ATTACH_TIMEOUT)
        folder = folder_of(server.user)
        return Attachment(
            service=self.name,
            kind=self.kind,
            level=level,
            role=folder,
            expires_at=expires_at,
            r_code=f'store <- rc2_s3("{self.name}")',
            settings={
                "gateway": self.gateway,
                "bucket": self.bucket,
                "region": self.region,
                "prefix": self.prefix,
                "home": f"/{folder}",
            },
            files={},
            python_code=(
                f'import os; from pyarrow import fs; store = fs.S3FileSystem(endpoint_override="{self.gateway}", '
                f'region="{self.region}", access_key="rc2", secret_key="rc2", session_token={TOKEN_IN_PYTHON})'
            ),
        )
