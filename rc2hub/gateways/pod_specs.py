"""How the pods of Spark look: drivers, and the executors that drivers ask for. Nothing here is secret.

All of them meet Kubernetes' "restricted" level and have no account of Kubernetes: people's own code runs in them.
"""

import re
from typing import TYPE_CHECKING, Any

from jupyterhub.slugs import safe_slug

if TYPE_CHECKING:
    from rc2hub.gateways.driver_pods import PodDrivers

Pod = dict[str, Any]
CONTAINER = "spark"
ACCOUNT = "spark-driver"
"""The service account of all of them, without any right. It owns the drivers: Kubernetes removes them when it goes."""
SECRET = "/run/rc2/secret"  # noqa: S105 - the path of a file
CONNECT, SCHEDULER, BLOCKS = 15002, 7078, 7079
"""Ports: of a driver for the gateway, of a driver for its executors, and of both for each other's blocks."""
UID = 185
IDLE_CPU = "100m"
"""What a driver gets for sure; most of the time it waits for its person."""
BESIDE_HEAP = 600
"""MiB that a Java of Spark takes beside its heap."""
SCRATCH, TMP = "10Gi", "/tmp"  # noqa: S108 - a volume of the pod's own
"""Disk for what does not fit into memory; a pod that takes more is ended by Kubernetes."""
NO_TABLES = "/tables-need-a-disk-that-all-executors-share"
"""Where a driver with executors would keep tables: nowhere, as each pod would write its part to a disk of its own."""
KEY, SERVICE, DRIVER = "rc2hub.org/spark-key", "rc2hub.org/service", "rc2hub.org/spark-driver"
"""Labels: whose a pod is, of which service of the catalogue, and an executor's driver. KEY is an annotation too."""
GATEWAY = "rc2hub.org/gateway"
"""Annotation: of which gateway's secret the pod's own is made."""
ASKED_LABEL = re.compile(r"spark-(app-selector|exec-id|exec-resourceprofile-id)")
ASKED_VARIABLE = re.compile(r"SPARK_[A-Z0-9_]+")


def driver_pod(drivers: "PodDrivers", name: str, key: str, account: str) -> Pod:
    """The pod of a Connect server; `account` is the uid of its service account."""
    metadata = metadata_of(drivers, "driver", name, key)
    metadata["ownerReferences"] = [{"apiVersion": "v1", "kind": "ServiceAccount", "name": ACCOUNT, "uid": account}]
    metadata["annotations"][GATEWAY] = drivers.fingerprint
    conf = common_conf() | (executors_conf(drivers, name) if drivers.executors else alone_conf(drivers))
    options = (part for option, value in sorted(conf.items()) for part in ("--conf", f"{option}={value}"))
    return pod(
        drivers,
        metadata,
        args=["server", *options],
        env=[{"name": "SPARK_DRIVER_MEMORY", "value": drivers.memory}, field("POD_IP", "status.podIP")],
        ports=[{"name": "connect", "containerPort": CONNECT}],
        resources=resources(drivers.memory, IDLE_CPU, drivers.cores),
    )


def executor_pod(drivers: "PodDrivers", driver: Pod, asked: Pod) -> Pod:
    """The pod of an executor; Kubernetes removes it when its driver goes.

    Of what the driver asks for, only Spark's own labels and variables count: whoever is in the driver could ask for
    anything.

    Raises:
        KeyError, TypeError, ValueError: if this is not what Spark asks for.
    """
    labels = {name: str(value) for name, value in asked["metadata"]["labels"].items() if ASKED_LABEL.fullmatch(name)}
    owner = {"apiVersion": "v1", "kind": "Pod", "name": driver["metadata"]["name"], "uid": driver["metadata"]["uid"]}
    name, key = f"{owner['name']}-exec-{int(labels['spark-exec-id'])}", driver["metadata"]["annotations"][KEY]
    metadata = metadata_of(drivers, "executor", name, key)
    metadata["labels"] |= {**labels, DRIVER: owner["name"]}
    metadata["ownerReferences"] = [owner]
    variables = {
        variable["name"]: variable["value"]
        for variable in asked["spec"]["containers"][0]["env"]
        if ASKED_VARIABLE.fullmatch(variable["name"]) and isinstance(variable.get("value"), str)
    }
    variables |= {"SPARK_CONF_DIR": "/opt/spark-conf", "SPARK_LOCAL_DIRS": TMP, "SPARK_USER": "spark"}
    of_pod = [field("SPARK_EXECUTOR_POD_IP", "status.podIP"), field("SPARK_EXECUTOR_POD_NAME", "metadata.name")]
    cores = str(drivers.executor_cores)
    return pod(
        drivers,
        metadata,
        args=["executor"],
        env=[*({"name": name, "value": value} for name, value in sorted(variables.items())), *of_pod],
        ports=[{"name": "blocks", "containerPort": BLOCKS}],
        resources=resources(drivers.executor_memory, cores, cores),
    )


