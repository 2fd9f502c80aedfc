"""The spawner of multi-user mode: compute servers are pods, made by KubeSpawner and born without identity.

All of KubeSpawner's configuration keeps its meaning, but for what a pod without identity cannot have (`base.REFUSED`).
"""

import asyncio
import hashlib
from types import SimpleNamespace
from typing import Any, ClassVar

from jupyterhub.slugs import safe_slug
from kubespawner import KubeSpawner
from traitlets import Unicode, default

from rc2hub.cluster import refused
from rc2hub.errors import StandbyError
from rc2hub.lifecycle import Standby
from rc2hub.pool.activation import Order
from rc2hub.pool.pods import CAPABILITIES, COMMAND, CONTAINER, PodPool, PodStandby, constants, without_identity
from rc2hub.spawners.base import Rc2Spawner
from rc2hub.spawners.progress import in_words, trouble

FIRST_UID, UIDS = 100_000, 1_000_000_000
"""Accounts of people's homes: above those of the image, below what file systems call nobody."""
MARGIN = 2
"""Seconds before JupyterHub's own timeout, which would say nothing of the reason."""
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

    @classmethod
    def open_pool(cls, hub: Any, broker_url: str) -> PodPool:
        """Make the pool of this hub."""
        cls.broker_url = broker_url
        nobodys = cls(config=hub.config, hub=hub.hub, user=SimpleNamespace(name="nobody", id=0))
        return PodPool(nobodys.api, nobodys.namespace, f"component={nobodys.component_label}")

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
        """KubeSpawner's pod, without anything of the person."""
        profile = self.offer.profiles[self.request.profile]
        born = {"JUPYTERHUB_API_URL": self.hub.api_url, "RC2_BROKER_URL": self.broker_url, **constants(profile)}
        born["RC2_AWAITED"] = "1"  # it was started for somebody, so it prepares for nobody
        return without_identity(await super().get_pod_manifest(), born)

    def is_pod_running(self, pod: dict[str, Any] | None) -> bool:
        """Whether the pod can be reached: its container runs; what else there is to know, it says itself over the stream."""
        if pod is None or "deletionTimestamp" in pod["metadata"] or not pod["status"].get("podIP"):
            return False
        containers = pod["status"].get("containerStatuses") or []
        return any(each["name"] == CONTAINER and "running" in each["state"] for each in containers)

    async def claim(self) -> Standby:
        """Have KubeSpawner make a pod, and wait until it could be somebody's.

        Raises:
            StandbyError: in one sentence, if there is no room, no image, no quota or no volume for it.
        """
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
        return await PodStandby.connect(url, self.namespace, self.pod_name)

    def order(self) -> Order:
        """What makes a standby this person's."""
        home = f"{self.homes}/{safe_slug(self.user.name)}"
        env = {name: value for name, value in self.get_env().items() if isinstance(value, str)}
        return Order(env | self.person_env(home), home, None if self.uid else proposed_uid(self.user.name))

    async def _tell_events(self) -> None:
        """Say in words what Kubernetes does."""
        told = 0
        while True:
            for event in self.events[told:]:
                told += 1
                if words := in_words(event):
                    self.say(words)
            await asyncio.sleep(LOOK)


def proposed_uid(name: str) -> int:
    """The account for a new home; the same on every hub, so that it seldom matters which one made it."""
    return FIRST_UID + int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % UIDS
