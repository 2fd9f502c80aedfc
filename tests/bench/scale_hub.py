"""The hub of `tests.bench.scale`, in a separate process, so that CPU and memory are only those of a hub.

KubeSpawner and Rc²'s pool with their watches are real. JupyterHub's web server and database are missing, and so are the control
streams, because a fake kubelet runs no R. Reads requests from standard input, one per line, and prints the answers.
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

from rc2hub.configure import WATCH_SETTINGS
from rc2hub.hub.background import used_locations
from rc2hub.hub.pool.control_stream import Stream
from rc2hub.hub.pool.pod_pool import PodPool
from rc2hub.hub.pool.pod_profile_pool import PodProfilePool
from rc2hub.hub.pool.pod_standby import PodStandby
from rc2hub.hub.runtime import SETTING, Runtime
from rc2hub.hub.spawners.kube import Rc2KubeSpawner
from rc2hub.kubernetes import StandbyApi
from rc2hub.profiles import Profiles
from rc2hub.spawn_request import SpawnChoices, SpawnRequest
from tests.bench.fake_nodes import LABEL, TOLERATION, VALUE

BURST, LISTS_MEASURED = 5, 3
QUIET_PERIOD = 5.0
"""Seconds without events of pods after which the API server has settled."""
TICK = 0.01
"""Seconds between measurements of the event loop."""


class Counters:
    """What the hub did since the last request: seconds by method, bytes and events by watch."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}
        self.traffic: Counter[str] = Counter()
        self.changed = asyncio.Event()

    def time_method(self, owner: Any, name: str) -> None:
        """Record the durations of a method as `Class.method`, with the class of the object."""
        method = getattr(owner, name)

        async def measured(owned: Any, *arguments: Any, **options: Any) -> Any:
            began = time.perf_counter()
            try:
                return await method(owned, *arguments, **options)
            finally:
                self.seconds.setdefault(f"{type(owned).__name__}.{name}", []).append(time.perf_counter() - began)

        setattr(owner, name, measured)

    async def wait_quiet(self) -> None:
        """Wait until there were no events for `QUIET_PERIOD`."""
        with contextlib.suppress(TimeoutError):
            while True:
                self.changed.clear()
                await asyncio.wait_for(self.changed.wait(), QUIET_PERIOD)

    def count_traffic(self) -> None:
        """Count what the API server sends, by kind of object."""
        unmarshal, read = Watch.unmarshal_event, ClientResponse.read

        def counting(watch: Watch, data: Any, kind: Any) -> Any:
            event = unmarshal(watch, data, kind)
            name = event["raw_object"]["kind"]
            self.traffic.update({f"{name}: events": 1, f"{name}: bytes": len(data)})
            self.changed.set()
            return event

        async def reading(response: ClientResponse) -> bytes:
            body = await read(response)
            self.traffic["answers: bytes"] += len(body)
            return body

        Watch.unmarshal_event, ClientResponse.read = counting, reading  # type: ignore[method-assign]

    def take(self) -> tuple[dict[str, list[float]], Counter[str]]:
        """Return the values and reset them."""
        taken = self.seconds, self.traffic
        self.seconds, self.traffic = {}, Counter()
        return taken

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition is true; it is checked after each event."""
        while not condition():
            self.changed.clear()
            await self.changed.wait()


class SilentStream:
    """A standby's end of a control stream that sends nothing; the open ones are the standbys that can be claimed."""

    open: ClassVar[set["SilentStream"]] = set()
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
    async def connect(cls, cluster: StandbyApi, name: str) -> PodStandby:
        return PodStandby(cluster, name, Stream(cls()))

    @classmethod
    async def full(cls, spare: int) -> None:
        """Wait until this number of standbys can be claimed."""
        while len(cls.open) < spare:
            cls.changed.clear()
            await cls.changed.wait()


