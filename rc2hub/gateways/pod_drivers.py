"""Connect servers as pods, for multi-user mode. They and their sessions outlive a restart of the gateway.

A pod's secret is computed from the gateway's secret and the pod's name, and the token that names its user from these and the
user, so the next gateway has both again. Each step of a start can be repeated, and is by a gateway that takes a driver over.
"""

import asyncio
import contextlib
import hmac
import logging
import secrets
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, cast
from urllib.parse import urlsplit

from jupyterhub.slugs import safe_slug
from tornado.httpserver import HTTPServer
from traitlets import Dict, Float, Integer, TraitError, Unicode, default, validate

from rc2hub.errors import ConfigurationError, ServiceUnavailableError
from rc2hub.gateways.connect_pod import ConnectPod
from rc2hub.gateways.connect_server import ConnectServer
from rc2hub.gateways.driver_token import driver_token, pod_secret
from rc2hub.gateways.drivers import Driver, SparkDrivers
from rc2hub.gateways.executor_api import MAX_REQUEST_BYTES, application
from rc2hub.gateways.executors import Executors
from rc2hub.gateways.hive_conf import HiveCatalog
from rc2hub.gateways.pod_specs import (
    DRIVER_LABEL,
    GATEWAY_ANNOTATION,
    KEY,
    SERVICE_LABEL,
    SparkPodSettings,
    catalog_of,
    mebibytes,
    user_annotations,
)
from rc2hub.kubernetes import Pod, PodWatch
from rc2hub.kubernetes.pod_status import end_reason, start_delay

log = logging.getLogger("rc2hub.gateways")

HTTP_PORT = 80
SWEEP_INTERVAL = 15.0
"""Seconds between searches for pods without a driver here."""


