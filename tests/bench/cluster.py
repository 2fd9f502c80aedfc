"""How long a login takes on Kubernetes, against stock KubeSpawner with the same image on the same node, in turn.

    python -m tests.bench.cluster

The probe is that of `tests.bench.local`: start request, kernel, websocket, `cat(6 * 7)` printed, all through the proxy.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from uuid import uuid4

from tests.bench.local import first_result
from tests.bench.report import entry, write
from tests.cluster.cluster import Cluster, Namespace, find
from tests.cluster.hub import HOMES, KubeHub

STARTS = 12
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


async def one(hub: KubeHub) -> tuple[float, float]:
    """Seconds to ready and to the first result of R, of one start of somebody new; then the stop."""
    user = f"u{uuid4().hex[:8]}"
    measured = await first_result(hub, user)
    async with hub.client() as client:
        await client.stop(user)
    return measured


async def measure(ours: KubeHub, theirs: KubeHub) -> None:
    """Measure in turn and write the report."""
    pairs = [(await one(ours), await one(theirs)) for _ in range(STARTS)]
    for work, which in (("start to ready", 0), ("start to first R result", 1)):
        mine, peers = [pair[0][which] for pair in pairs], [pair[1][which] for pair in pairs]
        write([entry(f"cluster (cold): {work}", mine, PEER, peers)])


def prepared(cluster: Cluster, namespace: Namespace) -> None:
    """Have the volume of homes there, and the image on the node."""
    cluster.image("r-compute")
    namespace.apply(HOMES)
    namespace.wait("jsonpath={.status.phase}=Bound", "pvc/homes")


def main() -> None:
    """Start both hubs, measure, stop both."""
    cluster = find()
    with tempfile.TemporaryDirectory() as folder, cluster.namespace() as namespace, cluster.namespace() as other:
        prepared(cluster, namespace)
        (peer := Path(folder, "peer.py")).write_text(PEER_CONFIG)
        ours = KubeHub(Path(folder, "ours"), namespace, node="node1")
        theirs = KubeHub(Path(folder, "theirs"), other, config=peer)
        ours.start()
        theirs.start()
        try:
            asyncio.run(measure(ours, theirs))
        finally:
            ours.stop()
            theirs.stop()


if __name__ == "__main__":
    sys.exit(main())
