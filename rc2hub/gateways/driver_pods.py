"""Connect servers as pods, for multi-user mode. They go on while the gateway is replaced, and with them people's sessions.

A driver's secret is made of the gateway's and the pod's name, so the next gateway knows it without having kept it.
"""

import asyncio
import contextlib
import hmac
import logging
import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from jupyterhub.slugs import safe_slug
from tornado.httpserver import HTTPServer
from traitlets import Dict, Float, Integer, TraitError, Unicode, default, validate

from rc2hub.cluster import Pod, Pods
from rc2hub.errors import ConfigurationError, ServiceUnavailableError
from rc2hub.gateways.drivers import Driver, SparkDrivers
from rc2hub.gateways.executors import LARGEST, Executors, application
from rc2hub.gateways.pod_specs import ACCOUNT, CONNECT, DRIVER, GATEWAY, KEY, SERVICE, driver_pod, mebibytes
from rc2hub.gateways.pod_states import address, delay, end, hand_over, runs

log = logging.getLogger("rc2hub.gateways")

HTTP = 80
SWEEP = 15.0
"""Seconds between looks for pods that are nobody's."""


class PodDriver(Driver):
    """One Connect server, in a pod of its own."""

    def __init__(self, drivers: "PodDrivers", key: str, name: str, pod: Pod | None = None) -> None:
        """Take what it is for and its name; `pod` if an earlier gateway has made it."""
        super().__init__(key, drivers.derived(name))
        self.name, self._drivers, self._pods, self._pod = name, drivers, drivers.pods, pod
        self.executors: Executors | None = None
        drivers.by_name[name] = self

    async def launch(self) -> tuple[str, int]:
        """Make the pod, and give it its secret.

        Raises:
            ServiceUnavailableError: in one sentence, if there is no image, no quota or no room for it.
        """
        with self._in_a_sentence():
            if self._pod is None:
                account = await self._pods.account(ACCOUNT)
                self._pod = await self._pods.create(driver_pod(self._drivers, self.name, self.key, account))
            self.executors = Executors(self._drivers, self._pods, self._pod, self._secret)
            await hand_over(self._pods, self.name, self._secret)
        return await self._pods.until(self.name, address), CONNECT

    def check(self) -> None:
        """See that its container has not ended."""
        with self._in_a_sentence():
            runs(self._pods.get(self.name))

    def too_late(self) -> str:
        """What to say when it did not answer in time."""
        why = delay(self._pods.get(self.name))
        return f"Spark did not start in time: {why}; ask an operator." if why else super().too_late()

    async def ended(self) -> str:
        """Wait until the pod has ended, and remove what it left."""
        why = await self._pods.until(self.name, end)
        await self.stop()
        return why

    async def stop(self) -> None:
        """Remove the pod and its executors; what cannot be removed now is swept later."""
        self._drivers.by_name.pop(self.name, None)
        if self._drivers.is_closing:
            return
        with contextlib.suppress(ServiceUnavailableError):
            if self.executors:
                await self.executors.stop()
            await self._pods.delete(self.name)

    @contextlib.contextmanager
    def _in_a_sentence(self) -> Iterator[None]:
        try:
            yield
        except ServiceUnavailableError as error:
            raise ServiceUnavailableError(f"Spark could not be started: {error}; ask an operator.") from error


