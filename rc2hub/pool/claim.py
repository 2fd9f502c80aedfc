"""The standbys of one profile on a cluster, from their birth to the moment that one is somebody's.

The hub holds a control stream open to each of them, because opening one costs a third of a login (warm.md); who asks for a
standby gets the one that has been ready for longest, and with none left waits for the next, in the order of asking. A claim
is one patch, which also takes the pod out of its Deployment, so Kubernetes starts a replacement, even while the hub is down.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

from rc2hub import metrics
from rc2hub.cluster import Pod, Pods, Standbys
from rc2hub.errors import StandbyError
from rc2hub.pool.deployment import POOL, TEMPLATE, claim_patch
from rc2hub.pool.keeper import Keeper
from rc2hub.pool.pod_states import is_ready, standbys_of, trouble
from rc2hub.pool.pods import PodStandby
from rc2hub.pool.rest import Rest
from rc2hub.pool.tally import Tally
from rc2hub.profiles import Profile

log = logging.getLogger("JupyterHub")

PATIENCE = 20.0
"""Seconds for a standby to be somebody's, which takes some tenths of one; after that, its machine is taken for dead."""
LOOK = 0.5
"""Seconds between looks of those who wait."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds between tries to reach a standby."""
FIRST_ESTIMATE = 10.0
"""Seconds that a standby takes to get ready, before one has."""
Place = asyncio.Future[PodStandby]


class Claimant(Protocol):
    """A spawner, as far as a claim needs it."""

    pod_name: str
    """The pod that is becoming hers."""
    marks: tuple[Mapping[str, str], Mapping[str, str]]
    """The labels and annotations that her pod gets."""

    def say(self, message: str) -> None:
        """Tell the person who waits what happens now."""


