"""The cluster of `make cluster` is complete: access control, two nodes, storage, DNS, metrics and an ingress."""

import base64
import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.cluster import Cluster, Namespace, eventually

NODES = {"node1": "10.88.0.11", "node2": "10.88.0.12"}
KUBECONFIGS = Path("/var/lib/rc2-cluster/kubeconfig")
HELLO = "mkdir -p /tmp/www && echo hello from $HOSTNAME > /tmp/www/index.html && httpd -f -vv -p 8080 -h /tmp/www"


def pod(cluster: Cluster, name: str, script: str = "sleep 3600", **spec: Any) -> dict[str, Any]:
    container: dict[str, Any] = {"name": "main", "image": cluster.settings["RC2_BUSYBOX"], "command": ["sh", "-c", script]}
    container["volumeMounts"] = [{"name": volume["name"], "mountPath": "/data"} for volume in spec.get("volumes", [])]
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0, **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": spec}


def run(namespace: Namespace, *pods: dict[str, Any]) -> None:
    namespace.apply(*pods)
    namespace.wait("condition=Ready", *(f"pod/{each['metadata']['name']}" for each in pods))


def claim(name: str, mode: str, **spec: Any) -> dict[str, Any]:
    spec = {"accessModes": [mode], "resources": {"requests": {"storage": "1Mi"}}, **spec}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


def mounted(name: str) -> list[dict[str, Any]]:
    return [{"name": "data", "persistentVolumeClaim": {"claimName": name}}]


def https(cluster: Cluster, address: str, port: int, path: str = "/", **headers: str) -> tuple[int, str]:
    """Status and body of a request that trusts only the cluster's authority."""
    trust = ssl.create_default_context(cafile=cluster.settings["RC2_CLUSTER_CA"])
    host = headers.get("Host", address)
    with (
        socket.create_connection((address, port), timeout=5) as unencrypted,
        trust.wrap_socket(unencrypted, server_hostname=host) as secure,
        closing(http.client.HTTPConnection(host)) as connection,
    ):
        connection.sock = secure
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read().decode()


@pytest.fixture
def repaired(cluster: Cluster) -> Iterator[None]:
    """Repair the cluster after a test that breaks it."""
    yield
    cluster.machine("start", "etcd")
    cluster.machine("start", "kube-apiserver")
    for number in "12":
        cluster.machine("node-up", number)
    cluster.machine("restart-watchers")


def ready_nodes(cluster: Cluster) -> set[str]:
    return {
        node["metadata"]["name"]
        for node in cluster.get("nodes")
        if any(each["type"] == "Ready" and each["status"] == "True" for each in node["status"]["conditions"])
    }


def test_two_nodes_are_ready_in_different_zones(cluster: Cluster) -> None:
    assert ready_nodes(cluster) == set(NODES)
    zones = {node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in cluster.get("nodes")}
    assert zones == {"zone1", "zone2"}


@pytest.mark.parametrize("address", NODES.values(), ids=NODES.keys())
def test_a_kubelet_refuses_a_request_without_a_certificate(cluster: Cluster, address: str) -> None:
    assert https(cluster, address, 10250, "/pods")[0] == 401


def test_a_kubelet_checks_permissions_with_the_api_server(cluster: Cluster, namespace: Namespace) -> None:
    token = namespace.kubectl("create", "token", "default").strip()
    assert https(cluster, NODES["node1"], 10250, "/pods", Authorization=f"Bearer {token}")[0] == 403


@pytest.mark.parametrize("path", ["/api/v1/nodes", "/version", "/healthz"])
def test_the_api_server_refuses_an_anonymous_request(cluster: Cluster, path: str) -> None:
    assert https(cluster, cluster.settings["RC2_HOST_IP"], 6443, path)[0] == 401


def test_etcd_refuses_a_certificate_of_another_authority(cluster: Cluster) -> None:
    pki = KUBECONFIGS.parent / "pki"
    stranger = ssl.create_default_context(cafile=str(pki / "etcd-ca.crt"))
    stranger.load_cert_chain(pki / "admin.crt", pki / "admin.key")
    with (
        socket.create_connection(("127.0.0.1", 2379), timeout=5) as unencrypted,
        stranger.wrap_socket(unencrypted, server_hostname="127.0.0.1") as secure,
        pytest.raises(OSError, match="alert"),
    ):
        secure.recv(1)


def test_a_node_can_read_only_the_secrets_of_its_pods(cluster: Cluster, namespace: Namespace) -> None:
    namespace.kubectl("create", "secret", "generic", "key", "--from-literal=word=xyzzy")
    run(namespace, pod(cluster, "user", nodeName="node1", volumes=[{"name": "key", "secret": {"secretName": "key"}}]))

    def read_as(node: str) -> str:
        return namespace.kubectl(f"--kubeconfig={KUBECONFIGS / node}", "get", "secret", "key")

    assert "key" in read_as("node1")
    with pytest.raises(AssertionError, match="Forbidden.*no relationship found between node"):
        read_as("node2")


def test_a_node_cannot_read_the_other_node(cluster: Cluster) -> None:
    with pytest.raises(AssertionError, match="Forbidden.*only its own Node object"):
        cluster.kubectl(f"--kubeconfig={KUBECONFIGS / 'node2'}", "get", "node", "node1")


def test_a_service_account_token_is_bound_to_its_pod_and_expires(cluster: Cluster, namespace: Namespace) -> None:
    run(namespace, pod(cluster, "holder"))
    token = namespace.exec("holder", "cat", "/var/run/secrets/kubernetes.io/serviceaccount/token")
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["kubernetes.io"]["pod"]["name"] == "holder"
    assert claims["iss"] == "https://kubernetes.default.svc.cluster.local"
    assert claims["exp"] > claims["iat"]


