"""What the parts of one hub share: one object, which JupyterHub passes to every spawner in its tornado settings."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from rc2hub.hub.broker_sync.desired_state import DesiredStatePush
from rc2hub.hub.lab_files import LabFiles
from rc2hub.spawn_request import SpawnChoices

SETTING = "rc2"
"""The key of the runtime in `JupyterHub.tornado_settings`, and so in `user.settings` of every spawner."""


class Runtime:
    """The choices, the connection to the broker and the pool of one hub."""

    def __init__(self, choices: SpawnChoices) -> None:
        """Take the choices of users; the rest is set when the hub runs."""
        self.choices = choices
        self.desired_state: DesiredStatePush
        self.lab_files = LabFiles()
        self.pool: Any = None
        """The `PodPool` or `ProcessPool` of the hub's spawner class; None before the hub is up."""
        self.background: asyncio.Task[None] | None = None
        """The tasks beside the hub; asyncio itself keeps only a weak reference."""
        self._pool_opened = asyncio.Event()

    def __deepcopy__(self, memo: object) -> "Runtime":
        """The same object: traitlets copies every value of the configuration, and a hub has one runtime."""
        return self

    @property
    def broker_url(self) -> str:
        """The broker's root URL, as compute servers reach it."""
        return self.desired_state.client.url

    async def open_pool(self, used_locations: Callable[[], set[str]]) -> None:
        """Open the pool, then let the logins through that wait for it."""
        await self.pool.open(used_locations)
        self._pool_opened.set()

    def pool_opened(self) -> Awaitable[object]:
        """Wait until a login may ask the pool for a standby, some hundredths of a second after the hub listens."""
        return self._pool_opened.wait()
