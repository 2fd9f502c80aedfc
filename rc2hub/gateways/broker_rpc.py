"""The calls of the broker to Spark's gateway: JSON over gRPC, on its port, with a secret that only the two know."""

import hmac
import json
from collections.abc import Callable
from typing import Any

import grpc.aio

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways.broker_calls import GATEWAY_LOST, BrokerFacingGateway, JsonMessage, broker_methods

RPC_PREFIX = "/rc2.Gateway/"
Context = Any


class BrokerRpcHandler(grpc.GenericRpcHandler):  # type: ignore[misc]
    """The gateway's side."""

    def __init__(self, gateway: BrokerFacingGateway, secret: str) -> None:
        """Take the gateway and the secret shared with the broker."""
        self._authorization = f"Bearer {secret}".encode()
        self._methods = {f"{RPC_PREFIX}{name}": method for name, method in broker_methods(gateway).items()}

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


class GatewayClient:
    """The broker's side."""

    def __init__(self, address: str, secret: Callable[[], str]) -> None:
        """Take the gateway's `host:port`, and a function that reads the secret at each call."""
        self._channel = grpc.aio.insecure_channel(address, options=[("grpc.max_reconnect_backoff_ms", 1000)])
        self._secret = secret

    async def call(self, method: str, timeout: float, **message: Any) -> JsonMessage:  # noqa: ASYNC109 - gRPC's own
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
            raise ServiceUnavailableError(GATEWAY_LOST) from error
        found: JsonMessage = json.loads(answer)
        return found

    async def close(self) -> None:
        """Close the connection."""
        await self._channel.close()
