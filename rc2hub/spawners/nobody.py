"""The pod of nobody: what KubeSpawner would make for a profile, if somebody without a name asked for it.

Standbys are born from it, by the same traits, hooks and templates as any pod, so the configuration has one meaning.
"""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from rc2hub.cluster import Pod
from rc2hub.request import SpawnRequest

NOBODY = SimpleNamespace(name="nobody", escaped_name="nobody", id=0, url="/user/nobody/", admin=False, groups=[])


class Nobody:
    """Spawners of nobody."""

    def __init__(self, kind: type[Any], hub: Any) -> None:
        """Take the class of spawners, and the hub."""
        self._kind, self._hub = kind, hub
        self.spawner = self._new({})

    @property
    def owner(self) -> str:
        """The ConfigMap with which the standbys end; empty if there is none."""
        return str(self.spawner.standbys_owner)

    def _new(self, options: dict[str, Any]) -> Any:
        return self._kind(config=self._hub.config, hub=self._hub.hub, user=NOBODY, user_options=options)

    async def watched(self) -> Mapping[str, Pod]:
        """The pods of all compute servers, kept up to date by KubeSpawner's own watch."""
        await self.spawner._start_watching_pods()
        if self.spawner.events_enabled:
            await self.spawner._start_watching_events()
        pods: Mapping[str, Pod] = self.spawner.pod_reflector.pods
        return pods

    async def born(self, profile: str) -> Pod:
        """The pod of nobody, for a profile."""
        spawner = self._new({"profile": profile})
        spawner.request = SpawnRequest(profile, {})
        pod: Pod = await spawner.standby_pod()
        return pod
