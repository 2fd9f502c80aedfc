"""A pool of pods without a cluster: a test makes the pods, holds the streams, and decides what the API server answers."""

import asyncio
from types import SimpleNamespace
from typing import Any

from rc2hub.errors import StandbyError
from rc2hub.hub.pool.control_stream import Stream
from rc2hub.hub.pool.deployment import POOL, TEMPLATE
from rc2hub.hub.pool.pod_profile_pool import PodProfilePool
from rc2hub.hub.pool.pod_standby import PodStandby
from rc2hub.kubernetes import Pod, StandbyApi
from rc2hub.messages import PoolState
from rc2hub.profiles import Profile
from tests.hub.pool.pod_watches import NAMESPACE, pod_watch, set_pods

DEADLINE = 5.0


def pod(name: str, *, ready: bool = True, template: str = "new") -> Pod:
    conditions = [{"type": "Ready", "status": str(ready)}]
    metadata = {"name": name, "namespace": NAMESPACE, "labels": {POOL: "r", TEMPLATE: template}}
    return {"metadata": metadata, "spec": {"nodeName": "node1"}, "status": {"conditions": conditions}}


def claimed_pod(name: str) -> Pod:
    """The pod of a running server."""
    return {**pod(name), "metadata": {"name": name, "namespace": NAMESPACE, "labels": {}}}


class Lines:
    """A standby that sends nothing until it ends."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    async def write(self, line: bytes) -> None: ...

    async def readline(self) -> bytes:
        await self.ended.wait()
        return b""

    async def close(self) -> None:
        self.ended.set()


class TestedPool:
    """A pool whose pods a test makes, and whose streams it holds."""

    __test__ = False

    def __init__(self) -> None:
        self.pods = pod_watch()
        self.streams: dict[str, list[Lines]] = {}
        self.failures: list[StandbyError] = []
        """What the next claims fail with."""
        self.tried: list[str] = []
        """The pods whose claim the API server was asked for."""
        self.is_api_down, self.out_of_reach = False, False
        self.deleted: list[str] = []
        self.progress: list[str] = []
        self.reconciler: Any = SimpleNamespace(
            template_hash="new", replica_failure="", message="", run=lambda desired: asyncio.Event().wait()
        )
        api: Any = SimpleNamespace(claim=self.claim_pod, pod=self.read_pod, delete=self.delete_pod)
        self.profile_pool = PodProfilePool(Profile("r", "R"), self.reconciler, api, self.pods)

    async def claim_pod(self, name: str, patch: Any) -> Pod | None:
        self.tried.append(name)
        if self.failures:
            raise self.failures.pop(0)
        return self.pods.get(name)

    async def read_pod(self, name: str) -> Pod | None:
        if self.is_api_down:
            raise StandbyError("the Kubernetes API does not answer")
        return self.pods.get(name)

    async def delete_pod(self, name: str) -> None:
        self.deleted.append(name)

    async def connect(self, api: StandbyApi, name: str) -> PodStandby:
        if self.out_of_reach:
            raise StandbyError("The R server could not be reached in its pod; start it again, or ask an operator.")
        self.streams.setdefault(name, []).append(lines := Lines())
        return PodStandby(api, name, Stream(lines))

    def state(self) -> PoolState:
        return self.profile_pool.stats.state()

    async def change(self, *pods: Pod) -> None:
        """Change these pods, and let the pool see it."""
        set_pods(self.pods, *pods)
        for _ in range(5):
            await asyncio.sleep(0)

    def spawner(self) -> Any:
        return SimpleNamespace(pod_name="", pod_metadata=({}, {}), report_progress=self.progress.append)

    async def claim(self) -> str:
        """Claim a standby; its name, or an empty one."""
        spawner = self.spawner()
        async with asyncio.timeout(DEADLINE):
            await self.profile_pool.claim(spawner)
        return str(spawner.pod_name)
