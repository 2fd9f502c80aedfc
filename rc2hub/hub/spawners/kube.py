"""The spawner of multi-user mode: compute servers are pods, made by KubeSpawner without a user's identity.

All of KubeSpawner's configuration keeps its meaning, except what a pod without a user cannot have (`validation.py`).
"""

import asyncio
import time
from typing import Any

from jupyterhub.slugs import safe_slug
from traitlets import Dict, Enum, Unicode

from rc2hub.errors import StandbyError
from rc2hub.hub import metrics
from rc2hub.hub.pool.activation import ActivationRequest, Standby
from rc2hub.hub.pool.claim import template_diff, user_resources
from rc2hub.hub.pool.deployment import CONTAINER, HUB, POOL, STARTED, server_container
from rc2hub.hub.pool.pod_pool import PodPool
from rc2hub.hub.pool.pod_profile_pool import PodProfilePool
from rc2hub.hub.pool.pod_standby import PodStandby
from rc2hub.hub.runtime import Runtime
from rc2hub.hub.spawners.accounts import default_uid
from rc2hub.hub.spawners.group_folders import parse_folders
from rc2hub.hub.spawners.pod_template import PodTemplate
from rc2hub.hub.spawners.progress import describe_event, failure_reason
from rc2hub.hub.spawners.user_pod import UserPodSpawner
from rc2hub.kubernetes import Pod, PodWatch, StandbyApi, api_failure
from rc2hub.kubernetes.pod_status import is_terminating, last_exit_code, restart_count

TIMEOUT_MARGIN = 2
"""Seconds before JupyterHub's own timeout, whose message would contain no reason."""
PER_USER_TRAITS = ("enable_user_namespaces", "services_enabled", "storage_pvc_ensure", "after_pod_created_hook")
"""Traits of KubeSpawner that create something for each user before the user's pod, or with it."""
EVENT_INTERVAL = 0.3
"""Seconds between two looks at a pod's events."""


