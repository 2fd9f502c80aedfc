"""Deletes pods that belong to no server (DESIGN D40): a hub that was killed during a start does not know its pod."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from rc2hub.errors import StandbyError
from rc2hub.hub.pool.deployment import POOL
from rc2hub.kubernetes import Pod, PodWatch, StandbyApi
from rc2hub.kubernetes.pod_status import is_overdue, is_terminating, lost_reason

log = logging.getLogger("JupyterHub")

SWEEP_INTERVAL = 15.0
"""Seconds between two sweeps."""


class PodSweeper:
    """Deletes pods of compute servers that no active spawner has, and standbys that can never be claimed."""

    def __init__(self, api: StandbyApi, pods: PodWatch, used_locations: Callable[[], set[str]]) -> None:
        """Take the watch of the pods, and what tells the locations (`namespace/name`) of all active servers."""
        self._api, self._pods, self._used_locations = api, pods, used_locations

    async def run(self) -> None:
        """Sweep again and again, until cancelled."""
        while True:
            await self.sweep()
            await asyncio.sleep(SWEEP_INTERVAL)

    async def sweep(self) -> None:
        """Look at each pod once; only those of the hub's own namespace can be deleted."""
        used = self._used_locations()
        for pod in self._pods:
            location = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
            if pod["metadata"]["namespace"] != self._api.namespace:
                continue
            if is_overdue(pod, datetime.now(UTC)):
                # a node without power reports no end
                await self._delete(pod, "should have ended, but its node does not report its end", grace=0)
            elif is_terminating(pod):
                continue
            elif POOL in pod["metadata"]["labels"]:
                if reason := lost_reason(pod):
                    await self._delete(pod, f"is unclaimed, and {reason}")
            elif location not in used and location not in self._used_locations():  # it may have been claimed meanwhile
                await self._delete(pod, "belongs to no server")

    async def _delete(self, pod: Pod, reason: str, grace: int = 1) -> None:
        name = pod["metadata"]["name"]
        log.info("The pod %s %s; it is deleted.", name, reason)
        try:
            await self._api.delete(name, grace)
        except StandbyError as error:
            log.warning("The pod %s could not be deleted: %s", name, error)
