"""The pod of a user's server: KubeSpawner's, without the user's identity.

KubeSpawner makes a pod in the middle of its `_start`; a claim needs it before, to compare it with the standbys. It is made
once for each start, so the operator's hooks run once, and KubeSpawner creates the pod that was compared (DESIGN D7).
"""

import hashlib
from collections.abc import Callable
from typing import Any

from jupyterhub.utils import maybe_future
from kubespawner import KubeSpawner
from traitlets import default

from rc2hub.errors import StandbyError
from rc2hub.hub.pool.deployment import HUB
from rc2hub.hub.pool.pod_standby import CAPABILITIES, COMMAND, compute_container, pod_environment, remove_identity
from rc2hub.hub.spawners.base import Rc2Spawner
from rc2hub.kubernetes import Pod

SKIP_WARM_UP = {"name": "RC2_SKIP_WARM_UP", "value": "1"}
"""The variable of a pod for whose start a user waits."""


class UserPodSpawner(Rc2Spawner, KubeSpawner):  # type: ignore[misc]
    """Makes the pod of a start; how it is claimed, started and stopped is in `kube.py`."""

    modify_pod_hook: Callable[[Any, Any], Any] | None
    """KubeSpawner's trait."""
    _has_options = False
    """Whether the options of this start are loaded."""
    _pod_hook: Callable[[Any, Any], Any] | None = None
    """The operator's `modify_pod_hook` of this start."""
    _made_pod: Any = None
    """The pod of this start, after the hook."""
    _unclaimed_pod: Pod | None = None
    """The same as JSON, as a standby would be."""

    @property
    def hub_id(self) -> str:
        """What tells this hub's pods from those of another hub: the address at which compute servers reach their hub."""
        return hashlib.sha256(self.hub.api_url.encode()).hexdigest()[:8]

    @default("cmd")
    def _default_cmd(self) -> list[str]:
        return COMMAND

    @default("uid")
    def _default_uid(self) -> int:
        # root until the activation; with another number the pod has that account from the start, as `restrict` needs it
        return 0

    @default("container_security_context")
    def _default_container_security_context(self) -> dict[str, Any]:
        capabilities = {"drop": ["ALL"]} if self.uid else {"drop": ["ALL"], "add": CAPABILITIES}
        return {"capabilities": capabilities, "seccompProfile": {"type": "RuntimeDefault"}}

    @default("profile_list")
    def _default_profile_list(self) -> list[dict[str, Any]]:
        return [
            {
                "slug": profile.name,
                "display_name": profile.display_name,
                "kubespawner_override": {
                    "cpu_limit": profile.cpu,
                    "mem_limit": profile.memory,
                    **profile.kubespawner_override,
                },
            }
            for profile in self.choices.profiles.values()
        ]

    def get_args(self) -> list[str]:
        """None: the user's server reads its settings from the activation request."""
        return []

    async def start(self) -> str:
        """Begin a start, with a new pod."""
        self._has_options, self._made_pod, self._unclaimed_pod = False, None, None
        url: str = await super().start()
        return url

    async def load_user_options(self) -> None:
        """Apply the request's profile once for each start; KubeSpawner asks again when it creates a pod."""
        if not self._has_options:
            await super().load_user_options()
            self._has_options, self._pod_hook = True, self.modify_pod_hook

    async def get_pod_manifest(self) -> Any:
        """The pod of this start as KubeSpawner creates it: without a warm-up, because the user waits for it."""
        pod = await self._user_pod()
        container = compute_container(pod)
        container.env = [*(each for each in container.env or [] if each != SKIP_WARM_UP), SKIP_WARM_UP]
        return pod

    async def unclaimed_pod(self) -> Pod:
        """The pod of this start as a standby, as JSON, after the operator's `modify_pod_hook`."""
        await self.load_user_options()
        if self._unclaimed_pod is None:
            self._unclaimed_pod = self.api.api_client.sanitize_for_serialization(await self._user_pod())
        return self._unclaimed_pod or {}

    def watched_pod(self) -> Pod | None:
        """The pod with the name of the server's pod, as far as the watch knows it."""
        return self.pod_reflector.pods.get(f"{self.namespace}/{self.pod_name}") if self.pod_reflector else None

    def is_of_another_hub(self) -> bool:
        """Whether that pod belongs to another hub in the same namespace."""
        pod = self.watched_pod()
        return pod is not None and pod["metadata"]["labels"].get(HUB, self.hub_id) != self.hub_id

    async def create_own_pod(self) -> str:
        """Have KubeSpawner create the pod of this start, and wait until it runs; returns the server's URL.

        Raises:
            StandbyError: if another hub has a pod of this name, which KubeSpawner would delete.
        """
        await self.load_user_options()
        self.pod_name = self._expand_user_properties(self.pod_name_template)
        if self.is_of_another_hub():
            raise StandbyError(
                f"The pod {self.pod_name} belongs to another hub; ask an operator to set c.KubeSpawner.pod_name_template."
            )
        hook, self.modify_pod_hook = self.modify_pod_hook, None  # `get_pod_manifest` has run it
        try:
            url: str = await KubeSpawner._start(self)
        finally:
            self.modify_pod_hook = hook
        return url

    async def _user_pod(self) -> Any:
        if self._made_pod is None:
            self.pod_name = self._expand_user_properties(self.pod_name_template)
            profile = self.choices.profiles[self.spawn_request.profile]
            hub = {"JUPYTERHUB_API_URL": self.hub.api_url, "RC2_BROKER_URL": self.runtime.broker_url}
            env = {**hub, "RC2_R_PROFILE": self.r_profile, **pod_environment(profile)}
            pod = remove_identity(await super().get_pod_manifest(), env)
            pod.metadata.labels[HUB] = self.hub_id
            self._made_pod = await maybe_future(self._pod_hook(self, pod)) if self._pod_hook else pod
        return self._made_pod
