"""The warm R kernel: started with the standby, made the person's at activation, handed to her first notebook.

The hand-over is a kernel provisioner, Jupyter's own mechanism for "where does a kernel process come from":
https://jupyter-client.readthedocs.io/en/stable/provisioning.html.
"""

import asyncio
import ctypes
import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase

from rc2hub.compute.person import Account

BECOME = Path(__file__).with_name("become.R").read_text()
WARM_UP = "cat(6 * 7); invisible(print(data.frame(x = 1)))"
PR_SET_PDEATHSIG = 1
START_TIMEOUT = 60.0
"""Seconds; a cold R with IRkernel takes one to three on two busy cores."""


def die_with_parent() -> None:
    """Have the kernel end this process when its parent ends, however that ends (Linux)."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class WarmKernel:
    """An R kernel that runs and has executed a first cell, and is nobody's yet."""

    def __init__(self) -> None:
        """Prepare; `launch` starts it."""
        self.manager = AsyncKernelManager(kernel_name="ir")
        self.client: AsyncKernelClient
        self._connected = False

    async def launch(self) -> None:
        """Start the process; R comes up by itself meanwhile."""
        await self.manager.start_kernel()

    async def warm_up(self) -> None:
        """Wait for R, run a first cell and become nobody in particular, so that the person's first ones are fast.

        Raises:
            RuntimeError: if R does not come up.
        """
        await self._connect()
        await self._run(WARM_UP, silent=False)
        await self.become({})

    async def become(self, env: Mapping[str, str | None], account: Account | None = None) -> None:
        """Make the kernel the person's: her account, environment, home and libraries; a variable that is None is removed."""
        await self._connect()
        ids = account and {"uid": account.uid, "groups": list(account.groups), "umask": f"{account.umask:03o}"}
        await self._run(_call("become", env, ids))

    async def enter(self, cwd: str, env: Mapping[str, str]) -> None:
        """Bring the kernel where its first notebook lies, and run the person's start-up files there."""
        await self._run(_call("enter", cwd, env))
        self.client.stop_channels()

    async def ended(self) -> None:
        """Wait until R ends, which it should not."""
        if self.manager.provisioner is not None:
            await self.manager.provisioner.wait()

    async def _connect(self) -> None:
        """Wait until R answers, the first time."""
        if not self._connected:
            self.client = self.manager.client()
            self.client.start_channels(hb=False)
            await self.client.wait_for_ready(timeout=START_TIMEOUT)
            self._connected = True

    async def _run(self, code: str, *, silent: bool = True) -> None:
        running = asyncio.ensure_future(
            self.client._async_execute_interactive(
                code, silent=silent, store_history=False, output_hook=lambda _message: None, timeout=START_TIMEOUT
            )
        )
        ended = asyncio.ensure_future(self.ended())
        await asyncio.wait({running, ended}, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if not running.done():
            running.cancel()
            raise RuntimeError("R ended while it was activated.")
        reply = running.result()
        if reply["content"]["status"] != "ok":
            raise RuntimeError(f"R refused a step of its activation: {reply['content'].get('evalue', 'no reason given')}")


def _call(function: str, *arguments: object) -> str:
    """R that calls a function of become.R; wrapped in `local`, it leaves nothing behind."""
    values = ", ".join(f"jsonlite::parse_json({_r_string(json.dumps(value))})" for value in arguments)
    return f"local({{\n{BECOME}\n{function}({values})\n}})"


def _r_string(text: str) -> str:
    """Quote text for R, which knows JSON's escapes for everything that `json.dumps` leaves."""
    return json.dumps(text)


class StandbyProvisioner(LocalProvisioner):
    """Hands the warm kernel to the first R notebook; every other kernel, and each restart, is started as usual."""

    warm: ClassVar[WarmKernel | None] = None

    def __init__(self, **kwargs: Any) -> None:
        """Take the traits of the parent class."""
        super().__init__(**kwargs)
        self.adopted: WarmKernel | None = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Take the warm kernel if this is a first launch of R (a restart keeps its ports)."""
        is_first_r = self.kernel_spec.language == "R" and not self.ports_cached
        if is_first_r and StandbyProvisioner.warm is not None:
            self.adopted, StandbyProvisioner.warm = StandbyProvisioner.warm, None
            return await KernelProvisionerBase.pre_launch(self, cmd=[], **kwargs)
        return await super().pre_launch(preexec_fn=die_with_parent, **kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel, or adopt the warm one with its process and its ports."""
        if self.adopted is None:
            return await super().launch_kernel(cmd, **kwargs)
        warm, self.adopted = self.adopted, None
        started = warm.manager.provisioner
        assert isinstance(started, LocalProvisioner)  # noqa: S101 - tells the type checker what `ir` is started by
        self.process, self.pid, self.pgid = started.process, started.pid, started.pgid
        self.connection_info = warm.manager.get_connection_info()
        self.ports_cached = True
        await self._enter(warm, kwargs.get("cwd") or os.getcwd(), kwargs["env"])
        return self.connection_info

    async def _enter(self, warm: WarmKernel, cwd: str, env: Mapping[str, str]) -> None:
        """Send the kernel on its way and let it go on beside us: R works off its queue in order, this comes first."""
        named = {name: value for name, value in env.items() if name.startswith("JPY_")}
        self._entering = asyncio.get_running_loop().create_task(warm.enter(cwd, named))
        await asyncio.sleep(0)
