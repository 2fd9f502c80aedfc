"""Deletes pods that belong to no server (DESIGN D40): a hub that was killed during a start does not know its pod."""

import asyncio
import logging
from collections.abc import Callable

from rc2hub.errors import StandbyError
from rc2hub.hub.pool.deployment import HUB, POOL, STARTED
from rc2hub.kubernetes import Pod, PodWatch, StandbyApi
from rc2hub.kubernetes.pod_status import has_ended, is_given_up, is_terminating, lost_reason

log = logging.getLogger("JupyterHub")

SWEEP_INTERVAL = 7.5
"""Seconds between two sweeps; a pod is deleted at the second that finds the same reason."""


class PodSweeper:
    """Deletes this hub's pods of compute servers that no active spawner has, and its standbys that can never be claimed."""

    def __init__(self, api: StandbyApi, pods: PodWatch, used_locations: Callable[[], set[str]], hub_id: str) -> None:
        """Take the watch of pods, what tells the locations (`namespace/name`) of all active servers, and the hub's label."""
        self._api, self._pods, self._used_locations, self._hub_id = api, pods, used_locations, hub_id
        self._suspects: dict[str, str] = {}
        """Name to reason, of the pods that the last sweep would have deleted."""
        self._known: set[str] = set()
        """The locations of all servers that this hub has had since it started."""
        self._left_alone: set[str] = set()

    async def run(self) -> None:
        """Sweep again and again, until cancelled."""
        while True:
            await self.sweep()
            await asyncio.sleep(SWEEP_INTERVAL)

    async def sweep(self) -> None:
        """Look at each pod of this hub once; only those of the hub's own namespace can be deleted."""
        if self._pods.failure:
            return  # the pods are those of before an outage
        used, before, self._suspects = self._used_locations(), self._suspects, {}
        self._known |= used
        for pod in self._pods:
            metadata = pod["metadata"]
            if metadata["namespace"] != self._api.namespace or metadata["labels"].get(HUB) != self._hub_id:
                continue
            if is_given_up(pod):
                await self._delete(pod, "was evicted by Kubernetes, and its node does not answer", grace=0)
            elif reason := self._reason(pod, used):
                if before.get(metadata["name"]) != reason:
                    self._suspects[metadata["name"]] = reason
                elif not self._is_used(pod, self._used_locations()):  # it may have been claimed meanwhile
                    await self._delete(pod, reason)

    def _reason(self, pod: Pod, used: set[str]) -> str:
        """Why to delete the pod; empty to keep it."""
        if is_terminating(pod) or self._is_used(pod, used):
            return ""
        if POOL in pod["metadata"]["labels"]:
            reason = lost_reason(pod)
            return f"is unclaimed, and {reason}" if reason else ""
        if STARTED in pod["metadata"]["labels"] and not has_ended(pod) and not self._is_used(pod, self._known):
            self._leave_alone(pod["metadata"]["name"])
            return ""
        return "belongs to no server"

    def _is_used(self, pod: Pod, used: set[str]) -> bool:
        return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}" in used

    def _leave_alone(self, name: str) -> None:
        """Report once a running server that the hub does not know: it was started after the backup of the hub's database."""
        if name not in self._left_alone:
            self._left_alone.add(name)
            log.warning(
                "The pod %s is a running server that this hub does not know, as after a restore of its database;"
                " delete it with kubectl when it is not needed any more.",
                name,
            )

    async def _delete(self, pod: Pod, reason: str, grace: int = 1) -> None:
        name = pod["metadata"]["name"]
        log.info("The pod %s %s; it is deleted.", name, reason)
        try:
            await self._api.delete(name, grace)
        except StandbyError as error:
            log.warning("The pod %s could not be deleted: %s", name, error)
