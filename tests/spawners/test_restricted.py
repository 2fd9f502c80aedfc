"""Pods that are their person's from the start; a cluster that wants that is in tests/cluster/helm/test_restricted.py."""

from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes_asyncio.client import V1Container, V1Pod, V1PodSpec, V1VolumeMount
from traitlets.config import Config

from rc2hub.spawners.accounts import proposed_uid
from rc2hub.spawners.restricted import restrict


def spawner(name: str) -> Any:
    return SimpleNamespace(user=SimpleNamespace(name=name), homes="/home")


def pod(*mounts: V1VolumeMount) -> V1Pod:
    made = [V1VolumeMount(name="data", mount_path="/data"), *mounts, {"name": "rc2-run", "mountPath": "/run/rc2"}]
    return V1Pod(spec=V1PodSpec(containers=[V1Container(name="notebook", volume_mounts=made)]))


async def home_of(name: str, c: Config, mount: V1VolumeMount) -> tuple[str, str]:
    """Where the homes' mount is, and what of the volume, once the hook has seen the pod."""
    made = await c.KubeSpawner.modify_pod_hook(spawner(name), pod(mount))
    other, found, _ = made.spec.containers[0].volume_mounts
    assert (other.mount_path, other.sub_path) == ("/data", None)
    return found.mount_path, found.sub_path


@pytest.mark.parametrize(
    ("name", "folder"), [("ada", "ada"), ("ada@example.org", "ada-example-org-cfe00dde"), ("../bob", "bob-548201c6")]
)
async def test_a_pod_has_her_home_alone(name: str, folder: str) -> None:
    restrict(c := Config())
    mount = V1VolumeMount(name="homes", mount_path="/home")
    assert await home_of(name, c, mount) == (f"/home/{folder}", folder)


async def test_homes_may_be_a_folder_of_their_volume() -> None:
    restrict(c := Config())
    mount = V1VolumeMount(name="homes", mount_path="/home", sub_path="statistics")
    assert await home_of("ada", c, mount) == ("/home/ada", "statistics/ada")


async def test_an_operators_own_hook_and_words_count() -> None:
    def hook(_: Any, pod: V1Pod) -> V1Pod:
        pod.metadata = "the operator's"
        return pod

    c = Config()
    c.KubeSpawner.modify_pod_hook, c.KubeSpawner.uid = hook, 1234
    restrict(c)
    assert (await c.KubeSpawner.modify_pod_hook(spawner("ada"), pod())).metadata == "the operator's"
    assert c.KubeSpawner.uid == 1234


def test_a_pod_is_her_account_from_the_start_and_none_is_ready_beforehand() -> None:
    restrict(c := Config())
    assert c.KubeSpawner.uid(spawner("ada")) == c.KubeSpawner.gid(spawner("ada")) == proposed_uid("ada")
    assert c.KubeSpawner.pod_security_context == {"runAsNonRoot": True}
    assert c.Profiles.catalogue == [{"name": "r", "display_name": "R", "spare": 0}]


def test_who_wants_some_ready_reads_why_not() -> None:
    c = Config()
    c.Profiles.catalogue = [{"name": "r"}, {"name": "large", "spare": 2}]
    with pytest.raises(SystemExit, match=r"c.Profiles.catalogue\[1\]: 'spare' must be 0, because a standby starts as root"):
        restrict(c)
