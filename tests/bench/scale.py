"""The cost of a claim for a hub with many running pods and standbys, on a real API server with fake kubelets (kwok).

    python -m tests.bench.scale

Hubs with 10, 100 and 300 standbys are measured alternately. Then one hub with 100 standbys is measured with 10, 100, 1 000 and
3 000 running pods, upwards and downwards, so that a drift affects all sizes. Each pod is a real object of the API server, as
KubeSpawner makes it, but no kubelet runs it.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from kubernetes_asyncio.client import ApiClient, CoreV1Api
from kubernetes_asyncio.config import new_client_from_config

from tests.bench.fake_nodes import fake_nodes
from tests.bench.report import entry, write
from tests.cluster.cluster import Cluster, Namespace, find

PODS = (10, 100, 1000, 3000)
SPARES, SPARE = (10, 100, 300), 100
ROUNDS, TRIPS, BURSTS = 6, 2, 2
"""Rounds of the hubs with standbys; round trips through the numbers of pods, and bursts of claims at each number."""
NODES = 4
CONCURRENT_REQUESTS = 16
"""Requests in flight while pods are created or deleted."""
ANSWER_TIMEOUT = 120.0
"""Seconds for an answer of the hub."""


class BenchHub:
    """The hub's process, which answers requests."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def call(self, *request: Any) -> Any:
        """Send a request; return the answer (see `scale_hub`)."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        answer = await asyncio.wait_for(self._process.stdout.readline(), ANSWER_TIMEOUT)
        assert answer, f"the hub ended at {request}; see its output above"
        return json.loads(answer)


@asynccontextmanager
async def hub(namespace: Namespace, spare: int) -> AsyncIterator[BenchHub]:
    """A hub of a namespace, with this number of standbys."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.scale_hub", namespace.name, str(spare)),
        env={**os.environ, "KUBECONFIG": namespace.cluster.settings["KUBECONFIG"]},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        limit=1 << 24,
    )
    try:
        yield BenchHub(process)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


class Pods:
    """Creates and deletes many pods of a namespace at once."""

    def __init__(self, client: ApiClient, namespace: str) -> None:
        self._core, self._namespace = CoreV1Api(client), namespace

    async def create(self, template: str, numbers: Iterable[int], nodes: list[str]) -> None:
        """Create pods that look like users' compute servers."""

        async def one(number: int) -> None:
            pod = json.loads(template.replace("template-user", f"user-{number}"))
            pod["metadata"]["name"] = f"user-{number}"
            pod["spec"]["nodeName"] = nodes[number % len(nodes)]
            await self._core.create_namespaced_pod(self._namespace, pod, _preload_content=False)

        await self._each(one, numbers)

    async def delete(self, names: Iterable[str]) -> None:
        """Delete the pods of these names."""

        async def one(name: str) -> None:
            options = {"grace_period_seconds": 0, "_preload_content": False}
            await self._core.delete_namespaced_pod(name, self._namespace, **options)

        await self._each(one, names)

    async def _each(self, action: Callable[[Any], Awaitable[None]], items: Iterable[Any]) -> None:
        limit = asyncio.Semaphore(CONCURRENT_REQUESTS)

        async def one(item: Any) -> None:
            async with limit:
                await action(item)

        async with asyncio.TaskGroup() as tasks:
            for item in items:
                tasks.create_task(one(item))


class Measured:
    """Measured values by size (number of pods or of standbys)."""

    def __init__(self) -> None:
        self._values: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))

    def claims(self, size: int, answer: dict[str, Any]) -> None:
        """Add the hub's answer about claims."""
        for key, values in {**answer["seconds"], "cpu": answer["cpu"]}.items():
            self._values[size][key] += values
        for key, value in answer["traffic"].items():
            self._values[size][key].append(value)
        both = zip(answer["seconds"]["PodProfilePool.claim"], answer["seconds"]["StandbyApi.claim"], strict=True)
        self._values[size]["own"] += [claim - patch for claim, patch in both]

    def lists(self, size: int, answer: dict[str, list[float]]) -> None:
        """Add the hub's answer about lists of all pods."""
        for key, values in answer.items():
            self._values[size][f"list {key}"] += values

    def entries(
        self, tasks: Iterable[tuple[str, str, str, float]], sizes: Sequence[int], unit_name: str
    ) -> list[dict[str, Any]]:
        """The report: each size compared with the smallest."""
        found = []
        for task, key, unit, factor in tasks:
            few, *more = ([factor * value for value in self._values[size][key]] for size in sizes)
            for size, many in zip(sizes[1:], more, strict=True):
                found.append(entry(f"scale: {task}, {size} {unit_name}", many, f"{sizes[0]} {unit_name}", few, unit))
        return found


