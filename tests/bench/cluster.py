"""How long a login takes on Kubernetes, against stock KubeSpawner with the same image on the same node, in turn.

    python -m tests.bench.cluster

The probe is that of `tests.bench.local`: start request, kernel, websocket, `cat(6 * 7)` printed, all through the proxy.
Each start waits until the pool is full again and nothing starts or ends any more.
"""

import asyncio
import contextlib
import sys
import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.bench.local import first_result
from tests.bench.report import entry, write
from tests.cluster.cluster import eventually, find
from tests.cluster.hub import HOMES, KubeHub

STARTS, COLD_STARTS, ROUNDS, BURST = 20, 10, 4, 5
WARM = {"spare": BURST, "slow_spawn_timeout": 10}
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


def settled(hub: KubeHub, spare: int = 0) -> bool:
    """Whether all of the pool is ready, and no other pod is there."""
    pods = hub.namespace.get("pods")
    ready = [pod for pod in pods if {"type": "Ready", "status": "True"}.items() <= _condition(pod, "Ready").items()]
    return len(pods) == len(ready) == spare


def _condition(pod: Any, kind: str) -> dict[str, str]:
    found: dict[str, str] = next((each for each in pod["status"].get("conditions", []) if each["type"] == kind), {})
    return found


async def starts(hub: KubeHub, count: int, spare: int = 0) -> list[tuple[float, float]]:
    """Seconds to ready and to the first result of R, of `count` starts of somebody new at once; then the stops."""
    await asyncio.to_thread(eventually, lambda: settled(hub, spare), 120)
    await asyncio.sleep(1)  # for the machine to come to rest
    users = [f"u{uuid4().hex[:8]}" for _ in range(count)]
    measured = await asyncio.gather(*(first_result(hub, user) for user in users))
    async with hub.client() as client:
        for user in users:
            await client.stop(user)
    return measured


async def measure(warm: KubeHub, cold: KubeHub, peer: KubeHub) -> None:
    """Measure in turn and write the report."""
    singles = [[*await starts(warm, 1, BURST), *await starts(peer, 1)] for _ in range(STARTS)]
    bursts = [
        [max(first for _, first in await starts(*hub)) for hub in ((warm, BURST, BURST), (peer, BURST))]
        for _ in range(ROUNDS)
    ]
    colds = [[*await starts(cold, 1), *await starts(peer, 1)] for _ in range(COLD_STARTS)]
    report = []
    for kind, pairs in (("cluster", singles), ("cluster (cold)", colds)):
        for work, which in (("start to first R result", 1), ("start to ready", 0)):
            report.append(
                entry(f"{kind}: {work}", [ours[which] for ours, _ in pairs], PEER, [theirs[which] for _, theirs in pairs])
            )
    report.append(
        entry(
            "cluster: burst of 5, slowest first R result",
            [ours for ours, _ in bursts],
            PEER,
            [theirs for _, theirs in bursts],
        )
    )
    write(report)


def main() -> None:
    """Start the hubs, measure, stop them."""
    cluster = find()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        (config := Path(folder, "peer.py")).write_text(PEER_CONFIG)
        hubs = []
        for name, run in (("warm", WARM), ("cold", {"slow_spawn_timeout": 10}), ("peer", {"config": config})):
            namespace = stack.enter_context(cluster.namespace())
            namespace.apply(HOMES)
            namespace.wait("jsonpath={.status.phase}=Bound", "pvc/homes")
            hub = KubeHub(Path(folder, name), namespace, node="node1", **run)
            hub.start()
            stack.callback(hub.stop)
            hubs.append(hub)
        asyncio.run(measure(*hubs))


if __name__ == "__main__":
    sys.exit(main())
