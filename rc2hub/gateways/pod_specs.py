"""Builds the pods of Spark: drivers, and the executors that drivers request. No pod holds a secret.

All of them meet Kubernetes' "restricted" level and have no access to the Kubernetes API, because users' code runs in them.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jupyterhub.slugs import safe_slug

from rc2hub.gateways.java_command import PYTHON_KILL_TIMEOUT, TOKEN
from rc2hub.gateways.s3a_conf import s3a_conf
from rc2hub.gateways.webhdfs_conf import webhdfs_conf
from rc2hub.kubernetes import Pod

CONTAINER = "spark"
SERVICE_ACCOUNT = "spark-driver"
"""The service account of all pods, without any right. It owns the drivers: Kubernetes removes them with it."""
SECRET_FILE = "/run/rc2/secret"  # noqa: S105 - a path
CONNECT_PORT, SCHEDULER_PORT, BLOCK_MANAGER_PORT = 15002, 7078, 7079
"""Ports: of a driver for the gateway, of a driver for its executors, and of both for each other's blocks."""
SPARK_UID = 185
DRIVER_CPU_REQUEST = "100m"
"""A driver waits for its user most of the time."""
MEMORY_OVERHEAD_MIB = 600
"""MiB that a Java process of Spark needs beside its heap."""
SCRATCH_SIZE, TMP_DIR = "10Gi", "/tmp"  # noqa: S108 - a volume of the pod
"""Disk for what does not fit into memory; Kubernetes ends a pod that uses more."""
NO_WAREHOUSE_DIR = "/tables-need-a-disk-that-all-executors-share"
"""The warehouse of a driver with executors. It does not exist, as each pod would write its part to its own disk."""
KEY, SERVICE_LABEL, DRIVER_LABEL = "rc2hub.org/spark-key", "rc2hub.org/service", "rc2hub.org/spark-driver"
"""Labels: the routing key, the service in the catalogue, and an executor's driver. KEY is an annotation too."""
STANDBY, YES = "rc2hub.org/spark-standby", "yes"
"""The label of a driver without a user, in the place of KEY."""
GATEWAY_ANNOTATION = "rc2hub.org/gateway"
"""The fingerprint of the gateway secret from which the pod's secret is derived."""
CATALOG_ANNOTATION = "rc2hub.org/catalog"
"""A driver's options for Hive, as JSON, for a gateway that takes it over."""
REQUESTED_LABEL = re.compile(r"spark-(app-selector|exec-id|exec-resourceprofile-id)")
REQUESTED_VARIABLE = re.compile(r"SPARK_[A-Z0-9_]+")


@dataclass(frozen=True)
class SparkPodSettings:
    """The values of `c.PodDrivers` that pods are built from; `c.PodDrivers` documents them."""

    service: str
    fingerprint: str
    """Identifies the gateway's secret."""
    namespace: str
    image: str
    image_pull_policy: str
    extra_pod_config: Mapping[str, Any]
    memory: str
    cores: str
    executors: int
    executors_url: str
    executor_memory: str
    executor_cores: int
    executor_idle: float
    hdfs_gateway: str
    s3_gateway: str


def driver_pod(settings: SparkPodSettings, name: str, service_account_uid: str, user: Mapping[str, str]) -> Pod:
    """The pod of a Connect server with the annotations of its user (`user_annotations`), or without any of a standby."""
    metadata = _metadata(settings, "driver", name, user)
    owner = {"apiVersion": "v1", "kind": "ServiceAccount", "name": SERVICE_ACCOUNT, "uid": service_account_uid}
    metadata["ownerReferences"] = [owner]
    metadata["annotations"][GATEWAY_ANNOTATION] = settings.fingerprint
    conf = _common_conf(settings) | (_executors_conf(settings, name) if settings.executors else _local_conf(settings))
    options = (part for option, value in sorted(conf.items()) for part in ("--conf", f"{option}={value}"))
    return _pod(
        settings,
        metadata,
        args=["server", *options],
        env=[{"name": "SPARK_DRIVER_MEMORY", "value": settings.memory}, _field_variable("POD_IP", "status.podIP")],
        ports=[{"name": "connect", "containerPort": CONNECT_PORT}],
        resources=_resources(settings.memory, DRIVER_CPU_REQUEST, settings.cores),
    )


def user_annotations(key: str, catalog: Mapping[str, str]) -> dict[str, str]:
    """The annotations of a driver with a user: the routing key, and the user's options for Hive."""
    return {KEY: key, CATALOG_ANNOTATION: json.dumps(catalog)}


