"""Holds new standbys behind a scheduling gate while users log in (DESIGN D6).

Making a pod takes most of a second of a core, more than a login does. The Deployment creates its pods with a scheduling gate
(https://kubernetes.io/docs/concepts/scheduling-eviction/pod-scheduling-readiness/), and the hub removes it. While no hub
runs, no user logs in, so the pods that stay gated are not missed.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from rc2hub.errors import StandbyError
from rc2hub.hub.pool.deployment import GATE
from rc2hub.kubernetes import Pod, PodWatch, StandbyApi

log = logging.getLogger("JupyterHub")

QUIET_PERIOD = 1.5
"""Seconds after a login for which new standbys stay gated."""
MAX_GATED = 2.0
"""Seconds for which a standby stays gated at most."""
POLL_INTERVAL = 0.1
"""Seconds between two checks whether a user waits for the standby."""
RETRY_DELAY = 1.0
"""Seconds before another try when the API server does not answer."""


def is_gated(pod: Pod) -> bool:
    """Whether the pod has the gate that the hub removes."""
    return any(gate["name"] == GATE for gate in pod["spec"].get("schedulingGates", []))


class RefillThrottle:
    """Removes the gate of each new standby of one profile at the right time."""

    def __init__(self, api: StandbyApi, pods: PodWatch, is_awaited: Callable[[], bool]) -> None:
        """Take the API, the watch of pods, and a test whether a user waits for a standby, which then gets no delay."""
        self._api, self._pods, self._is_awaited = api, pods, is_awaited
        self._last_claim = float("-inf")
        self._gated: set[str] = set()

    def record_claim(self) -> None:
        """Note that a user takes a standby now."""
        self._last_claim = time.monotonic()

    def ungate_later(self, tasks: asyncio.TaskGroup, name: str, pod: Pod) -> None:
        """Start a task that removes the gate of a pod, unless the pod has no gate or a task already."""
        if is_gated(pod) and name not in self._gated:
            self._gated.add(name)
            tasks.create_task(self._hold(name), name=f"rc2 gate {name}")

    async def _hold(self, name: str) -> None:
        try:
            await self._wait_quiet()
        finally:  # a hub that shuts down leaves no gated pod
            await self._ungate(name)
            self._gated.discard(name)

    async def _wait_quiet(self) -> None:
        for _ in range(round(MAX_GATED / POLL_INTERVAL)):
            if self._is_awaited() or time.monotonic() > self._last_claim + QUIET_PERIOD:
                return
            await asyncio.sleep(POLL_INTERVAL)

    async def _ungate(self, name: str) -> None:
        while (pod := self._pods.get(name)) and is_gated(pod):
            try:
                await self._api.ungate(name, GATE)
                break
            except StandbyError as error:
                log.warning("The scheduling gate of the standby %s cannot be removed: %s", name, error)
                await asyncio.sleep(RETRY_DELAY)
