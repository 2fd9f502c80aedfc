"""The Deployments that keep standbys, and the patches that make one of their pods somebody's."""

from collections.abc import Mapping
from typing import Any

from kubernetes_asyncio.client import ApiClient, ApiException, AppsV1Api, CoreV1Api

from rc2hub.cluster.failures import ANSWER, CONFLICT, FAILURES, NOT_FOUND, UNPROCESSABLE, failing_as, why_failed
from rc2hub.errors import StandbyError

MANAGER = "rc2hub"
"""The hub's name as the owner of fields (server-side apply)."""
LOST = {NOT_FOUND, CONFLICT, UNPROCESSABLE}
"""What the API server answers to a claim that another one was faster with, or of a pod that is gone."""


class Standbys:
    """The standbys of one namespace, as far as they are changed from here."""

    def __init__(self, client: ApiClient, namespace: str) -> None:
        """Take KubeSpawner's client, and where it makes pods."""
        self._client, self.namespace = client, namespace
        self._core, self._apps = CoreV1Api(client), AppsV1Api(client)

    def in_words(self, thing: Any) -> Any:
        """An object of the client as Kubernetes writes it."""
        return self._client.sanitize_for_serialization(thing)

    async def owner(self, config_map: str) -> dict[str, str]:
        """What names a ConfigMap as the owner of something that should end with it.

        Raises:
            StandbyError: in Kubernetes' words, if there is none.
        """
        found = await self._call(self._core.read_namespaced_config_map, config_map)
        return {"apiVersion": "v1", "kind": "ConfigMap", "name": config_map, "uid": found["metadata"]["uid"]}

    async def apply(self, deployment: Mapping[str, Any]) -> dict[str, Any]:
        """Have a Deployment be like this, as server-side apply does it; returns it as it became, with its status.

        Raises:
            StandbyError: in Kubernetes' words, if it is refused.
        """
        name = deployment["metadata"]["name"]
        options = {"field_manager": MANAGER, "force": True, "_content_type": "application/apply-patch+yaml"}
        return await self._call(self._apps.patch_namespaced_deployment, name, deployment, **options)

    async def deployments(self, selector: str) -> list[str]:
        """The names of the Deployments with these labels.

        Raises:
            StandbyError: in Kubernetes' words, if they cannot be listed.
        """
        with failing_as(StandbyError):
            found = await self._apps.list_namespaced_deployment(
                self.namespace, label_selector=selector, _request_timeout=ANSWER
            )
        return [deployment.metadata.name for deployment in found.items]

    async def prune(self, deployment: str) -> None:
        """Delete a Deployment with its standbys; people's servers are no longer its pods.

        Raises:
            StandbyError: in Kubernetes' words, if it is refused.
        """
        await self._call(self._apps.delete_namespaced_deployment, deployment)

    async def claim(self, pod: str, patch: list[dict[str, Any]]) -> dict[str, Any] | None:
        """Change a pod if the patch's tests hold; None if they do not, so that of many callers one gets it.

        Raises:
            StandbyError: in Kubernetes' words, if the API server does not answer.
        """
        try:
            return await self._sent(self._core.patch_namespaced_pod, pod, patch)
        except FAILURES as error:
            if isinstance(error, ApiException) and error.status in LOST:
                return None
            raise StandbyError(f"R could not be started: {why_failed(error)}; try again, or ask an operator.") from error

    async def place(self, pod: str, gate: str) -> None:
        """Take a scheduling gate off a pod, so that Kubernetes finds a machine for it; one that is off or gone is no error.

        Raises:
            StandbyError: in Kubernetes' words, if it is refused.
        """
        patch = {"spec": {"schedulingGates": [{"$patch": "delete", "name": gate}]}}
        await self._call(self._core.patch_namespaced_pod, pod, patch)

    async def resize(self, pod: str, container: str, resources: Mapping[str, Any]) -> None:
        """Give a running container other resources; whether there is room, its machine says later, in the pod's conditions.

        Raises:
            StandbyError: in Kubernetes' words, if it is refused.
        """
        patch = {"spec": {"containers": [{"name": container, "resources": resources}]}}
        await self._call(self._core.patch_namespaced_pod_resize, pod, patch)

    async def delete(self, pod: str, grace: int = 1) -> None:
        """Delete a pod that is nobody's; with 0 seconds of grace, without its machine's word that it has ended.

        Raises:
            StandbyError: in Kubernetes' words, if it is refused.
        """
        await self._call(self._core.delete_namespaced_pod, pod, grace_period_seconds=grace)

    async def _call(self, method: Any, name: str, *arguments: Any, **options: Any) -> dict[str, Any]:
        with failing_as(StandbyError):
            return await self._sent(method, name, *arguments, **options)

    async def _sent(self, method: Any, name: str, *arguments: Any, **options: Any) -> dict[str, Any]:
        """Call, and read the answer as it is: the client's own objects take longer to make than the answer to come."""
        options |= {"_request_timeout": ANSWER, "_preload_content": False}
        response = await method(name, self.namespace, *arguments, **options)
        if not response.ok:
            error = ApiException(response.status, response.reason)
            error.body = await response.text()
            raise error
        answer: dict[str, Any] = await response.json()
        return answer
