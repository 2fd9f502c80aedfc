"""The hub of `tests.bench.scale`, in a process of its own, so that its CPU and memory are a hub's and nobody else's.

Real are KubeSpawner with its watches, and Rc²'s pool with its own. What is not there are JupyterHub's web server and database,
and the control streams, as behind a fake kubelet is no R. Reads questions from its input, one a line, and prints the answers.
"""

import asyncio
import contextlib
import itertools
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, ClassVar

from aiohttp import ClientResponse
from jupyterhub.objects import Hub
from kubernetes_asyncio.watch import Watch
from traitlets.config import Config

from rc2hub.cluster import Standbys
from rc2hub.configure import LISTS, in_use
from rc2hub.pool.claim import PodKind
from rc2hub.pool.cluster import PodPool
from rc2hub.pool.pods import PodStandby
from rc2hub.pool.stream import Stream
from rc2hub.profiles import Profiles
from rc2hub.request import Offer, SpawnRequest
from rc2hub.spawners.base import Rc2Spawner
from rc2hub.spawners.kube import Rc2KubeSpawner
from tests.bench.fake_nodes import LABEL, TOLERATION, VALUE

BURST, LISTED = 5, 3
QUIET = 5.0
"""Seconds without news of pods after which the API server is through with what was made before."""
TICK = 0.01
"""Seconds between looks at how long the event loop was busy."""


class Counted:
    """What the hub did since it was last asked: seconds by what it did, bytes and events by watch."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}
        self.traffic: Counter[str] = Counter()
        self.more = asyncio.Event()

    def timed(self, owner: Any, name: str) -> None:
        """Have a method's times written down as `Class.method`, by the class of the object."""
        method = getattr(owner, name)

        async def measured(owned: Any, *arguments: Any, **options: Any) -> Any:
            began = time.perf_counter()
            try:
                return await method(owned, *arguments, **options)
            finally:
                self.seconds.setdefault(f"{type(owned).__name__}.{name}", []).append(time.perf_counter() - began)

        setattr(owner, name, measured)

    async def quiet(self) -> None:
        """Wait until there has been no news for a while."""
        with contextlib.suppress(TimeoutError):
            while True:
                self.more.clear()
                await asyncio.wait_for(self.more.wait(), QUIET)

    def watched(self) -> None:
        """Have what the API server sends counted. In watches Rc² asks for objects as they are, KubeSpawner for no kind."""
        unmarshal, read = Watch.unmarshal_event, ClientResponse.read

        def counting(watch: Watch, data: Any, kind: Any) -> Any:
            event = unmarshal(watch, data, kind)
            whose = "Rc²" if kind == "object" else f"KubeSpawner, {event['raw_object']['kind']}"
            self.traffic.update({f"{whose}: events": 1, f"{whose}: bytes": len(data)})
            self.more.set()
            return event

        async def reading(response: ClientResponse) -> bytes:
            body = await read(response)
            self.traffic["answers: bytes"] += len(body)
            return body

        Watch.unmarshal_event, ClientResponse.read = counting, reading  # type: ignore[method-assign]

    def take(self) -> tuple[dict[str, list[float]], Counter[str]]:
        """Hand it out, and begin anew."""
        taken = self.seconds, self.traffic
        self.seconds, self.traffic = {}, Counter()
        return taken

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something that is counted makes this true."""
        while not condition():
            self.more.clear()
            await self.more.wait()


class Silent:
    """A standby's end of a control stream, which says nothing; the open ones are the standbys that can be claimed."""

    open: ClassVar[set["Silent"]] = set()
    changed: ClassVar[asyncio.Event] = asyncio.Event()

    def __init__(self) -> None:
        self._closed = asyncio.Event()
        self.open.add(self)
        self.changed.set()

    async def write(self, line: bytes) -> None: ...

    async def readline(self) -> bytes:
        await self._closed.wait()
        return b""

    async def close(self) -> None:
        self._closed.set()
        self.open.discard(self)

    @classmethod
    async def connect(cls, cluster: Standbys, name: str) -> PodStandby:
        return PodStandby(cluster, name, Stream(cls()))

    @classmethod
    async def full(cls, spare: int) -> None:
        """Wait until so many standbys can be claimed."""
        while len(cls.open) < spare:
            cls.changed.clear()
            await cls.changed.wait()


