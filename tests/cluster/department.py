"""A hub with pods, PostgreSQL and Spark, and a search for everything that a user's server could leave behind."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from rc2hub.local import database
from tests.cluster.cluster import Cluster
from tests.cluster.conftest import running_hub
from tests.cluster.hub import KubeHub
from tests.cluster.spark import RESTRICTED, SparkGateway, running_gateway
from tests.fixtures.hub import Client
from tests.fixtures.postgres import Postgres

SERVICES = ["flights", "spark"]


@dataclass(frozen=True)
class Department:
    """A hub and the services that its users request."""

    hub: KubeHub
    postgres: Postgres
    gateway: SparkGateway

    async def add_user(self, client: Client, username: str) -> None:
        """Create a user with grants for the services."""
        await client.create(username)
        assert (await client.call("POST", "/hub/api/groups/analysts/users", json={"users": [username]}))[0] == 200

    def cut_stream(self, step: str, times: int) -> None:
        """Cut the stream into a pod at this step, so many times (`steps.py`)."""
        self.hub.home.with_name("steps").joinpath(step).write_text(str(times))

    async def leftovers(self, client: Client, username: str) -> dict[str, Any]:
        """What is left of the user's server; empty after the server has stopped and the sweep has run."""
        _, routes = await client.call("GET", "/hub/api/proxy")
        _, tokens = await client.call("GET", f"/hub/api/users/{username}/tokens")
        found = {
            "pods": [pod["metadata"]["name"] for pod in self.hub.namespace.get("pods") if username in json.dumps(pod)],
            "drivers": [pod["metadata"]["name"] for pod in self.gateway.pods(username)],
            "secrets": self.hub.namespace.get("secrets"),
            "routes": [route for route in routes if username in route],
            "tokens": tokens.get("api_tokens"),  # None for a user who does not exist
            "roles": self.roles(username),
        }
        return {kind: objects for kind, objects in found.items() if objects}

    def roles(self, username: str) -> list[str]:
        """The user's login roles in PostgreSQL."""
        with self.postgres.connect("postgres") as admin:
            found = admin.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE %s", [f"%{username}%"])
            return [name for (name,) in found]

    @asynccontextmanager
    async def browser(self, username: str) -> AsyncIterator[aiohttp.ClientSession]:
        """A session with the cookies of a user who has logged in; paths are relative to the hub."""
        async with aiohttp.ClientSession(self.hub.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            async with session.get("/hub/login") as page:
                form = {"username": username, "password": "any", "_xsrf": page.cookies["_xsrf"].value}
            async with session.post("/hub/login?next=/hub/home", data=form) as page:
                assert (page.status, page.url.path) == (200, "/hub/home"), await page.text()
            yield session


@contextmanager
def running_department(cluster: Cluster, postgres: Postgres, folder: Path, **run: Any) -> Iterator[Department]:
    """A running department; `run` configures its hub."""
    with postgres.connect("postgres") as admin:
        admin.execute("CREATE DATABASE department")
    secret = folder / "gateway-secret"
    with cluster.namespace(RESTRICTED) as namespace, running_gateway(namespace, folder) as gateway:
        secret.write_text(gateway.secret)
        services = {
            "flights": {"kind": "postgres", **database.entry(postgres.directory, "department")},
            "spark": {"kind": "spark", "gateway": f"sc://{gateway.address}", "admin": {"file": str(secret)}},
        }
        with running_hub(cluster, folder, services=services, grants=["flights:read", "spark:use"], **run) as hub:
            yield Department(hub, postgres, gateway)
    with postgres.connect("postgres") as admin:
        admin.execute("DROP DATABASE department WITH (FORCE)")