class PodDriver(Driver):
    """The Connect server of one user as a pod."""

    def __init__(self, key: str, drivers: "PodDrivers") -> None:
        """Take the routing key, and the drivers that it is one of."""
        # a question to Hive's gateway may come before there is a pod with a token of its own
        super().__init__(key, HiveCatalog(drivers.hive_gateway, driver_token(drivers.secret, key, "catalog")))
        self._drivers, self._is_taken_over = drivers, False

    async def launch(self) -> ConnectServer:
        """Start it; the pod of an earlier gateway has its catalogue.

        Raises:
            ServiceUnavailableError: in one sentence, if the image, the quota or the memory of the nodes does not allow it,
                or Hive does not answer.
        """
        if not self._is_taken_over:
            await self.catalog.choose()
        try:
            return await super().launch()
        except ServiceUnavailableError as error:
            raise ServiceUnavailableError(f"Spark could not be started: {error}; ask an operator.") from error

    def create_server(self) -> ConnectPod:
        """A pod for this user alone."""
        return self._drivers.create_pod(f"spark-{safe_slug(self.key)}-{secrets.token_hex(3)}", self._user)

    async def activate(self, server: ConnectServer) -> None:
        """Give a pod its user, and the user's catalogue; from the claim on it may have executors."""
        pod = cast(ConnectPod, server)
        pod.executors.open_for(await pod.claim(self._user), self._token(pod))
        await pod.activate(self._token(pod), self.catalog.conf)

    def take_over(self, pod: Pod) -> None:
        """Take over the pod of the user from an earlier gateway; its executors do not wait for the start."""
        self._is_taken_over, self.catalog.conf = True, catalog_of(pod)
        self.server = self._drivers.create_pod(pod["metadata"]["name"], self._user)
        self.server.executors.open_for(pod, self._token(self.server))

    @property
    def _user(self) -> dict[str, str]:
        return user_annotations(self.key, self.catalog.conf)

    def _token(self, pod: ConnectPod) -> str:
        return driver_token(self._drivers.secret, self.key, pod.name)

    def timeout_message(self) -> str:
        """The error sentence for a pod that did not answer in time."""
        reason = start_delay(self._drivers.pods.get(self.server.name)) if isinstance(self.server, ConnectPod) else ""
        return f"Spark did not start in time: {reason}; ask an operator." if reason else super().timeout_message()


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
        self.by_name: dict[str, ConnectPod] = {}
        self.is_closing = False
        self._server = HTTPServer(application(self.find_executors), max_body_size=MAX_REQUEST_BYTES)

    @property
    def pod_settings(self) -> SparkPodSettings:
        """The values that pods are built from now."""
        return SparkPodSettings(**{field.name: getattr(self, field.name) for field in fields(SparkPodSettings)})

    def create_standby(self) -> ConnectPod:
        """A pod without a user, not created yet."""
        return self.create_pod(f"spark-standby-{secrets.token_hex(3)}", {})

    def create_driver(self, key: str) -> PodDriver:
        """A Connect server for this key."""
        return PodDriver(key, self)

    def create_pod(self, name: str, user: Mapping[str, str]) -> ConnectPod:
        """A pod with this name, which may exist: of the user with these annotations, or without any a standby."""
        secret = pod_secret(self.secret, name)
        self.by_name[name] = ConnectPod(self.pod_settings, self.pods, self._forget, name, secret, user)
        return self.by_name[name]

    def _forget(self, name: str) -> bool:
        self.by_name.pop(name, None)
        return not self.is_closing

    def find_executors(self, secret: str) -> Executors | None:
        """The executors of the driver that has this secret."""
        for pod in self.by_name.values():
            if pod.executors.is_authorized(secret):
                return pod.executors
        return None

    def check(self) -> None:
        """Check that the Kubernetes API answers."""
        if self.pods.failure:
            raise ServiceUnavailableError(f"Spark cannot be started now: {self.pods.failure}; ask an operator.")

    async def open(self) -> None:
        """Take over the Connect servers of users from an earlier gateway; its standbys are deleted.

        Raises:
            ConfigurationError: if a required trait is not set.
            ServiceUnavailableError: if the Kubernetes API refuses access.
        """
        for name in ("namespace", "image", *(["executors_url"] if self.executors else [])):
            if not getattr(self, name):
                raise ConfigurationError(f"c.PodDrivers.{name} must be set.")
        await self.pods.start()
        for pod in self.pods:
            annotations = pod["metadata"].get("annotations", {})
            is_driver = DRIVER_LABEL not in pod["metadata"]["labels"] and KEY in annotations
            is_known = is_driver and annotations.get(GATEWAY_ANNOTATION) == self.fingerprint
            if is_known and not end_reason(pod) and annotations[KEY] not in self:
                log.info("spark: the Connect server of %s is taken over from an earlier gateway", annotations[KEY])
                driver = self.create_driver(annotations[KEY])
                driver.take_over(pod)
                self.start(driver)
        if self.executors:
            self._server.listen(urlsplit(self.executors_url).port or HTTP_PORT)

    async def run(self) -> None:
        """Keep standbys, stop idle Connect servers, and delete pods of no server here, until cancelled."""
        await asyncio.gather(self._sweep(), super().run())

    async def _sweep(self) -> None:
        """Delete pods of other gateways, standbys of an earlier one, pods that could not be deleted, and lost executors."""
        while True:
            for pod in self.pods:
                name = pod["metadata"]["name"]
                if pod["metadata"]["labels"].get(DRIVER_LABEL, name) not in self.by_name:
                    log.info("spark: the pod %s belongs to no Connect server and is deleted", name)
                    with contextlib.suppress(ServiceUnavailableError):
                        await self.pods.delete(name)
            await asyncio.sleep(SWEEP_INTERVAL)

    async def close(self) -> None:
        """Leave all Connect servers of users to the next gateway, including those that start."""
        await self.standbys.close()
        self.is_closing = True
        self._server.stop()
        await self.pods.stop()

    @property
    def fingerprint(self) -> str:
        """Identifies this gateway's secret; a pod with another fingerprint has a secret that this gateway cannot compute."""
        return hmac.digest(self.secret.encode(), b"fingerprint", "sha256").hex()[:16]
