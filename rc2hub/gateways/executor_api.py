"""The part of the Kubernetes API that drivers call: each driver sees its own executors only.

Spark creates its executors through the Kubernetes API. But users' code runs in drivers, and with the right to create pods a
user could delete other users' drivers or start any pod. So a driver has no access to the real API. The gateway answers the
five requests that Spark makes; a driver's secret authorizes them, and the gateway creates executors from its own template.
"""

import json
import logging
import re
from collections.abc import Callable
from typing import Any

from tornado.web import Application, HTTPError, RequestHandler

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways.executors import Executors
from rc2hub.kubernetes import Pod

log = logging.getLogger("rc2hub.gateways")

PODS = "/api/v1/namespaces/[^/]+/pods"
SELECTOR_TERM = re.compile(r"([^!=() ]+)(?:(!?=)([^(]*)| in \((.*)\))")
"""One term of a selector: `name=value`, `name!=value` or `name in (one,another)`."""
MAX_REQUEST_BYTES = 1 << 16
"""Ten times the size of the largest request of Spark."""
FindExecutors = Callable[[str], Executors | None]
"""Finds the executors of the driver that has this secret."""


class Handler(RequestHandler):
    """What all requests have in common."""

    executors: Executors

    def initialize(self, find_executors: FindExecutors) -> None:
        """Take the lookup, which tornado passes on."""
        self._find_executors = find_executors

    def prepare(self) -> None:
        """Find the driver whose secret the request carries."""
        executors = self._find_executors(self.request.headers.get("Authorization", "").removeprefix("Bearer "))
        if executors is None:
            raise HTTPError(401)
        self.executors = executors

    def write_error(self, status_code: int, **_: Any) -> None:
        """Send the error in the form of the Kubernetes API."""
        self.answer({"kind": "Status", "status": "Failure", "message": self._reason, "code": status_code})

    def answer(self, value: dict[str, Any]) -> None:
        """Send an object of the Kubernetes API."""
        self.set_header("Content-Type", "application/json")
        self.finish({"apiVersion": "v1", "metadata": {}} | value)

    async def delete_pods(self, pods: list[Pod]) -> None:
        """Delete some executors, and answer the request."""
        try:
            await self.executors.delete(pods)
        except ServiceUnavailableError as error:
            log.warning("spark: an executor could not be deleted: %s", error)
            raise HTTPError(403, reason="No executor can be deleted") from error
        self.answer({"kind": "Status", "status": "Success"})

    def selected(self) -> list[Pod]:
        """The executors that the request's selectors select."""
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
        """Create one."""
        try:
            created = await self.executors.create(json.loads(self.request.body))
        except ServiceUnavailableError as error:
            log.warning("spark: an executor could not be created: %s", error)
            raise HTTPError(403, reason="No executor can be created") from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise HTTPError(422, reason="This is not an executor") from error
        self.set_status(201)
        self.answer(created)

    async def delete(self) -> None:
        """Delete them."""
        await self.delete_pods(self.selected())


class OneHandler(Handler):
    """One executor."""

    def get(self, name: str) -> None:
        """Describe it."""
        self.answer(self._named(name))

    async def delete(self, name: str) -> None:
        """Delete it."""
        await self.delete_pods([self._named(name)])

    def _named(self, name: str) -> Pod:
        for pod in self.executors:
            if pod["metadata"]["name"] == name:
                return pod
        raise HTTPError(404)


def application(find_executors: FindExecutors) -> Application:
    """Answers the drivers."""
    passed = {"find_executors": find_executors}
    return Application([(PODS, ManyHandler, passed), (f"{PODS}/([^/]+)", OneHandler, passed)], log_function=lambda _: None)


def matches(selector: str, values: dict[str, str]) -> bool:
    """Whether a selector of Kubernetes selects an object with these values.

    Raises:
        HTTPError: if the selector has a form that Spark does not use.
    """
    for term in filter(None, re.split(r",(?![^(]*\))", selector)):
        match = SELECTOR_TERM.fullmatch(term.strip())
        if not match:
            raise HTTPError(400)
        name, sign, value, several = match.groups()
        allowed = {one.strip() for one in several.split(",")} if several is not None else {value}
        if (values.get(name) in allowed) == (sign == "!="):
            return False
    return True
