"""Fake nodes: kwok simulates their kubelets on a real API server. Only one benchmark at a time can use them."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cluster.cluster import Cluster
from tests.cluster.helm.programs import built

HERE = Path(__file__).parent
LABEL, VALUE = "rc2-bench", "fake"
TAINT = {"key": LABEL, "value": VALUE, "effect": "NoSchedule"}
"""Repels pods without the toleration."""
TOLERATION = {"key": LABEL, "operator": "Exists"}


@contextmanager
def fake_nodes(cluster: Cluster, count: int, log: Path) -> Iterator[list[str]]:
    """The names of `count` ready nodes, which are removed when the context ends. Kwok writes to `log`."""
    program = built(HERE / "kwok", "sigs.k8s.io/kwok/cmd/kwok")
    _remove(cluster)  # nodes of a run that was killed
    names = [f"{LABEL}-{number}" for number in range(count)]
    cluster.kubectl("create", "-f", "-", manifest={"apiVersion": "v1", "kind": "List", "items": list(map(_node, names))})
    try:
        with log.open("wb") as output, _kwok(program, cluster, output):
            cluster.kubectl("wait", "--for=condition=Ready", "node", f"--selector={LABEL}", "--timeout=30s")
            yield names
    finally:
        _remove(cluster)


def _node(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {LABEL: VALUE, "kubernetes.io/hostname": name}},
        "spec": {"taints": [TAINT]},
    }


@contextmanager
def _kwok(program: Path, cluster: Cluster, output: Any) -> Iterator[None]:
    """Run kwok. It renews leases every 5 s, because the cluster gives up a node after 12 s."""
    options = [f"--manage-nodes-with-label-selector={LABEL}", "--manage-all-nodes=false", "--node-lease-duration-seconds=20"]
    options += [f"--config={HERE / 'kwok.yaml'}", f"--kubeconfig={cluster.settings['KUBECONFIG']}", "--node-port=0"]
    options += ["--node-ip=", "--cidr=10.64.0.0/14"]
    environment = {**os.environ, "KWOK_WORKDIR": str(Path(output.name).parent)}
    process = subprocess.Popen([program, *options], stdout=output, stderr=output, env=environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def _remove(cluster: Cluster) -> None:
    cluster.kubectl("delete", "node", f"--selector={LABEL}", "--ignore-not-found")
