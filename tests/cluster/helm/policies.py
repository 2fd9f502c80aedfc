"""The table of allowed connections, for an evaluator of network policies and for a cluster that enforces them."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.cluster.helm.programs import evaluator

"""A program that evaluates policies with cyclonus."""
PORTS = (
    *(22, 53, 80, 443, 5432, 6443, 7078, 7079, 8000, 8001, 8020, 8081, 8888),
    *(9083, 9864, 9866, 9867, 9870, 10250, 14000, 14010, 14020, 15002, 15003),
)
"""All ports that any component listens on."""
ANY = frozenset(PORTS)
DNS, API, WEB = {53}, {443, 6443}, {443}


@dataclass(frozen=True)
class Peer:
    """A pod, or an address outside the cluster."""

    ip: str
    namespace: str = ""
    labels: Mapping[str, str] | None = None

    def as_json(self, names: Mapping[str, str]) -> dict[str, Any]:
        """The peer for the evaluator; `names` maps namespaces of the table to the real ones."""
        name = names.get(self.namespace, self.namespace)
        namespace_labels = {"kubernetes.io/metadata.name": name} if name else {}
        return {"ip": self.ip, "namespace": name, "labels": self.labels or {}, "namespaceLabels": namespace_labels}


def of_release(number: int, component: str) -> Peer:
    """A pod of the chart."""
    labels = {
        "app.kubernetes.io/name": "rc2hub",
        "app.kubernetes.io/instance": "rc2",
        "app.kubernetes.io/component": component,
    }
    return Peer(f"10.244.0.{number}", "rc2", labels)


def of_user(number: int, username: str) -> Peer:
    """A compute server, with KubeSpawner's labels."""
    labels = {"app": "jupyterhub", "component": "singleuser-server", "hub.jupyter.org/username": username}
    return Peer(f"10.244.1.{number}", "rc2-compute", labels)