CLAIMS = (
    ("a claim", "PodProfilePool.claim", "s", 1),
    ("a claim without its API patch", "own", "ms", 1e3),
    ("hub CPU of claim and refill", "cpu", "ms", 1e3),
    ("the watch of pods, events of these", "Pod: events", "", 1),
    ("the watch of pods, KiB of these", "Pod: bytes", "KiB", 1 / 1024),
)
LISTS = (
    ("a list of all pods, KiB", "list bytes", "KiB", 1 / 1024),
    ("a list of all pods, hub CPU", "list cpu", "ms", 1e3),
    ("a list of all pods, hub's stall", "list stall", "ms", 1e3),
    ("hub memory", "list memory", "MiB", 1),
)


async def by_standbys(client: ApiClient, namespaces: dict[int, Namespace]) -> list[dict[str, Any]]:
    """Claims of hubs with few and with many standbys, alternately."""
    measured = Measured()
    async with AsyncExitStack() as stack:
        hubs = {spare: await stack.enter_async_context(hub(space, spare)) for spare, space in namespaces.items()}
        for _ in range(ROUNDS):
            for spare, bench_hub in hubs.items():
                measured.claims(spare, answer := await bench_hub.call("claims", 1))
                await Pods(client, namespaces[spare].name).delete(answer["pods"])
    return measured.entries(CLAIMS, SPARES, "standbys")


async def by_pods(client: ApiClient, namespace: Namespace, nodes: list[str]) -> list[dict[str, Any]]:
    """Claims of one hub with few and with many pods, upwards and downwards."""
    measured, pods = Measured(), Pods(client, namespace.name)
    async with hub(namespace, SPARE) as bench_hub:
        template, current = json.dumps(await bench_hub.call("pod")), 0
        for stop, number in enumerate((*PODS, *reversed(PODS)) * TRIPS):
            await bench_hub.call("set_users", max(number, current))
            await pods.create(template, range(current, number), nodes)
            await pods.delete(f"user-{n}" for n in range(number, current))
            await bench_hub.call("set_users", number)
            await bench_hub.call("wait_settled", number + SPARE)
            current = number
            if stop < len(PODS):  # later, Python keeps memory that it no longer needs
                measured.lists(number, await bench_hub.call("lists"))
            measured.claims(number, answer := await bench_hub.call("claims", BURSTS))
            await pods.delete(answer["pods"])
    return measured.entries((*CLAIMS, *LISTS), PODS, "pods")


async def measure(cluster: Cluster, spaces: Sequence[Namespace], nodes: list[str]) -> None:
    """Measure and write the report."""
    async with await new_client_from_config(cluster.settings["KUBECONFIG"]) as client:
        standbys = await by_standbys(client, dict(zip(SPARES, spaces, strict=False)))
        write([*standbys, *await by_pods(client, spaces[-1], nodes)])


@contextmanager
def emptied(cluster: Cluster) -> Iterator[Namespace]:
    """A namespace whose pods are deleted by force at the end, because kwok has ended by then."""
    with cluster.namespace() as namespace:
        try:
            yield namespace
        finally:
            namespace.kubectl("delete", "deployments", "--all")
            namespace.kubectl("delete", "pods", "--all", "--grace-period=0", "--force", "--wait=false", timeout=180)


def main() -> None:
    """Create the nodes, measure, remove everything."""
    cluster = find()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        nodes = stack.enter_context(fake_nodes(cluster, NODES, Path(folder, "kwok.log")))
        spaces = [stack.enter_context(emptied(cluster)) for _ in (*SPARES, PODS)]
        asyncio.run(measure(cluster, spaces, nodes))


if __name__ == "__main__":
    main()
