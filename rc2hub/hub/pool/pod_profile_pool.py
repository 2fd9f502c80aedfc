"""The standbys of one profile on Kubernetes, from the ready pod to the claim.

The hub keeps a control stream open to each standby, because opening one takes a third of a login. A claim is one patch
(DESIGN D5), which also removes the pod from its Deployment, so Kubernetes starts a replacement even while the hub is down.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from rc2hub.errors import ClaimRefusedError, StandbyError
from rc2hub.hub import metrics
from rc2hub.hub.pool.claim import claim_patch
from rc2hub.hub.pool.deployment import TEMPLATE, active_standbys
from rc2hub.hub.pool.deployment_reconciler import DeploymentReconciler
from rc2hub.hub.pool.pod_standby import PodStandby
from rc2hub.hub.pool.pool_stats import PoolStats
from rc2hub.hub.pool.refill_throttle import RefillThrottle
from rc2hub.hub.pool.standby_queue import StandbyQueue
from rc2hub.hub.pool.unreachable_standbys import UnreachableStandbys
from rc2hub.kubernetes import Pod, PodWatch, StandbyApi
from rc2hub.kubernetes.pod_status import is_ready, startup_problem
from rc2hub.profiles import Profile

log = logging.getLogger("JupyterHub")

ACTIVATION_TIMEOUT = 20.0
"""Seconds for an activation, which takes some tenths of one; after that, the node is assumed to be dead."""
RETRY_DELAY, MAX_RETRY_DELAY = 1.0, 30.0
"""Seconds between two tries to connect to a standby; the delay doubles with each."""


class ClaimingSpawner(Protocol):
    """A spawner, as far as a claim needs it."""

    pod_name: str
    """The pod that is being claimed."""
    pod_metadata: tuple[Mapping[str, str], Mapping[str, str]]
    """The labels and annotations that the user's pod gets."""

    def report_progress(self, message: str) -> None:
        """Show a message to the user who waits for the server."""


