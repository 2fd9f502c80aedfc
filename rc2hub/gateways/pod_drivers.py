"""Connect servers as pods, for multi-user mode. They and their sessions outlive a restart of the gateway.

A driver's secret is computed from the gateway's secret, the user and the pod's name, so the next gateway has it again.
"""

import asyncio
import contextlib
import hmac
import logging
import secrets
from collections.abc import Iterator
from dataclasses import fields
from typing import Any
from urllib.parse import urlsplit

from jupyterhub.slugs import safe_slug
from tornado.httpserver import HTTPServer
from traitlets import Dict, Float, Integer, TraitError, Unicode, default, validate

from rc2hub.errors import ConfigurationError, ServiceUnavailableError
from rc2hub.gateways.driver_token import driver_token
from rc2hub.gateways.drivers import Driver, SparkDrivers
from rc2hub.gateways.executor_api import MAX_REQUEST_BYTES, application
from rc2hub.gateways.executors import Executors
from rc2hub.gateways.pod_specs import (
    CONNECT_PORT,
    DRIVER_LABEL,
    GATEWAY_ANNOTATION,
    KEY,
    SERVICE_ACCOUNT,
    SERVICE_LABEL,
    SparkPodSettings,
    driver_pod,
    mebibytes,
)
from rc2hub.gateways.secret_transfer import send_secret
from rc2hub.kubernetes import Pod, PodWatch
from rc2hub.kubernetes.pod_status import end_reason, is_running, pod_ip, start_delay

log = logging.getLogger("rc2hub.gateways")

HTTP_PORT = 80
SWEEP_INTERVAL = 15.0
"""Seconds between searches for pods without a driver here."""


class PodDriver(Driver):
    """One Connect server in a pod."""

    def __init__(self, drivers: "PodDrivers", key: str, name: str, pod: Pod | None = None) -> None:
        """Take the routing key and the pod's name; `pod` is set if an earlier gateway created it."""
        super().__init__(key, driver_token(drivers.secret, key, name))
        self.name, self._drivers, self._pods, self._pod = name, drivers, drivers.pods, pod
        self.executors: Executors | None = None
        drivers.by_name[name] = self

    async def launch(self) -> tuple[str, int]:
        """Create the pod, and send it its secret.

        Raises:
            ServiceUnavailableError: in one sentence, if the image, the quota or the memory of the nodes does not allow it.
        """
        settings = self._drivers.pod_settings
        with self._explain_failure():
            if self._pod is None:
                service_account_uid = await self._pods.service_account_uid(SERVICE_ACCOUNT)
                self._pod = await self._pods.create(driver_pod(settings, self.name, self.key, service_account_uid))
            self.executors = Executors(settings, self._pods, self._pod, self._secret)
            await send_secret(self._pods, self.name, self._secret)
        return await self._pods.until(self.name, pod_ip), CONNECT_PORT

    def check(self) -> None:
        """Check that the pod's container has not ended."""
        with self._explain_failure():
            is_running(self._pods.get(self.name))

    def timeout_message(self) -> str:
        """The error sentence for a pod that did not answer in time."""
        reason = start_delay(self._pods.get(self.name))
        return f"Spark did not start in time: {reason}; ask an operator." if reason else super().timeout_message()

    async def wait_ended(self) -> str:
        """Wait until the pod has ended, and remove what it left."""
        reason = await self._pods.until(self.name, end_reason)
        await self.stop()
        return reason

    async def stop(self) -> None:
        """Delete the pod and its executors; a pod that cannot be deleted now is deleted by a later sweep."""
        self._drivers.by_name.pop(self.name, None)
        if self._drivers.is_closing:
            return
        with contextlib.suppress(ServiceUnavailableError):
            if self.executors:
                await self.executors.stop()
            await self._pods.delete(self.name)

    @contextlib.contextmanager
    def _explain_failure(self) -> Iterator[None]:
        try:
            yield
        except ServiceUnavailableError as error:
            raise ServiceUnavailableError(f"Spark could not be started: {error}; ask an operator.") from error


