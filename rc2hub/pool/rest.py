"""A new standby rests, unplaced by Kubernetes, until the logins are over that it follows.

Making a pod takes most of a second of a core, which is more than a login does. Kubernetes' own word for "not yet" is a
scheduling gate (https://kubernetes.io/docs/concepts/scheduling-eviction/pod-scheduling-readiness/): the Deployment makes its
pods with one, and the hub takes it off. While no hub runs nobody logs in, so nothing is missing then.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from rc2hub.cluster import Pod, Pods, Standbys
from rc2hub.errors import StandbyError
from rc2hub.pool.deployment import GATE

log = logging.getLogger("JupyterHub")

QUIET = 1.5
"""Seconds after a login in which the standbys rest that were made meanwhile."""
LONGEST = 2.0
"""Seconds that a standby rests at most, whatever goes on."""
LOOK = 0.1
"""Seconds between looks whether somebody waits for it."""
AGAIN = 1.0
"""Seconds before another try when the API server does not answer."""


def is_resting(pod: Pod) -> bool:
    """Whether it waits for us to be placed."""
    return any(gate["name"] == GATE for gate in pod["spec"].get("schedulingGates", []))


class Rest:
    """The rest of the standbys of one profile."""

    def __init__(self, cluster: Standbys, pods: Pods, is_awaited: Callable[[], bool]) -> None:
        """Take what says whether somebody waits for the next standby, who is worth more than the logins that go on."""
        self._cluster, self._pods, self._is_awaited = cluster, pods, is_awaited
        self._last_login = float("-inf")
        self._resting: set[str] = set()

    def login(self) -> None:
        """Note that somebody logs in now."""
        self._last_login = time.monotonic()

    def look(self, tasks: asyncio.TaskGroup, name: str, pod: Pod) -> None:
        """Have a standby rest, unless it does so already."""
        if is_resting(pod) and name not in self._resting:
            self._resting.add(name)
            tasks.create_task(self._rest(name), name=f"rc2 rest {name}")

    async def _rest(self, name: str) -> None:
        try:
            await self._quiet()
        finally:  # a hub that is told to end leaves none resting
            await self._place(name)
            self._resting.discard(name)

    async def _quiet(self) -> None:
        for _ in range(round(LONGEST / LOOK)):
            if self._is_awaited() or time.monotonic() > self._last_login + QUIET:
                return
            await asyncio.sleep(LOOK)

    async def _place(self, name: str) -> None:
        while (pod := self._pods.get(name)) and is_resting(pod):
            try:
                await self._cluster.place(name, GATE)
                break
            except StandbyError as error:
                log.warning("The standby %s cannot be placed: %s", name, error)
                await asyncio.sleep(AGAIN)