class PodProfilePool:
    """The standbys of one profile."""

    def __init__(self, profile: Profile, reconciler: DeploymentReconciler, api: StandbyApi, pods: PodWatch) -> None:
        """Take the reconciler of the Deployment and the watch of all pods; `run` keeps the pool."""
        self.profile, self.reconciler = profile, reconciler
        self._api, self._pods = api, pods
        self._queue: StandbyQueue[PodStandby] = StandbyQueue()
        self._connections: dict[str, asyncio.Task[None]] = {}
        self._claimed: set[str] = set()
        self._first_seen: dict[str, float] = {}
        self._unreachable = UnreachableStandbys(api)
        self._throttle = RefillThrottle(api, pods, lambda: self._queue.waiting > 0)
        self.stats = PoolStats(
            profile,
            ready=lambda: len(self._queue),
            starting=self._starting,
            broken=lambda: sum(map(self._is_broken, self._active())),
            message=lambda: self.reconciler.message or self._unreachable.message,
        )

    async def run(self) -> None:
        """Keep the Deployment and the streams to its pods, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.reconciler.run(self.stats.desired), name=f"rc2 deployment {self.profile.name}")
            seen: Mapping[str, Pod] = {}
            while True:
                seen = self._connect_new(tasks, seen)
                await self._pods.changed()

    async def claim(self, spawner: ClaimingSpawner) -> PodStandby | None:
        """Claim a standby, waiting for the next one if none is ready; None if there is none for this claim on its way.

        Raises:
            StandbyError: if the API server does not answer, or refuses the claim of two standbys.
        """
        requested_at = self.stats.record_request()
        self._throttle.record_claim()
        result = metrics.WARM if len(self._queue) else metrics.WAITED
        own_name, was_refused = spawner.pod_name, False
        while standby := await self._next(spawner.report_progress):
            spawner.pod_name = standby.name  # before the claim: the sweeper deletes pods that no spawner has
            try:
                if await self._claim(standby, spawner.pod_metadata):
                    self.stats.record_claim(standby.name, requested_at, result)
                    return standby
            except BaseException as error:
                if was_refused or not isinstance(error, ClaimRefusedError):
                    self.stats.record_claim(standby.name, requested_at, metrics.FAILED)
                    raise
                was_refused = True  # the next standby may be accepted
            finally:
                if not standby.pod:  # JupyterHub deletes the pod of this name after a failed start
                    spawner.pod_name = own_name
        self.stats.record_claim("", requested_at, metrics.COLD, metrics.POOL_EMPTY)
        return None

    async def _claim(self, standby: PodStandby, metadata: tuple[Mapping[str, str], Mapping[str, str]]) -> bool:
        """Claim this standby; False if another hub has claimed it, or its pod is being deleted or has lost its node."""
        self._claimed.add(standby.name)
        try:
            pod = await self._api.claim(standby.name, claim_patch(self.profile.name, *metadata))
        except ClaimRefusedError as error:
            log.warning("The claim of the standby %s was refused: %s", standby.name, error)
            await self._give_back(standby)
            raise
        except BaseException:
            self._claimed.discard(standby.name)  # unclaimed, unless the pod's label is gone
            await standby.stream.close()
            raise
        if pod is None or not is_ready(pod):
            await standby.stream.close()
            return False
        standby.pod, standby.activation_timeout = pod, ACTIVATION_TIMEOUT
        return True

    def record_cold_start(self) -> None:
        """Count a request whose pod differs from the standbys."""
        self.stats.record_claim("", time.monotonic(), metrics.COLD, metrics.TEMPLATE_DIFFERS)

    async def _next(self, report_progress: Callable[[str], None]) -> PodStandby | None:
        """The oldest ready standby, one of the newest template first; else the next one that is on its way."""
        if standby := self._queue.take(lambda each: self._is_newest(each.name)):
            return standby

        def goes_on(ahead: int) -> bool:
            if ahead >= self._on_the_way():
                return False
            report_progress(f"Waiting for the next R: {_users_ahead(ahead)}about {self._queue.estimate:.0f} s")
            return True

        return await self._queue.wait(goes_on)

    def _on_the_way(self) -> int:
        """How many standbys start, or will be started by Kubernetes."""
        missing = max(0, self.stats.desired() - len(self._active()))
        return self._starting() + (0 if self.reconciler.replica_failure else missing)

    def _starting(self) -> int:
        ready = {standby.name for standby in self._queue}
        return sum(pod["metadata"]["name"] not in ready and not self._is_broken(pod) for pod in self._active())

    def _is_broken(self, pod: Pod) -> bool:
        return pod["metadata"]["name"] in self._unreachable or bool(startup_problem(pod))

    def _active(self) -> list[Pod]:
        """The standbys without those that are claimed and have not left the Deployment yet."""
        pods = active_standbys(self._pods, self.profile.name)
        return [pod for pod in pods if pod["metadata"]["name"] not in self._claimed]

    def _standby_pod(self, name: str) -> Pod | None:
        """The pod of an unclaimed standby."""
        return self._pods.labelled(self.profile.name).get(name)

    def _is_newest(self, name: str) -> bool:
        pod = self._standby_pod(name)
        return pod is not None and pod["metadata"]["labels"].get(TEMPLATE) == self.reconciler.template_hash

    def _is_claimable(self, name: str) -> bool:
        pod = self._standby_pod(name)
        return pod is not None and name not in self._claimed and is_ready(pod)

    def _connect_new(self, tasks: asyncio.TaskGroup, seen: Mapping[str, Pod]) -> Mapping[str, Pod]:
        """Connect to every standby that is ready; only those that differ from `seen` can need it."""
        standbys = dict(self._pods.labelled(self.profile.name))
        for name, pod in standbys.items():
            if pod is seen.get(name):
                continue
            self._throttle.ungate_later(tasks, name, pod)
            if not is_ready(pod):
                self._first_seen.setdefault(name, time.monotonic())
            elif name not in self._connections and self._is_claimable(name):
                self._connections[name] = tasks.create_task(self._keep_connected(name), name=f"rc2 stream {name}")
        self._claimed &= standbys.keys()
        self._first_seen = {name: since for name, since in self._first_seen.items() if name in standbys}
        return standbys

    async def _keep_connected(self, name: str) -> None:
        """Offer a standby to claims for as long as it can be claimed."""
        delay = RETRY_DELAY
        try:
            while (pod := self._standby_pod(name)) and self._is_claimable(name):
                try:
                    standby = await PodStandby.connect(self._api, name)
                except StandbyError as error:
                    await self._unreachable.record_failure(name, error)
                    await asyncio.sleep(delay)
                    delay = min(2 * delay, MAX_RETRY_DELAY)
                else:
                    delay = RETRY_DELAY
                    self._unreachable.record_success(pod)
                    self._record_refill(name)
                    await self._offer(standby)
        finally:
            self._unreachable.forget(name)
            del self._connections[name]

    def _record_refill(self, name: str) -> None:
        if name in self._first_seen:
            self._queue.estimate = time.monotonic() - self._first_seen.pop(name)
            self.stats.record_refill(self._queue.estimate)

    async def _give_back(self, standby: PodStandby) -> None:
        """Make a standby claimable again; if its stream has ended meanwhile, the next list of pods brings a new one."""
        self._claimed.discard(standby.name)
        if standby.name in self._connections:
            self._queue.put(standby)
        else:
            await standby.stream.close()

    async def _offer(self, standby: PodStandby) -> None:
        """Keep the standby in the queue until it is claimed, or its stream ends."""
        self._queue.put(standby)
        try:
            await standby.stream.wait_readable()
        finally:
            if self._queue.remove(standby):
                await standby.stream.close()


def _users_ahead(count: int) -> str:
    return "" if not count else f"{count} {'user is' if count == 1 else 'users are'} before you, "