PODS = {
    "hub": of_release(1, "hub"),
    "proxy": of_release(2, "proxy"),
    "broker": of_release(3, "broker"),
    "gateway": of_release(4, "spark-gateway"),
    "hdfs gateway": of_release(8, "hdfs-gateway"),
    "namenode": of_release(9, "hdfs-namenode"),
    "datanode": of_release(10, "hdfs-datanode"),
    "other datanode": of_release(11, "hdfs-datanode"),
    "s3 gateway": of_release(12, "s3-gateway"),
    "hive gateway": of_release(13, "hive-gateway"),
    "hive metastore": of_release(14, "hive-metastore"),
    "postgresql": of_release(5, "postgresql"),
    "init": of_release(6, "postgresql-init"),
    "test": of_release(7, "test"),
    "lab files": of_release(12, "lab-files"),
    "alice": of_user(1, "alice"),
    "bob": of_user(2, "bob"),
    "driver": Peer("10.244.2.1", "rc2-spark", {"spark-role": "driver"}),
    "other driver": Peer("10.244.2.2", "rc2-spark", {"spark-role": "driver"}),
    "executor": Peer("10.244.2.3", "rc2-spark", {"spark-role": "executor"}),
    "neighbour": Peer("10.244.3.1", "rc2", {"app": "something-else"}),
    "stranger": Peer("10.244.4.1", "elsewhere", {"app": "something-else"}),
}
ADDRESSES = {
    "API server": Peer("10.0.0.1"),
    "kubelet": Peer("10.0.0.11"),
    "external HDFS": Peer("10.30.0.5"),
    "S3 store": Peer("10.40.0.5"),
    "metastore": Peer("10.50.0.5"),
    "DNS of the node": Peer("169.254.20.10"),
    "DNS of the cluster": Peer("10.96.0.10"),
    "metadata": Peer("169.254.169.254"),
    "metadata of Azure": Peer("168.63.129.16"),
    "metadata by IPv6": Peer("fd00:ec2::254"),
    "public": Peer("93.184.215.14"),
    "public by IPv6": Peer("2606:2800:21f:cb07:6820:80da:af6b:8b2c"),
}
RESOLVERS = {
    "DNS of the node": DNS,
    "DNS of the cluster": DNS,
    "API server": DNS,
    "kubelet": DNS,
    "external HDFS": DNS,
    "S3 store": DNS,
    "metastore": DNS,
    "metadata by IPv6": DNS,
}
"""DNS servers: every pod may query private addresses, because clusters have their resolvers there."""
UNPROTECTED = {"stranger": DNS, "neighbour": DNS}
"""Pods without a policy: they accept all connections, so only the policies of the source apply."""
PRIVATE = dict.fromkeys(("API server", "DNS of the cluster", "kubelet", "external HDFS", "S3 store", "metastore"), API | DNS)
"""Addresses where the API server may be, by the default values."""
ALLOWED: dict[str, dict[str, Any]] = {
    "hub": {
        "proxy": {8001},
        "broker": {8000},
        "lab files": {8000},
        "alice": {8888},
        "bob": {8888},
        "public": WEB,
        "public by IPv6": WEB,
    },
    "proxy": {"hub": {8081}, "broker": {8000}, "lab files": {8000}, "alice": {8888}, "bob": {8888}},
    "lab files": {},
    "broker": {
        "hub": {8081},
        "postgresql": {5432},
        "gateway": {15002},
        "hdfs gateway": {14000},
        "hive gateway": {14010},
        "s3 gateway": {14020},
    },
    "gateway": {"broker": {8000}, "driver": {15002}, "other driver": {15002}, "hive gateway": {14010}},
    "hdfs gateway": {"broker": {8000}, "namenode": {9870}, "datanode": {9864}, "other datanode": {9864}},
    "s3 gateway": {"broker": {8000}, "S3 store": ANY},
    "hive gateway": {"broker": {8000}, "hive metastore": {9083}, "namenode": {9870}},
    "hive metastore": {"postgresql": {5432}, "namenode": {8020}},
    "namenode": {"datanode": {9866, 9867}, "other datanode": {9866, 9867}},
    "datanode": {"namenode": {8020}, "datanode": {9866, 9867}, "other datanode": {9866, 9867}},
    "postgresql": {},
    "init": {"postgresql": {5432}},
    "test": {"proxy": {8000}},
    "alice": {
        "hub": {8081},
        "proxy": {8000},
        "broker": {8000},
        "postgresql": {5432},
        "gateway": {15002},
        "hdfs gateway": {14000},
        "hive gateway": {14010},
        "s3 gateway": {14020},
    },
    "driver": {
        "executor": ANY,
        "postgresql": {5432},
        "gateway": {15003},
        "hdfs gateway": {14000},
        "hive gateway": {14010},
        "s3 gateway": {14020},
    },
    "executor": {
        "driver": {7078, 7079},
        "other driver": {7078, 7079},
        "postgresql": {5432},
        "hdfs gateway": {14000},
        "s3 gateway": {14020},
    },
    "stranger": {"proxy": {8000}, "neighbour": ANY},
    "neighbour": {"proxy": {8000}, "stranger": ANY},
}
for _source in ("hub", "gateway"):
    ALLOWED[_source] |= PRIVATE | dict.fromkeys(UNPROTECTED, API | DNS)
for _source in ALLOWED.keys() - {"stranger", "neighbour"}:
    ALLOWED[_source] = RESOLVERS | UNPROTECTED | ALLOWED[_source]
ALLOWED["alice"] |= {"public": ANY, "public by IPv6": ANY}


def allowed(source: str, target: str, port: int) -> bool:
    """Whether the table allows this; bob is like alice, and the second of two pods like the first."""
    row = ALLOWED[{"bob": "alice", "other driver": "driver", "other datanode": "datanode"}.get(source, source)]
    if target in ADDRESSES and source in {"stranger", "neighbour"}:
        return True
    return port in row.get(target, ())


def triples(targets: Mapping[str, Peer]) -> Iterator[tuple[str, str, int]]:
    """Every combination of source, target and port."""
    for source in PODS:
        for target in targets:
            yield from ((source, target, port) for port in PORTS if source != target)


def evaluate(policies: list[Any], connections: list[tuple[str, str, int]], names: Mapping[str, str]) -> list[bool]:
    """Whether the policies allow each connection (source, target, port)."""
    peers = {name: peer.as_json(names) for name, peer in (PODS | ADDRESSES).items()}
    pairs = [{"from": peers[a], "to": peers[b], "port": port, "protocol": "TCP"} for a, b, port in connections]
    question = json.dumps({"policies": policies, "pairs": pairs})
    done = subprocess.run([evaluator()], input=question, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    answers: list[bool] = json.loads(done.stdout)
    return answers
