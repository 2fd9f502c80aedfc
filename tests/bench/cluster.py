"""The duration of a login on Kubernetes, compared with stock KubeSpawner: same image, same node, alternating starts.

    python -m tests.bench.cluster

The probe is the one of `tests.bench.local`: start request, kernel, websocket, `cat(6 * 7)` printed, all through the proxy.
Each start waits until the pool is full again and no pod starts or ends.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from rc2hub.local import database
from tests.bench import lab
from tests.bench.local import first_result
from tests.bench.report import entry, write
from tests.cluster.cluster import Cluster, eventually, find
from tests.cluster.hub import KubeHub, namespace_of_hubs
from tests.fixtures.postgres import Postgres

STARTS, COLD_STARTS, ROUNDS, BURST, IN_BROWSER = 20, 10, 4, 5, 5
PEER = "KubeSpawner"
PEER_CONFIG = """
import json, os
c = get_config()
run = json.loads(os.environ["RC2_TEST_RUN"])
c.JupyterHub.bind_url = f"http://127.0.0.1:{run['ports'][0]}/"
c.JupyterHub.hub_bind_url = f"http://{run['host']}:{run['ports'][1]}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{run['ports'][2]}"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
c.KubeSpawner.namespace = run["namespace"]
c.KubeSpawner.image = run["image"]
c.KubeSpawner.image_pull_policy = "IfNotPresent"
c.KubeSpawner.cmd = ["jupyterhub-singleuser"]
c.KubeSpawner.uid = 1000
c.KubeSpawner.environment = {"HOME": "/tmp"}
c.KubeSpawner.cpu_limit, c.KubeSpawner.cpu_guarantee = 1, 0.05
c.KubeSpawner.mem_limit, c.KubeSpawner.mem_guarantee = "1G", "100M"
c.KubeSpawner.node_selector = {"kubernetes.io/hostname": "node1"}
c.JupyterHub.services = [{"name": "probe", "api_token": os.environ["RC2_TEST_TOKEN"]}]
c.JupyterHub.load_roles = [{"name": "probe", "services": ["probe"], "scopes": ["admin:users", "admin:servers", "access:servers"]}]
"""


@dataclass(frozen=True)
class Bench:
    """A hub and its number of standbys."""

    hub: KubeHub
    spare: int = 0

    def is_settled(self) -> bool:
        """Whether all standbys are ready and there are no other pods."""
        pods = self.hub.namespace.get("pods")
        return len(pods) == self.spare == len([pod for pod in pods if _is_ready(pod)])

    async def starts(self, *users: str, **options: object) -> list[tuple[float, float]]:
        """Start the servers of these users at once, then stop them; seconds to ready and to the first R result of each."""
        await asyncio.to_thread(eventually, self.is_settled, 120)
        await asyncio.sleep(1)  # until the machine is idle
        measured = await asyncio.gather(*(first_result(self.hub, user, **options) for user in users))
        async with self.hub.client() as client:
            for user in users:
                await client.stop(user)
        return measured

    async def one(self, username: str = "", **options: object) -> tuple[float, float]:
        """One start, of a new user by default."""
        (measured,) = await self.starts(username or new_user(), **options)
        return measured

    async def burst(self) -> float:
        """The slowest first result of five starts at once."""
        return max(first for _, first in await self.starts(*(new_user() for _ in range(BURST))))

    def memory(self) -> list[float]:
        """MiB of each compute server, as reported by the kubelet; empty before its first report."""
        path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{self.hub.namespace.name}/pods"
        found = json.loads(self.hub.namespace.kubectl("get", "--raw", path))["items"]
        used = [each["usage"]["memory"] for pod in found for each in pod["containers"] if each["name"] == "notebook"]
        return [int(memory.removesuffix("Ki")) / 1024 for memory in used]


async def measure_memory(warm: Bench, peer: Bench) -> None:
    """The memory of a standby with its R, and of a KubeSpawner server with an R kernel."""
    await asyncio.to_thread(eventually, warm.is_settled, 120)
    async with peer.hub.client() as client:
        await client.create("user")
        await client.start("user")
        async with client.kernel("user") as r:
            await r.run("1")
            theirs = await asyncio.to_thread(eventually, peer.memory, 90)
        await client.stop("user")
    write([entry("cluster: memory of a standby", warm.memory(), f"server of {PEER}", theirs, "MiB")])


async def measure_in_browser(warm: Bench, peer: Bench) -> None:
    """The same login in a browser, including the loading of JupyterLab."""
    ours, theirs = [], []
    for _ in range(IN_BROWSER):
        for bench, button, measured in ((warm, lab.OURS, ours), (peer, lab.THEIRS, theirs)):
            await asyncio.to_thread(eventually, bench.is_settled, 120)
            username = new_user()
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
                async with lab.chromium(Path(profile)) as page:
                    wait = await lab.wait_of_user(page, lab.password_site(bench.hub.url, username, *button))
            measured.append(wait.idle)
            async with bench.hub.client() as client:
                await client.stop(username)
    write([entry("cluster: click on Start to JupyterLab with an idle R", ours, PEER, theirs)])


def new_user() -> str:
    """An unused name."""
    return f"u{uuid4().hex[:8]}"


def _is_ready(pod: Any) -> bool:
    return any((each["type"], each["status"]) == ("Ready", "True") for each in pod["status"].get("conditions", []))


def compare(
    kind: str, ours: list[tuple[float, float]], peer: str, theirs: list[tuple[float, float]]
) -> list[dict[str, Any]]:
    """Two entries of the report: to the first result, and to ready."""
    tasks = (("start to first R result", 1), ("start to ready", 0))
    return [entry(f"{kind}: {task}", [o[i] for o in ours], peer, [t[i] for t in theirs]) for task, i in tasks]


async def measure(warm: Bench, on_postgresql: Bench, cold: Bench, peer: Bench) -> None:
    """Measure alternately and write the report."""
    singles, attached, stored, peers = [], [], [], []
    for _ in range(STARTS):
        singles.append(await warm.one())
        attached.append(await warm.one("alice", services=["flights"]))
        stored.append(await on_postgresql.one())
        peers.append(await peer.one())
    write(
        [
            *compare("cluster", singles, PEER, peers),
            *compare("cluster, PostgreSQL attached", attached, "without", singles),
            *compare("cluster, hub's database PostgreSQL", stored, "SQLite", singles),
        ]
    )
    bursts = [(await warm.burst(), await peer.burst()) for _ in range(ROUNDS)]
    task = "cluster: burst of 5, slowest first R result"
    write([entry(task, [ours for ours, _ in bursts], PEER, [theirs for _, theirs in bursts])])
    colds = [(await cold.one(), await peer.one()) for _ in range(COLD_STARTS)]
    write(compare("cluster (cold)", [ours for ours, _ in colds], PEER, [theirs for _, theirs in colds]))
    await measure_memory(warm, peer)
    await measure_in_browser(warm, peer)


@contextmanager
def running(cluster: Cluster, folder: Path, **run: Any) -> Iterator[KubeHub]:
    """A hub in its own namespace; all its pods run on one node."""
    with namespace_of_hubs(cluster) as namespace:
        hub = KubeHub(folder, namespace, node="node1", slow_spawn_timeout=10, **run)
        hub.start()
        try:
            yield hub
        finally:
            hub.stop()


def main() -> None:
    """Start PostgreSQL and the hubs, measure, stop them."""
    cluster = find()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        database.prepare(folder / "postgresql")
        postgres = Postgres(folder / "postgresql")
        postgres.start()
        stack.callback(postgres.stop)
        with postgres.connect("postgres") as admin:
            admin.execute("CREATE DATABASE flights")
            admin.execute("CREATE DATABASE hub")
        flights = {"flights": {"kind": "postgres", **database.entry(postgres.directory, "flights")}}
        password = database.password_file(postgres.directory).read_text()
        stored = database.url(postgres.directory, "hub").replace("://rc2@", f"+psycopg://rc2:{password}@")
        (config := folder / "peer.py").write_text(PEER_CONFIG)
        warm = stack.enter_context(running(cluster, folder / "warm", spare=BURST, services=flights, grants=["flights:read"]))
        other = stack.enter_context(running(cluster, folder / "stored", spare=1, database=stored))
        cold = stack.enter_context(running(cluster, folder / "cold"))
        peer = stack.enter_context(running(cluster, folder / "peer", config=config))
        asyncio.run(measure(Bench(warm, BURST), Bench(other, 1), Bench(cold), Bench(peer)))


if __name__ == "__main__":
    sys.exit(main())
