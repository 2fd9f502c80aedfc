"""What the broker calls on a gateway: list the attached servers, attach one, detach one. Messages are JSON."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from rc2hub.gateways.attached_servers import AttachedServers
from rc2hub.server_id import ServerId

JsonMessage = dict[str, Any]
GATEWAY_LOST = "its gateway does not answer; it is restarted automatically"


class BrokerFacingGateway(Protocol):
    """What the broker needs of a gateway."""

    attached_servers: AttachedServers

    async def check(self) -> None:
        """Check that the service can be used."""

    async def attach(self, server_id: ServerId, level: str, expires_at: float) -> None:
        """Record that a server may use the service, and check that the service answers."""

    async def detach(self, server_id: ServerId) -> None:
        """Remove everything of a server."""


class GatewayCaller(Protocol):
    """The broker's side of the calls; Spark's gateway is called by gRPC, HDFS's by HTTP, each on its own port."""

    async def call(self, method: str, timeout: float, **message: Any) -> JsonMessage:  # noqa: ASYNC109 - the transport's own
        """Call a method; `timeout` is in seconds.

        Raises:
            ServiceUnavailableError: if the gateway does not answer, or reports that the service cannot be used.
        """

    async def close(self) -> None:
        """Close the connection."""


def broker_methods(gateway: BrokerFacingGateway) -> Mapping[str, Callable[[JsonMessage], Awaitable[JsonMessage]]]:
    """The methods of a gateway by name; each may raise ServiceUnavailableError."""

    async def list_attachments(_message: JsonMessage) -> JsonMessage:
        await gateway.check()
        return {
            "servers": [
                {"user": server_id.user, "server": server_id.name, "level": server.level, "expires_at": server.expires_at}
                for server_id, server in gateway.attached_servers
            ]
        }

    async def attach(message: JsonMessage) -> JsonMessage:
        await gateway.attach(ServerId(message["user"], message["server"]), message["level"], message["expires_at"])
        return {}

    async def detach(message: JsonMessage) -> JsonMessage:
        await gateway.detach(ServerId(message["user"], message["server"]))
        return {}

    return {"ListAttachments": list_attachments, "Attach": attach, "Detach": detach}
