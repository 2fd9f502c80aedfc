"""Everything that a Kubernetes keeps of what happened in some namespaces: there a secret must not be found."""

import base64
import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.cluster.cluster import Cluster, Namespace

Traces = Mapping[str, bytes]
"""Place to what is kept there."""


def collect(cluster: Cluster, *namespaces: Namespace) -> dict[str, bytes]:
    """Every object, the content of Secrets, every log, and on the machine's own cluster the raw files of etcd."""
    listable = cluster.kubectl("api-resources", "--namespaced", "--verbs=list", "--output=name").split()
    found: dict[str, bytes] = {}
    for namespace in namespaces:
        # metrics of a pod that has just gone are an error, and hold numbers only
        kinds = ",".join(kind for kind in listable if not kind.endswith("metrics.k8s.io"))
        for item in namespace.get(kinds):
            name = f"{namespace.name}: {item['kind']} {item['metadata']['name']}"
            found[name] = json.dumps(item, ensure_ascii=False).encode()
            if item["kind"] == "Secret":
                found[name] = b"\n".join(base64.b64decode(value) for value in item.get("data", {}).values())
        for pod in namespace.kubectl("get", "pods", "--output=name").split():
            log = namespace.kubectl("logs", pod, "--all-containers", "--ignore-errors", "--tail=-1")
            found[f"{namespace.name}: log of {pod}"] = log.encode()
    found.update(_of_the_machine(cluster))
    return found


def places(secret: str, traces: Traces) -> list[str]:
    """Where a secret is found, as it is or in base64."""
    spellings = (secret.encode(), base64.b64encode(secret.encode()).rstrip(b"="))
    return [place for place, content in traces.items() if any(spelling in content for spelling in spellings)]


def _of_the_machine(cluster: Cluster) -> Iterator[tuple[str, bytes]]:
    """What the control plane has written to disk; nobody but its operator has that of a cluster of yours."""
    if etcd := cluster.settings.get("RC2_CLUSTER_ETCD"):
        for what, folder in {"etcd": Path(etcd), "control plane": Path(etcd).with_name("log")}.items():
            for file in folder.rglob("*"):
                with contextlib.suppress(FileNotFoundError, IsADirectoryError):  # etcd's own come and go
                    yield f"{what}: {file.relative_to(folder)}", file.read_bytes()