class BenchHub:
    """The parts of a hub that a claim needs."""

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
        config.ResourceReflector = Config(WATCH_SETTINGS)
        config.Profiles.catalogue = [{"name": "r", "cpu": 1, "memory": "1G", "spare": spare}]
        self.runtime: Any = Runtime(SpawnChoices(Profiles(config=config).profiles(), {}))
        broker = SimpleNamespace(url="http://10.0.0.1:8000/services/rc2/")
        self.runtime.desired_state = SimpleNamespace(client=broker)
        self.config, self.hub = config, Hub(ip="10.0.0.1", port=8081, base_url="/hub/", public_host="")
        self.users: dict[str, Any] = {}
        self.starters = itertools.count()
        self.counters = Counters()
        self.pool: PodPool = Rc2KubeSpawner.make_pool(self, self.runtime)
        self.runtime.pool = self.pool
        PodStandby.connect = SilentStream.connect  # type: ignore[method-assign]
        self.longest = 0.0

    async def run(self) -> None:
        """Run the pool, and answer requests."""
        counters = self.counters
        counters.count_traffic()
        counters.time_method(StandbyApi, "claim")
        counters.time_method(PodProfilePool, "claim")
        await self.pool.open(lambda: used_locations(self))
        async with asyncio.TaskGroup() as tasks:
            pool = tasks.create_task(self.pool.run(lambda: used_locations(self)))
            await self.answer()
            pool.cancel()

    async def answer(self) -> None:
        """Answer requests until the end of the input."""
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            request, *arguments = json.loads(line)
            method: Callable[..., Awaitable[Any]] = getattr(self, f"answer_{request}")
            print(json.dumps(await method(*arguments)), flush=True)

    async def answer_pod(self) -> Any:
        """A user's pod, as KubeSpawner would make it."""
        return await self.make_spawner("template-user").unclaimed_pod()

    async def answer_set_users(self, count: int) -> None:
        """Set the number of users with a running compute server."""
        starters = {name: user for name, user in self.users.items() if name.startswith("starter")}
        self.users = starters | {f"user-{n}": self.user(self.running_spawner(f"user-{n}")) for n in range(count)}

    async def answer_wait_settled(self, pods: int) -> None:
        """Wait until the hub sees this number of running pods, all standbys can be claimed, and the API server is idle."""
        await SilentStream.full(self.spare)

        def seen() -> bool:
            known = list(self.pool._pods)
            return len(known) == pods and all(pod["status"]["phase"] == "Running" for pod in known)

        await self.counters.until(seen)
        await self.counters.wait_quiet()

    async def answer_lists(self) -> dict[str, list[float]]:
        """The cost of a list of all pods, and how long it blocks the event loop."""
        costs: dict[str, list[float]] = {"cpu": [], "stall": [], "bytes": []}
        for _ in range(LISTS_MEASURED):
            self.counters.take()
            used, stalls = time.process_time(), asyncio.create_task(self.measure_stalls())
            await self.pool._pods._list()
            await asyncio.sleep(2 * TICK)  # until `measure_stalls` has measured it
            costs["cpu"].append(time.process_time() - used)
            stalls.cancel()
            costs["stall"].append(self.longest)
            costs["bytes"].append(self.counters.take()[1]["answers: bytes"])
        return {**costs, "memory": [memory()]}

    async def measure_stalls(self) -> None:
        """Record the longest blocking of the event loop, in CPU seconds, because other programs use the machine, too."""
        self.longest = 0.0
        while True:
            before = time.process_time()
            await asyncio.sleep(TICK)
            self.longest = max(self.longest, time.process_time() - before)

    async def answer_claims(self, bursts: int) -> dict[str, Any]:
        """Make claims in bursts, and wait for a full pool after each: durations, CPU and traffic of each claim."""
        await SilentStream.full(self.spare)
        self.counters.take()
        cpu, claimed = [], []
        for _ in range(bursts):
            spawners = [self.make_spawner(f"starter-{next(self.starters)}") for _ in range(BURST)]
            self.users |= {spawner.user.name: self.user(spawner) for spawner in spawners}
            used = time.process_time()
            for spawner in spawners:
                await (await spawner.claim()).stream.close()
            await SilentStream.full(self.spare)
            cpu.append((time.process_time() - used) / BURST)
            claimed += [spawner.pod_name for spawner in spawners]
        seconds, traffic = self.counters.take()
        shares = {key: value / (bursts * BURST) for key, value in traffic.items()}
        return {"seconds": seconds, "cpu": cpu, "traffic": shares, "pods": claimed}

    def make_spawner(self, name: str) -> Any:
        """The spawner of a user who is starting."""
        user = SimpleNamespace(name=name, escaped_name=name, id=1, url=f"/user/{name}/", admin=False, groups=[])
        user.settings = {SETTING: self.runtime}
        spawner = Rc2KubeSpawner(config=self.config, hub=self.hub, user=user, user_options={"profile": "r"})
        spawner.spawn_request, spawner._spawn_pending = SpawnRequest("r", {}), True
        return spawner

    def running_spawner(self, name: str) -> Any:
        """The spawner of a running compute server."""
        return SimpleNamespace(active=True, location=f"{self.config.KubeSpawner.namespace}/{name}")

    def user(self, spawner: Any) -> Any:
        """A user with this spawner."""
        return SimpleNamespace(spawners={"": spawner})


def memory() -> float:
    """The resident memory of this process in MiB."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def main(namespace: str, spare: str) -> None:
    """Run the hub of a namespace, with this number of standbys."""
    await BenchHub(namespace, int(spare)).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
