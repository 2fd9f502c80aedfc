"""What a claim costs the hub with many running pods and standbys, on a real API server with fake kubelets (kwok).

    python -m tests.bench.scale

Hubs with 10, 100 and 300 standbys take turns; then one with 100 goes through 10, 100, 1 000 and 3 000 running pods, there and
back, so that what drifts meets all of them. Each pod is a real object of the API server, as KubeSpawner makes it; it just runs
nowhere.
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

PEOPLE = (10, 100, 1000, 3000)
SPARES, SPARE = (10, 100, 300), 100
ROUNDS, TRIPS, BURSTS = 6, 2, 2
"""Rounds of the hubs with standbys; ways there and back through the numbers of pods, and bursts of claims at each stop."""
NODES = 4
AT_ONCE = 16
"""Requests in flight when pods are made."""
ANSWER = 120.0
"""Seconds for an answer of the hub."""


class BenchHub:
    """The hub's process, to be asked."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, *question: Any) -> Any:
        """The answer to a question; see `scale_hub`."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        answer = await asyncio.wait_for(self._process.stdout.readline(), ANSWER)
        assert answer, f"the hub ended at {question}; it said why above"
        return json.loads(answer)


@asynccontextmanager
async def hub(namespace: Namespace, spare: int) -> AsyncIterator[BenchHub]:
    """A hub of a namespace, with so many standbys."""
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
    """The pods of a namespace, many at once."""

    def __init__(self, client: ApiClient, namespace: str) -> None:
        self._core, self._namespace = CoreV1Api(client), namespace

    async def make(self, person: str, numbers: Iterable[int], nodes: list[str]) -> None:
        """Make pods that look like people's compute servers, from somebody's."""

        async def one(number: int) -> None:
            pod = json.loads(person.replace("somebody", f"person-{number}"))
            pod["metadata"]["name"] = f"person-{number}"
            pod["spec"]["nodeName"] = nodes[number % len(nodes)]
            await self._core.create_namespaced_pod(self._namespace, pod, _preload_content=False)

        await self._each(one, numbers)

    async def delete(self, names: Iterable[str]) -> None:
        """Take these away."""

        async def one(name: str) -> None:
            options = {"grace_period_seconds": 0, "_preload_content": False}
            await self._core.delete_namespaced_pod(name, self._namespace, **options)

        await self._each(one, names)

    async def _each(self, do: Callable[[Any], Awaitable[None]], things: Iterable[Any]) -> None:
        places = asyncio.Semaphore(AT_ONCE)

        async def one(thing: Any) -> None:
            async with places:
                await do(thing)

        async with asyncio.TaskGroup() as tasks:
            for thing in things:
                tasks.create_task(one(thing))


class Measured:
    """What was measured, by size: so many people or standbys."""

    def __init__(self) -> None:
        self._values: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))

    def claims(self, size: int, answer: dict[str, Any]) -> None:
        """Take over what the hub says of some claims."""
        for key, values in {**answer["seconds"], "cpu": answer["cpu"]}.items():
            self._values[size][key] += values
        for key, value in answer["traffic"].items():
            self._values[size][key].append(value)
        both = zip(answer["seconds"]["PodKind.claim"], answer["seconds"]["Standbys.claim"], strict=True)
        self._values[size]["own"] += [claim - patch for claim, patch in both]

    def lists(self, size: int, answer: dict[str, list[float]]) -> None:
        """Take over what the hub says of lists of all pods."""
        for key, values in answer.items():
            self._values[size][f"list {key}"] += values

    def entries(self, works: Iterable[tuple[str, str, str, float]], sizes: Sequence[int], what: str) -> list[dict[str, Any]]:
        """The report: each size against the smallest."""
        found = []
        for work, key, unit, factor in works:
            few, *more = ([factor * value for value in self._values[size][key]] for size in sizes)
            for size, many in zip(sizes[1:], more, strict=True):
                found.append(entry(f"scale: {work}, {size} {what}", many, f"{sizes[0]} {what}", few, unit))
        return found


CLAIMS = (
    ("a claim", "PodKind.claim", "s", 1),
    ("a claim without its API patch", "own", "ms", 1e3),
    ("hub CPU of claim and refill", "cpu", "ms", 1e3),
    ("Rc²'s watch, events of these", "Rc²: events", "", 1),
    ("Rc²'s watch, KiB of these", "Rc²: bytes", "KiB", 1 / 1024),
)
LISTS = (
    ("KubeSpawner's watch, KiB of these", "KubeSpawner, Pod: bytes", "KiB", 1 / 1024),
    ("a list of KubeSpawner's, KiB", "list bytes", "KiB", 1 / 1024),
    ("a list of KubeSpawner's, hub CPU", "list cpu", "ms", 1e3),
    ("a list of KubeSpawner's, hub's stall", "list stall", "ms", 1e3),
    ("hub memory", "list memory", "MiB", 1),
)


async def by_standbys(client: ApiClient, namespaces: dict[int, Namespace]) -> list[dict[str, Any]]:
    """Claims of hubs with few and with many standbys, in turn."""
    measured = Measured()
    async with AsyncExitStack() as stack:
        hubs = {spare: await stack.enter_async_context(hub(space, spare)) for spare, space in namespaces.items()}
        for _ in range(ROUNDS):
            for spare, asked in hubs.items():
                measured.claims(spare, answer := await asked.ask("claims", 1))
                await Pods(client, namespaces[spare].name).delete(answer["pods"])
    return measured.entries(CLAIMS, SPARES, "standbys")


async def by_people(client: ApiClient, namespace: Namespace, nodes: list[str]) -> list[dict[str, Any]]:
    """Claims of one hub with few and with many people, there and back."""
    measured, pods = Measured(), Pods(client, namespace.name)
    async with hub(namespace, SPARE) as asked:
        person, number = json.dumps(await asked.ask("pod")), 0
        for stop, people in enumerate((*PEOPLE, *reversed(PEOPLE)) * TRIPS):
            await asked.ask("expect", max(people, number))
            await pods.make(person, range(number, people), nodes)
            await pods.delete(f"person-{n}" for n in range(people, number))
            await asked.ask("expect", people)
            await asked.ask("know", people + SPARE)
            number = people
            if stop < len(PEOPLE):  # later, Python holds memory that it does not need any more
                measured.lists(people, await asked.ask("lists"))
            measured.claims(people, answer := await asked.ask("claims", BURSTS))
            await pods.delete(answer["pods"])
    return measured.entries((*CLAIMS, *LISTS), PEOPLE, "pods")


async def measure(cluster: Cluster, spaces: Sequence[Namespace], nodes: list[str]) -> None:
    """Measure and write the report."""
    async with await new_client_from_config(cluster.settings["KUBECONFIG"]) as client:
        standbys = await by_standbys(client, dict(zip(SPARES, spaces, strict=False)))
        write([*standbys, *await by_people(client, spaces[-1], nodes)])


@contextmanager
def emptied(cluster: Cluster) -> Iterator[Namespace]:
    """A namespace whose pods are gone at the end: nobody plays their kubelets any longer."""
    with cluster.namespace() as namespace:
        try:
            yield namespace
        finally:
            namespace.kubectl("delete", "deployments", "--all")
            namespace.kubectl("delete", "pods", "--all", "--grace-period=0", "--force", "--wait=false", timeout=180)


def main() -> None:
    """Make the nodes, measure, remove all."""
    cluster = find()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        nodes = stack.enter_context(fake_nodes(cluster, NODES, Path(folder, "kwok.log")))
        spaces = [stack.enter_context(emptied(cluster)) for _ in (*SPARES, PEOPLE)]
        asyncio.run(measure(cluster, spaces, nodes))


if __name__ == "__main__":
    main()
