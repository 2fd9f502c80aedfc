"""The Spark gateway: one address for everybody, and behind it a Spark Connect server for each person.

    python -m rc2hub.gateways.spark

JupyterHub starts it (or the chart does). Each call carries the hub token of the caller's compute server; the gateway asks
the broker whose that is, puts that person into every message, and passes the bytes on to her own server. Messages are not
understood and answers not touched, so that every client of Spark Connect works.
"""

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
from traitlets import import_item
from traitlets.config import Config

from rc2hub.errors import NotGrantedError, Rc2Error, ServiceUnavailableError
from rc2hub.gateways.control import ControlHandler
from rc2hub.gateways.drivers import CHANNEL, Driver, SparkDrivers
from rc2hub.gateways.guests import UNANNOUNCED, Call, Guests
from rc2hub.gateways.identity import Identities, Identity
from rc2hub.gateways.wire import force_user, release_session
from rc2hub.processes import end_with_parent

log = logging.getLogger("rc2hub.gateways")

SPARK = "/spark.connect.SparkConnectService/"
METHODS = frozenset(
    {
        *("ExecutePlan", "AnalyzePlan", "Config", "AddArtifacts", "ArtifactStatus", "Interrupt", "ReattachExecute"),
        *("ReleaseExecute", "ReleaseSession", "FetchErrorDetails", "CloneSession", "GetStatus"),
    }
)
"""Those whose messages name session and person where `wire` expects them; a test holds that against Spark itself."""
ENDING = frozenset({"Interrupt", "ReleaseExecute", "ReleaseSession"})
"""Those for which no Connect server is started: what they would end, it would not have."""
NOT_PASSED_ON = frozenset({"authorization", "user-agent", "te", "content-type", "grpc-accept-encoding", "grpc-timeout"})
RECHECK = 10.0
"""Seconds between looks whether those whose calls run may still use Spark."""
QUIET = 2.0
"""Seconds before a Connect server is started for somebody who has not called yet: a login is over by then."""
PROCESSES = "rc2hub.gateways.driver_process.ProcessDrivers"
"""What Connect servers are, unless the settings name another class."""
LOST = (
    "Your Spark server ended, perhaps because its memory was not enough; the next call starts a new one, without the"
    " temporary views of the old one."
)
Context = Any
"""gRPC says nothing of its types."""


