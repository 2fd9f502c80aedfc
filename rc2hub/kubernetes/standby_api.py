"""API calls for standbys: the Deployments that keep them, and the patches of their pods."""

from collections.abc import Mapping, Sequence
from typing import Any

from kubernetes_asyncio.client import ApiClient, ApiException, AppsV1Api, CoreV1Api

from rc2hub.errors import ClaimRefusedError, StandbyError
from rc2hub.kubernetes.api_errors import (
    API_ERRORS,
    CONFLICT,
    NOT_FOUND,
    REQUEST_TIMEOUT,
    UNPROCESSABLE,
    as_error,
    failure_message,
    is_refused,
    read_json,
)

FIELD_MANAGER = "rc2hub"
"""The hub's name as the owner of fields (server-side apply)."""
MAY_BE_CLAIMED = {CONFLICT, UNPROCESSABLE}
"""Status codes for a claim of a pod that another hub has claimed. The second is also that of an admission policy and of an
invalid label; only the pod itself tells which it is."""


class StandbyApi:
    """Changes the standbys of one namespace."""

    def __init__(self, client: ApiClient, namespace: str) -> None:
        """Take KubeSpawner's client, and the namespace of its pods."""
        self.namespace = namespace
        self._core, self._apps = CoreV1Api(client), AppsV1Api(client)

    async def owner(self, config_map: str) -> dict[str, str]:
        """The owner reference to a ConfigMap, for objects that are deleted with it.

        Raises:
            StandbyError: with the API server's message, if there is none.
        """
        found = await self._call(self._core.read_namespaced_config_map, config_map)
        return {"apiVersion": "v1", "kind": "ConfigMap", "name": config_map, "uid": found["metadata"]["uid"]}

    async def apply(self, deployment: Mapping[str, Any]) -> dict[str, Any]:
        """Create or change a Deployment by server-side apply; returns it as it is then, with its status.

        Raises:
            StandbyError: with the API server's message, if it is refused.
        """
        name = deployment["metadata"]["name"]
        options = {"field_manager": FIELD_MANAGER, "force": True, "_content_type": "application/apply-patch+yaml"}
        return await self._call(self._apps.patch_namespaced_deployment, name, deployment, **options)

    async def deployments(self, selector: str) -> list[str]:
        """The names of the Deployments that match a label selector.

        Raises:
            StandbyError: with the API server's message, if they cannot be listed.
        """
        with as_error(StandbyError):
            found = await self._apps.list_namespaced_deployment(
                self.namespace, label_selector=selector, _request_timeout=REQUEST_TIMEOUT
            )
        return [deployment.metadata.name for deployment in found.items]

    async def delete_deployment(self, name: str) -> None:
        """Delete a Deployment with its standbys; a claimed pod is no longer one of them.

        Raises:
            StandbyError: with the API server's message, if it is refused.
        """
        await self._call(self._apps.delete_namespaced_deployment, name)

    async def claim(self, pod: str, patch: list[dict[str, Any]]) -> dict[str, Any] | None:
        """Apply a JSON patch to a pod if its tests hold; None if they do not, so of several claims one succeeds.

        Raises:
            ClaimRefusedError: with the API server's message, if it refused the patch although its tests hold.
            StandbyError: if it does not answer; the patch may have been applied.
        """
        try:
            return await self._send(self._core.patch_namespaced_pod, pod, patch)
        except API_ERRORS as error:
            if isinstance(error, ApiException) and await self._is_lost(error.status, pod, patch):
                return None
            error_class = ClaimRefusedError if is_refused(error) else StandbyError
            message = failure_message(error)
            raise error_class(f"R could not be started: {message}; try again, or ask an operator.") from error

    async def pod(self, name: str) -> dict[str, Any] | None:
        """A pod as it is now; None if it is gone.

        Raises:
            StandbyError: with the API server's message, if it is refused or not answered.
        """
        try:
            return await self._send(self._core.read_namespaced_pod, name)
        except API_ERRORS as error:
            if isinstance(error, ApiException) and error.status == NOT_FOUND:
                return None
            raise StandbyError(failure_message(error)) from error

    async def label(self, pod: str, labels: Mapping[str, str]) -> None:
        """Add labels to a pod.

        Raises:
            StandbyError: with the API server's message, if it is refused.
        """
        await self._call(self._core.patch_namespaced_pod, pod, {"metadata": {"labels": labels}})

    async def ungate(self, pod: str, gate: str) -> None:
        """Remove a scheduling gate of a pod, so that it gets a node; a gate that is removed already is no error.

        Raises:
            StandbyError: with the API server's message, if it is refused.
        """
        patch = {"spec": {"schedulingGates": [{"$patch": "delete", "name": gate}]}}
        await self._call(self._core.patch_namespaced_pod, pod, patch)

    async def resize(self, pod: str, container: str, resources: Mapping[str, Any]) -> None:
        """Change the resources of a running container; its node reports later, in the pod's conditions, if it has room.

        Raises:
            StandbyError: with the API server's message, if it is refused.
        """
        patch = {"spec": {"containers": [{"name": container, "resources": resources}]}}
        await self._call(self._core.patch_namespaced_pod_resize, pod, patch)

    async def delete(self, pod: str, grace: int = 1) -> None:
        """Delete a pod; with 0 seconds of grace, without waiting for its node to report its end.

        Raises:
            StandbyError: with the API server's message, if it is refused.
        """
        await self._call(self._core.delete_namespaced_pod, pod, grace_period_seconds=grace)

    async def _is_lost(self, status: int, name: str, patch: Sequence[Mapping[str, Any]]) -> bool:
        """Whether a patch failed with this status because the pod is gone, or because a test of the patch fails by now."""
        if status not in MAY_BE_CLAIMED:
            return status == NOT_FOUND
        try:
            pod = await self.pod(name)
        except StandbyError:
            return False  # what the API server said of the patch is the better message
        tests = [operation for operation in patch if operation["op"] == "test"]
        return pod is None or any(_value_at(pod, test["path"]) != test["value"] for test in tests)

    async def _call(self, method: Any, name: str, *arguments: Any, **options: Any) -> dict[str, Any]:
        with as_error(StandbyError):
            return await self._send(method, name, *arguments, **options)

    async def _send(self, method: Any, name: str, *arguments: Any, **options: Any) -> dict[str, Any]:
        options |= {"_request_timeout": REQUEST_TIMEOUT, "_preload_content": False}
        return await read_json(await method(name, self.namespace, *arguments, **options))


def _value_at(found: Any, pointer: str) -> Any:
    """The value at a JSON pointer (RFC 6901) of nested objects; None if there is none."""
    for step in pointer.split("/")[1:]:
        found = (found or {}).get(step.replace("~1", "/").replace("~0", "~"))
    return found
