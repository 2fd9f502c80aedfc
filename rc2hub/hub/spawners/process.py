"""The spawner of single-user mode: compute servers are processes of this machine, all under the hub's own account."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

from jupyterhub.slugs import safe_slug
from jupyterhub.spawner import LocalProcessSpawner
from traitlets import Unicode

from rc2hub.hub.pool.activation import ActivationRequest, Standby
from rc2hub.hub.pool.process_pool import ProcessPool
from rc2hub.hub.runtime import Runtime
from rc2hub.hub.spawners.base import Rc2Spawner
from rc2hub.processes import is_running, kill_marked


class Rc2ProcessSpawner(Rc2Spawner, LocalProcessSpawner):  # type: ignore[misc]
    """Starts compute servers as processes of this machine, from a pool of standbys.

    Everything runs as the account that runs the hub: use it for one user, or for users who trust each other.
    """

    homes_dir = Unicode(
        "homes",
        help="""Folder with one home per user; relative to the hub's working directory.""",
    ).tag(config=True)

    folder = ""
    """The attachments folder of this server; its path also marks all processes of the server."""

    @classmethod
    def make_pool(cls, hub: Any, runtime: Runtime) -> ProcessPool:
        """Make the pool of this hub; its standbys know the hub and the broker, and no user."""
        spawner = cls(config=hub.config)
        environment = {name: os.environ[name] for name in spawner.env_keep if name in os.environ}
        environment |= {"JUPYTERHUB_API_URL": hub.hub.api_url, "RC2_BROKER_URL": runtime.broker_url}
        environment["RC2_R_PROFILE"] = spawner.r_profile
        return ProcessPool(runtime.choices.profiles, environment, config=hub.config)

    @property
    def location(self) -> str:
        """Where this server runs: its folder."""
        return self.folder

    async def claim(self) -> Standby:
        """Claim a standby of the requested profile, waiting for one if none is ready."""
        standby = await self.runtime.pool.claim(self.spawn_request.profile)
        self.folder = str(standby.folder)
        self.proc, self.pid = standby.process, standby.process.pid
        self.ip, self.port = "127.0.0.1", standby.port
        claimed: Standby = standby
        return claimed

    def activation_request(self) -> ActivationRequest:
        """What makes a standby this user's server; JupyterHub tells it its memory by the variable MEM_LIMIT."""
        self.mem_limit = self.choices.profiles[self.spawn_request.profile].memory
        env = {name: str(value) for name, value in self.get_env().items() if value is not None}
        return ActivationRequest(env, env["HOME"])

    def user_env(self, env: dict[str, Any]) -> dict[str, Any]:
        """The variables that tell programs who the user is."""
        return env | self.identity_env(str(Path(self.homes_dir, safe_slug(self.user.name)).absolute()))

    async def poll(self) -> int | None:
        """None while the server runs; after a restart of the hub, another process with the same number does not count."""
        if self.proc is None and self.pid and not is_running(self.pid, Path(self.folder)):
            self.pid = 0
        status: int | None = await super().poll()
        return status

    async def stop(self, now: bool = False) -> None:
        """Ask the server to end, then kill what is left of its processes."""
        await self._signal(signal.SIGKILL if now else signal.SIGTERM)
        await self.wait_for_death(self.term_timeout)
        await self._kill_processes()

    async def run_post_stop_hook(self) -> None:
        """Kill the processes that a crash has left, then revoke everything."""
        await self._kill_processes()
        await super().run_post_stop_hook()

    async def _kill_processes(self) -> None:
        if self.folder:
            await asyncio.to_thread(kill_marked, Path(self.folder))
            self.folder = ""

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore which processes are this server's."""
        super().load_state(state)
        self.folder = state.get("folder", "")

    def get_state(self) -> dict[str, Any]:
        """Names only, no credential."""
        return {**super().get_state(), "folder": self.folder}
