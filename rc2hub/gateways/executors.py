"""What a driver takes for Kubernetes: its own executors, and nothing else of the cluster.

Spark makes its executors itself, with a right to make pods. But people's own code runs in drivers, and with that right
anybody could remove other people's drivers, or start any pod at all. So a driver has no account; the gateway answers
the five requests Spark makes, for whoever shows a driver's secret, and makes executors by its own template.
"""

import asyncio
import contextlib
import hmac
import json
import logging
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tornado.web import Application, HTTPError, RequestHandler

from rc2hub.cluster import Pod, Pods
from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways.pod_specs import DRIVER, executor_pod
from rc2hub.gateways.pod_states import ENDED, hand_over

if TYPE_CHECKING:
    from rc2hub.gateways.driver_pods import PodDrivers

log = logging.getLogger("rc2hub.gateways")

PODS = "/api/v1/namespaces/[^/]+/pods"
TERM = re.compile(r"([^!=() ]+)(?:(!?=)([^(]*)| in \((.*)\))")
"""One term of a selector: `name=value`, `name!=value` or `name in (one,another)`."""
LARGEST = 1 << 16
"""Bytes of a request; what Spark asks for is a tenth of that."""


class Executors:
    """The executors of one driver."""

    def __init__(self, drivers: "PodDrivers", pods: Pods, driver: Pod, secret: str) -> None:
        """Take the driver's pod and its secret, which its executors get too."""
        self._drivers, self._pods, self._driver, self._secret = drivers, pods, driver, secret
        self._starting: set[asyncio.Task[None]] = set()
        self._making = asyncio.Lock()
        for pod in self:  # of a gateway before this one, which may not have come to it
            self._give_secret(pod["metadata"]["name"])

    def __iter__(self) -> Iterator[Pod]:
        """Each of them."""
        name = self._driver["metadata"]["name"]
        return (pod for pod in self._pods if pod["metadata"]["labels"].get(DRIVER) == name)

    def opens(self, secret: str) -> bool:
        """Whether this is the driver's secret."""
        return hmac.compare_digest(secret.encode(), self._secret.encode())

    async def create(self, asked: Pod) -> Pod:
        """Make another one.

        Raises:
            ServiceUnavailableError: if there are as many as one may have, or Kubernetes refuses it.
            KeyError, TypeError, ValueError: if this is not what Spark asks for.
        """
        pod = executor_pod(self._drivers, self._driver, asked)
        async with self._making:  # else many asked for at once would each be the last one
            if sum(pod.get("status", {}).get("phase") not in ENDED for pod in self) >= self._drivers.executors:
                raise ServiceUnavailableError(f"c.PodDrivers.executors is {self._drivers.executors}")
            made = await self._pods.create(pod)
        self._give_secret(made["metadata"]["name"])
        return made

    async def delete(self, pods: list[Pod]) -> None:
        """Remove some of them.

        Raises:
            ServiceUnavailableError: if Kubernetes refuses it.
        """
        for pod in pods:
            await self._pods.delete(pod["metadata"]["name"])

    async def stop(self) -> None:
        """Remove all of them."""
        for task in self._starting:
            task.cancel()
        await self.delete(list(self))

    def _give_secret(self, name: str) -> None:
        task = asyncio.create_task(self._start(name), name=f"rc2 spark {name}")
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _start(self, name: str) -> None:
        try:
            await hand_over(self._pods, name, self._secret)
        except ServiceUnavailableError as error:
            log.warning("spark: the executor %s could not be started: %s", name, error)
            with contextlib.suppress(ServiceUnavailableError):
                await self._pods.delete(name)  # Spark asks for another


class Handler(RequestHandler):
    """What all requests have in common."""

    executors: Executors

    def initialize(self, drivers: "PodDrivers") -> None:
        """Take the drivers, which tornado passes on."""
        self._drivers = drivers

    def prepare(self) -> None:
        """Find the driver whose secret is shown."""
        shown = self.request.headers.get("Authorization", "").removeprefix("Bearer ")
        for driver in self._drivers.by_name.values():
            if driver.executors and driver.executors.opens(shown):
                self.executors = driver.executors
                return
        raise HTTPError(401)

    def write_error(self, status_code: int, **_: Any) -> None:
        """Say what is wrong as Kubernetes does."""
        self.answer({"kind": "Status", "status": "Failure", "message": self._reason, "code": status_code})

    def answer(self, value: dict[str, Any]) -> None:
        """Send an object of Kubernetes."""
        self.set_header("Content-Type", "application/json")
        self.finish({"apiVersion": "v1", "metadata": {}} | value)

    async def remove(self, pods: list[Pod]) -> None:
        """Remove some executors, and say so."""
        try:
            await self.executors.delete(pods)
        except ServiceUnavailableError as error:
            log.warning("spark: an executor could not be removed: %s", error)
            raise HTTPError(403, reason="No executor can be removed") from error
        self.answer({"kind": "Status", "status": "Success"})

    def selected(self) -> list[Pod]:
        """The executors that the request is about."""
        labels, fields = self.get_argument("labelSelector", ""), self.get_argument("fieldSelector", "")
        return [
            pod
            for pod in self.executors
            if matches(labels, pod["metadata"]["labels"])
            and matches(fields, {"status.phase": pod.get("status", {}).get("phase", "")})
        ]


class ManyHandler(Handler):
    """All executors of a driver."""

    def get(self) -> None:
        """List them."""
        self.answer({"kind": "PodList", "items": self.selected()})

    async def post(self) -> None:
        """Make one."""
        try:
            made = await self.executors.create(json.loads(self.request.body))
        except ServiceUnavailableError as error:
            log.warning("spark: an executor could not be made: %s", error)
            raise HTTPError(403, reason="No executor can be made") from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise HTTPError(422, reason="This is not an executor") from error
        self.set_status(201)
        self.answer(made)

    async def delete(self) -> None:
        """Remove them."""
        await self.remove(self.selected())


class OneHandler(Handler):
    """One executor."""

    def get(self, name: str) -> None:
        """Describe it."""
        self.answer(self._named(name))

    async def delete(self, name: str) -> None:
        """Remove it."""
        await self.remove([self._named(name)])

    def _named(self, name: str) -> Pod:
        for pod in self.executors:
            if pod["metadata"]["name"] == name:
                return pod
        raise HTTPError(404)


def application(drivers: "PodDrivers") -> Application:
    """Answers the drivers."""
    passed = {"drivers": drivers}
    return Application([(PODS, ManyHandler, passed), (f"{PODS}/([^/]+)", OneHandler, passed)], log_function=lambda _: None)


def matches(selector: str, values: dict[str, str]) -> bool:
    """Whether a selector of Kubernetes selects what has these values.

    Raises:
        HTTPError: if the selector is of no form that Spark uses.
    """
    for term in filter(None, re.split(r",(?![^(]*\))", selector)):
        match = TERM.fullmatch(term.strip())
        if not match:
            raise HTTPError(400)
        name, sign, value, several = match.groups()
        allowed = {one.strip() for one in several.split(",")} if several is not None else {value}
        if (values.get(name) in allowed) == (sign == "!="):
            return False
    return True
