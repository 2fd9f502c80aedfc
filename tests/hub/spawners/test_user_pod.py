"""The pod of a start: it is made once, the operator's hooks run once, and the pod that they return counts."""

from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes_asyncio.client import CoreV1Api
from kubespawner import KubeSpawner

from rc2hub.errors import LostStandbyError, StandbyError
from rc2hub.hub.pool.activation import ActivationRequest
from rc2hub.hub.pool.deployment import HUB
from rc2hub.hub.pool.pod_standby import PodStandby
from rc2hub.hub.spawners.kube import Rc2KubeSpawner
from rc2hub.kubernetes import Pod
from tests.kubernetes.api_server import NAMESPACE, ApiServer, api_server, pod

LOST = LostStandbyError("The R server ended while it was started; start it again.")
CONTAINER = {
    "name": "notebook",
    "image": "r-compute",
    "imageID": "1",
    "ready": True,
    "restartCount": 0,
    "state": {"running": {}},
}
RUNNING = {"phase": "Running", "podIP": "10.0.0.7", "containerStatuses": [CONTAINER]}


class Standby:
    """A standby, or the end of a stream into an own pod: it is activated, or lost."""

    def __init__(self, name: str, error: Exception | None = None) -> None:
        self.name, self.error, self.url, self.activation_timeout = name, error, "", 1.0
        spec = {"containers": [{"name": "notebook", "ports": [{"name": "notebook-port", "containerPort": 8888}]}]}
        self.pod: Pod = {"metadata": {"name": name, "uid": "1", "labels": {}}, "spec": spec, "status": RUNNING}

    async def activate(self, request: ActivationRequest) -> None:
        """Accept the request."""

    async def send_attachments(self, attachments: list[dict[str, Any]]) -> None:
        if self.error:
            raise self.error

    async def discard(self) -> None:
        """There is no pod."""


class Starts:
    """Starts of alice, against a small API server and a pool that a test decides."""

    def __init__(self, server: ApiServer, core: CoreV1Api, make: Callable[..., Any]) -> None:
        self.server, self.core, self.make = server, core, make
        self.hooked: list[str] = []
        """The users for whom the operator's hook ran."""
        self.loaded: list[str] = []
        """The users whose options were loaded."""
        self.standbys: list[Standby | None] = []
        """What the next claims get."""
        self.metadata: tuple[dict[str, str], dict[str, str]] = ({}, {})
        """The labels and annotations of the last claim."""
        self.resized: list[Any] = []
        self.change: Callable[[Any], Any] = lambda pod: pod

    def hook(self, spawner: Any, pod: Any) -> Any:
        self.hooked.append(spawner.user.name)
        return self.change(pod) if spawner.user.name == "alice" else pod

    async def claim(self, spawner: Any) -> Standby | None:
        self.metadata = spawner.pod_metadata
        standby = self.standbys.pop(0)
        if standby:
            spawner.pod_name = standby.name
        return standby

    async def resize(self, _: Pod, resources: Any) -> bool:
        self.resized.append(resources)
        return True

    async def spawner(self, has_pool: bool = True, **traits: Any) -> Rc2KubeSpawner:
        """The spawner of alice, beside a pool whose standbys have the template pod of these traits."""

        def hook(made: Any, pod: Any) -> Any:  # a configuration copies a method with its object, and a function not
            return self.hook(made, pod)

        traits = {"namespace": NAMESPACE, "events_enabled": False, "modify_pod_hook": hook, **traits}
        template, made = self.make(user_name="rc2-template", **traits), self.make(**traits)
        template.api = made.api = self.core
        profile_pool = SimpleNamespace(
            reconciler=SimpleNamespace(template_pod=await template.unclaimed_pod()),
            claim=self.claim,
            record_cold_start=lambda: None,
        )
        made.runtime.pool = SimpleNamespace(
            profile_pool=lambda _: profile_pool if has_pool else None,
            api=SimpleNamespace(namespace=NAMESPACE),
            resize=self.resize,
        )
        made.runtime._pool_opened.set()
        self.hooked.clear()
        self.loaded.clear()
        return made  # type: ignore[no-any-return]


