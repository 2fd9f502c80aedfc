"""What a pod contains, and the watch of pods. KubeSpawner's configuration is in `test_kubespawner.py`, starts in `tests/cluster`."""

import asyncio
import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import kubespawner.reflector
import pytest
from aiohttp import ClientConnectorError
from kubernetes_asyncio.client import ApiClient, ApiException

from rc2hub.errors import ServiceUnavailableError, StandbyError
from rc2hub.hub.pool.deployment import HUB, POOL, STARTED
from rc2hub.hub.spawners.accounts import FIRST_UID, default_uid
from rc2hub.hub.spawners.kube import TIMEOUT_MARGIN, Rc2KubeSpawner
from rc2hub.kubernetes import PodWatch, StandbyApi
from tests.hub.spawners.conftest import SECRET, manifest
from tests.kubernetes.api_server import NAMESPACE, ApiServer, api_server, pod


async def test_the_pod_does_not_contain_the_users_environment(spawner: Any) -> None:
    found = await manifest(spawner())
    assert SECRET not in json.dumps(found)
    env = {variable["name"]: variable for variable in found["spec"]["containers"][0]["env"]}
    assert "JUPYTERHUB_USER" not in env
    assert env["JUPYTERHUB_API_URL"]["value"] == "http://hub:8081/hub/api"
    assert env["NODE"]["valueFrom"]["fieldRef"]["fieldPath"] == "spec.nodeName"


async def test_the_activation_request_contains_what_the_pod_lacks(spawner: Any) -> None:
    request = spawner().activation_request()
    assert request.env["JUPYTERHUB_API_TOKEN"] == SECRET
    assert request.env["HOME"] == request.home == "/home/alice"
    assert "NODE" not in request.env
    assert SECRET not in repr(request)


