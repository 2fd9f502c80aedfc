"""The connections that the chart's network policies allow and deny, for each pair of the table."""

import os
from collections.abc import Iterator

import pytest

from tests.cluster.cluster import Cluster, Namespace, eventually
from tests.cluster.helm.chart import Object, of_kind, render, render_file
from tests.cluster.helm.policies import ADDRESSES, PODS, PORTS, allowed, evaluate, triples

pytestmark = pytest.mark.timeout(900)  # the evaluator is built here if `make cluster-build` has not
ENFORCED = "KUBECONFIG_RC2_TEST" in os.environ
"""The cluster of `make cluster` does not enforce policies; another cluster is expected to."""
LISTEN = " ".join([*(f"httpd -f -p {port} -h /tmp &" for port in PORTS), "wait"])


def policies(*arguments: str) -> list[Object]:
    return of_kind(render(*arguments) if arguments else render_file("department"), "NetworkPolicy")


def test_every_pair_is_allowed_or_denied_as_the_table_says() -> None:
    connections = list(triples(PODS | ADDRESSES))
    wrong = [
        (*each, "is allowed" if answer else "is denied")
        for each, answer in zip(connections, evaluate(policies(), connections, {}), strict=True)
        if answer != allowed(*each)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "target",
    [*("metadata", "metadata of Azure", "kubelet", "API server"), *("namenode", "datanode", "bob", "driver", "executor")],
)
def test_a_compute_server_cannot_reach(target: str) -> None:
    connections = [("alice", target, port) for port in PORTS if port != 53]
    assert not any(evaluate(policies(), connections, {}))


def test_without_internet_compute_servers_reach_no_public_address() -> None:
    values = "--set=networkPolicies.internet.compute=false"
    connections = [("alice", target, port) for target in ("public", "public by IPv6") for port in PORTS]
    assert not any(evaluate(policies(values), connections, {}))


def test_the_proxy_can_be_limited_to_the_ingress() -> None:
    connections = [(source, "proxy", 8000) for source in ("stranger", "neighbour", "alice", "test", "hub")]
    elsewhere = {"elsewhere": "ingress"}
    objects = of_kind(render_file("own-services"), "NetworkPolicy")
    names = {"rc2-compute": "statistics-users"}
    assert evaluate(objects, connections, names) == [False, False, True, True, False]
    assert evaluate(objects, connections, names | elsewhere)[0]


def test_an_external_database_is_reachable_only_at_its_address() -> None:
    policies = of_kind(render_file("own-services"), "NetworkPolicy")
    rules = [rule for policy in policies for rule in policy["spec"].get("egress", [])]
    peers = [rule["to"] for rule in rules if rule.get("ports") == [{"protocol": "TCP", "port": 5433}]]
    assert peers == [[{"ipBlock": {"cidr": "10.20.0.5/32"}}]] * 3  # of the broker, compute servers and Spark


def test_only_the_gateway_reaches_an_external_hdfs() -> None:
    objects, names = of_kind(render_file("own-services"), "NetworkPolicy"), {"rc2-compute": "statistics-users"}
    connections = [(source, "external HDFS", 9870) for source in ("hdfs gateway", "broker", "hub", "alice")]
    assert evaluate(objects, connections, names) == [True, False, False, False]


def test_only_the_gateway_reaches_a_kerberos_server() -> None:
    hdfs = "hdfs.enabled=true,hdfs.external=true,hdfs.address=https://n:9871,hdfs.existingSecret=key"
    policies = of_kind(render(f"--set={hdfs},hdfs.cidrs={{10.30.0.0/24,10.60.0.5/32}}"), "NetworkPolicy")
    named = {policy["metadata"]["name"] for policy in policies if "10.60.0.5/32" in str(policy["spec"].get("egress"))}
    assert named == {"rc2-hdfs-gateway"}


def test_only_the_gateway_reaches_a_metastore_and_no_executor_reaches_the_gateway() -> None:
    objects, names = of_kind(render_file("own-services"), "NetworkPolicy"), {"rc2-compute": "statistics-users"}
    sources = ("broker", "gateway", "alice", "driver", "executor", "hub", "hdfs gateway", "neighbour")
    to_gateway = [(source, "hive gateway", 14010) for source in sources]
    assert evaluate(objects, to_gateway, names) == [True, True, True, True, False, False, False, False]
    to_metastore = [(source, "metastore", 9083) for source in ("hive gateway", *sources)]
    assert evaluate(objects, to_metastore, names) == [True] + [False] * 7 + [True]  # a neighbour has no policy
    from_gateway = [
        ("hive gateway", target, port) for target, port in (("external HDFS", 9870), ("broker", 8000), ("hub", 8081))
    ]
    assert evaluate(objects, from_gateway, names) == [True, True, False]


@pytest.fixture(scope="module")
def pods(cluster: Cluster) -> Iterator[dict[str, Namespace]]:
    """A pod for each row of the table, which listens on every port, and the chart's policies."""
    with (
        cluster.namespace() as release,
        cluster.namespace() as compute,
        cluster.namespace() as spark,
        cluster.namespace() as other,
    ):
        spaces = {"rc2": release, "rc2-compute": compute, "rc2-spark": spark, "elsewhere": other}
        values = [f"--set=compute.namespace={compute.name}", f"--set=spark.namespace={spark.name}"]
        services = ",".join(f"{name}.enabled=true" for name in ("spark", "postgresql", "hdfs", "hive", "s3", "test"))
        store = "--set=s3.endpoint=https://10.40.0.5:9000,s3.bucket=lab,s3.existingSecret=s3,s3.cidrs={10.40.0.0/24}"
        for policy in policies(f"--namespace={release.name}", *values, f"--set={services}", store):
            cluster.kubectl("apply", "-f", "-", manifest=policy)
        for name, peer in PODS.items():
            spaces[peer.namespace].apply(stand_in(cluster, name))
        for space in spaces.values():
            space.kubectl("wait", "--for=condition=Ready", "pods", "--all", "--timeout=120s", timeout=130)
        yield spaces


def stand_in(cluster: Cluster, name: str) -> Object:
    container = {"name": "main", "image": cluster.settings["RC2_BUSYBOX"], "command": ["sh", "-c", LISTEN]}
    metadata = {"name": name.replace(" ", "-"), "labels": PODS[name].labels}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@pytest.mark.parametrize("source", PODS)
def test_pods_reach_each_other_as_the_table_says(pods: dict[str, Namespace], source: str) -> None:
    connections = [(target, port) for each, target, port in triples(PODS) if each == source]
    expected = {(target, port) for target, port in connections if allowed(source, target, port)}
    if not ENFORCED:  # then the test only shows that allowed connections work
        connections = sorted(expected)
    eventually(lambda: reached(pods, source, connections) == expected)


def reached(pods: dict[str, Namespace], source: str, connections: list[tuple[str, int]]) -> set[tuple[str, int]]:
    ips = {pod["metadata"]["name"]: pod["status"]["podIP"] for space in pods.values() for pod in space.get("pods")}
    tries = " ".join(
        f"(nc -w 2 {ips[target.replace(' ', '-')]} {port} </dev/null && echo '{target}:{port}') &"
        for target, port in connections
    )
    output = pods[PODS[source].namespace].exec(source.replace(" ", "-"), "sh", "-c", f"{tries} wait", timeout=120)
    return {(target, int(port)) for target, port in (line.split(":") for line in output.splitlines())}
