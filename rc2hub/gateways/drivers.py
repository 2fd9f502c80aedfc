"""Spark Connect servers of this machine: one for each routing key, started when first needed, ended when idle."""

import asyncio
import contextlib
import logging
import os
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc.aio
from traitlets import Float, Unicode, default
from traitlets.config import Configurable

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways.java import LOOPBACK, SparkJava
from rc2hub.processes import free_ports

log = logging.getLogger("rc2hub.gateways")

START_TIMEOUT = 90.0
"""Seconds for a Connect server to answer; four on two idle cores."""
STOP_TIMEOUT = 3.0
"""Seconds a Connect server has for an end of its own; it keeps nothing, so there is little to lose."""
POLL = 0.05
END_WITH_PARENT = ["setpriv", "--pdeathsig", "KILL"]
"""Of util-linux; code of ours between fork and exec would meet gRPC's own, which ends the child."""
CHANNEL = [("grpc.max_receive_message_length", 128 << 20), ("grpc.max_send_message_length", 128 << 20)]


class Driver:
    """One Connect server, with a secret that only the gateway and the server itself know."""

    def __init__(self, key: str, folder: Path) -> None:
        """Take what it is for and where it keeps its files; `start` starts it."""
        self.key, self.folder = key, folder
        self._secret = secrets.token_urlsafe(32)
        self._calls, self._used = 0, time.monotonic()
        self._process: asyncio.subprocess.Process
        self.channel: grpc.aio.Channel

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

    async def start(self, java: SparkJava) -> None:
        """Start it, and wait until it answers.

        Raises:
            ServiceUnavailableError: if it does not.
        """
        self.folder.mkdir(mode=0o700, parents=True)
        (port,) = free_ports(1)
        environment = {"SPARK_CONNECT_AUTHENTICATE_TOKEN": self._secret, **java.variables()}
        with (self.folder / "log").open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                *END_WITH_PARENT,
                *java.command(self.folder, port),
                env=environment,
                cwd=self.folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            async with asyncio.timeout(START_TIMEOUT):
                await self._listens(port)
        except BaseException as error:
            await self.stop()
            if isinstance(error, TimeoutError):
                raise ServiceUnavailableError("Spark did not start in time; try again, or ask an operator.") from error
            raise
        self.channel = grpc.aio.insecure_channel(f"{LOOPBACK}:{port}", options=CHANNEL)

    async def _listens(self, port: int) -> None:
        while self._process.returncode is None:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(LOOPBACK, port)
                writer.close()
                return
            await asyncio.sleep(POLL)
        last = (self.folder / "log").read_text(errors="replace").strip().splitlines()[-1:]
        log.error("spark: a Connect server ended while it started: %s", "".join(last))
        raise ServiceUnavailableError("Spark could not be started; an operator finds the reason in the hub's log.")

    async def ended(self) -> None:
        """Wait until the process has ended, for whatever reason, and take away what it left."""
        await self._process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # its Python workers
        shutil.rmtree(self.folder, ignore_errors=True)

    async def stop(self) -> None:
        """End it with everything it has started."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_TIMEOUT):
                await self._process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self.ended()


class SparkDrivers(Configurable):
    """The Connect servers that run now."""

    environment_dir = Unicode(
        help="""Python environment that holds `pyspark[connect]`; by default the folder `spark` in the hub's own.""",
    ).tag(config=True)
    memory = Unicode(
        "1g",
        help="""Heap of one Connect server, at least 480m. Its process takes about 600 MB more, its Python workers too.""",
    ).tag(config=True)
    cores = Unicode(
        "*",
        help="""How many cores one Connect server computes on; `*` is all of the machine.""",
    ).tag(config=True)
    idle_stop = Float(
        1800.0,
        help="""Seconds without a call after which a Connect server is ended; the next call starts another, without the
        temporary views of this one.""",
    ).tag(config=True)

    @default("environment_dir")
    def _default_environment_dir(self) -> str:
        return str(Path(sys.prefix, "spark"))

    def __init__(self, folder: Path, **kwargs: Any) -> None:
        """Take the folder for all their files, which nobody else uses; what an earlier gateway left there is removed."""
        super().__init__(**kwargs)
        self._folder, self.java = folder, SparkJava(Path(self.environment_dir), self.memory, self.cores)
        self._drivers: dict[str, asyncio.Task[Driver]] = {}
        self._watching: set[asyncio.Task[None]] = set()
        shutil.rmtree(folder, ignore_errors=True)

    def __contains__(self, key: str) -> bool:
        """Whether one runs for this key, or is about to."""
        return key in self._drivers

    async def get(self, key: str) -> Driver:
        """The Connect server for this key, started if there is none; who asks meanwhile waits for the same one.

        Raises:
            ServiceUnavailableError: if it does not start.
        """
        if key not in self._drivers:
            self._drivers[key] = asyncio.create_task(self._start(key), name=f"rc2 spark {key}")
        return await asyncio.shield(self._drivers[key])

    async def stop(self, key: str) -> None:
        """End the Connect server of this key, if there is one."""
        if starting := self._drivers.pop(key, None):
            with contextlib.suppress(ServiceUnavailableError):
                await (await starting).stop()

    async def run(self) -> None:
        """End what is idle, until cancelled; then end everything."""
        try:
            while True:
                await asyncio.sleep(min(self.idle_stop / 4, 15.0))
                for key, task in list(self._drivers.items()):
                    if task.done() and task.result().idle > self.idle_stop:
                        log.info("spark: the Connect server of %s was idle and ends", key)
                        await self.stop(key)
        finally:
            await asyncio.gather(*(self.stop(key) for key in list(self._drivers)))

    async def _start(self, key: str) -> Driver:
        driver, began = Driver(key, self._folder / uuid4().hex), time.monotonic()
        try:
            self.java.check()
            await driver.start(self.java)
        except BaseException:
            self._drivers.pop(key, None)
            raise
        log.info("spark: a Connect server for %s answers after %.1f s", key, time.monotonic() - began)
        watching = asyncio.create_task(self._watch(driver), name=f"rc2 spark {key} end")
        self._watching.add(watching)
        watching.add_done_callback(self._watching.discard)
        return driver

    async def _watch(self, driver: Driver) -> None:
        """Forget a Connect server that ended, so that the next call starts another."""
        await driver.ended()
        task = self._drivers.get(driver.key)
        if task is not None and task.done() and task.result() is driver:
            log.warning("spark: the Connect server of %s ended by itself", driver.key)
            del self._drivers[driver.key]
