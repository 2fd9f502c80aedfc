"""Pods that start as their user's account; tests/cluster/helm/test_restricted.py runs them on a cluster."""

from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes_asyncio.client import V1Container, V1Pod, V1PodSpec, V1VolumeMount
from traitlets.config import Config

from rc2hub.hub.spawners.accounts import default_uid
from rc2hub.hub.spawners.restricted import restrict


def spawner(name: str) -> Any:
    return SimpleNamespace(user=SimpleNamespace(name=name), homes_dir="/home")


def pod(*mounts: V1VolumeMount) -> V1Pod:
    made = [V1VolumeMount(name="data", mount_path="/data"), *mounts, {"name": "rc2-run", "mountPath": "/run/rc2"}]
    return V1Pod(spec=V1PodSpec(containers=[V1Container(name="notebook", volume_mounts=made)]))


async def home_of(name: str, c: Config, mount: V1VolumeMount) -> tuple[str, str]:
    """Mount path and sub path of the homes after the hook."""
    made = await c.KubeSpawner.modify_pod_hook(spawner(name), pod(mount))
    other, found, _ = made.spec.containers[0].volume_mounts
    assert (other.mount_path, other.sub_path) == ("/data", None)
    return found.mount_path, found.sub_path


@pytest.mark.parametrize(
    ("name", "folder"), [("ada", "ada"), ("ada@example.org", "ada-example-org-cfe00dde"), ("../bob", "bob-548201c6")]
)
async def test_a_pod_mounts_the_users_own_home_only(name: str, folder: str) -> None:
    restrict(c := Config())
    mount = V1VolumeMount(name="homes", mount_path="/home")
    assert await home_of(name, c, mount) == (f"/home/{folder}", folder)


async def test_the_homes_may_be_a_folder_of_their_volume() -> None:
    restrict(c := Config())
    mount = V1VolumeMount(name="homes", mount_path="/home", sub_path="statistics")
    assert await home_of("ada", c, mount) == ("/home/ada", "statistics/ada")


async def test_the_operators_own_hook_and_traits_are_kept() -> None:
    def hook(_: Any, pod: V1Pod) -> V1Pod:
        pod.metadata = "the operator's"
        return pod

    c = Config()
    c.KubeSpawner.modify_pod_hook, c.KubeSpawner.uid = hook, 1234
    restrict(c)
    assert (await c.KubeSpawner.modify_pod_hook(spawner("ada"), pod())).metadata == "the operator's"
    assert c.KubeSpawner.uid == 1234


def test_a_pod_starts_as_the_users_account_and_no_standby_is_kept() -> None:
    restrict(c := Config())
    assert c.KubeSpawner.uid(spawner("ada")) == c.KubeSpawner.gid(spawner("ada")) == default_uid("ada")
    assert c.KubeSpawner.pod_security_context == {"runAsNonRoot": True}
    assert c.Profiles.catalogue == [{"name": "r", "display_name": "R", "spare": 0}]


def test_a_profile_that_keeps_standbys_is_refused_with_the_reason() -> None:
    c = Config()
    c.Profiles.catalogue = [{"name": "r"}, {"name": "large", "spare": 2}]
    with pytest.raises(SystemExit, match=r"c.Profiles.catalogue\[1\]: 'spare' must be 0, because a standby starts as root"):
        restrict(c)
