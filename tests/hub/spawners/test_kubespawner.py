"""KubeSpawner's configuration means the same for our pods as for its own: the cases of its test suite that shape a pod.

The cases of refused configuration (`internal_ssl`, in the test of `configure`) and of its profile list, which `Profiles`
replaces, are left out. Starts, stops and progress are tested on a cluster.
"""

import re
from typing import Any

import pytest

from tests.hub.spawners.conftest import manifest

VOLUME = {"name": "data", "emptyDir": {}}
MOUNT = {"name": "data", "mountPath": "/data"}
HELPER = {"name": "helper", "image": "busybox"}
TOLERATION = {"key": "class", "operator": "Equal", "value": "stat101", "effect": "NoSchedule"}
TERM = {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
NEAR = {"labelSelector": {"matchLabels": {"app": "data"}}, "topologyKey": "zone"}
WEIGHED_TERM, WEIGHED_NEAR = {"weight": 1, "preference": TERM}, {"weight": 1, "podAffinityTerm": NEAR}
PREFERRED, REQUIRED = "preferredDuringSchedulingIgnoredDuringExecution", "requiredDuringSchedulingIgnoredDuringExecution"


def at(pod: Any, path: str) -> Any:
    """What is in the pod at a path of names and numbers."""
    for step in path.split():
        pod = pod[int(step) if step.isdigit() else step]
    return pod


@pytest.mark.parametrize(
    ("trait", "value", "path", "found"),
    [
        ("volumes", [VOLUME], "spec volumes 0", VOLUME),
        ("volumes", {"first": VOLUME}, "spec volumes 0", VOLUME),
        ("volume_mounts", [MOUNT], "spec containers 0 volumeMounts 0", MOUNT),
        ("volume_mounts", {"first": MOUNT}, "spec containers 0 volumeMounts 0", MOUNT),
        ("init_containers", [HELPER], "spec initContainers 0", HELPER),
        ("init_containers", {"first": HELPER}, "spec initContainers 0", HELPER),
        ("extra_containers", [HELPER], "spec containers 1", HELPER),
        ("extra_containers", {"first": HELPER}, "spec containers 1", HELPER),
        ("tolerations", [TOLERATION], "spec tolerations 0", TOLERATION),
        ("tolerations", {"first": TOLERATION}, "spec tolerations 0", TOLERATION),
        ("node_affinity_preferred", [WEIGHED_TERM], f"spec affinity nodeAffinity {PREFERRED} 0", WEIGHED_TERM),
        ("node_affinity_required", [TERM], f"spec affinity nodeAffinity {REQUIRED} nodeSelectorTerms 0", TERM),
        ("pod_affinity_preferred", [WEIGHED_NEAR], f"spec affinity podAffinity {PREFERRED} 0", WEIGHED_NEAR),
        ("pod_affinity_required", [NEAR], f"spec affinity podAffinity {REQUIRED} 0", NEAR),
        ("pod_anti_affinity_preferred", [WEIGHED_NEAR], f"spec affinity podAntiAffinity {PREFERRED} 0", WEIGHED_NEAR),
        ("pod_anti_affinity_required", [NEAR], f"spec affinity podAntiAffinity {REQUIRED} 0", NEAR),
        ("node_selector", {"disk": "ssd"}, "spec nodeSelector", {"disk": "ssd"}),
        ("image_pull_secrets", ["pull"], "spec imagePullSecrets", [{"name": "pull"}]),
        ("image_pull_policy", "Always", "spec containers 0 imagePullPolicy", "Always"),
        ("service_account", "r", "spec serviceAccountName", "r"),
        ("scheduler_name", "packer", "spec schedulerName", "packer"),
        ("priority_class_name", "users", "spec priorityClassName", "users"),
        ("working_dir", "/data", "spec containers 0 workingDir", "/data"),
        ("lifecycle_hooks", {"preStop": {"exec": {"command": ["true"]}}}, "spec containers 0 lifecycle preStop exec command", ["true"]),
        ("gid", 20, "spec containers 0 securityContext runAsGroup", 20),
        ("gid", lambda _: 20, "spec containers 0 securityContext runAsGroup", 20),
        ("fs_gid", 30, "spec securityContext fsGroup", 30),
        ("fs_gid", lambda _: 30, "spec securityContext fsGroup", 30),
        ("supplemental_gids", [40], "spec securityContext supplementalGroups", [40]),
        ("uid", lambda _: 10, "spec containers 0 securityContext runAsUser", 10),
        ("cpu_guarantee", 0.5, "spec containers 0 resources requests cpu", 0.5),
        ("mem_guarantee", "1G", "spec containers 0 resources requests memory", 2**30),
        ("extra_resource_limits", {"nvidia.com/gpu": "1"}, "spec containers 0 resources limits nvidia.com/gpu", "1"),
        ("extra_labels", {"team": "{username}"}, "metadata labels team", "alice"),
        ("extra_annotations", {"team": "{username}"}, "metadata annotations team", "alice"),
        ("extra_pod_config", {"dnsPolicy": "None"}, "spec dnsPolicy", "None"),
        ("extra_container_config", {"terminationMessagePath": "/x"}, "spec containers 0 terminationMessagePath", "/x"),
    ],
)  # fmt: skip
async def test_a_trait_is_found_in_the_pod(spawner: Any, trait: str, value: Any, path: str, found: Any) -> None:
    assert at(await manifest(spawner(**{trait: value})), path) == found


async def test_the_users_names_are_filled_in(spawner: Any) -> None:
    claim = {"name": "own", "persistentVolumeClaim": {"claimName": "data-{user_server}"}}
    pod = await manifest(spawner(volumes=[claim], pod_name_template="r-{username}"))
    assert pod["metadata"]["name"] == "r-alice"
    assert at(pod, "spec volumes 0 persistentVolumeClaim claimName") == "data-alice"


async def test_each_named_server_has_another_pod(spawner: Any) -> None:
    names = {spawner(name=name).pod_name for name in ("", "second", "Second", "two words")}
    assert len(names) == 4
    assert "jupyter-alice" in names


async def test_a_name_that_kubernetes_does_not_accept_is_escaped(spawner: Any) -> None:
    names = {spawner(user_name=name).pod_name for name in ("9al@ice.org", "9al-ice.org", "9Al@ice.org")}
    assert len(names) == 3
    assert all(re.fullmatch("[a-z0-9]([-a-z0-9]*[a-z0-9])?", name) for name in names)


async def test_a_restarted_hub_finds_the_pod_where_it_was_made(spawner: Any) -> None:
    before = spawner(namespace="compute", pod_name_template="r-{username}")
    before.requested_services = {"flights": "read"}
    after = spawner(namespace="elsewhere")
    after.load_state(before.get_state())
    assert (after.location, after.requested_services) == ("compute/r-alice", {"flights": "read"})


async def test_a_restarted_hub_finds_a_claimed_pod_by_its_name_as_a_standby(spawner: Any) -> None:
    before, after = spawner(), spawner()
    before.pod_name = "rc2-standbys-r-7f4b"
    after.load_state(before.get_state())
    assert after.pod_name == "rc2-standbys-r-7f4b"


async def test_variables_of_the_operator_are_in_the_activation_request_and_not_in_the_pod(spawner: Any) -> None:
    made = spawner(environment={"REPOS": "https://cran.example.org/{username}"})
    assert made.activation_request().env["REPOS"] == "https://cran.example.org/alice"
    assert "REPOS" not in str(await manifest(made))


@pytest.mark.parametrize(("ip", "host"), [("10.0.0.7", "10.0.0.7"), ("fd00::7", "[fd00::7]")])
async def test_a_pod_is_reached_at_its_address(spawner: Any, ip: str, host: str) -> None:
    pod = await manifest(spawner())
    assert spawner()._get_pod_url({**pod, "status": {"podIP": ip}}) == f"http://{host}:8888"
