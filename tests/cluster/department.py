"""A hub with pods, PostgreSQL and Spark, and a look at all that a person's server could leave behind."""

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
    """A hub, and the services that its people ask for."""

    hub: KubeHub
    postgres: Postgres
    gateway: SparkGateway

    async def welcome(self, client: Client, person: str) -> None:
        """Make somebody who may use the services."""
        await client.create(person)
        assert (await client.call("POST", "/hub/api/groups/analysts/users", json={"users": [person]}))[0] == 200

    def cut(self, place: str, times: int) -> None:
        """Have the stream into a pod cut there, so many times (`steps.py`)."""
        self.hub.home.with_name("steps").joinpath(place).write_text(str(times))

    async def left(self, client: Client, person: str) -> dict[str, Any]:
        """What is there of the person's; nothing, when her server is gone and the sweep has passed."""
        _, routes = await client.call("GET", "/hub/api/proxy")
        _, tokens = await client.call("GET", f"/hub/api/users/{person}/tokens")
        found = {
            "pods": [pod["metadata"]["name"] for pod in self.hub.namespace.get("pods") if person in json.dumps(pod)],
            "drivers": [pod["metadata"]["name"] for pod in self.gateway.pods(person)],
            "secrets": self.hub.namespace.get("secrets"),
            "routes": [route for route in routes if person in route],
            "tokens": tokens.get("api_tokens"),  # nobody has any who does not exist
            "roles": self.roles(person),
        }
        return {what: those for what, those in found.items() if those}

    def roles(self, person: str) -> list[str]:
        """Her login roles in PostgreSQL."""
        with self.postgres.connect("postgres") as admin:
            found = admin.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE %s", [f"%{person}%"])
            return [name for (name,) in found]

    @asynccontextmanager
    async def browser(self, person: str) -> AsyncIterator[aiohttp.ClientSession]:
        """The cookies of somebody who has logged in; paths are the hub's."""
        async with aiohttp.ClientSession(self.hub.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            async with session.get("/hub/login") as page:
                form = {"username": person, "password": "any", "_xsrf": page.cookies["_xsrf"].value}
            async with session.post("/hub/login?next=/hub/home", data=form) as page:
                assert (page.status, page.url.path) == (200, "/hub/home"), await page.text()
            yield session


@contextmanager
def opened(cluster: Cluster, postgres: Postgres, folder: Path, **run: Any) -> Iterator[Department]:
    """A department that works; `run` is for its hub's configuration."""
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
