"""What a pool's Deployment consists of, which pods of users no standby fits, and what a claim changes."""

from typing import Any

import pytest

from rc2hub.hub.pool.claim import claim_patch, template_diff, user_resources
from rc2hub.hub.pool.deployment import POOL, active_standbys, deployment, standby_resources
from tests.hub.pool.pod_watches import NAMESPACE, pod_watch

LIMITS = {"cpu": 2.0, "memory": 4 << 30}
TEMPLATE_POD: dict[str, Any] = {
    "metadata": {
        "name": "jupyter-rc2-template",
        "labels": {
            "component": "singleuser-server",
            "app": "jupyterhub",
            "rc2hub.org/hub": "1a2b3c4d",
            "hub.jupyter.org/username": "rc2-template",
        },
        "annotations": {"hub.jupyter.org/username": "rc2-template", "hub.jupyter.org/jupyterhub-version": "6.1.1"},
    },
    "spec": {
        "containers": [
            {
                "name": "notebook",
                "image": "r-compute:1",
                "args": ["python3"],
                "env": [{"name": "A", "value": "1"}],
                "resources": {"limits": LIMITS},
            },
            {"name": "sidecar", "image": "sidecar:1"},
        ],
        "restartPolicy": "OnFailure",
        "volumes": [{"name": "homes"}],
    },
}


def pod(**spec: Any) -> dict[str, Any]:
    """The template pod with other fields in its spec; `notebook` has those of the notebook's container."""
    notebook, sidecar = TEMPLATE_POD["spec"]["containers"]
    changed = {**notebook, **spec.pop("notebook", {})}
    return {"metadata": TEMPLATE_POD["metadata"], "spec": {**TEMPLATE_POD["spec"], "containers": [changed, sidecar], **spec}}