class PodDrivers(SparkDrivers):
    """Starts Connect servers as pods of a Kubernetes cluster."""

    namespace = Unicode(
        help="""Namespace of the pods, with nothing else in it; the gateway makes and removes pods there.""",
    ).tag(config=True)
    image = Unicode(
        help="""Image of drivers and executors, built from images/spark.""",
    ).tag(config=True)
    image_pull_policy = Unicode(
        "IfNotPresent",
        help="""When a machine fetches the image: Always, IfNotPresent or Never, as Kubernetes has it.""",
    ).tag(config=True)
    extra_pod_config = Dict(
        help="""More words of every pod's `spec`, such as nodeSelector, tolerations or imagePullSecrets.""",
    ).tag(config=True)
    executors = Integer(
        0,
        min=0,
        help="""How many pods may compute for one Connect server. They start with a query, in some seconds, and end when
        idle. With 0 a Connect server computes by itself: quicker for what one machine can work through, and only then
        can there be tables of Spark's own, as pods have no disk in common.""",
    ).tag(config=True)
    executors_url = Unicode(
        help="""Where Connect servers reach this gateway to ask for executors: http://HOST:PORT. Needed if `executors` is
        not 0; the gateway listens on that port.""",
    ).tag(config=True)
    executor_memory = Unicode(
        "1g",
        help="""Heap of one executor. Its pod takes 600 MB more, and gets no more than both.""",
    ).tag(config=True)
    executor_cores = Integer(
        1,
        min=1,
        help="""How many cores one executor computes on; so many are reserved for it.""",
    ).tag(config=True)
    executor_idle = Float(
        60.0,
        min=1.0,
        help="""Seconds without work after which an executor is ended; one that holds cached data stays.""",
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
        """Take the service's name, and the secret that drivers' own are made of."""
        super().__init__(service, secret, **kwargs)
        self.pods = Pods(self.namespace, f"app.kubernetes.io/managed-by=rc2hub,{SERVICE}={safe_slug(service)}")
        self.by_name: dict[str, PodDriver] = {}
        self.is_closing = False
        self._server = HTTPServer(application(self), max_body_size=LARGEST)

    def new(self, key: str) -> PodDriver:
        """A Connect server with a name of its own."""
        return PodDriver(self, key, f"spark-{safe_slug(key)}-{secrets.token_hex(3)}")

    def check(self) -> None:
        """See that Kubernetes answers."""
        if self.pods.failure:
            raise ServiceUnavailableError(f"Spark cannot be started now: {self.pods.failure}; ask an operator.")

    async def open(self) -> None:
        """Take over the Connect servers of an earlier gateway.

        Raises:
            ConfigurationError: if the operator has not said where and what they are.
            ServiceUnavailableError: if Kubernetes does not let us.
        """
        for name in ("namespace", "image", *(["executors_url"] if self.executors else [])):
            if not getattr(self, name):
                raise ConfigurationError(f"c.PodDrivers.{name} must be set.")
        await self.pods.open()
        for pod in self.pods:
            name, notes = pod["metadata"]["name"], pod["metadata"]["annotations"]
            is_ours = DRIVER not in pod["metadata"]["labels"] and notes.get(GATEWAY) == self.fingerprint
            if is_ours and not end(pod) and notes[KEY] not in self:
                log.info("spark: the Connect server of %s goes on", notes[KEY])
                self.begin(PodDriver(self, notes[KEY], name, pod))
        if self.executors:
            self._server.listen(urlsplit(self.executors_url).port or HTTP)

    async def run(self) -> None:
        """Keep up with Kubernetes, end what is idle and remove what is nobody's, until cancelled."""
        await asyncio.gather(self.pods.run(), self._sweep(), super().run())

    async def _sweep(self) -> None:
        """What another gateway left, what could not be removed when it ended, executors without a driver."""
        while True:
            for pod in self.pods:
                name = pod["metadata"]["name"]
                if pod["metadata"]["labels"].get(DRIVER, name) not in self.by_name:
                    log.info("spark: the pod %s is nobody's and is removed", name)
                    with contextlib.suppress(ServiceUnavailableError):
                        await self.pods.delete(name)
            await asyncio.sleep(SWEEP)

    async def close(self) -> None:
        """Leave all of them to the next gateway, those that start too."""
        self.is_closing = True
        self._server.stop()
        await self.pods.close()

    def derived(self, name: str) -> str:
        """The secret of the driver of this name."""
        return hmac.digest(self.secret.encode(), name.encode(), "sha256").hex()

    @property
    def fingerprint(self) -> str:
        """Says of a pod whether its secret is still the one that we would make."""
        return self.derived("")[:16]
