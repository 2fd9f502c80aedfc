"""A claim of a pod: whether a standby fits a user, the patch that claims it, and its resources then (DESIGN D5, D7)."""

from collections.abc import Mapping
from typing import Any

from rc2hub.hub.pool.deployment import CONTAINER, POOL, RESIZABLE, USER_LABELS, server_container
from rc2hub.kubernetes import Pod

CLAIMED_METADATA = ("labels", "annotations")
"""The metadata that a claim adds to a standby."""


def user_resources(resources: Mapping[str, Any]) -> dict[str, Any]:
    """The resources of a user's compute server, as a resize of a standby may request them.

    Kubernetes uses a limit as the request where none is given. A pod whose requests equal all limits has another quality of
    service, which cannot change while the pod lives (KEP-1287); then the request is a thousandth of a core smaller.
    """
    limits, requested = resources.get("limits", {}), resources.get("requests", {})
    requests = {kind: requested.get(kind, limits.get(kind)) for kind in RESIZABLE if kind in requested or kind in limits}
    if all(requests.get(kind) == limits.get(kind) is not None for kind in RESIZABLE):
        requests["cpu"] -= 0.001
    return {"limits": {kind: limits[kind] for kind in RESIZABLE if kind in limits}, "requests": requests}


def template_diff(user_pod: Pod, template_pod: Pod) -> list[str]:
    """The Kubernetes fields in which a user's pod differs from the standbys of the profile; empty if a standby fits.

    A claim adds labels and annotations, and removes none; a standby has no other metadata, such as finalizers.
    """
    user, template = _fixed_fields(user_pod["spec"]), _fixed_fields(template_pod["spec"])
    in_spec = {name for name in user.keys() | template.keys() if user.get(name) != template.get(name)}
    metadata, of_template = user_pod["metadata"], template_pod["metadata"]
    known = {name: {*metadata.get(name, {}), *USER_LABELS} for name in CLAIMED_METADATA}
    missing = {name for name, keys in known.items() if of_template[name].keys() - keys}
    return sorted(in_spec | missing | metadata.keys() - {"name", "namespace", *CLAIMED_METADATA})


def claim_patch(profile: str, labels: Mapping[str, str], annotations: Mapping[str, str]) -> list[dict[str, Any]]:
    """The JSON patch (RFC 6902) that claims a standby: the API server applies all of it, or nothing after another claim.

    Without the label the pod leaves the Deployment, and its replacement starts; without an owner it is not deleted with it.
    """
    added = {"labels": labels, "annotations": annotations}
    return [
        {"op": "test", "path": f"/metadata/labels/{_pointer(POOL)}", "value": profile},
        {"op": "remove", "path": f"/metadata/labels/{_pointer(POOL)}"},
        {"op": "add", "path": "/metadata/ownerReferences", "value": []},
        *(
            {"op": "add", "path": f"/metadata/{field}/{_pointer(key)}", "value": value}
            for field, entries in added.items()
            for key, value in entries.items()
        ),
    ]


def _fixed_fields(spec: Mapping[str, Any]) -> dict[str, Any]:
    """All fields that a pod keeps for life, in one dictionary: those of the compute server's container, without what a
    resize changes, beside those of the pod."""
    compute = dict(server_container(spec))
    resources = compute.pop("resources", {})
    kinds = {f"{which}.{kind}": n for which, some in resources.items() for kind, n in some.items() if kind not in RESIZABLE}
    others = [each for each in spec["containers"] if each["name"] != CONTAINER]
    return {**spec, "containers": others, **compute, **kinds}


def _pointer(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
