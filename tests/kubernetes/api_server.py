"""A small API server for pods and events: lists, watches, changes, and outages and refusals that a test decides."""

import asyncio
import functools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from kubernetes_asyncio.client import ApiClient, Configuration, CoreV1Api

NAMESPACE = "ns"
CONFLICT = 409


def pod(name: str, namespace: str = NAMESPACE, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace, "labels": labels}}


class ApiServer:
    """The pods of all namespaces."""

    def __init__(self) -> None:
        self.pods: dict[str, dict[str, Any]] = {}
        self.refusal = ""
        """The message with which it refuses everything; empty if it does not."""
        self.is_silent = False
        """Whether watches that begin now get no events, as over a connection that is lost without an end."""
        self.list_delay = 0.0
        """Seconds between the moment that a list describes and its answer."""
        self.status_of_new: dict[str, Any] = {}
        """The status that a created pod has at once."""
        self.refused_patch: tuple[int, dict[str, Any]] | None = None
        """Status code and answer with which it refuses patches whose tests hold."""
        self.requests: list[str] = []
        """The methods of all requests for one pod."""
        self.selectors: set[str] = set()
        self.lists = 0
        self._events: list[dict[str, Any]] = []
        self._changed = asyncio.Condition()
        self._generation = 0

    async def change(self, kind: str, pod: dict[str, Any]) -> None:
        """Change a pod, and send the event (ADDED, MODIFIED or DELETED) to every watch."""
        key = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        if kind == "DELETED":
            self.pods.pop(key, None)
        else:
            self.pods[key] = pod
        await self.send({"type": kind, "object": pod})

    async def send(self, event: dict[str, Any]) -> None:
        """Send anything to every watch."""
        async with self._changed:
            self._events.append(event)
            self._changed.notify_all()

    async def end_watches(self) -> None:
        async with self._changed:
            self._generation += 1
            self._changed.notify_all()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self.refusal:
            return web.json_response({"kind": "Status", "message": self.refusal, "code": 403}, status=403)
        if request.method == "POST":
            return await self._create(request)
        if "name" in request.match_info:
            return await self._answer_pod(request)
        if request.path.endswith("/events"):
            return await self._answer_events(request)
        self.selectors.add(request.query["labelSelector"])
        if "watch" in request.query:
            return await self._watch(request)
        self.lists += 1
        namespace = request.match_info.get("namespace", "")
        version = str(len(self._events))
        items = [each for each in self.pods.values() if namespace in ("", each["metadata"]["namespace"])]
        await asyncio.sleep(self.list_delay)
        return web.json_response({"metadata": {"resourceVersion": version}, "items": items})

    async def _create(self, request: web.Request) -> web.Response:
        pod = await request.json()
        pod["metadata"].setdefault("namespace", request.match_info["namespace"])
        if self.status_of_new:
            pod["metadata"]["uid"], pod["status"] = f"uid-{pod['metadata']['name']}", self.status_of_new
        await self.change("ADDED", pod)
        return web.json_response(pod)

    async def _answer_pod(self, request: web.Request) -> web.Response:
        self.requests.append(request.method)
        found = self.pods.get(f"{request.match_info['namespace']}/{request.match_info['name']}")
        if found is None:
            return web.json_response({"kind": "Status", "message": "pods not found", "code": 404}, status=404)
        if request.method == "PATCH":
            return await self._patch(found, await request.json())
        if request.method == "DELETE":
            await self.change("DELETED", found)
        return web.json_response(found)

    async def _patch(self, found: dict[str, Any], patch: Any) -> web.Response:
        """Apply a JSON patch of metadata, or merge labels; a failed test is answered as Kubernetes does (`patch.go`)."""
        changed = json.loads(json.dumps(found))
        if self.refused_patch and self.refused_patch[0] == CONFLICT:
            patch = []  # the pod has changed since the patch was read, so no test is reached
        if isinstance(patch, dict):
            changed["metadata"]["labels"] |= patch["metadata"]["labels"]
            patch = []
        for operation in patch:
            *parents, key = (step.replace("~1", "/") for step in operation["path"].split("/")[1:])
            parent = functools.reduce(lambda value, step: value.setdefault(step, {}), parents, changed)
            if operation["op"] == "test" and parent.get(key) != operation["value"]:
                message = "the server rejected our request due to an error in our request"
                failed = {"kind": "Status", "message": message, "reason": "Invalid", "details": {}, "code": 422}
                return web.json_response(failed, status=422)
            if operation["op"] == "remove":
                del parent[key]
            elif operation["op"] == "add":
                parent[key] = operation["value"]
        if self.refused_patch:
            status, answer = self.refused_patch
            return web.json_response({"kind": "Status", "code": status, **answer}, status=status)
        await self.change("MODIFIED", changed)
        return web.json_response(changed)

    async def _answer_events(self, request: web.Request) -> web.StreamResponse:
        """No event ever happens."""
        if "watch" not in request.query:
            return web.json_response({"metadata": {"resourceVersion": "1"}, "items": []})
        response, generation = web.StreamResponse(), self._generation
        await response.prepare(request)
        async with self._changed:
            await self._changed.wait_for(lambda: generation != self._generation)
        return response

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        if self.is_silent:
            await asyncio.sleep(3600)
        version, generation = int(request.query["resourceVersion"]), self._generation
        while generation == self._generation:
            for event in self._events[version:]:
                version += 1
                await response.write(json.dumps(event).encode() + b"\n")
            async with self._changed:
                if version == len(self._events) and generation == self._generation:
                    await self._changed.wait()
        return response


@asynccontextmanager
async def api_server() -> AsyncIterator[tuple[ApiServer, CoreV1Api]]:
    """A server that listens, and a client of it."""
    server, app = ApiServer(), web.Application()
    for path in (
        "pods",
        "namespaces/{namespace}/pods",
        "namespaces/{namespace}/pods/{name}",
        "namespaces/{namespace}/events",
    ):
        app.router.add_route("*", f"/api/v1/{path}", server.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    configuration = Configuration(host=f"http://127.0.0.1:{runner.addresses[0][1]}")
    try:
        async with ApiClient(configuration) as client:
            yield server, CoreV1Api(client)
    finally:
        await runner.cleanup()
