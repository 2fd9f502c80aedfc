"""What a pod is born with, and what KubeSpawner's configuration means for it; starts are tested on a cluster."""

import json
from types import SimpleNamespace
from typing import Any

import kubespawner.spawner
import pytest
from kubernetes_asyncio.client import ApiClient
from traitlets.config import Config

from rc2hub.profiles import Profile
from rc2hub.request import Offer, SpawnRequest
from rc2hub.spawners.kube import FIRST_UID, Rc2KubeSpawner, proposed_uid

SECRET = "token-of-alice"
PROFILES = {
    "r": Profile("r", "R", cpu=2, memory="3G"),
    "big": Profile("big", "Big", kubespawner_override={"node_selector": {"size": "big"}, "cpu_guarantee": 0.5}),
}


class Spawner(Rc2KubeSpawner):
    """A spawner without a hub: its environment is what a hub would give it."""

    offer = Offer(PROFILES, {})
    broker_url = "http://broker:8000/services/rc2/"

    def get_env(self) -> dict[str, Any]:
        found = {"JUPYTERHUB_API_TOKEN": SECRET, "JUPYTERHUB_USER": "alice", "LANG": "de_DE.UTF-8"}
        return found | {"NODE": {"valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}}


@pytest.fixture
def spawner(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(kubespawner.spawner, "load_config", lambda **_: None)
    monkeypatch.setattr(kubespawner.spawner, "shared_client", lambda _: None)

    def make(profile: str = "r", **traits: Any) -> Spawner:
        user = SimpleNamespace(name="alice", id=1, escaped_name="alice", url="/user/alice/")
        hub = SimpleNamespace(api_url="http://hub:8081/hub/api")
        options = {"profile": profile, "services": []}
        config = Config({"KubeSpawner": {"image": "r-compute", **traits}})
        made = Spawner(config=config, user=user, hub=hub, user_options=options)
        made.request = SpawnRequest(profile, {})
        return made

    return make


async def manifest(spawner: Spawner) -> dict[str, Any]:
    await spawner.load_user_options()
    async with ApiClient() as client:
        found: dict[str, Any] = client.sanitize_for_serialization(await spawner.get_pod_manifest())
    return found


async def test_the_pod_is_born_without_the_persons_environment(spawner: Any) -> None:
    pod = await manifest(spawner())
    assert SECRET not in json.dumps(pod)
    env = {variable["name"]: variable for variable in pod["spec"]["containers"][0]["env"]}
    assert "JUPYTERHUB_USER" not in env
    assert env["JUPYTERHUB_API_URL"]["value"] == "http://hub:8081/hub/api"
    assert env["NODE"]["valueFrom"]["fieldRef"]["fieldPath"] == "spec.nodeName"


async def test_the_order_carries_what_the_pod_lacks(spawner: Any) -> None:
    order = spawner().order()
    assert order.env["JUPYTERHUB_API_TOKEN"] == SECRET
    assert order.env["HOME"] == order.home == "/home/alice"
    assert "NODE" not in order.env
    assert SECRET not in repr(order)


async def test_a_profile_decides_the_pods_resources(spawner: Any) -> None:
    container = (await manifest(spawner()))["spec"]["containers"][0]
    assert container["resources"]["limits"] == {"cpu": 2.0, "memory": 3 * 2**30}
    assert {v["name"]: v.get("value") for v in container["env"]}["OMP_NUM_THREADS"] == "2"


async def test_a_profile_overrides_any_trait_of_kubespawner(spawner: Any) -> None:
    spec = (await manifest(spawner("big")))["spec"]
    assert spec["nodeSelector"] == {"size": "big"}
    assert spec["containers"][0]["resources"]["requests"]["cpu"] == 0.5


async def test_a_standby_starts_as_root_with_four_capabilities_and_no_way_to_more(spawner: Any) -> None:
    pod = await manifest(spawner())
    context = pod["spec"]["containers"][0]["securityContext"]
    assert context["runAsUser"] == 0
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"], "add": ["CHOWN", "DAC_OVERRIDE", "SETGID", "SETUID"]}
    assert pod["spec"]["automountServiceAccountToken"] is False


async def test_with_an_account_of_the_operators_the_pod_has_no_capability_and_takes_no_other_account(spawner: Any) -> None:
    made = spawner(uid=1000)
    context = (await manifest(made))["spec"]["containers"][0]["securityContext"]
    assert (context["runAsUser"], context["capabilities"]) == (1000, {"drop": ["ALL"]})
    assert made.order().uid is None


async def test_volumes_and_a_hook_of_the_operator_stay(spawner: Any) -> None:
    homes = {"name": "homes", "persistentVolumeClaim": {"claimName": "homes"}}
    pod = await manifest(spawner(volumes=[homes], volume_mounts=[{"name": "homes", "mountPath": "/home"}]))
    assert homes in pod["spec"]["volumes"]
    assert {"name": "homes", "mountPath": "/home"} in pod["spec"]["containers"][0]["volumeMounts"]


async def test_the_pod_is_ready_when_it_could_be_somebodys(spawner: Any) -> None:
    probe = (await manifest(spawner()))["spec"]["containers"][0]["startupProbe"]
    assert probe["exec"]["command"] == ["test", "-e", "/run/rc2/ready"]


def test_a_new_home_gets_the_same_account_on_every_hub() -> None:
    assert proposed_uid("alice") == proposed_uid("alice") != proposed_uid("bob")
    assert proposed_uid("alice") >= FIRST_UID
