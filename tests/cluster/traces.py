"""Everything that a Kubernetes cluster keeps about some namespaces; no secret may be found there."""

import base64
import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.cluster.cluster import Cluster, Namespace

Traces = Mapping[str, bytes]
"""Location to the content that is kept there."""


def collect(cluster: Cluster, *namespaces: Namespace) -> dict[str, bytes]:
    """Every object, the content of Secrets, every log, and, on the cluster of `make cluster`, the raw files of etcd."""
    listable = cluster.kubectl("api-resources", "--namespaced", "--verbs=list", "--output=name").split()
    found: dict[str, bytes] = {}
    for namespace in namespaces:
        # the metrics of a deleted pod are an error, and contain only numbers
        kinds = ",".join(kind for kind in listable if not kind.endswith("metrics.k8s.io"))
        for item in namespace.get(kinds):
            name = f"{namespace.name}: {item['kind']} {item['metadata']['name']}"
            found[name] = json.dumps(item, ensure_ascii=False).encode()
            if item["kind"] == "Secret":
                found[name] = b"\n".join(base64.b64decode(value) for value in item.get("data", {}).values())
        for pod in namespace.kubectl("get", "pods", "--output=name").split():
            log = namespace.kubectl("logs", pod, "--all-containers", "--ignore-errors", "--tail=-1")
            found[f"{namespace.name}: log of {pod}"] = log.encode()
    found.update(_control_plane_files(cluster))
    return found


def locations(secret: str, traces: Traces) -> list[str]:
    """Where a secret is found, unchanged or in base64."""
    spellings = (secret.encode(), base64.b64encode(secret.encode()).rstrip(b"="))
    return [location for location, content in traces.items() if any(spelling in content for spelling in spellings)]


def _control_plane_files(cluster: Cluster) -> Iterator[tuple[str, bytes]]:
    """What the control plane has written to disk; only available on the cluster of `make cluster`."""
    if etcd := cluster.settings.get("RC2_CLUSTER_ETCD"):
        for source, folder in {"etcd": Path(etcd), "control plane": Path(etcd).with_name("log")}.items():
            for file in folder.rglob("*"):
                with contextlib.suppress(FileNotFoundError, IsADirectoryError):  # etcd makes and removes files
                    yield f"{source}: {file.relative_to(folder)}", file.read_bytes()