def metadata_of(drivers: "PodDrivers", role: str, name: str, key: str) -> dict[str, Any]:
    """Name, labels and annotations of a pod."""
    labels = {
        "app.kubernetes.io/name": "rc2hub",
        "app.kubernetes.io/component": f"spark-{role}",
        "app.kubernetes.io/managed-by": "rc2hub",
        "spark-role": role,  # Spark's own word, and that of the chart's network policies
        SERVICE: safe_slug(drivers.service),
        KEY: safe_slug(key),
    }
    return {"name": name, "namespace": drivers.namespace, "labels": labels, "annotations": {KEY: key}}


def pod(drivers: "PodDrivers", metadata: dict[str, Any], env: list[Any], **container: Any) -> Pod:
    """A pod with one container, which waits for its secret and then runs Spark."""
    container |= {
        "name": CONTAINER,
        "image": drivers.image,
        "imagePullPolicy": drivers.image_pull_policy,
        "env": [{"name": "RC2_SECRET", "value": SECRET}, *env],
        "volumeMounts": [{"name": "rc2-run", "mountPath": "/run/rc2"}, {"name": "tmp", "mountPath": TMP}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
    spec = {
        "serviceAccountName": ACCOUNT,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 3,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": UID,
            "runAsGroup": UID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [
            {"name": "rc2-run", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
            {"name": "tmp", "emptyDir": {"sizeLimit": SCRATCH}},
        ],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec | drivers.extra_pod_config}


def common_conf() -> dict[str, Any]:
    """What every driver is told."""
    return {
        "spark.connect.grpc.binding.port": CONNECT,
        "spark.driver.host": "$(POD_IP)",
        "spark.local.dir": TMP,
        "spark.ui.enabled": "false",
    }


def alone_conf(drivers: "PodDrivers") -> dict[str, Any]:
    """What a driver is told that computes by itself."""
    return {"spark.master": f"local[{drivers.cores}]", "spark.sql.warehouse.dir": f"{TMP}/warehouse"}


def executors_conf(drivers: "PodDrivers", name: str) -> dict[str, Any]:
    """What a driver is told that has executors; it takes the gateway for Kubernetes."""
    idle = f"{drivers.executor_idle:.0f}s"
    return {
        "spark.master": f"k8s://{drivers.executors_url}",
        "spark.sql.warehouse.dir": NO_TABLES,
        "spark.driver.port": SCHEDULER,
        "spark.driver.blockManager.port": BLOCKS,
        "spark.blockManager.port": BLOCKS,
        "spark.kubernetes.namespace": drivers.namespace,
        "spark.kubernetes.container.image": drivers.image,
        "spark.kubernetes.authenticate.oauthTokenFile": SECRET,
        "spark.kubernetes.executor.podNamePrefix": name,
        "spark.kubernetes.executor.disableConfigMap": "true",
        # the gateway has no watch, but answers from memory
        "spark.kubernetes.executor.enableApiWatcher": "false",
        "spark.kubernetes.executor.apiPollingInterval": "2s",
        "spark.kubernetes.allocation.batch.delay": "200ms",
        # a secret between driver and executors, as other people's pods reach their ports
        "spark.authenticate": "true",
        "spark.authenticate.secret.file": SECRET,
        "spark.network.crypto.enabled": "true",
        "spark.executor.cores": drivers.executor_cores,
        "spark.executor.memory": drivers.executor_memory,
        "spark.executor.memoryOverhead": f"{BESIDE_HEAP}m",
        "spark.dynamicAllocation.enabled": "true",
        "spark.dynamicAllocation.minExecutors": 0,
        "spark.dynamicAllocation.maxExecutors": drivers.executors,
        "spark.dynamicAllocation.executorIdleTimeout": idle,
        "spark.dynamicAllocation.shuffleTracking.enabled": "true",
        "spark.dynamicAllocation.shuffleTracking.timeout": idle,
    }


def field(name: str, path: str) -> dict[str, Any]:
    """A variable that Kubernetes fills in from the pod's own description."""
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def resources(heap: str, request: str, limit: str) -> dict[str, Any]:
    """What a Java with this heap gets; a limit of `*` cores is none."""
    memory = f"{mebibytes(heap) + BESIDE_HEAP}Mi"
    cpu = {} if limit == "*" else {"cpu": limit}
    return {"requests": {"cpu": request, "memory": memory}, "limits": {"memory": memory, **cpu}}


def mebibytes(heap: str) -> int:
    """A size as Java writes it, in MiB.

    Raises:
        ValueError: if it is not like `512m` or `2g`.
    """
    match = re.fullmatch(r"(\d+)([mg])", heap.lower())
    if not match:
        raise ValueError(f"{heap!r} is not a size like 512m or 2g")
    return int(match[1]) * (1024 if match[2] == "g" else 1)
