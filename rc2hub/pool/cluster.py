"""The pool of multi-user mode: standbys are pods, kept by Deployments. Also takes away pods that are nobody's."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from rc2hub.cluster import Pod, Pods, Standbys
from rc2hub.errors import StandbyError
from rc2hub.pool.claim import PodKind
from rc2hub.pool.deployment import CONTAINER, POOL, name_of
from rc2hub.pool.keeper import Keeper
from rc2hub.pool.pod_states import given, is_going, is_overdue, no_room, why_lost
from rc2hub.profiles import PoolState, Profile

log = logging.getLogger("JupyterHub")

SWEEP = 15.0
"""Seconds between looks for pods that are nobody's."""
VERDICT = 5.0
"""Seconds for a machine to say whether it has room for a standby that grows."""
LOOK = 0.1
"""Seconds between looks whether it has said so."""
NEEDS_PERSON = "No standby is kept: what configures its pod needs a person."


class Nobody(Protocol):
    """A spawner of nobody, as far as a pool needs it."""

    async def watched(self) -> Mapping[str, Pod]:
        """The pods of all compute servers, kept up to date by KubeSpawner's own watch."""

    async def born(self, profile: str) -> Pod:
        """The pod of nobody, for a profile."""

    @property
    def owner(self) -> str:
        """The ConfigMap with which the standbys end; empty if there is none."""


class PodPool:
    """The standbys of all profiles, as pods, each in a Deployment; and the sweep of pods that are nobody's."""

    def __init__(self, cluster: Standbys, client: Any, nobody: Nobody, profiles: Mapping[str, Profile]) -> None:
        """Take KubeSpawner's client, and what says how a pod of nobody looks."""
        self.cluster, self._nobody = cluster, nobody
        self._standbys = Pods(cluster.namespace, POOL, client)
        self._profiles = {name: profile for name, profile in profiles.items() if profile.spare}
        self._kinds: dict[str, PodKind] = {}
        self._known = asyncio.Event()
        self._unkept: dict[str, PoolState] = {}

    async def kind(self, profile: str) -> PodKind | None:
        """The standbys of a profile, if any are kept; a hub that has just started has to see that first."""
        if profile in self._profiles:
            await self._known.wait()
        return self._kinds.get(profile)

    def states(self) -> list[PoolState]:
        """How the standbys of each profile are now, as far as any should be kept."""
        known = self._unkept | {name: kind.tally.state() for name, kind in self._kinds.items()}
        return [known[name] for name in self._profiles if name in known]

    async def grow(self, pod: Pod, resources: Mapping[str, Any]) -> bool:
        """Give a claimed pod the resources of its profile; whether its machine has them. It serves also without."""
        name, why = pod["metadata"]["name"], ""
        try:
            await self.cluster.resize(name, CONTAINER, resources)
            async with asyncio.timeout(VERDICT):
                why = await self._no_room_for(pod)
        except StandbyError as error:
            why = str(error)
        except TimeoutError:
            log.info("The machine of the pod %s has not said whether it has room for its profile.", name)
        if why:
            log.warning("The pod %s could not get the resources of its profile: %s", name, why)
        return not why

    async def _no_room_for(self, pod: Pod) -> str:
        """Wait until the pod has other resources than it had, or its machine says why not; what it says."""
        pods, place = await self._nobody.watched(), f"{self.cluster.namespace}/{pod['metadata']['name']}"
        while place in pods and given(pods[place]) == given(pod):
            if why := no_room(pods[place]):
                return why
            await asyncio.sleep(LOOK)
        return ""

    async def run(self, in_use: Callable[[], set[str]]) -> None:
        """Keep standbys, and sweep every 15 seconds, until cancelled.

        Args:
            in_use: says which pods (`namespace/name`) are somebody's.
        """
        await self._standbys.open()
        await self._open_kinds()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._standbys.run(), name="rc2 standbys")
            for name, kind in self._kinds.items():
                tasks.create_task(kind.run(), name=f"rc2 pool {name}")
            tasks.create_task(self._sweep(in_use), name="rc2 sweep")

    async def _open_kinds(self) -> None:
        """Know every profile's pod of nobody; a profile whose pod cannot be nobody's has no standbys, and says why."""
        owners = [await self.cluster.owner(self._nobody.owner)] if self._nobody.owner else []
        for name in self._profiles.keys() - self._kinds.keys():
            try:
                born = await self._nobody.born(name)
            except Exception:
                log.exception("No standby of the profile %s is kept: what configures its pod needs a person.", name)
                self._unkept[name] = PoolState(name, 0, 0, 0, 0, NEEDS_PERSON)
            else:
                keeper = Keeper(self._profiles[name], born, self.cluster, self._standbys, owners)
                self._kinds[name] = PodKind(self._profiles[name], keeper, self.cluster, self._standbys)
        self._known.set()
        for deployment in await self.cluster.deployments(POOL):
            if deployment not in map(name_of, self._kinds):
                log.info("The standbys of %s are of no profile any more, and end.", deployment)
                await self.cluster.prune(deployment)

    async def _sweep(self, in_use: Callable[[], set[str]]) -> None:
        """A hub that was killed in a start knows nothing of its pod, and a machine without power tells of no end."""
        while True:
            pods, used = await self._nobody.watched(), in_use()
            for place, pod in list(pods.items()):
                if is_overdue(pod, datetime.now(UTC)):
                    await self._delete(pod, "should have ended, but its machine does not say so", grace=0)
                elif is_going(pod):
                    continue
                elif POOL in pod["metadata"]["labels"]:
                    if why := why_lost(pod):
                        await self._delete(pod, f"is nobody's, and {why}")
                elif place not in used and place not in in_use():  # asked anew, as it may be somebody's by now
                    await self._delete(pod, "belongs to no server")
            await asyncio.sleep(SWEEP)

    async def _delete(self, pod: Pod, why: str, grace: int = 1) -> None:
        name = pod["metadata"]["name"]
        log.info("The pod %s %s; it is deleted.", name, why)
        try:
            await self.cluster.delete(name, grace)
        except StandbyError as error:
            log.warning("The pod %s could not be deleted: %s", name, error)
