"""Who may speak to whom, as an evaluator reads the chart's network policies: each pair of the table, allowed and denied."""

import os
from collections.abc import Iterator

import pytest

from tests.cluster.cluster import Cluster, Namespace, eventually
from tests.cluster.helm.chart import Object, of_kind, render, render_file
from tests.cluster.helm.policies import ADDRESSES, PODS, PORTS, allowed, evaluate, triples

pytestmark = pytest.mark.timeout(900)  # the evaluator is built once, which takes two minutes
ENFORCED = "KUBECONFIG_RC2_TEST" in os.environ
"""The cluster of `make cluster` has nothing that enforces policies; one of yours is expected to."""
LISTEN = " ".join([*(f"httpd -f -p {port} -h /tmp &" for port in PORTS), "wait"])


def policies(*arguments: str) -> list[Object]:
    return of_kind(render(*arguments) if arguments else render_file("department"), "NetworkPolicy")


def test_every_pair_is_allowed_or_denied_as_the_table_says() -> None:
    asked = list(triples(PODS | ADDRESSES))
    wrong = [
        (*each, "is allowed" if answer else "is denied")
        for each, answer in zip(asked, evaluate(policies(), asked, {}), strict=True)
        if answer != allowed(*each)
    ]
    assert wrong == []


@pytest.mark.parametrize("target", ["metadata", "metadata of Azure", "kubelet", "API server", "bob", "driver", "executor"])
def test_from_a_compute_server_nothing_leads_to(target: str) -> None:
    asked = [("alice", target, port) for port in PORTS if port != 53]
    assert not any(evaluate(policies(), asked, {}))


def test_without_internet_compute_servers_reach_no_public_address() -> None:
    values = "--set=networkPolicies.internet.compute=false"
    asked = [("alice", target, port) for target in ("public", "public by IPv6") for port in PORTS]
    assert not any(evaluate(policies(values), asked, {}))


def test_the_proxy_can_be_closed_to_all_but_the_ingress() -> None:
    asked = [(source, "proxy", 8000) for source in ("stranger", "neighbour", "alice", "test", "hub")]
    elsewhere = {"elsewhere": "ingress"}
    objects = of_kind(render_file("own-services"), "NetworkPolicy")
    names = {"rc2-compute": "statistics-people"}
    assert evaluate(objects, asked, names) == [False, False, True, True, False]
    assert evaluate(objects, asked, names | elsewhere)[0]


def test_a_database_of_ones_own_is_reached_at_its_address_and_no_other() -> None:
    rules = [rule for policy in of_kind(render_file("own-services"), "NetworkPolicy") for rule in policy["spec"]["egress"]]
    to_it = [rule["to"] for rule in rules if rule["ports"] == [{"protocol": "TCP", "port": 5433}]]
    assert to_it == [[{"ipBlock": {"cidr": "10.20.0.5/32"}}]] * 2


@pytest.fixture(scope="module")
def stage(cluster: Cluster) -> Iterator[dict[str, Namespace]]:
    """A pod for each role of the table that listens on every port, and the chart's policies around them."""
    with (
        cluster.namespace() as release,
        cluster.namespace() as compute,
        cluster.namespace() as spark,
        cluster.namespace() as other,
    ):
        spaces = {"rc2": release, "rc2-compute": compute, "rc2-spark": spark, "elsewhere": other}
        values = [f"--set=compute.namespace={compute.name}", f"--set=spark.namespace={spark.name}"]
        on = ["--set=spark.enabled=true,postgresql.enabled=true"]
        for policy in policies(f"--namespace={release.name}", *values, *on):
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
def test_pods_reach_each_other_as_the_table_says(stage: dict[str, Namespace], source: str) -> None:
    asked = [(target, port) for who, target, port in triples(PODS) if who == source]
    wanted = {(target, port) for target, port in asked if allowed(source, target, port)}
    if not ENFORCED:  # then all that a cluster can show is that nothing else stands in the way
        asked = sorted(wanted)
    eventually(lambda: reached(stage, source, asked) == wanted, 60)


def reached(stage: dict[str, Namespace], source: str, asked: list[tuple[str, int]]) -> set[tuple[str, int]]:
    ips = {pod["metadata"]["name"]: pod["status"]["podIP"] for space in stage.values() for pod in space.get("pods")}
    tries = " ".join(
        f"(nc -w 2 {ips[target.replace(' ', '-')]} {port} </dev/null && echo '{target}:{port}') &" for target, port in asked
    )
    said = stage[PODS[source].namespace].exec(source.replace(" ", "-"), "sh", "-c", f"{tries} wait", timeout=120)
    return {(target, int(port)) for target, port in (line.split(":") for line in said.splitlines())}
