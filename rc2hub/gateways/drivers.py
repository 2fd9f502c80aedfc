"""Spark Connect servers: one for each routing key, started when first needed, ended when idle.

What a Connect server is made of, a process of this machine or a pod, is the matter of `driver_process` and `driver_pods`.
"""

import asyncio
import contextlib
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import grpc.aio
from traitlets import Float, Unicode
from traitlets.config import Configurable

from rc2hub.errors import ServiceUnavailableError

log = logging.getLogger("rc2hub.gateways")

START_TIMEOUT = 90.0
"""Seconds for a Connect server to answer; a process needs two on idle cores, a pod some more."""
REACH = 3.0
"""Seconds for a Connect server to take a connection, however busy it is."""
POLL = 0.05
"""Seconds between looks whether it listens."""
CHANNEL = [("grpc.max_receive_message_length", 128 << 20), ("grpc.max_send_message_length", 128 << 20)]


class Driver(ABC):
    """One Connect server, with a secret that only the gateway and the server itself know."""

    def __init__(self, key: str, secret: str) -> None:
        """Take what it is for, and its secret."""
        self.key, self._secret = key, secret
        self._calls, self._used = 0, time.monotonic()
        self.host, self.port = "", 0
        self.channel: grpc.aio.Channel
        self.is_gone = False

    @property
    def credential(self) -> tuple[str, str]:
        """The metadata that opens it."""
        return "authorization", f"Bearer {self._secret}"

    @property
    def idle(self) -> float:
        """Seconds since its last call ended."""
        return 0.0 if self._calls else time.monotonic() - self._used

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Count a call."""
        self._calls += 1
        try:
            yield
        finally:
            self._calls, self._used = self._calls - 1, time.monotonic()

    async def start(self) -> None:
        """Start it, and wait until it answers.

        Raises:
            ServiceUnavailableError: if it does not; then nothing of it is left.
        """
        try:
            async with asyncio.timeout(START_TIMEOUT):
                self.host, self.port = await self.launch()
                while not await self.is_reachable():
                    self.check()
                    await asyncio.sleep(POLL)
        except BaseException as error:
            too_late = self.too_late()
            await self.stop()
            if isinstance(error, TimeoutError):
                raise ServiceUnavailableError(too_late) from error
            raise
        self.channel = grpc.aio.insecure_channel(f"{self.host}:{self.port}", options=CHANNEL)

    @abstractmethod
    async def launch(self) -> tuple[str, int]:
        """Start it, and say where it will listen.

        Raises:
            ServiceUnavailableError: if it cannot be started.
        """

    @abstractmethod
    def check(self) -> None:
        """See that it has not ended.

        Raises:
            ServiceUnavailableError: saying what is known of the reason.
        """

    def too_late(self) -> str:
        """What to say when it did not answer in time."""
        return "Spark did not start in time; try again, or ask an operator."

    @abstractmethod
    async def ended(self) -> str:
        """Wait until it has ended, for whatever reason, and take away what it left; says the reason if that is known."""

    @abstractmethod
    async def stop(self) -> None:
        """End it with everything it has started."""

    async def let_go(self) -> None:
        """Cut calls that run, once it has ended: of one whose machine is gone they would hear nothing."""
        self.is_gone = True
        await self.channel.close()

    async def is_reachable(self) -> bool:
        """Whether it takes a connection."""
        with contextlib.suppress(OSError):
            async with asyncio.timeout(REACH):
                _, writer = await asyncio.open_connection(self.host, self.port)
                writer.close()
                return True
        return False


class SparkDrivers(Configurable):
    """The Connect servers that run now."""

    memory = Unicode(
        "1g",
        help="""Heap of one Connect server, at least 480m. Its process takes about 600 MB more, its Python workers too.""",
    ).tag(config=True)
    cores = Unicode(
        "*",
        help="""How many cores one Connect server computes on; `*` is all of the machine. As a pod, 2 by default.""",
    ).tag(config=True)
    idle_stop = Float(
        1800.0,
        help="""Seconds without a call after which a Connect server is ended; the next call starts another, without the
        temporary views of this one.""",
    ).tag(config=True)

    def __init__(self, service: str, secret: str, **kwargs: Any) -> None:
        """Take the name of the service, and the gateway's secret."""
        super().__init__(**kwargs)
        self.service, self.secret = service, secret
        self._drivers: dict[str, asyncio.Task[Driver]] = {}
        self._watching: set[asyncio.Task[None]] = set()

    def __contains__(self, key: str) -> bool:
        """Whether one runs for this key, or is about to."""
        return key in self._drivers

    def new(self, key: str) -> Driver:
        """A Connect server that can be started."""
        raise NotImplementedError

    def check(self) -> None:
        """See that Connect servers could be started.

        Raises:
            ServiceUnavailableError: saying what is missing.
        """
        raise NotImplementedError

    async def open(self) -> None:
        """Make ready, before the first call."""

    async def close(self) -> None:
        """End everything."""
        await asyncio.gather(*(self.stop(key) for key in list(self._drivers)))

    async def get(self, key: str) -> Driver:
        """The Connect server for this key, started if there is none; who asks meanwhile waits for the same one.

        Raises:
            ServiceUnavailableError: if it does not start.
        """
        if key not in self._drivers:
            self.begin(self.new(key))
        starting = self._drivers[key]
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            if starting.cancelled():
                raise ServiceUnavailableError("Spark was detached from this server while it started.") from None
            raise

    def begin(self, driver: Driver) -> None:
        """Start a Connect server for those who will ask for it."""
        starting = asyncio.create_task(self._start(driver), name=f"rc2 spark {driver.key}")
        starting.add_done_callback(lambda task: task.cancelled() or task.exception())  # perhaps nobody asks any more
        self._drivers[driver.key] = starting

    async def stop(self, key: str) -> None:
        """End the Connect server of this key, if there is one; one that starts does not go on."""
        if starting := self._drivers.pop(key, None):
            starting.cancel()
            await asyncio.wait([starting])
            if not starting.cancelled() and not starting.exception():
                await starting.result().stop()

    async def doubt(self, driver: Driver) -> None:
        """End a Connect server that does not even take a connection, as when its machine has no power any more."""
        if self._has(driver) and not await driver.is_reachable() and self._has(driver):
            log.warning("spark: the Connect server of %s is out of reach and ends", driver.key)
            await self.stop(driver.key)

    async def run(self) -> None:
        """End what is idle, until cancelled."""
        while True:
            await asyncio.sleep(min(self.idle_stop / 4, 15.0))
            for key, idle in self.idle().items():
                if idle > self.idle_stop:
                    log.info("spark: the Connect server of %s was idle and ends", key)
                    await self.stop(key)

    def idle(self) -> dict[str, float]:
        """Seconds since the last call, for each key whose Connect server runs."""
        running = {key: task for key, task in self._drivers.items() if task.done()}
        return {key: task.result().idle for key, task in running.items()}

    async def _start(self, driver: Driver) -> Driver:
        began = time.monotonic()
        try:
            self.check()
            await driver.start()
        except BaseException:
            self._drivers.pop(driver.key, None)
            raise
        log.info("spark: a Connect server for %s answers after %.1f s", driver.key, time.monotonic() - began)
        watching = asyncio.create_task(self._watch(driver), name=f"rc2 spark {driver.key} end")
        self._watching.add(watching)
        watching.add_done_callback(self._watching.discard)
        return driver

    async def _watch(self, driver: Driver) -> None:
        """Forget a Connect server that ended, so that the next call starts another."""
        why = await driver.ended()
        if self._has(driver):
            log.warning("spark: the Connect server of %s ended by itself%s", driver.key, f": {why}" if why else "")
            del self._drivers[driver.key]
        await driver.let_go()  # who asks meanwhile gets another

    def _has(self, driver: Driver) -> bool:
        task = self._drivers.get(driver.key)
        return task is not None and task.done() and task.result() is driver
