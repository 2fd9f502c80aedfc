"""The pods with given labels, kept up to date by a watch of the Kubernetes API.

The hub has one such watch, which the pool and KubeSpawner share: KubeSpawner starts it in place of its own `PodReflector`
(`reflector_class`). KubeSpawner's `ResourceReflector` does not serve the pool: it has no notification of a change, waits up
to 25 s between two tries, and gives up when the API server is away for 51 s. This watch notifies, tries again each second,
and never gives up.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

from kubernetes_asyncio.client import ApiException, CoreV1Api
from kubernetes_asyncio.config import ConfigException, load_incluster_config, load_kube_config
from kubernetes_asyncio.watch import Watch

from rc2hub.errors import ServiceUnavailableError
from rc2hub.kubernetes.api_errors import API_ERRORS, NOT_FOUND, REQUEST_TIMEOUT, as_error, failure_message, read_json

log = logging.getLogger("rc2hub.kubernetes")

WATCH_SECONDS = 60
"""Seconds after which the API server ends a watch; then all pods are listed again, in case an event was lost."""
WATCH_TIMEOUT = 70.0
"""Seconds after which a watch ends in any case: without an answer the connection itself is lost."""
RETRY_DELAY = 1.0
"""Seconds before another try when the API server does not answer."""
Pod = dict[str, Any]
"""A pod as the Kubernetes API describes it in JSON."""
Result = TypeVar("Result")


class PodWatch:
    """The pods with given labels, as the Kubernetes API last described them."""

    def __init__(  # noqa: PLR0913 - most of them are KubeSpawner's
        self,
        *,
        parent: Any = None,
        namespace: str,
        labels: Mapping[str, str],
        index_label: str = "",
        own_labels: Mapping[str, str] | None = None,
        omit_namespace: bool = False,
        on_failure: Callable[[], None] | None = None,
        api: Any = None,
    ) -> None:
        """Take which pods to watch; `start` begins.

        Args:
            parent: a KubeSpawner, whose client is used.
            namespace: where the pods are.
            labels: the labels that each pod has.
            index_label: the label by whose values `labelled` finds pods.
            own_labels: the labels of the pods that `labelled` finds; without them, those of all pods.
            omit_namespace: watch the pods of all namespaces.
            on_failure: not used: this watch never gives up.
            api: a client; without it and without a parent, the configuration is that of the pod, or kubectl's.
        """
        self.namespace = namespace
        self.failure = ""
        """Why the API server could not be asked the last time; empty if it answered."""
        self.pods: dict[str, Pod] = {}
        """The pods by `namespace/name`; KubeSpawner reads it."""
        self._selector = ",".join(f"{label}={value}" for label, value in labels.items())
        self._index_label, self._own_labels = index_label, own_labels or {}
        self._index: dict[str, dict[str, Pod]] = {}
        self._all_namespaces = omit_namespace
        self._api: Any = api or getattr(parent, "api", None)
        self._owns_client = self._api is None
        self._log = getattr(parent, "log", log)  # in a hub that of JupyterHub, which has its handlers
        self._listing = asyncio.Lock()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @cached_property
    def first_load_future(self) -> "asyncio.Future[None]":
        """Done after the first list of the pods, with the error if it failed; KubeSpawner waits for it."""
        return asyncio.get_running_loop().create_future()

    @property
    def start_failed(self) -> bool:
        """Whether `start` was called and failed, so that another watch has to be made."""
        return self._task is None and self.first_load_future.done()

    def __iter__(self) -> Iterator[Pod]:
        """Each pod."""
        return iter(list(self.pods.values()))

    def get(self, name: str) -> Pod | None:
        """A pod by its name, or None if there is none."""
        return self.pods.get(f"{self.namespace}/{name}")

    def labelled(self, value: str) -> Mapping[str, Pod]:
        """Our pods in our namespace, by name, whose index label has this value; no other pod is looked at."""
        return self._index.get(value, {})

    async def start(self) -> None:
        """List the pods, and keep them up to date from then on.

        Raises:
            ServiceUnavailableError: with the API server's message, if they cannot be listed.
        """
        try:
            await self._open_client()
            with as_error(ServiceUnavailableError):
                version = await self._list()
        except BaseException as error:
            message = str(error) or "the pods could not be listed"
            self.first_load_future.set_exception(ServiceUnavailableError(message))
            self.first_load_future.exception()  # asyncio logs an exception that was never retrieved
            raise
        self._task = asyncio.create_task(self._run(version), name=f"rc2 pods {self.namespace}")
        self.first_load_future.set_result(None)

    async def stop(self) -> None:
        """End the watch, and close the client if it is the watch's own."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if self._owns_client and self._api is not None:
            await self._api.api_client.close()

    async def until(self, name: str, condition: Callable[[Pod | None], Result | None]) -> Result:
        """Wait until the condition of a pod, or of None once it is gone, has a true value; returns that value."""
        while not (result := condition(self.get(name))):
            await self.changed()
        return result

    async def changed(self) -> None:
        """Wait until a pod changes, appears or is gone."""
        await self._changed.wait()

    async def service_account_uid(self, name: str) -> str:
        """The uid of a service account.

        Raises:
            ServiceUnavailableError: with the API server's message, if there is none.
        """
        with as_error(ServiceUnavailableError):
            found = await self._api.read_namespaced_service_account(name, self.namespace, _request_timeout=REQUEST_TIMEOUT)
        return str(found.metadata.uid)

    async def create(self, pod: Pod) -> Pod:
        """Create a pod; returns it as the API server stored it.

        Raises:
            ServiceUnavailableError: with the API server's message, if it is refused.
        """
        options = {"_request_timeout": REQUEST_TIMEOUT, "_preload_content": False}
        with as_error(ServiceUnavailableError):
            async with self._listing:  # a list that was requested before must not remove it again
                made = await read_json(await self._api.create_namespaced_pod(self.namespace, pod, **options))
                if _key(made) not in self.pods:  # the watch may have been faster, and know more of it
                    self._put(made)
                return self.pods[_key(made)]

    async def patch(self, name: str, operations: Sequence[Mapping[str, Any]]) -> Pod:
        """Apply a JSON patch to a pod; returns it as the API server stored it.

        Raises:
            ServiceUnavailableError: with the API server's message, if a test of the patch fails or it is refused; without an
                answer, the patch may have been applied.
        """
        options = {"_request_timeout": REQUEST_TIMEOUT, "_preload_content": False}
        with as_error(ServiceUnavailableError):
            return await read_json(await self._api.patch_namespaced_pod(name, self.namespace, operations, **options))

    async def delete(self, name: str) -> None:
        """Delete a pod at once, without waiting for its node; a pod that is gone already is no error.

        Raises:
            ServiceUnavailableError: with the API server's message, if it is refused.
        """
        options = {"grace_period_seconds": 0, "_request_timeout": REQUEST_TIMEOUT}
        try:
            await self._api.delete_namespaced_pod(name, self.namespace, **options)
        except API_ERRORS as error:
            if not isinstance(error, ApiException) or error.status != NOT_FOUND:
                raise ServiceUnavailableError(failure_message(error)) from error

    async def _open_client(self) -> None:
        if self._api is None:
            try:
                load_incluster_config()  # type: ignore[no-untyped-call]
            except ConfigException:
                await load_kube_config()
            self._api = CoreV1Api()

    async def _run(self, first_version: str) -> None:
        """Watch and list in turn until cancelled; `failure` says why that does not work now."""
        next_version = first_version
        while True:
            version, next_version = next_version, ""
            try:
                await self._watch(version or await self._list())
            except Exception as error:  # noqa: BLE001 - whatever it is: without this task the hub would go on with old pods
                self.failure = failure_message(error)
                is_unexpected = not isinstance(error, API_ERRORS)
                self._log.warning(
                    "The pods in %s cannot be watched: %s", self.namespace, self.failure, exc_info=is_unexpected
                )
                await asyncio.sleep(RETRY_DELAY)

    async def _list(self) -> str:
        """Replace all pods by those there are; returns the resource version from which to watch."""
        async with self._listing:
            response = await self._list_pods(
                label_selector=self._selector, _request_timeout=REQUEST_TIMEOUT, _preload_content=False
            )
            found = await read_json(response)
            self.pods, self._index = {}, {}
            for pod in found["items"]:
                self._put(pod)
        self.failure = ""
        self._notify()
        return str(found["metadata"]["resourceVersion"])

    async def _watch(self, version: str) -> None:
        options = {"timeout_seconds": WATCH_SECONDS, "_request_timeout": WATCH_TIMEOUT}
        async with Watch() as watch:
            events = watch.stream(self._list_pods, label_selector=self._selector, resource_version=version, **options)
            async for event in events:
                if event["type"] == "DELETED":
                    self._remove(_key(event["raw_object"]))
                else:
                    self._put(event["raw_object"])
                self._notify()

    def _list_pods(self, **options: Any) -> Any:
        if self._all_namespaces:
            return self._api.list_pod_for_all_namespaces(**options)
        return self._api.list_namespaced_pod(self.namespace, **options)

    def _put(self, pod: Pod) -> None:
        self._remove(_key(pod))
        self.pods[_key(pod)] = pod
        if (value := self._index_value(pod)) is not None:
            self._index.setdefault(value, {})[pod["metadata"]["name"]] = pod

    def _remove(self, key: str) -> None:
        pod = self.pods.pop(key, None)
        if pod is not None and (value := self._index_value(pod)) is not None:
            del self._index[value][pod["metadata"]["name"]]

    def _index_value(self, pod: Pod) -> str | None:
        labels: Mapping[str, str] = pod["metadata"].get("labels", {})
        if pod["metadata"]["namespace"] != self.namespace or not self._own_labels.items() <= labels.items():
            return None
        return labels.get(self._index_label)

    def _notify(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def _key(pod: Pod) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
