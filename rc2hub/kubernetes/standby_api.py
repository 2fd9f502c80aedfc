"""API calls for standbys: the Deployments that keep them, and the patches of their pods."""

from collections.abc import Mapping
from typing import Any

from kubernetes_asyncio.client import ApiClient, ApiException, AppsV1Api, CoreV1Api

from rc2hub.errors import StandbyError
from rc2hub.kubernetes.api_errors import (
    API_ERRORS,
    CONFLICT,
    NOT_FOUND,
    REQUEST_TIMEOUT,
    UNPROCESSABLE,
    as_error,
    failure_message,
    read_json,
)

FIELD_MANAGER = "rc2hub"
"""The hub's name as the owner of fields (server-side apply)."""
NOT_CLAIMABLE = {NOT_FOUND, CONFLICT, UNPROCESSABLE}
"""The API server's status codes for a claim of a pod that another hub has claimed, or that is gone."""


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
            StandbyError: with the API server's message, if it does not answer.
        """
        try:
            return await self._send(self._core.patch_namespaced_pod, pod, patch)
        except API_ERRORS as error:
            if isinstance(error, ApiException) and error.status in NOT_CLAIMABLE:
                return None
            message = failure_message(error)
            raise StandbyError(f"R could not be started: {message}; try again, or ask an operator.") from error

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

    async def _call(self, method: Any, name: str, *arguments: Any, **options: Any) -> dict[str, Any]:
        with as_error(StandbyError):
            return await self._send(method, name, *arguments, **options)

    async def _send(self, method: Any, name: str, *arguments: Any, **options: Any) -> dict[str, Any]:
        options |= {"_request_timeout": REQUEST_TIMEOUT, "_preload_content": False}
        return await read_json(await method(name, self.namespace, *arguments, **options))
