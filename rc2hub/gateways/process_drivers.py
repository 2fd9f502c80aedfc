"""Connect servers as processes on the gateway's machine, for single-user mode. They end with the gateway."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from traitlets import Unicode, default

from rc2hub.gateways.connect_process import ConnectProcess
from rc2hub.gateways.connect_server import ConnectServer
from rc2hub.gateways.driver_token import driver_token
from rc2hub.gateways.drivers import Driver, SparkDrivers
from rc2hub.gateways.hive_conf import HiveCatalog
from rc2hub.gateways.java_command import ConnectServerJava


class ProcessDriver(Driver):
    """The Connect server of one user as a process."""

    def __init__(self, key: str, token: str, create: Callable[[], ConnectProcess], hive_gateway: str = "") -> None:
        """Take the routing key, the token that names the user, how a process is made, and Hive."""
        super().__init__(key, HiveCatalog(hive_gateway, token))
        self._token, self._create = token, create

    async def launch(self) -> ConnectServer:
        """Start it, as soon as it is known whether the user has Hive.

        Raises:
            ServiceUnavailableError: if it cannot be started.
        """
        await self.catalog.choose()
        return await super().launch()

    def create_server(self) -> ConnectProcess:
        """A process for this user alone."""
        return self._create()

    async def activate(self, server: ConnectServer) -> None:
        """Give a server its user, and the user's catalogue."""
        await server.activate(self._token, self.catalog.conf)


class ProcessDrivers(SparkDrivers):
    """Starts Connect servers as processes on the gateway's machine."""

    environment_dir = Unicode(
        help="""Python environment with `pyspark[connect]`; by default the folder `spark` in the hub's environment.""",
    ).tag(config=True)

    @default("environment_dir")
    def _default_environment_dir(self) -> str:
        return str(Path(sys.prefix, "spark"))

    def __init__(self, service: str, secret: str, **kwargs: Any) -> None:
        """Take the service's name, which names the folder of all files; files of an earlier gateway are removed."""
        super().__init__(service, secret, **kwargs)
        self._folder = Path(os.getcwd(), "spark", service)
        self._java = ConnectServerJava(
            Path(self.environment_dir), self.memory, self.cores, self.hdfs_gateway, self.s3_gateway
        )
        shutil.rmtree(self._folder, ignore_errors=True)

    def create_standby(self) -> ConnectProcess:
        """A Connect server with its own folder, not started yet."""
        return ConnectProcess(self._java, self._folder / uuid4().hex)

    def create_driver(self, key: str) -> ProcessDriver:
        """A Connect server for this key."""
        return ProcessDriver(key, driver_token(self.secret, key, uuid4().hex), self.create_standby, self.hive_gateway)

    def check(self) -> None:
        """Check that Java and Spark are installed."""
        self._java.check()
