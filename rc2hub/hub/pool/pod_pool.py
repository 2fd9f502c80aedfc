"""The pool of multi-user mode: standbys are pods, kept by one Deployment for each profile."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from rc2hub.errors import ConfigurationError, ServiceUnavailableError, StandbyError
from rc2hub.hub.pool.deployment import CONTAINER, HUB, POOL, deployment_name
from rc2hub.hub.pool.deployment_reconciler import DeploymentReconciler
from rc2hub.hub.pool.pod_profile_pool import PodProfilePool
from rc2hub.hub.pool.pod_sweeper import PodSweeper
from rc2hub.kubernetes import Pod, PodWatch, StandbyApi, is_refused
from rc2hub.kubernetes.pod_status import allocated_requests, resize_problem
from rc2hub.messages import PoolState
from rc2hub.profiles import Profile

log = logging.getLogger("JupyterHub")

RESIZE_TIMEOUT = 5.0
"""Seconds for a node to report whether it has room for the resources of a claimed standby."""
NEEDS_USER = "No standby is kept: the configuration of its pod needs a user."


class TemplateSource(Protocol):
    """Makes the pod of each profile as KubeSpawner would make it for a user, but without a user."""

    async def pods(self) -> PodWatch:
        """The watch over the pods of all compute servers, which KubeSpawner uses, too; it is started.

        Raises:
            ServiceUnavailableError: if the API server does not answer.
        """

    async def template_pod(self, profile: str) -> Pod:
        """The pod from which the standbys of a profile are made."""

    @property
    def owner(self) -> str:
        """The ConfigMap with which the standbys are deleted; empty if there is none."""

    @property
    def hub_id(self) -> str:
        """The value of the label `HUB` of this hub's pods and Deployments."""


class PodPool:
    """The standbys of all profiles, as pods."""

    def __init__(self, api: StandbyApi, template: TemplateSource, profiles: Mapping[str, Profile]) -> None:
        """Take the Kubernetes API and the factory of pods; `open`, then `run`."""
        self.api, self._template = api, template
        self._profiles = {name: profile for name, profile in profiles.items() if profile.spare}
        self._profile_pools: dict[str, PodProfilePool] = {}
        self._without_standbys: dict[str, PoolState] = {}
        self._pods: PodWatch

    async def open(self, used_locations: Callable[[], set[str]]) -> None:
        """Find out which standbys there are; it may be called again after an error.

        A profile whose pod cannot be made without a user has no standbys; its state contains the reason.

        Raises:
            ConfigurationError: with the API server's message, if it refuses what the hub needs.
            StandbyError: if the API server does not answer.
        """
        try:
            self._pods = await self._template.pods()
            owners = [await self.api.owner(self._template.owner)] if self._template.owner else []
        except (ServiceUnavailableError, StandbyError) as error:
            if is_refused(error.__cause__):
                raise ConfigurationError(
                    f"The API server refuses what the hub needs (docs/security.md): {error}."
                ) from error
            raise StandbyError(f"The pods of compute servers cannot be watched: {error}.") from error
        for name in self._profiles.keys() - self._profile_pools.keys():
            try:
                pod = await self._template.template_pod(name)
            except Exception:
                log.exception("No standby of the profile %s is kept: the configuration of its pod needs a user.", name)
                self._without_standbys[name] = PoolState(name, 0, 0, 0, 0, NEEDS_USER)
            else:
                reconciler = DeploymentReconciler(self._profiles[name], pod, self.api, self._pods, owners)
                self._profile_pools[name] = PodProfilePool(self._profiles[name], reconciler, self.api, self._pods)

    async def run(self, used_locations: Callable[[], set[str]]) -> None:
        """Keep the standbys, and sweep, until cancelled.

        Args:
            used_locations: tells the locations (`namespace/name`) of all active servers.

        Raises:
            StandbyError: if the API server does not answer at the beginning.
        """
        await self._delete_old_deployments()
        async with asyncio.TaskGroup() as tasks:
            for name, profile_pool in self._profile_pools.items():
                tasks.create_task(profile_pool.run(), name=f"rc2 pool {name}")
            sweeper = PodSweeper(self.api, self._pods, used_locations, self._template.hub_id)
            tasks.create_task(sweeper.run(), name="rc2 sweeper")

    def profile_pool(self, profile: str) -> PodProfilePool | None:
        """The standbys of a profile; None if none are kept."""
        return self._profile_pools.get(profile)

    def states(self) -> list[PoolState]:
        """The state of the standbys of each profile that should have some; none before `open`."""
        known = self._without_standbys | {name: pool.stats.state() for name, pool in self._profile_pools.items()}
        return [known[name] for name in self._profiles if name in known]

    async def resize(self, pod: Pod, resources: Mapping[str, Any]) -> bool:
        """Give a claimed pod the resources of its profile; False if it did not get them, and serves without them."""
        name, problem = pod["metadata"]["name"], ""
        try:
            await self.api.resize(name, CONTAINER, resources)
            async with asyncio.timeout(RESIZE_TIMEOUT):
                problem = await self._resize_result(name, allocated_requests(pod, CONTAINER))
        except StandbyError as error:
            problem = str(error)
        except TimeoutError:
            log.info("The node of the pod %s has not reported whether it has room for the resources of the profile.", name)
        if problem:
            log.warning("The pod %s could not get the resources of its profile: %s", name, problem)
        return not problem

    async def _resize_result(self, name: str, before: Mapping[str, str]) -> str:
        """Wait until the node of a pod has allocated other requests, or the pod is gone, or the node reports a problem.

        Returns:
            The problem; empty if there is none.
        """

        def result(pod: Pod | None) -> tuple[str] | None:
            if pod is None or allocated_requests(pod, CONTAINER) != before:
                return ("",)
            problem = resize_problem(pod)
            return (problem,) if problem else None

        (problem,) = await self._pods.until(name, result)
        return problem

    async def _delete_old_deployments(self) -> None:
        hub_id = self._template.hub_id
        wanted = {deployment_name(profile, hub_id) for profile in self._profile_pools}
        for deployment in await self.api.deployments(f"{POOL},{HUB}={hub_id}"):
            if deployment not in wanted:
                log.info("The Deployment %s belongs to no profile with standbys any more; it is deleted.", deployment)
                await self.api.delete_deployment(deployment)
