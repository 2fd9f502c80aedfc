"""What a pool's Deployment is made of, which pods no standby can stand in for, and what a claim changes."""

from typing import Any

import pytest

from rc2hub.pool.deployment import claim_patch, deployment, grown, misfit, small

LIMITS = {"cpu": 2.0, "memory": 4 << 30}
BORN: dict[str, Any] = {
    "metadata": {
        "name": "jupyter-nobody",
        "labels": {"component": "singleuser-server", "app": "jupyterhub", "hub.jupyter.org/username": "nobody"},
        "annotations": {"hub.jupyter.org/username": "nobody", "hub.jupyter.org/jupyterhub-version": "6.1.1"},
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
    """The pod of nobody with other words in its spec; those of the notebook's container by `notebook`."""
    notebook, sidecar = BORN["spec"]["containers"]
    changed = {**notebook, **spec.pop("notebook", {})}
    return {"metadata": BORN["metadata"], "spec": {**BORN["spec"], "containers": [changed, sidecar], **spec}}


def test_the_deployment_keeps_pods_that_say_nothing_of_a_person() -> None:
    made = deployment("r", BORN, 3)
    template = made["spec"]["template"]
    assert "nobody" not in str(made)
    assert made["spec"]["replicas"] == 3
    assert made["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()


def test_standbys_are_made_with_a_gate_that_the_hub_takes_off() -> None:
    spec = deployment("r", pod(schedulingGates=[{"name": "operators"}]), 3)["spec"]["template"]["spec"]
    assert [gate["name"] for gate in spec["schedulingGates"]] == ["operators", "rc2-rest"]


def test_a_roll_out_never_falls_below_the_number_of_standbys() -> None:
    assert deployment("r", BORN, 3)["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_the_pod_of_nobody_stays_as_it_was() -> None:
    before = str(BORN)
    deployment("r", BORN, 3)
    assert str(BORN) == before


@pytest.mark.parametrize(
    ("resources", "requests"),
    [
        ({}, {"cpu": 0.01, "memory": 256 << 20}),
        ({"limits": LIMITS}, {"cpu": 0.01, "memory": 256 << 20}),
        ({"limits": {"memory": 64 << 20}}, {"cpu": 0.01, "memory": 64 << 20}),
        ({"requests": {"cpu": 1.0, "nvidia.com/gpu": "1"}}, {"cpu": 0.01, "memory": 256 << 20, "nvidia.com/gpu": "1"}),
    ],
)
def test_a_standby_asks_for_little_within_the_limits_of_its_profile(resources: Any, requests: Any) -> None:
    assert small(resources) == {"limits": resources.get("limits", {}), "requests": requests}


@pytest.mark.parametrize(
    ("resources", "becomes"),
    [
        ({"limits": LIMITS, "requests": {"cpu": 0.5, "memory": 1 << 30}}, {"cpu": 0.5, "memory": 1 << 30}),
        ({"limits": LIMITS}, {"cpu": 1.999, "memory": 4 << 30}),
        ({"limits": {"memory": 4 << 30}}, {"memory": 4 << 30}),
        ({}, {}),
        ({"limits": {**LIMITS, "nvidia.com/gpu": 1}, "requests": {"cpu": 1.0}}, {"cpu": 1.0, "memory": 4 << 30}),
    ],
)
def test_a_claimed_standby_grows_to_its_profile_within_its_quality_of_service(resources: Any, becomes: Any) -> None:
    made = grown(resources)
    assert made["requests"] == becomes
    assert "nvidia.com/gpu" not in made["limits"]


@pytest.mark.parametrize(
    ("hers", "different"),
    [
        (pod(), []),
        (pod(notebook={"resources": {"limits": {"cpu": 8.0, "memory": 1 << 30}}}), []),
        (pod(notebook={"image": "r-compute:2"}), ["image"]),
        (pod(notebook={"env": [{"name": "A", "value": "2"}]}), ["env"]),
        (pod(volumes=[{"name": "homes"}, {"name": "hers"}]), ["volumes"]),
        (pod(nodeSelector={"disk": "fast"}), ["nodeSelector"]),
        (pod(notebook={"resources": {"limits": {**LIMITS, "nvidia.com/gpu": 1}}}), ["limits.nvidia.com/gpu"]),
        (pod(containers=BORN["spec"]["containers"][:1]), ["containers"]),
    ],
)
def test_a_standby_can_be_hers_only_if_her_pod_differs_in_nothing_that_stays(hers: Any, different: list[str]) -> None:
    assert misfit(hers, BORN) == different


def test_only_the_name_of_a_pod_and_what_it_is_labelled_with_may_be_hers() -> None:
    hers = {**pod(), "metadata": {"name": "jupyter-alice", "labels": {"x": "y"}, "annotations": {}}}
    assert misfit(hers, BORN) == []


def test_a_claim_holds_only_while_the_pod_is_nobodys() -> None:
    patch = claim_patch("r", {"hub.jupyter.org/username": "alice"}, {})
    assert patch[:2] == [
        {"op": "test", "path": "/metadata/labels/rc2-pool", "value": "r"},
        {"op": "remove", "path": "/metadata/labels/rc2-pool"},
    ]
    assert {"op": "add", "path": "/metadata/labels/hub.jupyter.org~1username", "value": "alice"} in patch