async def test_a_profile_decides_the_pods_resources(spawner: Any) -> None:
    container = (await manifest(spawner()))["spec"]["containers"][0]
    assert container["resources"]["limits"] == {"cpu": 2.0, "memory": 3 * 2**30}
    env = {v["name"]: v.get("value") for v in container["env"]}
    assert {env[name] for name in ("RC2_CORES", "MC_CORES", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")} == {"2"}


async def test_the_operators_options_for_r_are_in_every_pod(spawner: Any) -> None:
    made = spawner(r_profile="options(digits = 3)")
    (container,) = (await manifest(made))["spec"]["containers"]
    assert {v["name"]: v.get("value") for v in container["env"]}["RC2_R_PROFILE"] == "options(digits = 3)"


async def test_a_profile_overrides_any_trait_of_kubespawner(spawner: Any) -> None:
    spec = (await manifest(spawner("big")))["spec"]
    assert spec["nodeSelector"] == {"size": "big"}
    assert spec["containers"][0]["resources"]["requests"]["cpu"] == 0.5


async def test_a_standby_starts_as_root_with_four_capabilities_and_cannot_get_more(spawner: Any) -> None:
    found = await manifest(spawner())
    context = found["spec"]["containers"][0]["securityContext"]
    assert context["runAsUser"] == 0
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"], "add": ["CHOWN", "DAC_OVERRIDE", "SETGID", "SETUID"]}
    assert found["spec"]["automountServiceAccountToken"] is False


async def test_with_an_account_from_the_configuration_the_pod_has_no_capability_and_changes_no_account(spawner: Any) -> None:
    made = spawner(uid=1000)
    context = (await manifest(made))["spec"]["containers"][0]["securityContext"]
    assert (context["runAsUser"], context["capabilities"]) == (1000, {"drop": ["ALL"]})
    assert made.activation_request().uid is None


async def test_the_pod_is_ready_when_it_can_be_claimed(spawner: Any) -> None:
    probe = (await manifest(spawner()))["spec"]["containers"][0]["startupProbe"]
    assert probe["exec"]["command"] == ["test", "-e", "/run/rc2/ready"]


async def test_a_claim_that_waits_too_long_fails_with_a_reason_before_the_timeout_of_jupyterhub(spawner: Any) -> None:
    async with ApiClient() as client:
        made = spawner(start_timeout=TIMEOUT_MARGIN)
        made.api = SimpleNamespace(api_client=client)
        reconciler = SimpleNamespace(template_pod=await made.unclaimed_pod())
        profile_pool = SimpleNamespace(reconciler=reconciler, claim=lambda _: asyncio.Event().wait())
        made.runtime.pool = SimpleNamespace(profile_pool=lambda _: profile_pool)
        with pytest.raises(StandbyError, match="No R has become ready in time; start again, or ask an operator."):
            await made.claim()


def test_a_new_home_gets_the_same_account_on_every_hub() -> None:
    assert default_uid("alice") == default_uid("alice") != default_uid("bob")
    assert default_uid("alice") >= FIRST_UID


@pytest.fixture
async def api() -> AsyncIterator[tuple[ApiServer, Any]]:
    async with api_server() as made:
        yield made
        await Rc2KubeSpawner._stop_all_reflectors()


def watching_spawner(spawner: Any, client: Any) -> Any:
    made = spawner(namespace=NAMESPACE)
    made.api = client
    return made


async def test_all_spawners_have_the_one_watch_of_pods_and_keep_it(spawner: Any, api: tuple[ApiServer, Any]) -> None:
    server, client = api
    first, second = watching_spawner(spawner, client), watching_spawner(spawner, client)
    await server.change("ADDED", pod("standby", **{POOL: "r", HUB: first.hub_id}))
    await server.change("ADDED", pod("of-another-hub", **{POOL: "r", HUB: "22222222"}))
    watch = await first._start_watching_pods()
    assert isinstance(watch, PodWatch)
    assert server.selectors == {"component=singleuser-server"}
    assert list(watch.labelled("r")) == ["standby"]
    assert await second._start_watching_pods() is second.pod_reflector is watch
    assert await second._start_watching_pods(replace=True) is watch
    await server.change("ADDED", pod("alice"))
    assert await watch.until("alice", lambda found: found)


async def test_a_watch_of_pods_that_could_not_start_is_replaced(spawner: Any, api: tuple[ApiServer, Any]) -> None:
    server, client = api
    made = watching_spawner(spawner, client)
    server.refusal = "the API server is away"
    with pytest.raises(ServiceUnavailableError, match="the API server is away"):
        await made._start_watching_pods()
    server.refusal = ""
    await server.change("ADDED", pod("alice"))
    watch = await made._start_watching_pods()
    assert watch.get("alice") == pod("alice")
    assert await made._start_watching_pods() is watch


async def test_while_the_api_server_is_away_a_cold_start_fails_with_a_sentence(
    spawner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = spawner()
    nowhere = ClientConnectorError(SimpleNamespace(host="10.88.0.1", port=6443, ssl=True), OSError("refused"))  # type: ignore[arg-type]
    monkeypatch.setattr(made, "create_own_pod", AsyncMock(side_effect=nowhere))
    with pytest.raises(StandbyError) as failure:
        await made._start_own_pod()
    assert str(failure.value) == (
        "R could not be started: the Kubernetes API does not answer; try again, or ask an operator."
    )


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """KubeSpawner's reflectors wait no time between two tries, so they give up at once instead of after 51 s."""
    quick = SimpleNamespace(**vars(asyncio))
    quick.sleep = lambda _: asyncio.sleep(0)
    monkeypatch.setattr(kubespawner.reflector, "asyncio", quick)


async def test_after_an_outage_of_any_length_a_cold_start_reports_events_again(
    spawner: Any, api: tuple[ApiServer, Any], impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, client = api
    monkeypatch.setattr(kubespawner.reflector, "shared_client", lambda _: client)
    made = watching_spawner(spawner, client)
    server.refusal = "the API server is away"
    with pytest.raises(ApiException):
        await made._start_watching_events()
    made.event_reflector.first_load_future.exception()  # reads it: Python logs errors that are not read
    server.refusal = ""
    first = await made._start_watching_events()
    assert await made._start_watching_events() is first
    server.refusal = "the API server is away"
    await server.end_watches()
    await first.watch_task
    server.refusal = ""
    second = await made._start_watching_events()
    assert second is made.event_reflector is not first
    assert not second.watch_task.done()


async def test_the_pod_of_a_server_that_jupyterhub_has_stored_is_labelled_at_the_first_poll(
    spawner: Any, api: tuple[ApiServer, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, client = api
    status = {"phase": "Running", "containerStatuses": [{"name": "notebook", "state": {"running": {}}, "restartCount": 0}]}
    await server.change("ADDED", {**pod("jupyter-alice", component="singleuser-server"), "status": status})
    made = watching_spawner(spawner, client)
    made.runtime.pool = SimpleNamespace(api=StandbyApi(client.api_client, NAMESPACE))
    watch = await made._start_watching_pods()
    assert await made.poll() is None
    assert server.requests == [], "the start is not over"
    monkeypatch.setattr(Rc2KubeSpawner, "ready", True)
    assert await made.poll() is None
    await watch.until("jupyter-alice", lambda found: found and STARTED in found["metadata"]["labels"])
    assert await made.poll() is None
    assert server.requests == ["PATCH"]
