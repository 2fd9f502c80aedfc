"""What the broker tells the gateway: JSON over the gateway's own address, with a secret that only the two know."""

import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import grpc.aio

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways.guests import Guests
from rc2hub.gateways.identity import Identity

CONTROL = "/rc2.Gateway/"
Context = Any
Message = dict[str, Any]


class Controlled(Protocol):
    """A gateway, as far as the broker needs it."""

    guests: Guests

    async def check(self) -> None:
        """See that the service could be used."""

    async def ensure(self, identity: Identity, level: str, until: float) -> None:
        """Note that a server may use the service, and see that it answers."""

    async def release(self, identity: Identity) -> None:
        """Take everything of a server away."""


class ControlHandler(grpc.GenericRpcHandler):  # type: ignore[misc]
    """The gateway's side."""

    def __init__(self, gateway: Controlled, secret: str) -> None:
        """Take the gateway and the secret shared with the broker."""
        self._gateway, self._opening = gateway, f"Bearer {secret}".encode()
        self._methods: dict[str, Callable[[Message], Awaitable[Message]]] = {
            f"{CONTROL}Attached": self._attached,
            f"{CONTROL}Ensure": self._ensure,
            f"{CONTROL}Release": self._release,
        }

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        """The handler of a method."""
        method = self._methods.get(details.method)
        if method is None:
            return None

        async def handle(message: bytes, context: Context) -> bytes:
            shown = str(dict(context.invocation_metadata() or ()).get("authorization", ""))
            if not hmac.compare_digest(shown.encode(), self._opening):
                await context.abort(grpc.StatusCode.PERMISSION_DENIED, "Only the broker may do this.")
            try:
                return json.dumps(await method(json.loads(message))).encode()
            except ServiceUnavailableError as error:
                await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
                raise

        return grpc.unary_unary_rpc_method_handler(handle)

    async def _attached(self, _message: Message) -> Message:
        await self._gateway.check()
        return {
            "servers": [
                {"user": identity.user, "server": identity.server, "level": guest.level, "until": guest.until}
                for identity, guest in self._gateway.guests
            ]
        }

    async def _ensure(self, message: Message) -> Message:
        await self._gateway.ensure(Identity(message["user"], message["server"]), message["level"], message["until"])
        return {}

    async def _release(self, message: Message) -> Message:
        await self._gateway.release(Identity(message["user"], message["server"]))
        return {}


class GatewayClient:
    """The broker's side."""

    def __init__(self, address: str, secret: Callable[[], str]) -> None:
        """Take the gateway's `host:port`, and where the secret is read at each call."""
        self._channel = grpc.aio.insecure_channel(address, options=[("grpc.max_reconnect_backoff_ms", 1000)])
        self._secret = secret

    async def call(self, method: str, timeout: float, **message: Any) -> Message:  # noqa: ASYNC109 - gRPC's own
        """Call a method and wait so many seconds at most.

        Raises:
            ServiceUnavailableError: if the gateway does not answer, or says that the service cannot be used.
        """
        try:
            answer = await self._channel.unary_unary(f"{CONTROL}{method}")(
                json.dumps(message).encode(), timeout=timeout, metadata=[("authorization", f"Bearer {self._secret()}")]
            )
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.FAILED_PRECONDITION:
                raise ServiceUnavailableError(error.details()) from error
            raise ServiceUnavailableError("its gateway does not answer; it is restarted by itself") from error
        found: Message = json.loads(answer)
        return found

    async def close(self) -> None:
        """Let go of the connection."""
        await self._channel.close()
