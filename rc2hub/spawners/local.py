"""The spawner of single-user mode: compute servers are processes of this machine, all under the hub's own account."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any, ClassVar

from jupyterhub.slugs import safe_slug
from jupyterhub.spawner import LocalProcessSpawner
from traitlets import Unicode

from rc2hub.lifecycle import Standby
from rc2hub.pool.activation import Order
from rc2hub.pool.local import LocalPool
from rc2hub.processes import end, is_running
from rc2hub.spawners.base import Rc2Spawner


class Rc2LocalSpawner(Rc2Spawner, LocalProcessSpawner):  # type: ignore[misc]
    """Starts compute servers as processes of this machine, from a pool of standbys.

    Everything runs as the account that runs the hub: this is for one person, or for people who trust each other.
    """

    pool: ClassVar[LocalPool]

    homes = Unicode(
        "homes",
        help="""Folder that holds one home per person; relative to the hub's working directory.""",
    ).tag(config=True)

    @classmethod
    def open_pool(cls, hub: Any, broker_url: str) -> LocalPool:
        """Make the pool of this hub; its standbys are born knowing hub and broker, and nobody in particular."""
        nobodys = cls(config=hub.config)
        environment = {name: os.environ[name] for name in nobodys.env_keep if name in os.environ}
        environment |= {"JUPYTERHUB_API_URL": hub.hub.api_url, "RC2_BROKER_URL": broker_url}
        cls.pool = LocalPool(cls.offer.profiles, environment, config=hub.config)
        return cls.pool

    folder = ""
    """The attachments folder of this server; also the mark of all its processes."""

    @property
    def place(self) -> str:
        """Where this server runs: its folder."""
        return self.folder

    async def claim(self) -> Standby:
        """Take a standby of the wanted profile, waiting for one if need be."""
        standby = await self.pool.claim(self.request.profile)
        self.folder = str(standby.folder)
        self.proc, self.pid = standby.process, standby.process.pid
        self.ip, self.port = "127.0.0.1", standby.port
        return standby

    def order(self) -> Order:
        """What makes a standby this person's."""
        env = {name: str(value) for name, value in self.get_env().items() if value is not None}
        return Order(env, env["HOME"])

    def user_env(self, env: dict[str, Any]) -> dict[str, Any]:
        """Who the person is to her programs."""
        return env | self.person_env(str(Path(self.homes, safe_slug(self.user.name)).absolute()))

    async def poll(self) -> int | None:
        """None while the server runs; after a restart of the hub, a process that only has the same number does not count."""
        if self.proc is None and self.pid and not is_running(self.pid, Path(self.folder)):
            self.pid = 0
        status: int | None = await super().poll()
        return status

    async def stop(self, now: bool = False) -> None:
        """Ask the server to end; what is left of its processes is ended after it, in `run_post_stop_hook`."""
        await self._signal(signal.SIGKILL if now else signal.SIGTERM)
        await self.wait_for_death(self.term_timeout)
        await self._end_all()

    async def run_post_stop_hook(self) -> None:
        """End what a crash has left of the server's processes, then take everything back."""
        await self._end_all()
        await super().run_post_stop_hook()

    async def _end_all(self) -> None:
        if self.folder:
            await asyncio.to_thread(end, Path(self.folder))
            self.folder = ""

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore which processes are this server's."""
        super().load_state(state)
        self.folder = state.get("folder", "")

    def get_state(self) -> dict[str, Any]:
        """Names only; nothing that opens a service."""
        return {**super().get_state(), "folder": self.folder}