def catalog_of(driver: Pod) -> dict[str, str]:
    """The options for Hive that a driver's user has."""
    conf: dict[str, str] = json.loads(driver["metadata"]["annotations"].get(CATALOG_ANNOTATION, "{}"))
    return conf


def claim_patch(user: Mapping[str, str]) -> list[dict[str, Any]]:
    """The JSON patch (RFC 6902) that gives a standby the annotations of its user, only while it is a standby."""
    standby, owner = (f"/metadata/labels/{_pointer(label)}" for label in (STANDBY, KEY))
    return [
        {"op": "test", "path": standby, "value": YES},
        {"op": "remove", "path": standby},
        {"op": "add", "path": owner, "value": safe_slug(user[KEY])},
        *({"op": "add", "path": f"/metadata/annotations/{_pointer(name)}", "value": user[name]} for name in user),
    ]


def executor_pod(settings: SparkPodSettings, driver: Pod, requested: Pod) -> Pod:
    """The pod of an executor; Kubernetes removes it with its driver.

    Of the pod that the driver requests, only Spark's own labels and variables are used: a user's code can request any pod.

    Raises:
        KeyError, TypeError, ValueError: if this is not a pod that Spark requests.
    """
    labels = {name: str(value) for name, value in requested["metadata"]["labels"].items() if REQUESTED_LABEL.fullmatch(name)}
    owner = {"apiVersion": "v1", "kind": "Pod", "name": driver["metadata"]["name"], "uid": driver["metadata"]["uid"]}
    name, key = f"{owner['name']}-exec-{int(labels['spark-exec-id'])}", driver["metadata"]["annotations"][KEY]
    metadata = _metadata(settings, "executor", name, {KEY: key})
    metadata["labels"] |= {**labels, DRIVER_LABEL: owner["name"]}
    metadata["ownerReferences"] = [owner]
    cores = str(settings.executor_cores)
    return _pod(
        settings,
        metadata,
        args=["executor"],
        env=_executor_variables(requested),
        ports=[{"name": "blocks", "containerPort": BLOCK_MANAGER_PORT}],
        resources=_resources(settings.executor_memory, cores, cores),
    )


def mebibytes(heap: str) -> int:
    """The MiB of a size in Java's notation.

    Raises:
        ValueError: if it is not like `512m` or `2g`.
    """
    match = re.fullmatch(r"(\d+)([mg])", heap.lower())
    if not match:
        raise ValueError(f"{heap!r} is not a size like 512m or 2g")
    return int(match[1]) * (1024 if match[2] == "g" else 1)


def _executor_variables(requested: Pod) -> list[dict[str, Any]]:
    variables = {
        variable["name"]: variable["value"]
        for variable in requested["spec"]["containers"][0]["env"]
        if REQUESTED_VARIABLE.fullmatch(variable["name"]) and isinstance(variable.get("value"), str)
    }
    variables |= {"SPARK_CONF_DIR": "/opt/spark-conf", "SPARK_LOCAL_DIRS": TMP_DIR, "SPARK_USER": "spark"}
    return [
        *({"name": name, "value": value} for name, value in sorted(variables.items())),
        _field_variable("SPARK_EXECUTOR_POD_IP", "status.podIP"),
        _field_variable("SPARK_EXECUTOR_POD_NAME", "metadata.name"),
    ]


def _metadata(settings: SparkPodSettings, role: str, name: str, user: Mapping[str, str]) -> dict[str, Any]:
    labels = {
        "app.kubernetes.io/name": "rc2hub",
        "app.kubernetes.io/component": f"spark-{role}",
        "app.kubernetes.io/managed-by": "rc2hub",
        "spark-role": role,  # Spark's own label, which the chart's network policies select too
        SERVICE_LABEL: safe_slug(settings.service),
        **({KEY: safe_slug(user[KEY])} if user else {STANDBY: YES}),
    }
    return {"name": name, "namespace": settings.namespace, "labels": labels, "annotations": dict(user)}


