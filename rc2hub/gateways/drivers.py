"""Spark Connect servers: one for each routing key, started when first needed, stopped when idle.

A driver is a user's Connect server: `process_drivers` runs it as a process of this machine, `pod_drivers` in a pod.
"""

import asyncio
import contextlib
import logging
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import grpc.aio
from traitlets import Float, Integer, Unicode
from traitlets.config import Configurable

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways.connect_server import ConnectServer
from rc2hub.gateways.connect_standbys import ConnectStandbys
from rc2hub.gateways.hive_conf import HiveCatalog

log = logging.getLogger("rc2hub.gateways")

START_TIMEOUT = 90.0
"""Seconds for a Connect server to answer; a process needs two on idle cores, a pod some more."""
ACTIVATION_TIMEOUT = 30.0
"""Seconds for a standby to get its user, which takes some tenths of one; another server is started then."""
MAX_IDLE_CHECK_INTERVAL = 15.0
"""Seconds between searches for idle Connect servers, at most."""
MAX_MESSAGE_BYTES = 32 << 20
"""Bytes of one message; Spark's clients send and receive more in parts."""
CHANNEL_OPTIONS = [
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES + 4096),  # the gateway sets the user
]
QUEUE_TIMEOUT = 60.0
"""Seconds that a call waits for another user's Connect server to end, when as many run as may run."""


