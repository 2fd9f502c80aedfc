"""Connect servers as processes on the gateway's machine, for single-user mode. They end with the gateway."""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

from traitlets import Unicode, default

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways.driver_token import driver_token
from rc2hub.gateways.drivers import POLL_INTERVAL, Driver, SparkDrivers
from rc2hub.gateways.hive_conf import TOKEN_VARIABLE as HIVE_TOKEN_VARIABLE
from rc2hub.gateways.hive_conf import granted_hive_conf, hadoop_token
from rc2hub.gateways.java_command import LOOPBACK, ConnectServerJava
from rc2hub.gateways.webhdfs_conf import TOKEN_VARIABLE
from rc2hub.processes import END_WITH_PARENT

log = logging.getLogger("rc2hub.gateways")

STOP_TIMEOUT = 3.0
"""Seconds from SIGTERM to SIGKILL; a Connect server keeps nothing, so a kill loses little."""
HIVE_TIMEOUT = 60.0
"""Seconds that a start waits for Hive; its metastore and HDFS need up to 30 after the start of their machine."""
HIVE_INTERVAL = 0.5
"""Seconds between two questions."""


class ProcessDriver(Driver):
    """One Connect server, in its own session of processes."""

    def __init__(self, key: str, secret: str, java: ConnectServerJava, folder: Path, hive_gateway: str = "") -> None:
        """Take the routing key, the server's secret, the Java settings, the folder for the server's files, and Hive."""
        super().__init__(key, secret)
        self.folder, self._java, self._hive_gateway = folder, java, hive_gateway
        self._log = folder / "log"
        self._hive_conf: dict[str, str] = {}
        self._process: asyncio.subprocess.Process | None = None

    async def launch(self) -> tuple[str, int]:
        """Start the process, and wait until it listens on the port that it chose.

        A port that is chosen here could be taken by another program before Spark listens on it.
        """
        self.folder.mkdir(mode=0o700, parents=True)
        self._hive_conf = await self._known_hive_conf()
        environment = {
            TOKEN_VARIABLE: self._secret,
            HIVE_TOKEN_VARIABLE: hadoop_token(self._secret),
            **self._java.variables(),
        }
        with self._log.open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                *END_WITH_PARENT,
                "KILL",
                *self._java.command(self.folder, port=0, more_conf=self._hive_conf),
                env=environment,
                cwd=self.folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        while not (port := self._java.port(self._log)):
            self.check()
            await asyncio.sleep(POLL_INTERVAL)
        return LOOPBACK, port

    def check(self) -> None:
        """Check that the process has not ended; the last line of its output goes to the gateway's log."""
        if self._process is None or self._process.returncode is not None:
            last = self._log.read_text(errors="replace").strip().splitlines()[-1:]
            log.error("spark: a Connect server ended while it started: %s", "".join(last))
            raise ServiceUnavailableError("Spark could not be started; an operator finds the reason in the hub's log.")

    async def has_right_catalog(self) -> bool:
        """Whether the catalogue is that of Hive if the user has Hive, and else the server's own."""
        return await self._granted_hive_conf() in (self._hive_conf, None)

    async def _known_hive_conf(self) -> dict[str, str]:
        """Wait until Hive says whether the user may use it: without its catalogue, tables would end with the driver.

        Raises:
            ServiceUnavailableError: if it does not in time.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HIVE_TIMEOUT):
                while True:
                    if (conf := await self._granted_hive_conf()) is not None:
                        return conf
                    await asyncio.sleep(HIVE_INTERVAL)
        raise ServiceUnavailableError("Spark cannot start while Hive does not answer; try again, or ask an operator.")

    async def _granted_hive_conf(self) -> dict[str, str] | None:
        return await granted_hive_conf(self._hive_gateway, self._secret) if self._hive_gateway else {}

    async def wait_ended(self) -> str:
        """Wait until the process has ended, and remove its files; the reason is not known."""
        if self._process is not None:
            await self._process.wait()
            self._kill()  # its Python workers
        shutil.rmtree(self.folder, ignore_errors=True)
        return ""

    async def stop(self) -> None:
        """Stop the process and everything it has started."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_TIMEOUT):
                    await self._process.wait()
            self._kill()
        await self.wait_ended()

    def _kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


class ProcessDrivers(SparkDrivers):
    """Starts Connect servers as processes on the gateway's machine."""

    environment_dir = Unicode(
        help="""Python environment with `pyspark[connect]`; by default the folder `spark` in the hub's environment.""",
    ).tag(config=True)

    hive_gateway = Unicode(
        help="""Address of the Hive gateway, `http://HOST:PORT`, at which Connect servers find Hive's tables; empty without
        Hive. It is set from the field `hive` of Spark's entry, and needs `hdfs_gateway` too.""",
    ).tag(config=True)

    @default("environment_dir")
    def _default_environment_dir(self) -> str:
        return str(Path(sys.prefix, "spark"))

    def __init__(self, service: str, secret: str, **kwargs: Any) -> None:
        """Take the service's name, which names the folder of all files; files of an earlier gateway are removed."""
        super().__init__(service, secret, **kwargs)
        self._folder = Path(os.getcwd(), "spark", service)
        self._java = ConnectServerJava(Path(self.environment_dir), self.memory, self.cores, self.hdfs_gateway)
        shutil.rmtree(self._folder, ignore_errors=True)

    def create_driver(self, key: str) -> ProcessDriver:
        """A Connect server with its own folder."""
        name = uuid4().hex
        secret = driver_token(self.secret, key, name)
        return ProcessDriver(key, secret, self._java, self._folder / name, self.hive_gateway)

    def check(self) -> None:
        """Check that Java and Spark are installed."""
        self._java.check()