def test_the_pods_of_the_deployment_contain_no_user() -> None:
    made = deployment("r", TEMPLATE_POD, 3)
    template = made["spec"]["template"]
    assert "rc2-template" not in str(made)
    assert made["spec"]["replicas"] == 3
    assert made["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()


def test_standbys_have_a_scheduling_gate_beside_those_of_the_operator() -> None:
    spec = deployment("r", pod(schedulingGates=[{"name": "of-the-operator"}]), 3)["spec"]["template"]["spec"]
    assert [gate["name"] for gate in spec["schedulingGates"]] == ["of-the-operator", "rc2hub.org/refill"]


def test_a_roll_out_never_falls_below_the_number_of_standbys() -> None:
    assert deployment("r", TEMPLATE_POD, 3)["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_the_template_pod_is_not_changed() -> None:
    before = str(TEMPLATE_POD)
    deployment("r", TEMPLATE_POD, 3)
    assert str(TEMPLATE_POD) == before


@pytest.mark.parametrize(
    ("resources", "requests"),
    [
        ({}, {"cpu": 0.01, "memory": 256 << 20}),
        ({"limits": LIMITS}, {"cpu": 0.01, "memory": 256 << 20}),
        ({"limits": {"memory": 64 << 20}}, {"cpu": 0.01, "memory": 64 << 20}),
        ({"requests": {"cpu": 1.0, "nvidia.com/gpu": "1"}}, {"cpu": 0.01, "memory": 256 << 20, "nvidia.com/gpu": "1"}),
    ],
)
def test_a_standby_requests_little_and_has_the_limits_of_its_profile(resources: Any, requests: Any) -> None:
    assert standby_resources(resources) == {"limits": resources.get("limits", {}), "requests": requests}


@pytest.mark.parametrize(
    ("resources", "requests"),
    [
        ({"limits": LIMITS, "requests": {"cpu": 0.5, "memory": 1 << 30}}, {"cpu": 0.5, "memory": 1 << 30}),
        ({"limits": LIMITS}, {"cpu": 1.999, "memory": 4 << 30}),
        ({"limits": {"memory": 4 << 30}}, {"memory": 4 << 30}),
        ({}, {}),
        ({"limits": {**LIMITS, "nvidia.com/gpu": 1}, "requests": {"cpu": 1.0}}, {"cpu": 1.0, "memory": 4 << 30}),
    ],
)
def test_a_claimed_standby_gets_the_resources_of_its_profile_and_keeps_its_quality_of_service(
    resources: Any, requests: Any
) -> None:
    made = user_resources(resources)
    assert made["requests"] == requests
    assert "nvidia.com/gpu" not in made["limits"]


@pytest.mark.parametrize(
    ("user_pod", "different"),
    [
        (pod(), []),
        (pod(notebook={"resources": {"limits": {"cpu": 8.0, "memory": 1 << 30}}}), []),
        (pod(notebook={"image": "r-compute:2"}), ["image"]),
        (pod(notebook={"env": [{"name": "A", "value": "2"}]}), ["env"]),
        (pod(volumes=[{"name": "homes"}, {"name": "extra"}]), ["volumes"]),
        (pod(nodeSelector={"disk": "fast"}), ["nodeSelector"]),
        (pod(notebook={"resources": {"limits": {**LIMITS, "nvidia.com/gpu": 1}}}), ["limits.nvidia.com/gpu"]),
        (pod(containers=TEMPLATE_POD["spec"]["containers"][:1]), ["containers"]),
    ],
)
def test_a_standby_fits_only_if_the_users_pod_differs_in_no_fixed_field(user_pod: Any, different: list[str]) -> None:
    assert template_diff(user_pod, TEMPLATE_POD) == different


def user_metadata(**changed: Any) -> dict[str, Any]:
    """What KubeSpawner writes for alice, with these fields in place of its own."""
    labels = {**TEMPLATE_POD["metadata"]["labels"], "hub.jupyter.org/username": "alice"}
    return {"name": "jupyter-alice", "labels": labels, "annotations": TEMPLATE_POD["metadata"]["annotations"], **changed}


def test_a_standby_fits_a_users_pod_with_another_name_and_other_labels() -> None:
    metadata = user_metadata()
    metadata["labels"] |= {"app": "r", "team": "a"}
    assert template_diff({**pod(), "metadata": metadata}, TEMPLATE_POD) == []


@pytest.mark.parametrize(
    ("metadata", "different"),
    [
        (user_metadata(finalizers=["example.org/billing"]), ["finalizers"]),
        (user_metadata(ownerReferences=[{"kind": "Team"}]), ["ownerReferences"]),
        (user_metadata(labels={"component": "singleuser-server"}), ["labels"]),
        (user_metadata(annotations={}), ["annotations"]),
    ],
    ids=["finalizer", "owner", "label removed", "annotation removed"],
)
def test_what_a_hook_changes_and_a_claim_cannot_change_leads_to_a_cold_start(metadata: Any, different: list[str]) -> None:
    assert template_diff({**pod(), "metadata": metadata}, TEMPLATE_POD) == different


def test_hubs_of_one_namespace_have_separate_deployments_and_standbys() -> None:
    other = {**TEMPLATE_POD, "metadata": {**TEMPLATE_POD["metadata"]}}
    other["metadata"]["labels"] = {**other["metadata"]["labels"], "rc2hub.org/hub": "5e6f7a8b"}
    ours, theirs = deployment("r", TEMPLATE_POD, 3), deployment("r", other, 3)
    assert (ours["metadata"]["name"], theirs["metadata"]["name"]) == ("rc2-standbys-r-1a2b3c4d", "rc2-standbys-r-5e6f7a8b")
    assert ours["spec"]["selector"]["matchLabels"]["rc2hub.org/hub"] == "1a2b3c4d"
    assert theirs["spec"]["selector"]["matchLabels"]["rc2hub.org/hub"] == "5e6f7a8b"


def test_a_claim_succeeds_only_while_the_pod_is_unclaimed() -> None:
    patch = claim_patch("r", {"hub.jupyter.org/username": "alice"}, {})
    assert patch[:2] == [
        {"op": "test", "path": "/metadata/labels/rc2hub.org~1pool", "value": "r"},
        {"op": "remove", "path": "/metadata/labels/rc2hub.org~1pool"},
    ]
    assert {"op": "add", "path": "/metadata/labels/hub.jupyter.org~1username", "value": "alice"} in patch


@pytest.mark.parametrize(
    ("phase", "counts"), [("Pending", True), ("Running", True), ("Failed", False), ("Succeeded", False)]
)
def test_a_standby_that_has_ended_does_not_count(phase: str, counts: bool) -> None:
    evicted = {"metadata": {"name": "a", "namespace": NAMESPACE, "labels": {POOL: "r"}}, "status": {"phase": phase}}
    assert (active_standbys(pod_watch(evicted), "r") == [evicted]) is counts