@pytest.fixture
async def starts(spawner: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Starts]:
    load = KubeSpawner.load_user_options

    async def loading(made: Any) -> None:
        found.loaded.append(made.user.name)
        await load(made)

    async def connect(_api: Any, name: str, within: float = 0.0) -> Standby:
        return Standby(name)

    monkeypatch.setattr(KubeSpawner, "load_user_options", loading)
    monkeypatch.setattr(PodStandby, "connect", connect)
    async with api_server() as (server, core):
        server.status_of_new = RUNNING
        found = Starts(server, core, spawner)
        yield found
        await Rc2KubeSpawner._stop_all_reflectors()


def add_finalizer(made: Any) -> Any:
    made.metadata.finalizers = ["example.org/billing"]
    return made


WAYS: dict[str, tuple[list[Standby | None], dict[str, Any], Callable[[Any], Any]]] = {
    "a standby": ([Standby("standby")], {}, lambda made: made),
    "a lost standby, then another": ([Standby("lost", LOST), Standby("standby")], {}, lambda made: made),
    "a lost standby, then an own pod": ([Standby("lost", LOST), None], {}, lambda made: made),
    "an empty pool": ([None], {}, lambda made: made),
    "no pool": ([], {"has_pool": False}, lambda made: made),
    "a pod that no standby fits": ([], {}, add_finalizer),
    "a volume for each user": ([], {"after_pod_created_hook": lambda *_: None}, lambda made: made),
}


@pytest.mark.parametrize("way", WAYS)
async def test_the_operators_hooks_run_once_for_each_start(starts: Starts, way: str) -> None:
    standbys, options, starts.change = WAYS[way]
    asked: list[str] = []
    made = await starts.spawner(**options, pre_spawn_hook=lambda _: asked.append("pre_spawn_hook"))
    for number in (1, 2):
        starts.standbys = list(standbys)
        assert (await made.start()).startswith("http://10.0.0.7:8888")
        assert (starts.hooked, starts.loaded) == (["alice"] * number, ["alice"] * number)
        await made.stop(now=True)
        made.clear_state()
    assert asked == [], "JupyterHub runs it before the start"


async def test_the_labels_annotations_and_resources_that_a_hook_returns_are_those_of_the_claimed_standby(
    starts: Starts,
) -> None:
    def change(made: Any) -> Any:
        made.metadata.labels["team"], made.metadata.annotations["bill"] = "a", "42"
        made.spec.containers[0].resources.limits["cpu"] = 8
        return made

    starts.change, starts.standbys = change, [Standby("standby")]
    made = await starts.spawner()
    await made.start()
    labels, annotations = starts.metadata
    assert (labels["team"], annotations["bill"], starts.resized[0]["limits"]["cpu"]) == ("a", "42", 8)
    assert starts.server.pods == {}


async def test_a_pod_that_no_standby_can_be_made_into_is_created_as_the_hook_returned_it(starts: Starts) -> None:
    starts.change = add_finalizer
    made = await starts.spawner()
    await made.start()
    created = starts.server.pods["ns/jupyter-alice"]
    assert created["metadata"]["finalizers"] == ["example.org/billing"]
    assert {"name": "RC2_SKIP_WARM_UP", "value": "1"} in created["spec"]["containers"][0]["env"]
    assert "Starting a new R for you: the ready ones have other finalizers" in made._progress_messages


async def test_every_pod_names_its_hub(starts: Starts) -> None:
    ours, theirs = await starts.spawner(), await starts.spawner()
    theirs.hub = SimpleNamespace(api_url="http://other-hub:8081/hub/api")
    found = [(await each.unclaimed_pod())["metadata"]["labels"][HUB] for each in (ours, theirs)]
    assert found == [ours.hub_id, theirs.hub_id]
    assert ours.hub_id != theirs.hub_id


async def test_a_pod_of_another_hub_with_the_same_name_is_neither_replaced_nor_deleted(starts: Starts) -> None:
    theirs = pod("jupyter-alice", component="singleuser-server", **{HUB: "22222222"})
    await starts.server.change("ADDED", theirs)
    made = await starts.spawner(has_pool=False)
    await made._start_watching_pods()
    with pytest.raises(
        StandbyError, match=r"belongs to another hub; ask an operator to set c\.KubeSpawner\.pod_name_template"
    ):
        await made.claim()
    await made.stop(now=True)
    assert starts.server.pods == {"ns/jupyter-alice": theirs}
