"""Pods with some labels, as Kubernetes last described them."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from kubernetes_asyncio.client import ApiException, CoreV1Api
from kubernetes_asyncio.config import ConfigException, load_incluster_config, load_kube_config
from kubernetes_asyncio.watch import Watch

from rc2hub.cluster.failures import ANSWER, FAILURES, NOT_FOUND, failing_as, why_failed
from rc2hub.errors import ServiceUnavailableError

log = logging.getLogger("rc2hub.cluster")

WATCH = 240
"""Seconds of one watch, below aiohttp's own limit; then everything is listed anew, whatever was missed."""
AGAIN = 1.0
"""Seconds before another try when the API server does not answer."""
Pod = dict[str, Any]
"""A pod in Kubernetes' own words."""
Result = TypeVar("Result")


class Pods:
    """The pods with some labels, as Kubernetes last described them."""

    def __init__(self, namespace: str, selector: str, api: Any = None) -> None:
        """Take where they are and the labels; `open`, then `run`. Without a client they are looked at as `open` says."""
        self.namespace, self._selector, self._api = namespace, selector, api
        self.failure = ""
        self._pods: dict[str, Pod] = {}
        self._listing = asyncio.Lock()
        self._changed = asyncio.Event()

    def __iter__(self) -> Iterator[Pod]:
        """Each of them."""
        return iter(list(self._pods.values()))

    def get(self, name: str) -> Pod | None:
        """One of them, if it is there."""
        return self._pods.get(name)

    async def open(self) -> None:
        """Look at them for the first time: as our pod's own service account, outside of a cluster as kubectl does.

        Raises:
            ServiceUnavailableError: in Kubernetes' words, if that is not possible.
        """
        if self._api is None:
            try:
                load_incluster_config()  # type: ignore[no-untyped-call]
            except ConfigException:
                await load_kube_config()
            self._api = CoreV1Api()
        with failing_as(ServiceUnavailableError):
            await self._list()

    async def close(self) -> None:
        """Let go of the API server."""
        await self._api.api_client.close()

    async def run(self) -> None:
        """Keep up with what Kubernetes knows, until cancelled; `failure` says why that does not work now."""
        while True:
            try:
                await self._watch(await self._list())
            except FAILURES as error:
                self.failure = why_failed(error)
                log.warning("The pods in %s cannot be watched: %s", self.namespace, self.failure)
                await asyncio.sleep(AGAIN)

    async def until(self, name: str, condition: Callable[[Pod | None], Result]) -> Result:
        """The first true value that the condition has of a pod, or of None once it is gone."""
        while not (result := condition(self._pods.get(name))):
            await self._changed.wait()
        return result

    async def change(self) -> None:
        """Wait until something about them is different."""
        await self._changed.wait()

    async def account(self, name: str) -> str:
        """The uid of a service account.

        Raises:
            ServiceUnavailableError: in Kubernetes' words, if there is none.
        """
        with failing_as(ServiceUnavailableError):
            found = await self._api.read_namespaced_service_account(name, self.namespace, _request_timeout=ANSWER)
        return str(found.metadata.uid)

    async def create(self, pod: Pod) -> Pod:
        """Make a pod; returns it as it became.

        Raises:
            ServiceUnavailableError: in Kubernetes' words, if it is refused.
        """
        with failing_as(ServiceUnavailableError):
            async with self._listing:  # a list from before must not say afterwards that it is gone
                made = self._in_words(await self._api.create_namespaced_pod(self.namespace, pod, _request_timeout=ANSWER))
                return self._pods.setdefault(made["metadata"]["name"], made)

    async def delete(self, name: str) -> None:
        """Delete a pod that keeps nothing, without waiting for a machine that may be gone; one that is gone is no error.

        Raises:
            ServiceUnavailableError: in Kubernetes' words, if it is refused.
        """
        try:
            await self._api.delete_namespaced_pod(name, self.namespace, grace_period_seconds=0, _request_timeout=ANSWER)
        except FAILURES as error:
            if not isinstance(error, ApiException) or error.status != NOT_FOUND:
                raise ServiceUnavailableError(why_failed(error)) from error

    async def _list(self) -> str:
        """Take over what there is; returns from where to watch."""
        async with self._listing:
            options = {"label_selector": self._selector, "_request_timeout": ANSWER}
            found = await self._api.list_namespaced_pod(self.namespace, **options)
            self._pods = {pod.metadata.name: self._in_words(pod) for pod in found.items}
        self.failure = ""
        self._notify()
        return str(found.metadata.resource_version)

    async def _watch(self, version: str) -> None:
        options = {"label_selector": self._selector, "resource_version": version, "timeout_seconds": WATCH}
        async with Watch("object") as watch:
            async for event in watch.stream(self._api.list_namespaced_pod, self.namespace, **options):
                pod = event["raw_object"]
                if event["type"] == "DELETED":
                    self._pods.pop(pod["metadata"]["name"], None)
                else:
                    self._pods[pod["metadata"]["name"]] = pod
                self._notify()

    def _in_words(self, pod: Any) -> Pod:
        made: Pod = self._api.api_client.sanitize_for_serialization(pod)
        return made

    def _notify(self) -> None:
        event, self._changed = self._changed, asyncio.Event()
        event.set()
