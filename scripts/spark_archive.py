"""Writes the class data archive of Spark Connect servers, so that a server does not load and verify its classes again.

    python scripts/spark_archive.py

A server runs the first queries of a standby, and writes the classes that it has loaded when it ends (JEP 350).
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways.connect_process import ConnectProcess
from rc2hub.gateways.java_command import ARCHIVE, ConnectServerJava

TIMEOUT = 600.0
"""Seconds for the server to answer, and again for it to end."""


async def write_archive(java: ConnectServerJava, folder: Path) -> None:
    """Start a server, run queries, and have it end."""
    archive = java.environment / ARCHIVE
    archive.unlink(missing_ok=True)
    server = ConnectProcess(java, folder, f"-XX:ArchiveClassesAtExit={archive}")
    try:
        async with asyncio.timeout(TIMEOUT):
            await server.start()
            await server.warm_up()
            await server.activate("archive", {})
        server.terminate()
        async with asyncio.timeout(TIMEOUT):
            await server.wait_ended()
    finally:
        await server.stop()
    if not archive.exists():
        raise ServiceUnavailableError("Java did not write it")


def main() -> None:
    """Write the archive, or say why not."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            asyncio.run(write_archive(ConnectServerJava(Path(sys.prefix, "spark")), Path(folder, "server")))
        except (ServiceUnavailableError, TimeoutError) as error:
            sys.exit(f"Spark's class data archive was not written: {error or 'Spark was not ready in time'}.")


if __name__ == "__main__":
    main()
