"""The warm R kernel: started with the standby, given the user's identity at activation, used by the first R notebook.

A kernel provisioner connects it to that notebook, Jupyter's own mechanism for "where does a kernel process come from":
https://jupyter-client.readthedocs.io/en/stable/provisioning.html.
"""

import asyncio
import ctypes
import json
import os
import resource
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase

from rc2hub.compute.account import Account
from rc2hub.compute.kernel_output import KernelOutput

IDENTITY_R = Path(__file__).with_name("identity.R").read_text()
SITE_PROFILE = Path(__file__).with_name("site_profile.R")
WARM_UP_CODE = "cat(6 * 7); invisible(print(data.frame(x = 1)))"
PR_SET_PDEATHSIG = 1
START_TIMEOUT = 60.0
"""Seconds; a cold R with IRkernel takes one to three on two busy cores."""
RESERVE = 384 << 20
"""Bytes of a server's memory that R does not get: for Jupyter, which takes about 150 MiB, and for other, idle notebooks."""


def prepare_process() -> None:
    """In a kernel's process, before it becomes R: it ends when its parent ends, and its memory is limited (Linux)."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    limit_memory(0)


def limit_memory(pid: int) -> None:
    """Limit the memory of a process and of those that it starts, each of them alone, to the server's without a reserve.

    R then reports "cannot allocate vector of size …" to the notebook. Without a limit the kernel of the operating system
    would end R, and in a pod all other processes of the server with it. JupyterHub tells the server its memory.
    """
    if memory := int(os.environ.get("MEM_LIMIT", "0")):
        limit, hard_limit = max(memory - RESERVE, memory // 2), resource.getrlimit(resource.RLIMIT_DATA)[1]
        if hard_limit != resource.RLIM_INFINITY:
            limit = min(limit, hard_limit)
        resource.prlimit(pid, resource.RLIMIT_DATA, (limit, hard_limit))


class WarmKernel:
    """An R kernel that runs and has executed a first cell, before its user is known."""

    def __init__(self) -> None:
        """Prepare; `launch` starts it."""
        self.manager = AsyncKernelManager(kernel_name="ir")
        self.client: AsyncKernelClient
        self._connected = False

    async def launch(self) -> None:
        """Start the process, without waiting for R; until it has a user, what it writes itself goes to the log."""
        await self.manager.start_kernel()
        self._provisioner.output.goes_to_log = True

    async def warm_up(self) -> None:
        """Wait for R, then run a first cell and an activation without a user, so that the user's own are fast.

        Raises:
            RuntimeError: if R does not start.
        """
        await self._connect()
        await self._run(WARM_UP_CODE, silent=False)
        await self.assume_identity({})

    def prepare_for_user(self) -> None:
        """Limit its memory to that of the user's server, and log no output; R still has the account of this process."""
        self._provisioner.output.goes_to_log = False
        if pid := self._provisioner.pid:
            with suppress(ProcessLookupError):  # R has ended; the next step reports it
                limit_memory(pid)

    async def assume_identity(self, env: Mapping[str, str | None], account: Account | None = None) -> None:
        """Apply the user's account, environment, home and libraries; a variable that is None is removed."""
        await self._connect()
        ids = account and {"uid": account.uid, "groups": list(account.groups), "umask": f"{account.umask:03o}"}
        await self._run(_call("assume_identity", env, ids))

    async def run_startup_files(self, cwd: str, env: Mapping[str, str]) -> None:
        """Change to the folder of the first notebook, and run the user's start-up files there, however long they take."""
        await self._run(_call("run_startup_files", cwd, env), seconds=None)
        self.client.stop_channels()

    async def wait_until_ended(self) -> None:
        """Wait until R ends, which is a failure before activation."""
        if self.manager.provisioner is not None:
            await self.manager.provisioner.wait()
            self._provisioner.output.deliver()

    @property
    def _provisioner(self) -> "StandbyProvisioner":
        provisioner = self.manager.provisioner
        assert isinstance(provisioner, StandbyProvisioner)  # noqa: S101 - tells the type checker which one started `ir`
        return provisioner

    async def _connect(self) -> None:
        """Wait until R answers; does nothing after the first time."""
        if not self._connected:
            self.client = self.manager.client()
            self.client.start_channels(hb=False)
            await self.client.wait_for_ready(timeout=START_TIMEOUT)
            self._connected = True

    async def _run(self, code: str, *, silent: bool = True, seconds: float | None = START_TIMEOUT) -> None:
        running = asyncio.ensure_future(
            self.client._async_execute_interactive(
                code, silent=silent, store_history=False, output_hook=lambda _message: None, timeout=seconds
            )
        )
        ended = asyncio.ensure_future(self.wait_until_ended())
        await asyncio.wait({running, ended}, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if not running.done():
            running.cancel()
            raise RuntimeError("R ended during its activation.")
        reply = running.result()
        if reply["content"]["status"] != "ok":
            raise RuntimeError(f"R failed at a step of its activation: {reply['content'].get('evalue', 'no reason given')}")


def _call(function: str, *arguments: object) -> str:
    """R code that calls a function of identity.R; `local` keeps its objects out of the user's workspace."""
    values = ", ".join(f"jsonlite::parse_json({_r_string(json.dumps(value))})" for value in arguments)
    return f"local({{\n{IDENTITY_R}\n{function}({values})\n}})"


def _r_string(text: str) -> str:
    """Quote text for R, which knows JSON's escapes for everything that `json.dumps` leaves."""
    return json.dumps(text)


class StandbyProvisioner(LocalProvisioner):
    """Uses the warm kernel for the first R notebook; every other kernel, and each restart, is started as usual."""

    warm_kernel: ClassVar[WarmKernel | None] = None
    catches_output: ClassVar[bool] = False
    """Whether this process is a compute server; a kernel of any other writes where its parent writes, such as a terminal."""

    def __init__(self, **kwargs: Any) -> None:
        """Take the traits of the parent class."""
        super().__init__(**kwargs)
        self.adopted: WarmKernel | None = None
        self.output = KernelOutput()

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Take the warm kernel if this is a first launch of R (a restart keeps its ports)."""
        is_first_r = self.kernel_spec.language == "R" and not self.ports_cached
        if is_first_r and StandbyProvisioner.warm_kernel is not None:
            self.adopted, StandbyProvisioner.warm_kernel = StandbyProvisioner.warm_kernel, None
            return await KernelProvisionerBase.pre_launch(self, cmd=[], **kwargs)
        return await super().pre_launch(preexec_fn=prepare_process, **kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel, or adopt the process and the ports of the warm one."""
        if self.adopted is None:
            return await self._launch(cmd, **kwargs)
        warm, self.adopted = self.adopted, None
        started = warm._provisioner
        self.process, self.pid, self.pgid, self.output = started.process, started.pid, started.pgid, started.output
        self.connection_info = warm.manager.get_connection_info()
        self.ports_cached = True
        await self._send_startup_files(warm, kwargs.get("cwd") or os.getcwd(), kwargs["env"])
        return self.connection_info

    async def _launch(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel, in a compute server with its output caught."""
        if not self.catches_output:
            return await super().launch_kernel(cmd, **kwargs)
        # C code would buffer what it writes to a pipe; the site profile removes the variables of stdbuf
        unbuffered = ["stdbuf", "--output=0"] if self.kernel_spec.language == "R" else []
        with self.output.pipes() as pipes:
            return await super().launch_kernel([*unbuffered, *cmd], **pipes, **kwargs)

    async def _send_startup_files(self, warm: WarmKernel, cwd: str, env: Mapping[str, str]) -> None:
        """Have R run the start-up files, without waiting: R executes requests in order, and this one is the first."""
        jupyter_env = {name: value for name, value in env.items() if name.startswith("JPY_")}
        self._startup_task = asyncio.get_running_loop().create_task(warm.run_startup_files(cwd, jupyter_env))
        await asyncio.sleep(0)
