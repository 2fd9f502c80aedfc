"""A pool of pods as a Deployment with `replicas: spare` (DESIGN D4), made from the pod that a user would get.

Kubernetes keeps the number: it replaces pods that fail, with back-off, and rolls out a new image without falling below it. A
claimed standby leaves the Deployment's selector, and its replacement starts.
"""

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from rc2hub.kubernetes import Pod, PodWatch
from rc2hub.kubernetes.pod_status import has_ended, is_terminating

POOL = "rc2hub.org/pool"
"""The label that the Deployment selects; its value is the profile. Only unclaimed standbys have it."""
TEMPLATE = "rc2hub.org/template-hash"
"""The label that distinguishes standbys of one template from those of another during a roll-out."""
HUB = "rc2hub.org/hub"
"""The label of all pods and Deployments of one hub; several hubs may share a namespace."""
STARTED = "rc2hub.org/started"
"""The label of a pod whose server JupyterHub has stored as started."""
CONTAINER = "notebook"
"""KubeSpawner's name of the container that is the compute server."""
CPU = 0.01
"""Cores that a standby requests: it is idle, and is resized when it is claimed."""
MEMORY = 256 << 20
"""Bytes that a standby requests; with page cache it uses 235 MiB."""
GATE = "rc2hub.org/refill"
"""The scheduling gate of new standbys; the hub removes it (`refill_throttle.py`)."""
USER_LABELS = ("hub.jupyter.org/username", "hub.jupyter.org/servername")
PROGRESS_DEADLINE = 300
"""Seconds without progress after which Kubernetes reports that a roll-out has failed; the old standbys stay."""
RESIZABLE = ("cpu", "memory")
"""Resources that a standby gets when it is claimed; of any other resource it has as much as its profile."""


def deployment_name(profile: str, hub_id: str) -> str:
    """The name of a profile's Deployment of one hub."""
    return f"rc2-standbys-{profile}-{hub_id}"


def deployment(profile: str, template_pod: Pod, replicas: int, owners: Sequence[Mapping[str, str]] = ()) -> dict[str, Any]:
    """The Deployment that keeps the standbys of a profile.

    Args:
        profile: its name.
        template_pod: the pod that KubeSpawner makes for that profile and no user.
        replicas: how many standbys to keep.
        owners: references to the objects with which the Deployment is deleted.
    """
    labels = {key: value for key, value in template_pod["metadata"]["labels"].items() if key not in USER_LABELS}
    notes = {key: value for key, value in template_pod["metadata"]["annotations"].items() if key not in USER_LABELS}
    selector = {POOL: profile, HUB: labels[HUB], "component": labels["component"]}
    spec = {**copy.deepcopy(template_pod["spec"]), "restartPolicy": "Always"}  # a Deployment accepts no other policy
    compute = server_container(spec)
    compute["resources"] = standby_resources(compute.get("resources", {}))
    spec["schedulingGates"] = [*spec.get("schedulingGates", []), {"name": GATE}]
    template = {"metadata": {"labels": {**labels, POOL: profile}, "annotations": notes}, "spec": spec}
    content = json.dumps(template, sort_keys=True).encode()
    template["metadata"]["labels"][TEMPLATE] = hashlib.sha256(content).hexdigest()[:16]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": deployment_name(profile, labels[HUB]),
            "labels": {**labels, POOL: profile},
            "ownerReferences": [*owners],
        },
        "spec": {
            "replicas": replicas,
            "revisionHistoryLimit": 1,
            "progressDeadlineSeconds": PROGRESS_DEADLINE,
            "selector": {"matchLabels": selector},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
            "template": template,
        },
    }


def active_standbys(pods: PodWatch, profile: str) -> list[Pod]:
    """The unclaimed standbys of a profile that are ready or will be; the watch indexes the hub's own pods by `POOL`."""
    return [pod for pod in pods.labelled(profile).values() if not is_terminating(pod) and not has_ended(pod)]


def server_container(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The container of a pod's spec that is the compute server."""
    found: dict[str, Any] = next(each for each in spec["containers"] if each["name"] == CONTAINER)
    return found


def standby_resources(resources: Mapping[str, Any]) -> dict[str, Any]:
    """The resources of a standby: small requests, and the limits of its profile."""
    limits = resources.get("limits", {})
    requests = {**resources.get("requests", {}), "cpu": min(CPU, limits.get("cpu", CPU))}
    return {"limits": limits, "requests": {**requests, "memory": min(MEMORY, limits.get("memory", MEMORY))}}
