"""A Connect server as a process of this machine."""

import asyncio
import contextlib
import json
import logging
import os
import secrets
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Any, cast

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways.connect_server import POLL_INTERVAL, ConnectServer
from rc2hub.gateways.java_command import ConnectServerJava
from rc2hub.processes import END_WITH_PARENT

log = logging.getLogger("rc2hub.gateways")

STOP_TIMEOUT = 3.0
"""Seconds from SIGTERM to SIGKILL; a Connect server keeps nothing, so a kill loses little."""
PROGRAMS = Path(__file__).with_name("in_spark")


class ConnectProcess(ConnectServer):
    """A Java with a Connect server, and its program, as processes of this machine."""

    def __init__(self, java: ConnectServerJava, folder: Path, *flags: str) -> None:
        """Take the Java settings, the folder for the server's files, and more options of Java."""
        super().__init__(secrets.token_urlsafe(32))
        self.folder = folder
        self._settings, self._flags = java, flags
        self._log, self._port_file, self._connection = (folder / name for name in ("log", "port", "connection"))
        self._processes: list[Process] = []

    async def _start(self) -> None:
        self._settings.check()
        self.folder.mkdir(mode=0o700, parents=True)
        variables = self._settings.variables() | {
            "SPARK_CONNECT_AUTHENTICATE_TOKEN": self.secret,
            "_PYSPARK_DRIVER_CONN_INFO_PATH": str(self._connection),
        }
        self._processes.append(
            await self._run(self._settings.command(self.folder, *self._flags), env=variables, stdout=None)
        )
        program = self._python("connect_server.py", str(self._connection), str(self._port_file))
        self._processes.append(await self._run(program, env=self._settings.variables(), stdout=PIPE))
        while not self._port_file.exists():
            self.check()
            await asyncio.sleep(POLL_INTERVAL)
        self.port = int(self._port_file.read_text())

    def _python(self, program: str, *arguments: str) -> list[str]:
        return [self._settings.python, "-sP", str(PROGRAMS / program), *arguments]

    async def _run(self, command: list[str], stdout: int | None, **options: Any) -> Process:
        """Run a program that ends with this process, in a session of processes of its own."""
        with self._log.open("ab") as output:
            creating = asyncio.ensure_future(
                asyncio.create_subprocess_exec(
                    *(*END_WITH_PARENT, "KILL", *command),
                    cwd=self.folder,
                    stdin=PIPE,
                    stdout=output if stdout is None else stdout,
                    stderr=output,
                    start_new_session=True,
                    **options,
                )
            )
            try:
                return await asyncio.shield(creating)
            except asyncio.CancelledError:  # asyncio would leave the pipes of a process that begins
                await _end(await creating)
                raise

    def check(self) -> None:
        """Check that Java has not ended, nor the program by an error; the last line of the output goes to the gateway's log.

        Raises:
            ServiceUnavailableError: if one has.
        """
        java, *program = self._processes
        if java.returncode is not None or any(process.returncode for process in program):
            last = self._log.read_text(errors="replace").strip().splitlines()[-1:]
            log.error("spark: a Connect server ended while it started: %s", "".join(last))
            raise ServiceUnavailableError("Spark could not be started; an operator finds the reason in the hub's log.")

    async def _run_first_queries(self, url: str) -> None:
        client = await self._run(self._python("warm_up.py"), env=self._settings.variables(), stdout=DEVNULL)
        try:
            await client.communicate(f"{url}\n".encode())
        finally:
            await _end(client)
        if client.returncode:
            raise ServiceUnavailableError("its first queries failed")

    async def _call(self, name: str, **arguments: Any) -> None:
        program = self._processes[-1]
        calls, answers = cast(asyncio.StreamWriter, program.stdin), cast(asyncio.StreamReader, program.stdout)
        answer = b""
        with contextlib.suppress(OSError):
            calls.write(json.dumps({"call": name, **arguments}).encode() + b"\n")
            answer = await answers.readline()
        if answer.decode() != f"{name}\n":
            raise ServiceUnavailableError("it does not answer")

    async def wait_ended(self) -> str:
        """Wait until the server has ended for any reason, and remove what it left; the reason is not known."""
        if self._processes:
            java, *program = self._processes
            await java.wait()
            _kill(java)  # its Python workers
            for process in (java, *program):
                await _end(process)
        shutil.rmtree(self.folder, ignore_errors=True)
        return ""

    def terminate(self) -> None:
        """Have the server end by itself."""
        if self._processes:
            with contextlib.suppress(ProcessLookupError):
                self._processes[0].terminate()

    async def _stop(self) -> None:
        self.terminate()
        ending = asyncio.ensure_future(self.wait_ended())
        await asyncio.wait([ending], timeout=STOP_TIMEOUT)
        if self._processes and not ending.done():
            _kill(self._processes[0])
        await ending


async def _end(process: Process) -> None:
    """Kill this process, unless it has ended long ago: another one may have its number by now."""
    if process.returncode is None:
        _kill(process)
        await process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _kill(process: Process) -> None:
    """Kill the session of processes of this one."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
