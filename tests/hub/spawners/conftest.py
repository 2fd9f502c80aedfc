"""A spawner of pods without a hub, and what it makes."""

from types import SimpleNamespace
from typing import Any

import jupyterhub.spawner
import kubespawner.spawner
import pytest
from kubernetes_asyncio.client import ApiClient
from traitlets.config import Config

from rc2hub.hub.runtime import SETTING, Runtime
from rc2hub.hub.spawners.kube import Rc2KubeSpawner
from rc2hub.profiles import Profile
from rc2hub.spawn_request import SpawnChoices, SpawnRequest

SECRET = "token-of-alice"
PROFILES = {
    "r": Profile("r", "R", cpu=2, memory="3G"),
    "big": Profile("big", "Big", kubespawner_override={"node_selector": {"size": "big"}, "cpu_guarantee": 0.5}),
}
ENVIRONMENT = {"JUPYTERHUB_API_TOKEN": SECRET, "JUPYTERHUB_USER": "alice", "LANG": "de_DE.UTF-8"}
NODE = {"valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}


def make_runtime() -> Runtime:
    """What the spawners of a hub share, without a hub."""
    runtime = Runtime(SpawnChoices(PROFILES, {}))
    client = SimpleNamespace(url="http://broker:8000/services/rc2/")
    desired_state: Any = SimpleNamespace(client=client, push_soon=lambda: None)
    runtime.desired_state = desired_state
    return runtime


@pytest.fixture
def spawner(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(kubespawner.spawner, "load_config", lambda **_: None)
    monkeypatch.setattr(kubespawner.spawner, "shared_client", lambda _: None)
    monkeypatch.setattr(jupyterhub.spawner.Spawner, "get_env", lambda _: dict(ENVIRONMENT))

    def make(
        profile: str = "r", name: str = "", user_name: str = "alice", groups: tuple[str, ...] = (), **traits: Any
    ) -> Rc2KubeSpawner:
        members = [SimpleNamespace(name=group) for group in groups]
        user = SimpleNamespace(
            name=user_name,
            id=1,
            escaped_name=user_name,
            url=f"/user/{user_name}/",
            groups=members,
            settings={SETTING: make_runtime()},
        )
        server = SimpleNamespace(name=name, server=None, state={})
        hub = SimpleNamespace(api_url="http://hub:8081/hub/api")
        options = {"profile": profile, "services": []}
        config = Config({"KubeSpawner": {"image": "r-compute", "environment": {"NODE": NODE}, **traits}})
        made = Rc2KubeSpawner(config=config, orm_spawner=server, user=user, hub=hub, user_options=options)
        made.spawn_request = SpawnRequest(profile, {})
        return made

    return make


async def manifest(spawner: Rc2KubeSpawner) -> dict[str, Any]:
    await spawner.load_user_options()
    async with ApiClient() as client:
        found: dict[str, Any] = client.sanitize_for_serialization(await spawner.get_pod_manifest())
    return found