def test_a_pod_resolves_services_and_the_ingress(cluster: Cluster, namespace: Namespace) -> None:
    run(namespace, pod(cluster, "asker"))
    assert "10.96.0.1" in namespace.exec("asker", "nslookup", "kubernetes.default.svc.cluster.local")
    ingress = f"hub.{cluster.settings['RC2_INGRESS_DOMAIN']}"
    assert cluster.settings["RC2_INGRESS_IP"] in namespace.exec("asker", "nslookup", ingress)


def test_pods_on_two_nodes_reach_each_other_and_see_the_source_address(cluster: Cluster, namespace: Namespace) -> None:
    run(namespace, pod(cluster, "web", HELLO, nodeName="node1"), pod(cluster, "caller", nodeName="node2"))
    namespace.kubectl("expose", "pod", "web", "--port=80", "--target-port=8080")
    address = namespace.get("pod", "caller")["status"]["podIP"]
    assert namespace.exec("caller", "wget", "-qO-", f"http://web.{namespace.name}") == "hello from web\n"
    assert address in namespace.kubectl("logs", "web")


def test_a_claim_without_a_class_gets_a_volume_of_the_default_class(cluster: Cluster, namespace: Namespace) -> None:
    namespace.apply(claim("own", "ReadWriteOnce"))
    run(namespace, pod(cluster, "writer", "echo kept > /data/file; sleep 3600", volumes=mounted("own")))
    assert namespace.get("pvc", "own")["spec"]["storageClassName"] == "local-path"
    assert eventually(lambda: namespace.exec("writer", "cat", "/data/file")) == "kept\n"


def test_homes_are_the_same_folder_on_both_nodes(cluster: Cluster, namespace: Namespace) -> None:
    namespace.apply(claim("homes", "ReadWriteMany", storageClassName="rc2-homes"))
    namespace.wait("jsonpath={.status.phase}=Bound", "pvc/homes")
    run(namespace, *(pod(cluster, node, nodeName=node, volumes=mounted("homes")) for node in NODES))
    namespace.exec("node1", "sh", "-c", "echo mine > /data/file && chown 1234 /data/file && chmod 600 /data/file")
    assert namespace.exec("node2", "sh", "-c", "stat -c '%u %a' /data/file && cat /data/file") == "1234 600\nmine\n"


def test_the_ingress_serves_tls_with_a_certificate_of_the_clusters_authority(cluster: Cluster, namespace: Namespace) -> None:
    host = f"{namespace.name}.{cluster.settings['RC2_INGRESS_DOMAIN']}"
    run(namespace, pod(cluster, "web", HELLO))
    namespace.kubectl("expose", "pod", "web", "--port=80", "--target-port=8080")
    namespace.kubectl("create", "ingress", "web", "--class=traefik", f"--rule={host}/*=web:80,tls")
    assert eventually(lambda: ingress_response(cluster, host)) == "hello from web\n"
    status = namespace.get("ingress", "web")["status"]
    assert status["loadBalancer"]["ingress"][0]["ip"] == cluster.settings["RC2_INGRESS_IP"]


def ingress_response(cluster: Cluster, host: str) -> str:
    status, body = https(cluster, cluster.settings["RC2_INGRESS_IP"], 443, Host=host)
    assert status == 200, body
    return body


def test_the_metrics_server_reports_the_usage_of_nodes_and_pods(cluster: Cluster, namespace: Namespace) -> None:
    run(namespace, pod(cluster, "busy"))
    assert set(NODES) <= set(eventually(lambda: cluster.kubectl("top", "nodes")).split())
    assert "busy" in eventually(lambda: namespace.kubectl("top", "pods"))


@pytest.mark.alone
def test_after_a_power_cut_of_a_node_its_pods_are_replaced_on_the_other_node(
    cluster: Cluster, namespace: Namespace, repaired: None
) -> None:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": pod(cluster, "web")["spec"]}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    namespace.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec})
    namespace.wait("condition=Available", "deployment/web")
    cluster.machine("node-kill", "2")
    eventually(lambda: ready_nodes(cluster) == {"node1"})
    eventually(lambda: namespace.get("deployment", "web")["status"].get("readyReplicas") == 2)


@pytest.mark.alone
def test_pods_keep_running_while_etcd_and_the_api_server_are_down(
    cluster: Cluster, namespace: Namespace, repaired: None
) -> None:
    run(namespace, pod(cluster, "web", HELLO))
    address = namespace.get("pod", "web")["status"]["podIP"]
    cluster.machine("stop", "kube-apiserver")
    cluster.machine("stop", "etcd")
    with socket.create_connection((address, 8080), timeout=5):
        pass
    cluster.machine("start", "etcd")
    cluster.machine("start", "kube-apiserver")
    eventually(lambda: namespace.get("pod", "web"))


@pytest.mark.alone
def test_an_image_that_exists_is_not_imported_again(cluster: Cluster, tmp_path: Path) -> None:
    busybox = next(Path(cluster.settings["KUBECTL"]).parent.parent.glob("images-*/busybox.tar"))
    record = Path("/var/lib/rc2-cluster/node1/images")
    before = {file.name: file.stat().st_mtime_ns for file in record.iterdir()}
    cluster.machine("import", str(busybox))
    assert {file.name: file.stat().st_mtime_ns for file in record.iterdir()} == before
