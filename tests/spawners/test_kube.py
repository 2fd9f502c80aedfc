"""What a pod is born with; what KubeSpawner's configuration means for it is next door, and starts are tested on a cluster."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest
from kubernetes_asyncio.client import ApiClient

from rc2hub.errors import StandbyError
from rc2hub.spawners.accounts import FIRST_UID, proposed_uid
from rc2hub.spawners.kube import MARGIN
from tests.spawners.conftest import SECRET, manifest


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


async def test_the_pod_is_ready_when_it_could_be_somebodys(spawner: Any) -> None:
    probe = (await manifest(spawner()))["spec"]["containers"][0]["startupProbe"]
    assert probe["exec"]["command"] == ["test", "-e", "/run/rc2/ready"]


async def test_who_waits_for_a_standby_is_told_before_jupyterhub_gives_up_without_a_reason(spawner: Any) -> None:
    async with ApiClient() as client:
        made = spawner(start_timeout=MARGIN)
        made.pool = SimpleNamespace(cluster=SimpleNamespace(in_words=client.sanitize_for_serialization))
        keeper = SimpleNamespace(born=await made.standby_pod())
        kind = SimpleNamespace(keeper=keeper, claim=lambda _: asyncio.Event().wait())
        made.pool.kind = AsyncMock(return_value=kind)
        with pytest.raises(StandbyError, match="No R has become ready in time; start again, or ask an operator."):
            await made.claim()


def test_a_new_home_gets_the_same_account_on_every_hub() -> None:
    assert proposed_uid("alice") == proposed_uid("alice") != proposed_uid("bob")
    assert proposed_uid("alice") >= FIRST_UID