class Rc2KubeSpawner(UserPodSpawner):
    """Starts compute servers as pods of a Kubernetes cluster."""

    homes_dir = Unicode(
        "/home",
        help="""Folder in the pod with one home per user. Mount a volume there with `volumes` and `volume_mounts`; without
        one, homes are lost with their pod.""",
    ).tag(config=True)

    shared_dir = Unicode(
        "/shared",
        help="""Folder in the pod that contains the folders of `group_folders`. Mount a volume there with `volumes` and
        `volume_mounts`.""",
    ).tag(config=True)

    group_folders = Dict(
        help="""Folders that groups share: name to the JupyterHub groups that may `read`, and that may also `write` in it.
        Each folder is created when its first member starts a server. Changes of groups apply at the next start of a server.

        Example: `{"stat101": {"read": ["stat101"], "write": ["stat101-teachers"]}}`""",
    ).tag(config=True)

    on_resize_failure = Enum(
        ["keep", "replace"],
        "keep",
        help="""What happens if the node of a claimed standby has no room for the resources of its profile. With `keep` the
        standby serves with the resources it has. With `replace` a pod is started on another node, which takes seconds, and
        each login waits some tenths of a second for the node's answer.""",
    ).tag(config=True)

    standbys_owner = Unicode(
        help="""Name of a ConfigMap in the namespace of the pods. The Deployments of standbys belong to it, so they are
        deleted with it. The chart creates one, so that no standby is left after `helm uninstall`.""",
    ).tag(config=True)

    @classmethod
    def make_pool(cls, hub: Any, runtime: Runtime) -> PodPool:
        """Make the pool of this hub."""
        template = PodTemplate(cls, hub, runtime)
        api = StandbyApi(template.spawner.api.api_client, template.spawner.namespace)
        return PodPool(api, template, runtime.choices.profiles)

    @property
    def pool(self) -> PodPool:
        """The pool of this hub."""
        pool: PodPool = self.runtime.pool
        return pool

    @property
    def location(self) -> str:
        """Where this server runs: its pod."""
        return f"{self.namespace}/{self.pod_name}"

    async def _start_watching_pods(self, replace: bool = False) -> Any:
        """Start the one watch of pods in this hub, in place of KubeSpawner's own.

        KubeSpawner asks with `replace` for a new watch where its own has given up. Ours never gives up, and the pool holds
        it, so it is replaced only if its start has failed.
        """
        watch = self.pod_reflector
        return await self._start_reflector(
            kind="pods",
            reflector_class=PodWatch,
            labels={"component": self.component_label},
            index_label=POOL,
            own_labels={HUB: self.hub_id},
            omit_namespace=self.enable_user_namespaces,
            replace=watch is not None and watch.start_failed,
        )

    async def _start_watching_events(self, replace: bool = False) -> Any:
        """Start KubeSpawner's watch of events, also if it has ended: it gives up when the API server is away for 51 s."""
        watch = self.event_reflector
        is_started = watch is not None and watch.first_load_future.done()
        has_ended = is_started and (watch.watch_task is None or watch.watch_task.done())
        return await super()._start_watching_events(replace or has_ended)

    def is_pod_running(self, pod: dict[str, Any] | None) -> bool:
        """Whether the pod can be reached: its container runs. Its standby reports the rest over the control stream."""
        if pod is None or is_terminating(pod) or not pod["status"].get("podIP"):
            return False
        containers = pod["status"].get("containerStatuses") or []
        return any(each["name"] == CONTAINER and "running" in each["state"] for each in containers)

    async def claim(self) -> Standby:
        """Claim a standby of the requested profile; where none fits or none is ready, have KubeSpawner make a pod.

        Raises:
            StandbyError: in one sentence, if there is no room, no image, no quota or no volume for it.
        """
        profile_pool = self.pool.profile_pool(self.spawn_request.profile)
        if profile_pool is None:
            metrics.record_claim(self.spawn_request.profile, "", time.monotonic(), metrics.COLD, metrics.NO_POOL)
            return await self._start_own_pod()
        different, user_pod = await self._compare(profile_pool.reconciler.template_pod)
        if different:
            profile_pool.record_cold_start()
            self.report_progress(f"Starting a new R for you: the ready ones have other {', '.join(different)}")
            return await self._start_own_pod()
        standby = await self._claim_standby(profile_pool, user_pod)
        if standby is None:
            self.report_progress("No R is ready, so a new one is started for you")
            return await self._start_own_pod()
        resources = user_resources(server_container(user_pod["spec"])["resources"])
        # the claim does not wait for it; asyncio itself keeps only a weak reference
        self._resizing = resizing = asyncio.create_task(self.pool.resize(standby.pod, resources))
        if self.on_resize_failure == "replace" and not await resizing:
            self.report_progress("The node of that R has too little room, so a new one is started for you")
            await standby.discard()
            return await self._start_own_pod()
        return standby

    async def _claim_standby(self, profile_pool: PodProfilePool, user_pod: Pod) -> PodStandby | None:
        self.pod_metadata = user_pod["metadata"]["labels"], user_pod["metadata"]["annotations"]
        try:
            async with asyncio.timeout(self.start_timeout - TIMEOUT_MARGIN):
                standby = await profile_pool.claim(self)
        except TimeoutError as error:
            raise StandbyError("No R has become ready in time; start again, or ask an operator.") from error
        if standby is not None:
            self._adopt_pod(standby)
        return standby

    async def _compare(self, template_pod: Pod) -> tuple[list[str], Pod]:
        """What no standby has, and the pod of this start; it is not made yet if traits create something for each user."""
        await self.load_user_options()
        if per_user := [trait for trait in PER_USER_TRAITS if getattr(self, trait)]:
            return per_user, {}
        user_pod = await self.unclaimed_pod()
        return template_diff(user_pod, template_pod), user_pod

    def _adopt_pod(self, standby: PodStandby) -> None:
        """Record the claimed pod as KubeSpawner records a pod that it has made."""
        self.pod_id = standby.pod["metadata"]["uid"]
        standby.url = self._get_pod_url(standby.pod)

    async def _start_own_pod(self) -> Standby:
        """Have KubeSpawner make a pod, and wait until it can be activated."""
        now = asyncio.get_running_loop().time
        ends_at = now() + self.start_timeout - TIMEOUT_MARGIN
        reporting = asyncio.create_task(self._report_events())
        try:
            async with asyncio.timeout_at(ends_at):
                url = await self.create_own_pod()
        except TimeoutError as error:
            raise StandbyError(f"R could not be started. {failure_reason(self.events)}; ask an operator.") from error
        except Exception as error:
            if message := api_failure(error):
                raise StandbyError(f"R could not be started: {message}; try again, or ask an operator.") from error
            raise
        finally:
            reporting.cancel()
        standby = await PodStandby.connect(self.pool.api, self.pod_name, within=ends_at - now())
        standby.url, standby.activation_timeout = url, ends_at - now()
        return standby

    async def stop(self, now: bool = False) -> None:
        """Delete the server's pod; never a pod of the same name that belongs to another hub."""
        if not self.is_of_another_hub():
            await super().stop(now)

    async def poll(self) -> int | None:
        """None while the server runs; a container that Kubernetes has restarted has lost its activation and is deleted."""
        pod = self.watched_pod()
        if pod is not None and restart_count(pod, CONTAINER):
            await self.stop(now=True)
            return last_exit_code(pod, CONTAINER)
        status: int | None = await super().poll()
        if pod is not None and status is None and self.ready and STARTED not in pod["metadata"]["labels"]:
            await self._record_start()
        return status

    async def _record_start(self) -> None:
        """Label the pod: JupyterHub has stored the server, and a hub that does not know it has an older database (D40)."""
        if self.pool is not None and self.namespace == self.pool.api.namespace:
            try:
                await self.pool.api.label(self.pod_name, {STARTED: "true"})
            except StandbyError as error:
                self.log.warning("The pod %s could not be labelled as started: %s", self.pod_name, error)

    def activation_request(self) -> ActivationRequest:
        """What makes a standby this user's server."""
        home = f"{self.homes_dir}/{safe_slug(self.user.name)}"
        env = {name: value for name, value in self.get_env().items() if isinstance(value, str)}
        uid = None if self.uid else default_uid(self.user.name)
        groups = {group.name for group in self.user.groups}
        access = (folder.access(groups) for folder in parse_folders("group_folders", self.group_folders))
        folders = [each for each in access if each]
        return ActivationRequest(env | self.identity_env(home), home, uid, self.shared_dir, folders)

    async def _report_events(self) -> None:
        """Show the user what Kubernetes does."""
        reported = 0
        while True:
            for event in self.events[reported:]:
                reported += 1
                if description := describe_event(event):
                    self.report_progress(description)
            await asyncio.sleep(EVENT_INTERVAL)
