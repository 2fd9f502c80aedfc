"""The spawner of multi-user mode: compute servers are pods, made by KubeSpawner and born without identity.

All of KubeSpawner's configuration keeps its meaning, but for what a pod without identity cannot have (`base.REFUSED`).
"""

import asyncio
import time
from typing import Any, ClassVar

from jupyterhub.slugs import safe_slug
from jupyterhub.utils import maybe_future
from kubespawner import KubeSpawner
from traitlets import Dict, Enum, Unicode, default

from rc2hub import metrics
from rc2hub.cluster import Pod, Standbys, refused
from rc2hub.errors import StandbyError
from rc2hub.lifecycle import Standby
from rc2hub.pool.activation import Order
from rc2hub.pool.cluster import PodPool
from rc2hub.pool.deployment import CONTAINER, container, grown, misfit
from rc2hub.pool.pod_states import exit_code, restarts
from rc2hub.pool.pods import CAPABILITIES, COMMAND, PodStandby, constants, without_identity
from rc2hub.spawners.accounts import proposed_uid
from rc2hub.spawners.base import Rc2Spawner
from rc2hub.spawners.folders import parse_folders
from rc2hub.spawners.nobody import Nobody
from rc2hub.spawners.progress import in_words, trouble

MARGIN = 2
"""Seconds before JupyterHub's own timeout, which would say nothing of the reason."""
ALONE = ("enable_user_namespaces", "services_enabled", "storage_pvc_ensure", "after_pod_created_hook")
"""Traits of KubeSpawner that have something made for each person before her pod, or with it."""
LOOK = 0.3
"""Seconds between looks at a pod's events."""


