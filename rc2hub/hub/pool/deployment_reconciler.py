"""Keeps the Deployment of one profile's standbys as configured."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rc2hub.errors import StandbyError
from rc2hub.hub.pool.deployment import TEMPLATE, active_standbys, deployment
from rc2hub.kubernetes import Pod, PodWatch, StandbyApi
from rc2hub.kubernetes.pod_status import startup_problem
from rc2hub.profiles import Profile

log = logging.getLogger("JupyterHub")

APPLY_INTERVAL = 15
"""Seconds after which the Deployment is applied again, if its pods do not show before that it is missing."""
STALLED = ("Progressing", "False")
"""The condition of a Deployment whose roll-out makes no progress."""


class DeploymentReconciler:
    """Applies the Deployment, also after someone has changed or deleted it, and when a rule of `spare` begins or ends."""

    def __init__(
        self, profile: Profile, template_pod: Pod, api: StandbyApi, pods: PodWatch, owners: Sequence[Mapping[str, str]]
    ) -> None:
        """Take the pod that standbys are made from, the watch of the pods, and the owners of the Deployment."""
        self._profile, self.template_pod, self._owners = profile, template_pod, owners
        self._api, self._pods = api, pods
        self.template_hash: str = self._deployment(0)["spec"]["template"]["metadata"]["labels"][TEMPLATE]
        self.replica_failure = ""
        """Kubernetes' message about why it creates no pods at all, such as a quota; empty if it creates them."""
        self.message = ""
        """Kubernetes' message about why standbys are missing; empty if none are."""

    async def run(self, desired: Callable[[], int]) -> None:
        """Keep the Deployment until cancelled.

        Args:
            desired: how many standbys should be ready now.
        """
        while True:
            replicas = desired()
            try:
                self._note_problem(await self._api.apply(self._deployment(replicas)))
            except StandbyError as error:
                log.warning("The standbys of the profile %s cannot be kept: %s", self._profile.name, error)
            for _ in range(APPLY_INTERVAL):
                await asyncio.sleep(1)
                if desired() != replicas or len(active_standbys(self._pods, self._profile.name)) < replicas:
                    break

    def _deployment(self, replicas: int) -> dict[str, Any]:
        return deployment(self._profile.name, self.template_pod, replicas, self._owners)

    def _note_problem(self, found: Mapping[str, Any]) -> None:
        """Log once why the Deployment, or its pods, cannot get ready."""
        conditions = found.get("status", {}).get("conditions", [])
        self.replica_failure = next((each["message"] for each in conditions if each["type"] == "ReplicaFailure"), "")
        stalled = next((each["message"] for each in conditions if (each["type"], each["status"]) == STALLED), "")
        of_pods = next(filter(None, map(startup_problem, active_standbys(self._pods, self._profile.name))), "")
        message = self.replica_failure or of_pods or stalled
        if message and message != self.message:
            log.error(
                "New standbys of the profile %s do not get ready; those that are ready stay: %s",
                self._profile.name,
                message,
            )
        self.message = message