class PodKind:
    """The standbys of one profile."""

    def __init__(self, profile: Profile, keeper: Keeper, cluster: Standbys, pods: Pods) -> None:
        """Take what keeps their Deployment, and the watch over all standbys; `run` does the rest."""
        self.profile, self.keeper = profile, keeper
        self._cluster, self._pods = cluster, pods
        self._ready: deque[PodStandby] = deque()
        self._waiting: deque[Place] = deque()
        self._held: dict[str, asyncio.Task[None]] = {}
        self._claimed: set[str] = set()
        self._first_seen: dict[str, float] = {}
        self._estimate = FIRST_ESTIMATE
        self._rest = Rest(cluster, pods, lambda: bool(self._waiting))
        self.tally = Tally(
            profile,
            ready=lambda: len(self._ready),
            starting=self._starting,
            broken=lambda: sum(map(bool, map(trouble, self._nobodys()))),
            why=lambda: self.keeper.why,
        )

    async def run(self) -> None:
        """Keep the Deployment and the streams to its pods, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.keeper.run(self.tally.wanted), name=f"rc2 keeper {self.profile.name}")
            seen: Mapping[str, Pod] = {}
            while True:
                seen = self._look(tasks, seen)
                await self._pods.change()

    async def claim(self, spawner: Claimant) -> PodStandby | None:
        """Take a standby for somebody, waiting for the next one if need be; None if none is coming that could be hers.

        Raises:
            StandbyError: if the API server does not answer.
        """
        asked = self.tally.asked()
        self._rest.login()
        result = metrics.WARM if self._ready else metrics.WAITED
        while standby := await self._take(spawner.say):
            self._claimed.add(standby.name)
            spawner.pod_name = standby.name  # before it is claimed: the sweep takes what is nobody's
            try:
                pod = await self._cluster.claim(standby.name, claim_patch(self.profile.name, *spawner.marks))
            except BaseException:
                self._claimed.discard(standby.name)  # it is still nobody's, unless its pod says otherwise
                await standby.stream.close()
                self.tally.claimed(standby.name, asked, metrics.FAILED)
                raise
            if pod is not None and is_ready(pod):
                standby.pod, standby.patience = pod, PATIENCE
                self.tally.claimed(standby.name, asked, result)
                return standby
            await standby.stream.close()  # another hub was faster, or Kubernetes takes it away or hears nothing of it
        self.tally.claimed("", asked, metrics.COLD, metrics.EMPTY)
        return None

    def needs_own(self) -> None:
        """Note that somebody needs a pod of her own."""
        self.tally.claimed("", time.monotonic(), metrics.COLD, metrics.DIFFERENT)

    async def _take(self, tell: Callable[[str], None]) -> PodStandby | None:
        """The standby that has been ready for longest, one of the newest template first; else the next to come."""
        if self._ready:
            standby = next((each for each in self._ready if self._is_new(each.name)), self._ready[0])
            self._ready.remove(standby)
            return standby
        place: Place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            while not place.done():
                before = self._waiting.index(place)
                if before >= self._coming():
                    return None
                tell(f"Waiting for the next R: {_ahead(before)}about {self._estimate:.0f} s")
                await asyncio.wait({place}, timeout=LOOK)
        except asyncio.CancelledError:
            if place.done():
                self._put(place.result())
            raise
        finally:
            with contextlib.suppress(ValueError):
                self._waiting.remove(place)
        return place.result()

    def _coming(self) -> int:
        """How many standbys are on their way: those that start, and those that Kubernetes is about to start."""
        missing = max(0, self.tally.wanted() - len(self._nobodys()))
        return self._starting() + (0 if self.keeper.trouble else missing)

    def _starting(self) -> int:
        held = {standby.name for standby in self._ready}
        return sum(pod["metadata"]["name"] not in held and not trouble(pod) for pod in self._nobodys())

    def _nobodys(self) -> list[Pod]:
        return standbys_of(self._pods, self.profile.name)

    def _put(self, standby: PodStandby) -> None:
        """Give the standby to who has waited longest, or keep it ready."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(standby)
                return
        self._ready.append(standby)

    def _mine(self) -> list[Pod]:
        return [pod for pod in self._pods if pod["metadata"]["labels"][POOL] == self.profile.name]

    def _is_new(self, name: str) -> bool:
        pod = self._pods.get(name)
        return pod is not None and pod["metadata"]["labels"].get(TEMPLATE) == self.keeper.template

    def _is_claimable(self, name: str) -> bool:
        pod = self._pods.get(name)
        return pod is not None and name not in self._claimed and is_ready(pod)

    def _look(self, tasks: asyncio.TaskGroup, seen: Mapping[str, Pod]) -> Mapping[str, Pod]:
        """Hold a stream to every standby that is ready; only those that are not as `seen` can need one."""
        here = {pod["metadata"]["name"]: pod for pod in self._mine()}
        for name, pod in here.items():
            if pod is seen.get(name):
                continue
            self._rest.look(tasks, name, pod)
            if not is_ready(pod):
                self._first_seen.setdefault(name, time.monotonic())
            elif name not in self._held and self._is_claimable(name):
                self._held[name] = tasks.create_task(self._hold(name), name=f"rc2 stream {name}")
        self._claimed &= here.keys()
        self._first_seen = {name: since for name, since in self._first_seen.items() if name in here}
        return here

    async def _hold(self, name: str) -> None:
        """Keep a standby ready to be claimed for as long as it can be."""
        pause = FIRST_PAUSE
        try:
            while self._is_claimable(name):
                try:
                    standby = await PodStandby.connect(self._cluster, name)
                except StandbyError as error:
                    log.warning("The standby %s cannot be reached: %s", name, error)
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
                else:
                    if name in self._first_seen:
                        self._estimate = time.monotonic() - self._first_seen.pop(name)
                        self.tally.refilled(self._estimate)
                    await self._offer(standby)
        finally:
            del self._held[name]

    async def _offer(self, standby: PodStandby) -> None:
        """Have the standby among those that can be claimed, until it is, or its stream ends."""
        self._put(standby)
        try:
            await standby.stream.stirs()
        finally:
            if standby in self._ready:
                self._ready.remove(standby)
                await standby.stream.close()


def _ahead(before: int) -> str:
    return "" if not before else f"{before} {'person is' if before == 1 else 'people are'} before you, "