class PodDrivers(SparkDrivers):
    """Starts Connect servers as pods of a Kubernetes cluster."""

    namespace = Unicode(
        help="""Namespace of the pods. The gateway creates and deletes pods there; use it for nothing else.""",
    ).tag(config=True)
    image = Unicode(
        help="""Image of drivers and executors, built from images/spark.""",
    ).tag(config=True)
    image_pull_policy = Unicode(
        "IfNotPresent",
        help="""When a node pulls the image: Always, IfNotPresent or Never, as in Kubernetes.""",
    ).tag(config=True)
    extra_pod_config = Dict(
        help="""More fields for the `spec` of every pod, such as nodeSelector, tolerations or imagePullSecrets.""",
    ).tag(config=True)
    executors = Integer(
        0,
        min=0,
        help="""How many executor pods one Connect server may have. They start with a query, within seconds, and end when
        idle. With 0 the Connect server runs all work itself: this is faster for data that one node can process, and
        Spark can keep tables only then, because pods share no disk.""",
    ).tag(config=True)
    executors_url = Unicode(
        help="""Where Connect servers reach this gateway to request executors: http://HOST:PORT. Required if `executors`
        is not 0; the gateway listens on that port.""",
    ).tag(config=True)
    executor_memory = Unicode(
        "1g",
        help="""Heap of one executor. The memory limit of its pod is the heap plus 600 MB.""",
    ).tag(config=True)
    executor_cores = Integer(
        1,
        min=1,
        help="""How many cores one executor uses; its pod requests as many.""",
    ).tag(config=True)
    executor_idle = Float(
        60.0,
        min=1.0,
        help="""Seconds without work after which an executor is stopped. An executor that holds cached data is kept.""",
    ).tag(config=True)

    @default("cores")
    def _default_cores(self) -> str:
        return "2"

    @validate("memory", "executor_memory")
    def _validate_memory(self, proposal: Any) -> str:
        try:
            mebibytes(proposal["value"])
        except ValueError as error:
            raise TraitError(f"c.PodDrivers.{proposal['trait'].name}: {error}.") from error
        return str(proposal["value"])

    def __init__(self, service: str, secret: str, **kwargs: Any) -> None:
        """Take the service's name, and the secret from which the secrets of drivers are derived."""
        super().__init__(service, secret, **kwargs)
        labels = {"app.kubernetes.io/managed-by": "rc2hub", SERVICE_LABEL: safe_slug(service)}
        self.pods = PodWatch(namespace=self.namespace, labels=labels)
        self.by_name: dict[str, PodDriver] = {}
        self.is_closing = False
        self._server = HTTPServer(application(self.find_executors), max_body_size=MAX_REQUEST_BYTES)

    @property
    def pod_settings(self) -> SparkPodSettings:
        """The values that pods are built from now."""
        return SparkPodSettings(**{field.name: getattr(self, field.name) for field in fields(SparkPodSettings)})

    def create_driver(self, key: str) -> PodDriver:
        """A Connect server with a new pod name."""
        return PodDriver(self, key, f"spark-{safe_slug(key)}-{secrets.token_hex(3)}")

    def find_executors(self, secret: str) -> Executors | None:
        """The executors of the driver that has this secret."""
        for driver in self.by_name.values():
            if driver.executors and driver.executors.is_authorized(secret):
                return driver.executors
        return None

    def check(self) -> None:
        """Check that the Kubernetes API answers."""
        if self.pods.failure:
            raise ServiceUnavailableError(f"Spark cannot be started now: {self.pods.failure}; ask an operator.")

    async def open(self) -> None:
        """Take over the Connect servers of an earlier gateway.

        Raises:
            ConfigurationError: if a required trait is not set.
            ServiceUnavailableError: if the Kubernetes API refuses access.
        """
        for name in ("namespace", "image", *(["executors_url"] if self.executors else [])):
            if not getattr(self, name):
                raise ConfigurationError(f"c.PodDrivers.{name} must be set.")
        await self.pods.start()
        for pod in self.pods:
            name, annotations = pod["metadata"]["name"], pod["metadata"]["annotations"]
            is_driver = DRIVER_LABEL not in pod["metadata"]["labels"]
            is_known = is_driver and annotations.get(GATEWAY_ANNOTATION) == self.fingerprint
            if is_known and not end_reason(pod) and annotations[KEY] not in self:
                log.info("spark: the Connect server of %s is taken over from an earlier gateway", annotations[KEY])
                self.start(PodDriver(self, annotations[KEY], name, pod))
        if self.executors:
            self._server.listen(urlsplit(self.executors_url).port or HTTP_PORT)

    async def run(self) -> None:
        """Stop idle Connect servers, and delete pods without a driver, until cancelled."""
        await asyncio.gather(self._sweep(), super().run())

    async def _sweep(self) -> None:
        """Delete pods of other gateways, pods that could not be deleted when they ended, and executors without a driver."""
        while True:
            for pod in self.pods:
                name = pod["metadata"]["name"]
                if pod["metadata"]["labels"].get(DRIVER_LABEL, name) not in self.by_name:
                    log.info("spark: the pod %s belongs to no Connect server and is deleted", name)
                    with contextlib.suppress(ServiceUnavailableError):
                        await self.pods.delete(name)
            await asyncio.sleep(SWEEP_INTERVAL)

    async def close(self) -> None:
        """Leave all Connect servers to the next gateway, including those that start."""
        self.is_closing = True
        self._server.stop()
        await self.pods.stop()

    @property
    def fingerprint(self) -> str:
        """Identifies this gateway's secret; a pod with another fingerprint has a secret that this gateway cannot compute."""
        return hmac.digest(self.secret.encode(), b"fingerprint", "sha256").hex()[:16]
