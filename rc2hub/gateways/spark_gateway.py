"""The Spark gateway: one address for all users; each user has a Spark Connect server behind it.

    python -m rc2hub.gateways.spark_gateway

JupyterHub starts it (or the chart does). Each call carries the hub token of the caller's compute server. The gateway asks
the broker whose token it is, sets that user in every message, and forwards the bytes to the user's Connect server. It does
not parse messages and does not change answers, so every client of Spark Connect works.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
from traitlets import import_item
from traitlets.config import Config

from rc2hub.errors import NotGrantedError, ServiceUnavailableError
from rc2hub.gateways.attached_servers import REGISTRATION_GRACE, AttachedServers, Call
from rc2hub.gateways.broker_rpc import BrokerRpcHandler
from rc2hub.gateways.connect_messages import release_session, set_user
from rc2hub.gateways.drivers import CHANNEL_OPTIONS, Driver, SparkDrivers
from rc2hub.gateways.gateway_process import read_settings, run, run_until_signal
from rc2hub.gateways.message_limits import MessageLimits
from rc2hub.gateways.recheck import recheck
from rc2hub.gateways.token_review import TokenReviewer
from rc2hub.server_id import ServerId

log = logging.getLogger("rc2hub.gateways")

CONNECT_PREFIX = "/spark.connect.SparkConnectService/"
METHODS = frozenset(
    {
        *("ExecutePlan", "AnalyzePlan", "Config", "AddArtifacts", "ArtifactStatus", "Interrupt", "ReattachExecute"),
        *("ReleaseExecute", "ReleaseSession", "FetchErrorDetails", "CloneSession", "GetStatus"),
    }
)
"""The methods that are forwarded. A test checks that each has the fields that `connect_messages` relies on."""
ENDING_METHODS = frozenset({"Interrupt", "ReleaseExecute", "ReleaseSession"})
"""Methods that start no Connect server: a new one would not have what they end."""
NOT_FORWARDED = frozenset({"authorization", "user-agent", "te", "content-type", "grpc-accept-encoding", "grpc-timeout"})
START_DELAY = 2.0
"""Seconds from the attachment of a server to the start of its Connect server, so that it does not slow the login down. A
standby needs no start."""
DEFAULT_DRIVERS_CLASS = "rc2hub.gateways.process_drivers.ProcessDrivers"
SERVER_LOST = (
    "Your Spark server ended, perhaps because its memory was not enough; the next call starts a new one, without the"
    " temporary views of the old one."
)
Context = Any
"""gRPC has no type hints."""


class Gateway(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Handles every method as a bidirectional stream: on HTTP/2 unary calls look the same."""

    def __init__(self, token_reviewer: TokenReviewer, drivers: SparkDrivers) -> None:
        """Take the client of the broker's token review, and the Connect servers."""
        self.token_reviewer, self.drivers, self.attached_servers = token_reviewer, drivers, AttachedServers()
        self._limits = MessageLimits()

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        """The handler of a method; for an unknown method gRPC answers with an error."""
        path = details.method
        if path.removeprefix(CONNECT_PREFIX) not in METHODS:
            return None

        async def handle(messages: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
            try:
                async for answer in self._forward(path, messages, context):
                    yield answer
            except (NotGrantedError, ServiceUnavailableError, ValueError, grpc.aio.AioRpcError) as error:
                await context.abort(*error_status(error))

        return grpc.stream_stream_rpc_method_handler(handle)

    async def _forward(self, path: str, messages: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        """Forward the messages to the user's Connect server, in the name of the user, and yield its answers."""
        token = bearer_token(context)
        server_id = (await self.token_reviewer.review(token)).server_id
        is_ending = path.removeprefix(CONNECT_PREFIX) in ENDING_METHODS
        if is_ending and self.routing_key(server_id) not in self.drivers:
            raise ServiceUnavailableError(SERVER_LOST)
        limit = contextlib.nullcontext() if is_ending else self._limits.call(server_id.user)
        async with limit, self._call(server_id, token) as (driver, call):
            upstream = driver.channel.stream_stream(path)(metadata=[*forwarded_metadata(context), driver.credential])
            call.cancel = upstream.cancel
            try:
                # raised if the call ended before it read all messages; reading its answers then raises the reason
                with contextlib.suppress(asyncio.InvalidStateError):
                    await self._send(messages, upstream, server_id, call)
                async for answer in upstream:
                    yield answer
            finally:
                upstream.cancel()  # when the client has gone; Spark keeps the answer in case it reattaches

    async def _send(self, messages: AsyncIterator[bytes], upstream: Any, server_id: ServerId, call: Call) -> None:
        """Send the messages to the Connect server with the user set, each when there is room for it."""
        while True:
            async with self._limits.message(server_id.user):
                message = await anext(messages, None)
                if message is None:
                    break
                forced, call.session = set_user(message, server_id.user)
                await upstream.write(forced)
        await upstream.done_writing()

    @contextlib.asynccontextmanager
    async def _call(self, server_id: ServerId, token: str) -> AsyncIterator[tuple[Driver, Call]]:
        """Track a call to the user's Connect server, which is started if there is none; explains an early end."""
        with self.attached_servers.track_call(server_id, token) as call:
            driver = await self.drivers.get(self.routing_key(server_id))
            try:
                if call.end_message:  # the server was detached while Spark started
                    raise NotGrantedError(call.end_message)
                with driver.in_use():
                    yield driver, call
            except asyncio.CancelledError:
                if call.end_message:
                    raise NotGrantedError(call.end_message) from None
                if driver.has_ended:
                    raise ServiceUnavailableError(SERVER_LOST) from None
                raise
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.UNAVAILABLE:
                    await self.drivers.check_reachable(driver)
                raise

    async def check(self) -> None:
        """Check that Spark can be started.

        Raises:
            ServiceUnavailableError: naming what is missing.
        """
        self.drivers.check()

    def routing_key(self, server_id: ServerId) -> str:
        """Servers with the same key share a Connect server: all servers of a user do."""
        return server_id.user

    async def attach(self, server_id: ServerId, level: str, expires_at: float) -> None:
        """Record that the server may use Spark; the first time, start Spark and wait until it answers.

        Raises:
            ServiceUnavailableError: if it does not.
        """
        is_known = server_id in self.attached_servers
        self.attached_servers.attach(server_id, level, expires_at)
        if is_known:
            return
        if not self.drivers.has_standby:
            await asyncio.sleep(START_DELAY)
        try:
            if server_id in self.attached_servers:
                await self.drivers.get(self.routing_key(server_id))
        except ServiceUnavailableError as error:
            self.attached_servers.detach(server_id, str(error))  # so that the broker's next call tries again
            raise

    async def detach(self, server_id: ServerId, message: str = "Spark was detached from this server.") -> None:
        """Cancel the server's calls and close its sessions; with the user's last server the Connect server stops too."""
        self.token_reviewer.forget(server_id)
        sessions, key = self.attached_servers.detach(server_id, message), self.routing_key(server_id)
        if not any(self.routing_key(other) == key for other, _ in self.attached_servers):
            await self.drivers.stop(key)
        elif sessions and key in self.drivers:
            driver = await self.drivers.get(key)
            for session in sessions:
                await self._release_session(driver, session, server_id.user)

    async def _release_session(self, driver: Driver, session: str, user: str) -> None:
        with contextlib.suppress(grpc.aio.AioRpcError):  # the session may have ended already
            await driver.channel.unary_unary(f"{CONNECT_PREFIX}ReleaseSession")(
                release_session(session, user), metadata=[driver.credential]
            )

    async def stop_unattached(self) -> None:
        """Stop Connect servers that were taken over from an earlier gateway, and whose users have no attached server."""
        attached = {self.routing_key(server_id) for server_id, _ in self.attached_servers}
        for key, seconds in self.drivers.idle_seconds().items():
            if key not in attached and seconds > REGISTRATION_GRACE:
                log.info("spark: the Connect server of %s has no attached server and is stopped", key)
                await self.drivers.stop(key)


def bearer_token(context: Context) -> str:
    """The hub token that a call carries.

    Raises:
        NotGrantedError: if there is none.
    """
    for name, value in context.invocation_metadata() or ():
        if name == "authorization" and str(value)[:7].lower() == "bearer ":
            return str(value)[7:].strip()
    raise NotGrantedError("This call carries no token; connect with rc2_spark().")


def forwarded_metadata(context: Context) -> list[tuple[str, str | bytes]]:
    """The metadata for the Connect server, without the hub token."""
    return [(name, value) for name, value in context.invocation_metadata() or () if name not in NOT_FORWARDED]


def error_status(error: Exception) -> tuple[Any, ...]:
    """Status, message and metadata of an error. Never UNAVAILABLE, as clients would retry for ten minutes."""
    match error:
        case NotGrantedError():
            return grpc.StatusCode.PERMISSION_DENIED, str(error)
        case ServiceUnavailableError():
            return grpc.StatusCode.ABORTED, str(error)
        case grpc.aio.AioRpcError() if error.code() is grpc.StatusCode.UNAVAILABLE:
            return grpc.StatusCode.ABORTED, SERVER_LOST
        case grpc.aio.AioRpcError():
            return error.code(), error.details(), tuple(error.trailing_metadata() or ())
    return grpc.StatusCode.INVALID_ARGUMENT, "This is not a message of Spark Connect."


async def serve() -> None:
    """Serve until SIGTERM or SIGINT."""
    settings, secret, token_reviewer = read_settings("RC2_SPARK_GATEWAY")
    drivers_class: type[SparkDrivers] = import_item(settings.get("drivers_class", DEFAULT_DRIVERS_CLASS))
    drivers = drivers_class(settings["service"], secret, config=Config({"SparkDrivers": settings["drivers"]}))
    gateway = Gateway(token_reviewer, drivers)
    server = grpc.aio.server(options=[*CHANNEL_OPTIONS, ("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((gateway, BrokerRpcHandler(gateway, secret)))
    server.add_insecure_port(settings["address"])
    await drivers.open()
    await server.start()
    try:
        await run_until_signal(asyncio.gather(drivers.run(), recheck(gateway, gateway.stop_unattached)))
    finally:
        await server.stop(None)
        await drivers.close()


if __name__ == "__main__":
    run("rc2-spark", serve)
