"""The executors of a driver: the gateway creates them from its own template and sends them the driver's secret."""

import asyncio
import contextlib
import hmac
import logging
from collections.abc import Iterator

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways.pod_specs import DRIVER_LABEL, SparkPodSettings, executor_pod
from rc2hub.gateways.secret_transfer import send_secret
from rc2hub.kubernetes import Pod, PodWatch
from rc2hub.kubernetes.pod_status import has_ended

log = logging.getLogger("rc2hub.gateways")


class Executors:
    """The executors of one driver."""

    def __init__(self, settings: SparkPodSettings, pods: PodWatch, driver: str, secret: str) -> None:
        """Take the name of the driver's pod and its secret, which its executors get too."""
        self._settings, self._pods, self._name, self._secret = settings, pods, driver, secret
        self._driver: Pod | None = None
        self._token = ""
        self._transfers: set[asyncio.Task[None]] = set()
        self._creating = asyncio.Lock()

    def open_for(self, driver: Pod, token: str) -> None:
        """Take the pod of a driver that has its user, and the user's token, which executors get too; none start before."""
        if self._driver is not None:
            return
        self._driver, self._token = driver, token
        for pod in self:  # created by an earlier gateway, which may have ended before it sent the secret
            self._begin_transfer(pod["metadata"]["name"])

    def __iter__(self) -> Iterator[Pod]:
        """Each executor's pod."""
        return (pod for pod in self._pods if pod["metadata"]["labels"].get(DRIVER_LABEL) == self._name)

    def is_authorized(self, secret: str) -> bool:
        """Whether this is the driver's secret."""
        return hmac.compare_digest(secret.encode(), self._secret.encode())

    async def create(self, requested: Pod) -> Pod:
        """Create an executor.

        Raises:
            ServiceUnavailableError: if the driver has no user, or as many as it may have, or Kubernetes refuses it.
            KeyError, TypeError, ValueError: if this is not a pod that Spark requests.
        """
        if self._driver is None:
            raise ServiceUnavailableError("its driver has no user")
        pod = executor_pod(self._settings, self._driver, requested)
        async with self._creating:  # or concurrent requests could each count the same pods and pass the limit
            if sum(not has_ended(pod) for pod in self) >= self._settings.executors:
                raise ServiceUnavailableError(f"c.PodDrivers.executors is {self._settings.executors}")
            created = await self._pods.create(pod)
        self._begin_transfer(created["metadata"]["name"])
        return created

    async def delete(self, pods: list[Pod]) -> None:
        """Delete some executors.

        Raises:
            ServiceUnavailableError: if Kubernetes refuses it.
        """
        for pod in pods:
            await self._pods.delete(pod["metadata"]["name"])

    async def stop(self) -> None:
        """Delete all executors.

        Raises:
            ServiceUnavailableError: if Kubernetes refuses it.
        """
        for task in self._transfers:
            task.cancel()
        await self.delete(list(self))

    def _begin_transfer(self, name: str) -> None:
        task = asyncio.create_task(self._transfer(name), name=f"rc2 spark {name}")
        self._transfers.add(task)
        task.add_done_callback(self._transfers.discard)

    async def _transfer(self, name: str) -> None:
        try:
            await send_secret(self._pods, name, self._secret, self._token)
        except ServiceUnavailableError as error:
            log.warning("spark: the executor %s could not be started: %s", name, error)
            with contextlib.suppress(ServiceUnavailableError):
                await self._pods.delete(name)  # Spark then requests another one
