"""The calls of the broker to the gateway: JSON over gRPC, on the gateway's port, with a secret that only the two know."""

import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import grpc.aio

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways.attached_servers import AttachedServers
from rc2hub.server_id import ServerId

RPC_PREFIX = "/rc2.Gateway/"
Context = Any
Message = dict[str, Any]


class BrokerFacingGateway(Protocol):
    """What the broker needs of a gateway."""

    attached_servers: AttachedServers

    async def check(self) -> None:
        """Check that the service can be used."""

    async def attach(self, server_id: ServerId, level: str, expires_at: float) -> None:
        """Record that a server may use the service, and check that the service answers."""

    async def detach(self, server_id: ServerId) -> None:
        """Remove everything of a server."""


class BrokerRpcHandler(grpc.GenericRpcHandler):  # type: ignore[misc]
    """The gateway's side."""

    def __init__(self, gateway: BrokerFacingGateway, secret: str) -> None:
        """Take the gateway and the secret shared with the broker."""
        self._gateway, self._authorization = gateway, f"Bearer {secret}".encode()
        self._methods: dict[str, Callable[[Message], Awaitable[Message]]] = {
            f"{RPC_PREFIX}ListAttachments": self._list_attachments,
            f"{RPC_PREFIX}Attach": self._attach,
            f"{RPC_PREFIX}Detach": self._detach,
        }

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        """The handler of a method."""
        method = self._methods.get(details.method)
        if method is None:
            return None

        async def handle(message: bytes, context: Context) -> bytes:
            authorization = str(dict(context.invocation_metadata() or ()).get("authorization", ""))
            if not hmac.compare_digest(authorization.encode(), self._authorization):
                await context.abort(grpc.StatusCode.PERMISSION_DENIED, "Only the broker may call this method.")
            try:
                return json.dumps(await method(json.loads(message))).encode()
            except ServiceUnavailableError as error:
                await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
                raise

        return grpc.unary_unary_rpc_method_handler(handle)

    async def _list_attachments(self, _message: Message) -> Message:
        await self._gateway.check()
        return {
            "servers": [
                {"user": server_id.user, "server": server_id.name, "level": server.level, "expires_at": server.expires_at}
                for server_id, server in self._gateway.attached_servers
            ]
        }

    async def _attach(self, message: Message) -> Message:
        await self._gateway.attach(ServerId(message["user"], message["server"]), message["level"], message["expires_at"])
        return {}

    async def _detach(self, message: Message) -> Message:
        await self._gateway.detach(ServerId(message["user"], message["server"]))
        return {}


class GatewayClient:
    """The broker's side."""

    def __init__(self, address: str, secret: Callable[[], str]) -> None:
        """Take the gateway's `host:port`, and a function that reads the secret at each call."""
        self._channel = grpc.aio.insecure_channel(address, options=[("grpc.max_reconnect_backoff_ms", 1000)])
        self._secret = secret

    async def call(self, method: str, timeout: float, **message: Any) -> Message:  # noqa: ASYNC109 - gRPC's own
        """Call a method; `timeout` is in seconds.

        Raises:
            ServiceUnavailableError: if the gateway does not answer, or reports that the service cannot be used.
        """
        try:
            answer = await self._channel.unary_unary(f"{RPC_PREFIX}{method}")(
                json.dumps(message).encode(), timeout=timeout, metadata=[("authorization", f"Bearer {self._secret()}")]
            )
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.FAILED_PRECONDITION:
                raise ServiceUnavailableError(error.details()) from error
            raise ServiceUnavailableError("its gateway does not answer; it is restarted automatically") from error
        found: Message = json.loads(answer)
        return found

    async def close(self) -> None:
        """Close the connection."""
        await self._channel.close()