class Driver(ABC):
    """The Connect server of one user: a standby that the user has claimed, or one that was started for the user."""

    def __init__(self, key: str, catalog: HiveCatalog) -> None:
        """Take the routing key, and what the user may use of Hive."""
        self.key, self.catalog = key, catalog
        self.server: ConnectServer | None = None
        """Its server; before the start, the standby that the user has claimed, or the pod of an earlier gateway."""
        self._calls, self._last_used = 0, time.monotonic()
        self.channel: grpc.aio.Channel
        self.has_ended = False

    @property
    def credential(self) -> tuple[str, str]:
        """The metadata that authorizes a call; the user's token is for other gateways alone."""
        return "authorization", f"Bearer {self.server.secret if self.server else ''}"

    @property
    def idle_seconds(self) -> float:
        """Seconds since the last call ended; 0 while a call runs."""
        return 0.0 if self._calls else time.monotonic() - self._last_used

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Count a call while it runs."""
        self._calls += 1
        try:
            yield
        finally:
            self._calls, self._last_used = self._calls - 1, time.monotonic()

    async def start(self) -> None:
        """Start the Connect server, and wait until it answers.

        Raises:
            ServiceUnavailableError: if it does not; then nothing of it is left.
        """
        try:
            async with asyncio.timeout(START_TIMEOUT):
                server = await self.launch()
        except BaseException as error:
            timeout_message = self.timeout_message()
            await self.stop()
            if isinstance(error, TimeoutError):
                raise ServiceUnavailableError(timeout_message) from error
            raise
        self.channel = grpc.aio.insecure_channel(f"{server.host}:{server.port}", options=CHANNEL_OPTIONS)

    async def launch(self) -> ConnectServer:
        """Give the claimed standby its user; start a server if there is none, or if it did not take its user.

        Raises:
            ServiceUnavailableError: if none can be started.
        """
        if self.server is not None:
            try:
                return await self._activated(self.server, ACTIVATION_TIMEOUT)
            except (ServiceUnavailableError, TimeoutError) as error:
                log.warning("spark: a Connect server did not take its user and is ended: %s", error)
                await self.server.stop()
        self.server = self.create_server()
        return await self._activated(self.server)

    async def _activated(self, server: ConnectServer, seconds: float | None = None) -> ConnectServer:
        await server.start()
        async with asyncio.timeout(seconds):
            await self.activate(server)
        return server

    @abstractmethod
    def create_server(self) -> ConnectServer:
        """A Connect server for this user alone, not started yet."""

    @abstractmethod
    async def activate(self, server: ConnectServer) -> None:
        """Give a server its user.

        Raises:
            ServiceUnavailableError: if it is not certain that the server has its user; it must then be stopped.
        """

    def timeout_message(self) -> str:
        """The error sentence for a driver that did not answer in time."""
        return "Spark did not start in time; try again, or ask an operator."

    async def wait_ended(self) -> str:
        """Wait until the server has ended for any reason, and remove what it left; returns the reason if it is known."""
        return await self.server.wait_ended() if self.server is not None else ""

    async def stop(self) -> None:
        """Stop the server and everything it has started."""
        if self.server is not None:
            await self.server.stop()

    async def close_channel(self) -> None:
        """Cancel running calls once the driver has ended; if its machine is gone, they would wait forever."""
        self.has_ended = True
        await self.channel.close()

    async def is_reachable(self) -> bool:
        """Whether the server accepts a connection."""
        return self.server is not None and await self.server.is_reachable()


class SparkDrivers(Configurable):
    """The Connect servers that run now."""

    memory = Unicode(
        "1g",
        help="""Heap of one Connect server, at least 480m. Its process needs about 600 MB more, plus its Python workers.""",
    ).tag(config=True)
    cores = Unicode(
        "*",
        help="""How many cores one Connect server uses; `*` is all cores of the machine. A pod uses 2 by default.""",
    ).tag(config=True)
    idle_stop = Float(
        1800.0,
        help="""Seconds without a call after which a Connect server is stopped. The next call starts a new one, without
        the temporary views of the old one.""",
    ).tag(config=True)

    hdfs_gateway = Unicode(
        help="""Address of the HDFS gateway, `http://HOST:PORT`, at which Connect servers read and write
        `webhdfs://rc2/…` as their user; empty without HDFS. If the hub starts the gateway of Spark, it is set from the field
        `hdfs` of Spark's entry.""",
    ).tag(config=True)

    hive_gateway = Unicode(
        help="""Address of the Hive gateway, `http://HOST:PORT`, at which Connect servers find Hive's tables; empty without
        Hive. It needs `hdfs_gateway` too. If the hub starts the gateway of Spark, it is set from the field `hive` of Spark's
        entry.""",
    ).tag(config=True)

    s3_gateway = Unicode(
        help="""Address of the S3 gateway with the bucket, `http://HOST:PORT/BUCKET`, at which Connect servers read and
        write `s3a://BUCKET/…` as their user; empty without S3. If the hub starts the gateway of Spark, it is set from the
        field `s3` of Spark's entry.""",
    ).tag(config=True)

    max_servers = Integer(
        0,
        min=0,
        help="""How many Connect servers run at the same time; 0 sets no limit. Who needs one more waits for a minute, in
        the order of arrival, and then reads that all are in use.""",
    ).tag(config=True)

    spare = Integer(
        0,
        min=0,
        help="""How many Connect servers are started and warmed before a user needs one; each counts in `max_servers`, and
        takes about 0.5 GB on one machine, and on Kubernetes a pod like that of a user. If the hub starts the gateway of
        Spark, it is set from the field `spare` of Spark's entry.""",
    ).tag(config=True)

    def __init__(self, service: str, secret: str, **kwargs: Any) -> None:
        """Take the name of the service, and the gateway's secret."""
        super().__init__(**kwargs)
        self.service, self.secret = service, secret
        self._places = asyncio.Semaphore(self.max_servers or sys.maxsize)
        self.standbys = ConnectStandbys(self.spare, self._places, self.create_standby)
        self._drivers: dict[str, asyncio.Task[Driver]] = {}
        self._end_watches: set[asyncio.Task[None]] = set()

    def __contains__(self, key: str) -> bool:
        """Whether a Connect server for this key runs or starts."""
        return key in self._drivers

    @property
    def has_standby(self) -> bool:
        """Whether a standby is ready."""
        return self.standbys.are_ready

    def create_standby(self) -> ConnectServer:
        """A Connect server without a user, not started yet."""
        raise NotImplementedError

    def create_driver(self, key: str) -> Driver:
        """A driver for this key, not started yet."""
        raise NotImplementedError

    def check(self) -> None:
        """Check that Connect servers can be started.

        Raises:
            ServiceUnavailableError: naming what is missing.
        """
        raise NotImplementedError

    async def open(self) -> None:
        """Prepare for the first call."""

    async def close(self) -> None:
        """Stop all Connect servers."""
        await self.standbys.close()
        await asyncio.gather(*(self.stop(key) for key in list(self._drivers)))

    async def get(self, key: str) -> Driver:
        """The Connect server for this key, started if there is none; concurrent callers wait for the same one.

        Raises:
            ServiceUnavailableError: if it does not start.
        """
        if key not in self._drivers:
            self.start(self.create_driver(key))
        starting = self._drivers[key]
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            if starting.cancelled():
                raise ServiceUnavailableError("Spark was detached from this server while it started.") from None
            raise

    def start(self, driver: Driver) -> None:
        """Start a Connect server in the background."""
        starting = asyncio.create_task(self._start(driver), name=f"rc2 spark {driver.key}")
        # marks an exception as read, as it may be that no call waits for this task
        starting.add_done_callback(lambda task: task.cancelled() or task.exception())
        self._drivers[driver.key] = starting

    async def stop(self, key: str) -> None:
        """Stop the Connect server of this key, if there is one; a start that is under way is cancelled."""
        if starting := self._drivers.pop(key, None):
            starting.cancel()
            await asyncio.wait([starting])
            if not starting.cancelled() and not starting.exception():
                await starting.result().stop()

    async def check_reachable(self, driver: Driver) -> None:
        """Stop a Connect server that accepts no connection, for example because its machine has lost power."""
        if self._is_current(driver) and not await driver.is_reachable() and self._is_current(driver):
            log.warning("spark: the Connect server of %s cannot be reached and is stopped", driver.key)
            await self.stop(driver.key)

    async def run(self) -> None:
        """Keep standbys, and stop idle Connect servers, until cancelled."""
        await asyncio.gather(self.standbys.run(), self._stop_idle())

    async def _stop_idle(self) -> None:
        """Stop idle Connect servers, and those without a call whose user got or lost Hive."""
        while True:
            await asyncio.sleep(min(self.idle_stop / 4, MAX_IDLE_CHECK_INTERVAL))
            await self._stop_with_wrong_catalog()
            for key, seconds in self.idle_seconds().items():
                if seconds > self.idle_stop:
                    log.info("spark: the Connect server of %s was idle and is stopped", key)
                    await self.stop(key)

    def idle_seconds(self) -> dict[str, float]:
        """Seconds since the last call, for each key whose Connect server runs."""
        running = {key: task for key, task in self._drivers.items() if task.done()}
        return {key: task.result().idle_seconds for key, task in running.items()}

    async def _stop_with_wrong_catalog(self) -> None:
        running = [task.result() for task in self._drivers.values() if task.done()]
        for driver in running:
            if not await driver.catalog.is_right() and self._is_current(driver) and driver.idle_seconds:
                log.info("spark: the Connect server of %s is stopped, as its user got or lost Hive", driver.key)
                await self.stop(driver.key)

    async def _start(self, driver: Driver) -> Driver:
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(self._drivers.pop, driver.key, None)
            self.check()
            await self._take_place(driver)
            on_failure.callback(self._places.release)
            started_at = time.monotonic()
            await driver.start()
            on_failure.pop_all()
        log.info("spark: a Connect server for %s answers after %.1f s", driver.key, time.monotonic() - started_at)
        watch = asyncio.create_task(self._watch_end(driver), name=f"rc2 spark {driver.key} end")
        self._end_watches.add(watch)
        watch.add_done_callback(self._end_watches.discard)
        return driver

    async def _take_place(self, driver: Driver) -> None:
        """Claim a standby, whose place the driver gets; if there is none, wait until fewer Connect servers run than may run.

        Raises:
            ServiceUnavailableError: if that takes longer than a minute.
        """
        if driver.server is None and (standby := self.standbys.claim()) is not None:
            driver.server = standby
            return
        try:
            async with asyncio.timeout(QUEUE_TIMEOUT):
                await self._places.acquire()
        except TimeoutError:
            raise ServiceUnavailableError(
                f"All {self.max_servers} Spark servers of this hub are in use; try again when another user has finished."
            ) from None

    async def _watch_end(self, driver: Driver) -> None:
        """Forget a Connect server that has ended, so that the next call starts a new one."""
        try:
            reason = await driver.wait_ended()
        finally:
            self._places.release()
        if self._is_current(driver):
            log.warning("spark: the Connect server of %s ended unexpectedly%s", driver.key, f": {reason}" if reason else "")
            del self._drivers[driver.key]
        await driver.close_channel()  # after the removal above, so that new calls get a new Connect server

    def _is_current(self, driver: Driver) -> bool:
        task = self._drivers.get(driver.key)
        return task is not None and task.done() and task.result() is driver