def _pointer(name: str) -> str:
    """A name as a step of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def _pod(settings: SparkPodSettings, metadata: dict[str, Any], env: list[Any], **container: Any) -> Pod:
    """A pod with one container, which waits for its secret and then runs Spark."""
    container |= {
        "name": CONTAINER,
        "image": settings.image,
        "imagePullPolicy": settings.image_pull_policy,
        "env": [{"name": "RC2_SECRET_FILE", "value": SECRET_FILE}, *_s3_variable(settings), *env],
        "volumeMounts": [{"name": "rc2-run", "mountPath": "/run/rc2"}, {"name": "tmp", "mountPath": TMP_DIR}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
    spec = {
        "serviceAccountName": SERVICE_ACCOUNT,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 3,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": SPARK_UID,
            "runAsGroup": SPARK_UID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [
            {"name": "rc2-run", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
            {"name": "tmp", "emptyDir": {"sizeLimit": SCRATCH_SIZE}},
        ],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**spec, **settings.extra_pod_config}}


def _common_conf(settings: SparkPodSettings) -> dict[str, Any]:
    """Spark's configuration of every driver."""
    hdfs = webhdfs_conf(settings.hdfs_gateway, TOKEN) if settings.hdfs_gateway else {}
    s3 = s3a_conf(settings.s3_gateway, TOKEN, f"{TMP_DIR}/s3a") if settings.s3_gateway else {}
    return {
        **hdfs,
        **s3,
        "spark.connect.grpc.binding.port": CONNECT_PORT,
        "spark.driver.host": "$(POD_IP)",
        "spark.local.dir": TMP_DIR,
        "spark.ui.enabled": "false",
        "spark.python.task.killTimeout": PYTHON_KILL_TIMEOUT,
    }


def _local_conf(settings: SparkPodSettings) -> dict[str, Any]:
    """Spark's configuration of a driver without executors."""
    return {"spark.master": f"local[{settings.cores}]", "spark.sql.warehouse.dir": f"{TMP_DIR}/warehouse"}


def _executors_conf(settings: SparkPodSettings, name: str) -> dict[str, Any]:
    """Spark's configuration of a driver with executors; the gateway answers it in the place of the Kubernetes API."""
    idle = f"{settings.executor_idle:.0f}s"
    return {
        "spark.master": f"k8s://{settings.executors_url}",
        "spark.sql.warehouse.dir": NO_WAREHOUSE_DIR,
        "spark.driver.port": SCHEDULER_PORT,
        "spark.driver.blockManager.port": BLOCK_MANAGER_PORT,
        "spark.blockManager.port": BLOCK_MANAGER_PORT,
        "spark.kubernetes.namespace": settings.namespace,
        "spark.kubernetes.container.image": settings.image,
        "spark.kubernetes.authenticate.oauthTokenFile": SECRET_FILE,
        "spark.kubernetes.executor.podNamePrefix": name,
        "spark.kubernetes.executor.disableConfigMap": "true",
        # the gateway offers no watch; polling it is cheap, as it answers from memory
        "spark.kubernetes.executor.enableApiWatcher": "false",
        "spark.kubernetes.executor.apiPollingInterval": "2s",
        "spark.kubernetes.allocation.batch.delay": "200ms",
        # a secret between driver and executors, as other users' pods can reach their ports
        "spark.authenticate": "true",
        "spark.authenticate.secret.file": SECRET_FILE,
        "spark.network.crypto.enabled": "true",
        "spark.executor.cores": settings.executor_cores,
        "spark.executor.memory": settings.executor_memory,
        "spark.executor.memoryOverhead": f"{MEMORY_OVERHEAD_MIB}m",
        "spark.dynamicAllocation.enabled": "true",
        "spark.dynamicAllocation.minExecutors": 0,
        "spark.dynamicAllocation.maxExecutors": settings.executors,
        "spark.dynamicAllocation.executorIdleTimeout": idle,
        "spark.dynamicAllocation.shuffleTracking.enabled": "true",
        "spark.dynamicAllocation.shuffleTracking.timeout": idle,
    }


def _s3_variable(settings: SparkPodSettings) -> list[dict[str, str]]:
    """The variable with which the image's entrypoint adds the client of S3 to the class path."""
    return [{"name": "RC2_S3A", "value": YES}] if settings.s3_gateway else []


def _field_variable(name: str, path: str) -> dict[str, Any]:
    """A variable whose value Kubernetes takes from a field of the pod."""
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _resources(heap: str, cpu_request: str, cpu_limit: str) -> dict[str, Any]:
    """The resources of a Java process with this heap; a limit of `*` cores is no limit."""
    memory = f"{mebibytes(heap) + MEMORY_OVERHEAD_MIB}Mi"
    cpu = {} if cpu_limit == "*" else {"cpu": cpu_limit}
    return {"requests": {"cpu": cpu_request, "memory": memory}, "limits": {"memory": memory, **cpu}}