class BenchHub:
    """One hub, as far as a claim needs it."""

    def __init__(self, namespace: str, spare: int) -> None:
        self.spare = spare
        config = Config()
        config.KubeSpawner = Config(
            namespace=namespace,
            image="localhost/rc2hub/r-compute:fake",
            image_pull_policy="IfNotPresent",
            node_selector={LABEL: VALUE},
            tolerations=[TOLERATION],
            volumes=[{"name": "homes", "emptyDir": {}}],
            volume_mounts=[{"name": "homes", "mountPath": "/home"}],
            cpu_guarantee=0.05,
            mem_guarantee="100M",
        )
        config.ResourceReflector = Config(LISTS)
        config.Profiles.catalogue = [{"name": "r", "cpu": 1, "memory": "1G", "spare": spare}]
        Rc2Spawner.offer = Offer(Profiles(config=config).profiles(), {})
        self.config, self.hub = config, Hub(ip="10.0.0.1", port=8081, base_url="/hub/", public_host="")
        self.users: dict[str, Any] = {}
        self.starters = itertools.count()
        self.counted = Counted()
        self.pool: PodPool = Rc2KubeSpawner.open_pool(self, "http://10.0.0.1:8000/services/rc2/")
        PodStandby.connect = Silent.connect  # type: ignore[method-assign]
        self.longest = 0.0

    async def run(self) -> None:
        """Keep the pool, and answer."""
        counted = self.counted
        counted.watched()
        counted.timed(Standbys, "claim")
        counted.timed(PodKind, "claim")
        async with asyncio.TaskGroup() as tasks:
            pool = tasks.create_task(self.pool.run(lambda: in_use(self)))
            await self.answer()
            pool.cancel()

    async def answer(self) -> None:
        """Answer questions until there are no more."""
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            question, *arguments = json.loads(line)
            method: Callable[..., Awaitable[Any]] = getattr(self, f"answer_{question}")
            print(json.dumps(await method(*arguments)), flush=True)

    async def answer_pod(self) -> Any:
        """A person's pod, as KubeSpawner would make it."""
        return await self.person("somebody").standby_pod()

    async def answer_expect(self, people: int) -> None:
        """Know that so many compute servers are somebody's."""
        starters = {name: user for name, user in self.users.items() if name.startswith("starter")}
        self.users = starters | {f"person-{n}": self.user(self.running(f"person-{n}")) for n in range(people)}

    async def answer_know(self, pods: int) -> None:
        """Wait until the hub sees so many pods that run, all standbys can be claimed, and the API server is at rest."""
        await Silent.full(self.spare)
        nobody = self.pool._nobody.spawner

        def seen() -> bool:
            known = nobody.pod_reflector.pods.values()
            return len(known) == pods and all(pod["status"]["phase"] == "Running" for pod in known)

        await self.counted.until(seen)
        await self.counted.quiet()

    async def answer_lists(self) -> dict[str, list[float]]:
        """What KubeSpawner's lists of all pods cost, and how long the event loop does nothing else."""
        costs: dict[str, list[float]] = {"cpu": [], "stall": [], "bytes": []}
        for _ in range(LISTED):
            self.counted.take()
            used, busy = time.process_time(), asyncio.create_task(self.busy())
            await self.pool._nobody.spawner.pod_reflector._list_and_update("0")
            await asyncio.sleep(2 * TICK)  # until `busy` has seen that, too
            costs["cpu"].append(time.process_time() - used)
            busy.cancel()
            costs["stall"].append(self.longest)
            costs["bytes"].append(self.counted.take()[1]["answers: bytes"])
        return {**costs, "memory": [memory()]}

    async def busy(self) -> None:
        """Note how long the event loop works at one thing, in CPU seconds, as the machine has other things to do as well."""
        self.longest = 0.0
        while True:
            before = time.process_time()
            await asyncio.sleep(TICK)
            self.longest = max(self.longest, time.process_time() - before)

    async def answer_claims(self, bursts: int) -> dict[str, Any]:
        """Claims one after another, in bursts, each until the pool is full again: times, and CPU and traffic of each claim."""
        await Silent.full(self.spare)
        self.counted.take()
        cpu, claimed = [], []
        for _ in range(bursts):
            people = [self.person(f"starter-{next(self.starters)}") for _ in range(BURST)]
            self.users |= {spawner.user.name: self.user(spawner) for spawner in people}
            used = time.process_time()
            for spawner in people:
                await (await spawner.claim()).stream.close()
            await Silent.full(self.spare)
            cpu.append((time.process_time() - used) / BURST)
            claimed += [spawner.pod_name for spawner in people]
        seconds, traffic = self.counted.take()
        shares = {key: value / (bursts * BURST) for key, value in traffic.items()}
        return {"seconds": seconds, "cpu": cpu, "traffic": shares, "pods": claimed}

    def person(self, name: str) -> Any:
        """The spawner of somebody who is starting."""
        user = SimpleNamespace(name=name, escaped_name=name, id=1, url=f"/user/{name}/", admin=False, groups=[])
        spawner = Rc2KubeSpawner(config=self.config, hub=self.hub, user=user, user_options={"profile": "r"})
        spawner.request, spawner._spawn_pending = SpawnRequest("r", {}), True
        return spawner

    def running(self, name: str) -> Any:
        """What the hub has of a compute server that runs."""
        return SimpleNamespace(active=True, place=f"{self.config.KubeSpawner.namespace}/{name}")

    def user(self, spawner: Any) -> Any:
        """Somebody who runs a compute server."""
        return SimpleNamespace(spawners={"": spawner})


def memory() -> float:
    """MiB that this process holds in memory."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def main(namespace: str, spare: str) -> None:
    """Be the hub of a namespace, with so many standbys."""
    await BenchHub(namespace, int(spare)).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
