"""Keeps the Deployment of one profile's standbys as the configuration and the hour want it."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rc2hub.cluster import Pod, Pods, Standbys
from rc2hub.errors import StandbyError
from rc2hub.pool.deployment import TEMPLATE, deployment
from rc2hub.pool.pod_states import standbys_of, trouble
from rc2hub.profiles import Profile

log = logging.getLogger("JupyterHub")

LOOK = 15
"""Seconds between looks at the Deployment, if its pods do not say before that it is gone."""
LATE = ("Progressing", "False")
"""The condition of a Deployment whose roll-out gets no further."""


class Keeper:
    """Applies the Deployment, also when somebody has changed or deleted it, or a rule of `spare` begins or ends."""

    def __init__(
        self, profile: Profile, born: Pod, cluster: Standbys, pods: Pods, owners: Sequence[Mapping[str, str]]
    ) -> None:
        """Take the pod that standbys are born from, the watch over them, and with what they end."""
        self._profile, self.born, self._owners = profile, born, owners
        self._cluster, self._pods = cluster, pods
        self.template: str = self._deployment(0)["spec"]["template"]["metadata"]["labels"][TEMPLATE]
        self.trouble = ""
        """Why Kubernetes makes no pods at all, in its own words, such as a quota; empty if it does."""
        self.why = ""
        """What hinders the standbys, in the same words; empty if nothing does."""

    async def run(self, wanted: Callable[[], int]) -> None:
        """Keep it until cancelled.

        Args:
            wanted: how many standbys should be ready now.
        """
        while True:
            number = wanted()
            try:
                self._notice(await self._cluster.apply(self._deployment(number)))
            except StandbyError as error:
                log.warning("The standbys of the profile %s cannot be kept: %s", self._profile.name, error)
            for _ in range(LOOK):
                await asyncio.sleep(1)
                if wanted() != number or len(standbys_of(self._pods, self._profile.name)) < number:
                    break

    def _deployment(self, replicas: int) -> dict[str, Any]:
        return deployment(self._profile.name, self.born, replicas, self._owners)

    def _notice(self, found: Mapping[str, Any]) -> None:
        """Say once what hinders the Deployment, or its pods."""
        conditions = found.get("status", {}).get("conditions", [])
        self.trouble = next((each["message"] for each in conditions if each["type"] == "ReplicaFailure"), "")
        late = next((each["message"] for each in conditions if (each["type"], each["status"]) == LATE), "")
        of_pods = next(filter(None, map(trouble, standbys_of(self._pods, self._profile.name))), "")
        why = self.trouble or of_pods or late
        if why and why != self.why:
            log.error("The standbys of the profile %s do not come; those that are ready stay: %s", self._profile.name, why)
        self.why = why