class Gateway(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Handles every method in one way: messages there, then messages back; HTTP/2 knows no other."""

    def __init__(self, identities: Identities, drivers: SparkDrivers) -> None:
        """Take who tells people apart, and their Connect servers."""
        self.identities, self.drivers, self.guests = identities, drivers, Guests()

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        """The handler of a method; gRPC itself answers for what there is not."""
        path = details.method
        if path.removeprefix(SPARK) not in METHODS:
            return None

        async def handle(messages: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
            try:
                async for answer in self._pass_on(path, messages, context):
                    yield answer
            except (NotGrantedError, ServiceUnavailableError, ValueError, grpc.aio.AioRpcError) as error:
                await context.abort(*status(error))

        return grpc.stream_stream_rpc_method_handler(handle)

    async def _pass_on(self, path: str, messages: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        """Call the person's own Connect server with what she sends, as her, and give back what it says."""
        token = token_of(context)
        identity = await self.identities.of(token)
        if path.removeprefix(SPARK) in ENDING and self.key(identity) not in self.drivers:
            raise ServiceUnavailableError(LOST)
        async with self._call(identity, token) as (driver, call):
            upstream = driver.channel.stream_stream(path)(metadata=[*passed_on(context), driver.credential])
            call.cancel = upstream.cancel
            try:
                with contextlib.suppress(asyncio.InvalidStateError):  # it ended before it read all, and says why below
                    async for message in messages:
                        forced, call.session = force_user(message, identity.user)
                        await upstream.write(forced)
                    await upstream.done_writing()
                async for answer in upstream:
                    yield answer
            finally:
                upstream.cancel()  # nobody reads on; Spark keeps the answer, should the client reattach

    @contextlib.asynccontextmanager
    async def _call(self, identity: Identity, token: str) -> AsyncIterator[tuple[Driver, Call]]:
        """Keep a call of the person's Connect server, which is started if there is none; says why it ended early."""
        with self.guests.calling(identity, token) as call:
            driver = await self.drivers.get(self.key(identity))
            try:
                if call.why_ended:  # meanwhile
                    raise NotGrantedError(call.why_ended)
                with driver.in_use():
                    yield driver, call
            except asyncio.CancelledError:
                if call.why_ended:
                    raise NotGrantedError(call.why_ended) from None
                if driver.is_gone:
                    raise ServiceUnavailableError(LOST) from None
                raise
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.UNAVAILABLE:
                    await self.drivers.doubt(driver)
                raise

    async def check(self) -> None:
        """See that Spark could be started.

        Raises:
            ServiceUnavailableError: saying what is missing.
        """
        self.drivers.check()

    def key(self, identity: Identity) -> str:
        """Who shares a Connect server: a person's compute servers do."""
        return identity.user

    async def ensure(self, identity: Identity, level: str, until: float) -> None:
        """Note that the server may use Spark, and, the first time, see that Spark answers.

        Raises:
            ServiceUnavailableError: if it does not.
        """
        known = identity in self.guests
        self.guests.admit(identity, level, until)
        if known:
            return
        await asyncio.sleep(QUIET)
        try:
            if identity in self.guests:
                await self.drivers.get(self.key(identity))
        except ServiceUnavailableError as error:
            self.guests.end(identity, str(error))  # so that the broker's next announcement tries again
            raise

    async def release(self, identity: Identity, why: str = "Spark was detached from this server.") -> None:
        """Cut the server's calls and close its sessions; the last one of a person ends her Connect server."""
        self.identities.forget(identity)
        sessions, key = self.guests.end(identity, why), self.key(identity)
        if not any(self.key(other) == key for other, _ in self.guests):
            await self.drivers.stop(key)
        elif sessions and key in self.drivers:
            driver = await self.drivers.get(key)
            for session in sessions:
                await self._release_session(driver, session, identity.user)

    async def _release_session(self, driver: Driver, session: str, user: str) -> None:
        with contextlib.suppress(grpc.aio.AioRpcError):  # one that is gone already
            await driver.channel.unary_unary(f"{SPARK}ReleaseSession")(
                release_session(session, user), metadata=[driver.credential]
            )

    async def recheck(self) -> None:
        """Cut calls that run on after the grant was lost or the broker has long been away; until cancelled."""
        while True:
            await asyncio.sleep(RECHECK)
            await self._end_unused()
            for identity, guest in self.guests:
                try:
                    for token in {call.token for call in guest.calls}:
                        await self.identities.of(token)
                    if guest.until < time.time():
                        await self.release(identity)
                except NotGrantedError as error:
                    await self.release(identity, str(error))
                except ServiceUnavailableError as error:
                    log.warning("spark: %s", error)

    async def _end_unused(self) -> None:
        """End what was taken over from an earlier gateway, and nobody has been announced for since."""
        used = {self.key(identity) for identity, _ in self.guests}
        for key, idle in self.drivers.idle().items():
            if key not in used and idle > UNANNOUNCED:
                log.info("spark: the Connect server of %s is nobody's any more and ends", key)
                await self.drivers.stop(key)


def token_of(context: Context) -> str:
    """The hub token that a call carries.

    Raises:
        NotGrantedError: if there is none.
    """
    for name, value in context.invocation_metadata() or ():
        if name == "authorization" and str(value)[:7].lower() == "bearer ":
            return str(value)[7:].strip()
    raise NotGrantedError("This call carries no token; connect with rc2_spark(), or with $SPARK_REMOTE of your server.")


def passed_on(context: Context) -> list[tuple[str, str | bytes]]:
    """The metadata that concern Spark; never the hub token."""
    return [(name, value) for name, value in context.invocation_metadata() or () if name not in NOT_PASSED_ON]


def status(error: Exception) -> tuple[Any, ...]:
    """Status, sentence and metadata of an error. Never UNAVAILABLE: clients would try again for ten minutes."""
    match error:
        case NotGrantedError():
            return grpc.StatusCode.PERMISSION_DENIED, str(error)
        case ServiceUnavailableError():
            return grpc.StatusCode.ABORTED, str(error)
        case grpc.aio.AioRpcError() if error.code() is grpc.StatusCode.UNAVAILABLE:
            return grpc.StatusCode.ABORTED, LOST
        case grpc.aio.AioRpcError():
            return error.code(), error.details(), tuple(error.trailing_metadata() or ())
    return grpc.StatusCode.INVALID_ARGUMENT, "This is not a message of Spark Connect."


async def serve() -> None:
    """Serve until SIGTERM or SIGINT."""
    settings = json.loads(os.environ["RC2_SPARK_GATEWAY"])
    secret = os.environ["RC2_GATEWAY_SECRET"]
    kind: type[SparkDrivers] = import_item(settings.get("drivers_class", PROCESSES))
    drivers = kind(settings["service"], secret, config=Config({"SparkDrivers": settings["drivers"]}))
    broker_url = f"{settings['broker_url']}{os.environ['JUPYTERHUB_BASE_URL']}services/rc2/"
    gateway = Gateway(Identities(broker_url, settings["service"], secret), drivers)
    server = grpc.aio.server(options=[*CHANNEL, ("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((gateway, ControlHandler(gateway, secret)))
    server.add_insecure_port(settings["address"])
    await drivers.open()
    await server.start()
    working = asyncio.gather(drivers.run(), gateway.recheck())
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, working.cancel)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await working
    finally:
        await server.stop(None)
        await drivers.close()


def main() -> None:
    """Run the gateway; it ends with the process that started it."""
    logging.basicConfig(level=logging.INFO, format="[%(levelname)1.1s %(asctime)s rc2-spark] %(message)s")
    end_with_parent()
    try:
        asyncio.run(serve())
    except Rc2Error as error:
        sys.exit(f"rc2-spark: {error}")


if __name__ == "__main__":
    main()
