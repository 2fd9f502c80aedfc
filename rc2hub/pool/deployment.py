"""A pool of pods as a plain Deployment with `replicas: spare` (design D1), made from the pod that a person would get.

Kubernetes keeps the number: it replaces what breaks, with back-off, and rolls out a new image without falling below it. A
standby that is claimed leaves the Deployment's selector, and its replacement starts.
"""

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from rc2hub.cluster import Pod

POOL = "rc2-pool"
"""The label by which the Deployment knows its pods; its value is the profile. Who has it is nobody's."""
TEMPLATE = "rc2-template"
"""The label that tells standbys of one template from those of another, while a roll-out goes on."""
CONTAINER = "notebook"
"""KubeSpawner's name of the container that is the compute server."""
CPU = 0.01
"""Cores that a standby asks for: it idles, and grows when it becomes somebody's (design D2)."""
MEMORY = 256 << 20
"""Bytes that a standby asks for; with page cache it uses 235 MiB (warm.md)."""
GATE = "rc2-rest"
"""The scheduling gate with which standbys are made; the hub takes it off when it is quiet (`rest.py`)."""
PERSONS_LABELS = ("hub.jupyter.org/username", "hub.jupyter.org/servername")
PROGRESS = 300
"""Seconds without progress after which Kubernetes calls a roll-out failed; the old standbys stay."""
GIVEN = ("cpu", "memory")
"""Resources that a standby gets when it becomes somebody's; of any other kind it has as many as its profile."""


def name_of(profile: str) -> str:
    """The Deployment of a profile."""
    return f"rc2-standbys-{profile}"


def deployment(profile: str, born: Pod, replicas: int, owners: Sequence[Mapping[str, str]] = ()) -> dict[str, Any]:
    """The Deployment that keeps `replicas` standbys of a profile.

    Args:
        profile: its name.
        born: the pod of nobody, as KubeSpawner makes it for that profile.
        replicas: how many.
        owners: with what it ends.
    """
    labels = {key: value for key, value in born["metadata"]["labels"].items() if key not in PERSONS_LABELS}
    selector = {POOL: profile, "component": labels["component"]}
    notes = {key: value for key, value in born["metadata"]["annotations"].items() if key not in PERSONS_LABELS}
    spec = {**copy.deepcopy(born["spec"]), "restartPolicy": "Always"}  # a Deployment has no other
    compute = container(spec)
    compute["resources"] = small(compute.get("resources", {}))
    spec["schedulingGates"] = [*spec.get("schedulingGates", []), {"name": GATE}]
    template = {"metadata": {"labels": {**labels, POOL: profile}, "annotations": notes}, "spec": spec}
    written = json.dumps(template, sort_keys=True).encode()
    template["metadata"]["labels"][TEMPLATE] = hashlib.sha256(written).hexdigest()[:16]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name_of(profile), "labels": {**labels, POOL: profile}, "ownerReferences": [*owners]},
        "spec": {
            "replicas": replicas,
            "revisionHistoryLimit": 1,
            "progressDeadlineSeconds": PROGRESS,
            "selector": {"matchLabels": selector},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
            "template": template,
        },
    }


def container(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The container of a pod that is the compute server."""
    found: dict[str, Any] = next(each for each in spec["containers"] if each["name"] == CONTAINER)
    return found


def small(resources: Mapping[str, Any]) -> dict[str, Any]:
    """What a standby asks for: little, within the same limits."""
    limits = resources.get("limits", {})
    requests = {**resources.get("requests", {}), "cpu": min(CPU, limits.get("cpu", CPU))}
    return {"limits": limits, "requests": {**requests, "memory": min(MEMORY, limits.get("memory", MEMORY))}}


def grown(resources: Mapping[str, Any]) -> dict[str, Any]:
    """What a person's compute server asks for, as a resize of a standby may ask for it.

    Kubernetes takes a limit for the request that is not given, and what requests all that it may use is of another quality
    of service, which a pod cannot change in its life (KEP-1287): then it requests a thousandth of a core less.
    """
    limits, given = resources.get("limits", {}), resources.get("requests", {})
    requests = {kind: given.get(kind, limits.get(kind)) for kind in GIVEN if kind in given or kind in limits}
    if all(requests.get(kind) == limits.get(kind) is not None for kind in GIVEN):
        requests["cpu"] -= 0.001
    return {"limits": {kind: limits[kind] for kind in GIVEN if kind in limits}, "requests": requests}


def misfit(hers: Pod, born: Pod) -> list[str]:
    """What a person's pod has that no standby of the profile has, in Kubernetes' names; nothing if a standby can be hers."""
    wanted, there = _fixed(hers["spec"]), _fixed(born["spec"])
    return sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))


def claim_patch(profile: str, labels: Mapping[str, str], annotations: Mapping[str, str]) -> list[dict[str, Any]]:
    """What makes a standby somebody's, if nobody was faster: the API server applies all of it or nothing (RFC 6902).

    With the label it leaves the Deployment, so that its replacement starts; without an owner it does not end with it.
    """
    added = {"labels": labels, "annotations": annotations}
    return [
        {"op": "test", "path": f"/metadata/labels/{POOL}", "value": profile},
        {"op": "remove", "path": f"/metadata/labels/{POOL}"},
        {"op": "add", "path": "/metadata/ownerReferences", "value": []},
        *(
            {"op": "add", "path": f"/metadata/{field}/{_pointer(key)}", "value": value}
            for field, entries in added.items()
            for key, value in entries.items()
        ),
    ]


def _fixed(spec: Mapping[str, Any]) -> dict[str, Any]:
    """What a pod keeps for life, side by side: of the compute server's container by itself, without what a resize gives."""
    compute = dict(container(spec))
    resources = compute.pop("resources", {})
    kinds = {f"{which}.{kind}": n for which, some in resources.items() for kind, n in some.items() if kind not in GIVEN}
    others = [each for each in spec["containers"] if each["name"] != CONTAINER]
    return {**spec, "containers": others, **compute, **kinds}


def _pointer(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