class Rc2KubeSpawner(Rc2Spawner, KubeSpawner):  # type: ignore[misc]
    """Starts compute servers as pods of a Kubernetes cluster."""

    broker_url: ClassVar[str]

    homes = Unicode(
        "/home",
        help="""Folder in the pod that holds one home per person; mount a volume there with `volumes` and `volume_mounts`,
        else homes end with their pod.""",
    ).tag(config=True)

    shared = Unicode(
        "/shared",
        help="""Folder in the pod that holds the folders of `group_folders`; mount a volume there with `volumes` and
        `volume_mounts`.""",
    ).tag(config=True)

    group_folders = Dict(
        help="""Folders that groups share: name to the JupyterHub groups that may `read`, and that may also `write` in it.
        Each is made when its first member starts a server. What somebody may do is decided at her start.

        Example: `{"stat101": {"read": ["stat101"], "write": ["stat101-teachers"]}}`""",
    ).tag(config=True)

    no_room = Enum(
        ["stay", "move"],
        "stay",
        help="""What happens with a claimed standby whose machine has no room for the resources of its profile. With `stay`
        it runs on with what it has; with `move` a pod is started elsewhere, which takes seconds, and each login waits
        some tenths of a second for the answer of the machine.""",
    ).tag(config=True)

    standbys_owner = Unicode(
        help="""Name of a ConfigMap where the pods are. The Deployments of standbys belong to it, so they end when it
        is deleted; the chart makes one, so that nothing stays ready after `helm uninstall`.""",
    ).tag(config=True)

    pool: ClassVar[PodPool]

    @classmethod
    def open_pool(cls, hub: Any, broker_url: str) -> PodPool:
        """Make the pool of this hub."""
        cls.broker_url = broker_url
        nobody = Nobody(cls, hub)
        client, namespace = nobody.spawner.api, nobody.spawner.namespace
        cls.pool = PodPool(Standbys(client.api_client, namespace), client, nobody, cls.offer.profiles)
        return cls.pool

    @property
    def place(self) -> str:
        """Where this server runs: its pod."""
        return f"{self.namespace}/{self.pod_name}"

    @default("cmd")
    def _default_cmd(self) -> list[str]:
        return COMMAND

    @default("uid")
    def _default_uid(self) -> int:
        # root until somebody's; with another number the pod is that account from the start, as "restricted" clusters want
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
            for profile in self.offer.profiles.values()
        ]

    def get_args(self) -> list[str]:
        """None: the person's server takes its settings from the order."""
        return []

    async def get_pod_manifest(self) -> Any:
        """KubeSpawner's pod, without anything of the person; it is made for her, so it prepares for nobody."""
        return self._born(await super().get_pod_manifest(), {"RC2_AWAITED": "1"})

    async def standby_pod(self) -> Pod:
        """The same as a standby, in Kubernetes' own words, with what the operator's hook makes of it."""
        await self.load_user_options()
        pod = self._born(await super().get_pod_manifest(), {})
        if self.modify_pod_hook:
            pod = await maybe_future(self.modify_pod_hook(self, pod))
        found: Pod = self.pool.cluster.in_words(pod)
        return found

    def _born(self, pod: Any, env: dict[str, str]) -> Any:
        profile = self.offer.profiles[self.request.profile]
        hub = {"JUPYTERHUB_API_URL": self.hub.api_url, "RC2_BROKER_URL": self.broker_url}
        return without_identity(pod, {**hub, **constants(profile), **env})

    def is_pod_running(self, pod: dict[str, Any] | None) -> bool:
        """Whether the pod can be reached: its container runs; what else there is to know, it says itself over the stream."""
        if pod is None or "deletionTimestamp" in pod["metadata"] or not pod["status"].get("podIP"):
            return False
        containers = pod["status"].get("containerStatuses") or []
        return any(each["name"] == CONTAINER and "running" in each["state"] for each in containers)

    async def claim(self) -> Standby:
        """Take a standby of the wanted profile; have KubeSpawner make a pod where none can be this person's.

        Raises:
            StandbyError: in one sentence, if there is no room, no image, no quota or no volume for it.
        """
        kind = await self.pool.kind(self.request.profile)
        if kind is None:
            metrics.claimed(self.request.profile, "", time.monotonic(), metrics.COLD, metrics.NO_POOL)
            return await self._cold()
        hers = await self.standby_pod()
        if different := [*self._alone(), *misfit(hers, kind.keeper.born)]:
            kind.needs_own()
            self.say(f"R is started for you alone, as what is kept ready has other {', '.join(different)}")
            return await self._cold()
        self.marks = hers["metadata"]["labels"], hers["metadata"]["annotations"]
        try:
            async with asyncio.timeout(self.start_timeout - MARGIN):
                standby = await kind.claim(self)
        except TimeoutError as error:
            raise StandbyError("No R has become ready in time; start again, or ask an operator.") from error
        if standby is None:
            self.say("No R is ready, so one is started for you")
            return await self._cold()
        self._take_over(standby)
        growing = asyncio.create_task(self.pool.grow(standby.pod, grown(container(hers["spec"])["resources"])))
        self._growing = growing  # it goes on beside us
        if self.no_room == "move" and not await growing:
            self.say("The machine of that R has no room for more, so another is started for you")
            await standby.discard()
            return await self._cold()
        return standby

    def _alone(self) -> list[str]:
        """Which traits ask for something that is made for each person before her pod."""
        return [trait for trait in ALONE if getattr(self, trait)]

    def _take_over(self, standby: PodStandby) -> None:
        """Know the claimed pod as KubeSpawner knows one that it has made."""
        self.pod_id = standby.pod["metadata"]["uid"]
        standby.url = self._get_pod_url(standby.pod)

    async def _cold(self) -> Standby:
        """Have KubeSpawner make a pod, and wait until it could be somebody's."""
        self.pod_name = self._expand_user_properties(self.pod_name_template)
        telling = asyncio.create_task(self._tell_events())
        try:
            async with asyncio.timeout(self.start_timeout - MARGIN):
                url = await KubeSpawner._start(self)
        except TimeoutError as error:
            raise StandbyError(f"R could not be started. {trouble(self.events)}; ask an operator.") from error
        except Exception as error:
            if why := refused(error):
                raise StandbyError(f"R could not be started: {why}; ask an operator.") from error
            raise
        finally:
            telling.cancel()
        standby = await PodStandby.connect(self.pool.cluster, self.pod_name)
        standby.url = url
        return standby

    async def poll(self) -> int | None:
        """None while the server runs; once Kubernetes has started its container again, it is nobody's any more."""
        pod = self.pod_reflector.pods.get(self.place) if self.pod_reflector else None
        if pod is None or not restarts(pod):
            status: int | None = await super().poll()
            return status
        await self.stop(now=True)
        return exit_code(pod)

    def order(self) -> Order:
        """What makes a standby this person's."""
        home = f"{self.homes}/{safe_slug(self.user.name)}"
        env = {name: value for name, value in self.get_env().items() if isinstance(value, str)}
        uid = None if self.uid else proposed_uid(self.user.name)
        groups = {group.name for group in self.user.groups}
        orders = (folder.order(groups) for folder in parse_folders("group_folders", self.group_folders))
        return Order(env | self.person_env(home), home, uid, self.shared, [order for order in orders if order])

    async def _tell_events(self) -> None:
        """Say in words what Kubernetes does."""
        told = 0
        while True:
            for event in self.events[told:]:
                told += 1
                if words := in_words(event):
                    self.say(words)
            await asyncio.sleep(LOOK)
