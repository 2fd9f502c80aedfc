"""The template pod: what KubeSpawner makes for a profile without a user.

Standbys are made from it with the same traits, hooks and templates as any pod, so the configuration has one meaning.
"""

from types import SimpleNamespace
from typing import Any

from rc2hub.errors import ServiceUnavailableError
from rc2hub.hub.runtime import SETTING, Runtime
from rc2hub.kubernetes import Pod, PodWatch, as_error
from rc2hub.spawn_request import SpawnRequest

USER_NAME = "rc2-template"
"""Stands for the name of a user in the template pod; JupyterHub has no such user."""


class PodTemplate:
    """Makes template pods by spawners without a user."""

    def __init__(self, spawner_class: type[Any], hub: Any, runtime: Runtime) -> None:
        """Take the class of spawners, the hub, and what the hub's spawners share."""
        self._spawner_class, self._hub = spawner_class, hub
        self._user = SimpleNamespace(
            name=USER_NAME,
            escaped_name=USER_NAME,
            id=0,
            url=f"/user/{USER_NAME}/",
            admin=False,
            groups=[],
            settings={SETTING: runtime},
        )
        self.spawner = self._make_spawner({})

    @property
    def owner(self) -> str:
        """The ConfigMap with which the standbys are deleted; empty if there is none."""
        return str(self.spawner.standbys_owner)

    @property
    def hub_id(self) -> str:
        """The value of the label of this hub's pods and Deployments."""
        return str(self.spawner.hub_id)

    async def pods(self) -> PodWatch:
        """The watch over the pods of all compute servers, which all spawners use; it is started.

        Raises:
            ServiceUnavailableError: if the API server does not answer.
        """
        with as_error(ServiceUnavailableError):
            await self.spawner._start_watching_pods()
            if self.spawner.events_enabled:
                await self.spawner._start_watching_events()
        pods: PodWatch = self.spawner.pod_reflector
        return pods

    async def template_pod(self, profile: str) -> Pod:
        """The pod from which the standbys of a profile are made."""
        spawner = self._make_spawner({"profile": profile})
        spawner.spawn_request = SpawnRequest(profile, {})
        pod: Pod = await spawner.unclaimed_pod()
        return pod

    def _make_spawner(self, options: dict[str, Any]) -> Any:
        return self._spawner_class(config=self._hub.config, hub=self._hub.hub, user=self._user, user_options=options)
