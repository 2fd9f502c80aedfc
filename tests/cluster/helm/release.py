"""The chart, installed on the cluster of the tests, and a client that uses the Ingress like a user."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from rc2hub import __version__
from tests.cluster.cluster import Cluster, Namespace
from tests.cluster.helm.chart import CHART
from tests.fixtures.hub import HANG_TIMEOUT, Client, Kernel

RESTRICTED = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
PROBE = ["admin:users", "admin:servers", "access:servers", "access:services", "groups", "proxy", "read:hub", "tokens"]


@dataclass(frozen=True)
class Release:
    """One `helm install rc2` in its own namespace."""

    namespace: Namespace
    values: dict[str, Any]
    token: str = field(default_factory=lambda: token_hex(16))

    @property
    def cluster(self) -> Cluster:
        """The cluster of the release."""
        return self.namespace.cluster

    @property
    def compute(self) -> Namespace:
        """The namespace of its compute servers."""
        return Namespace(self.cluster, f"{self.namespace.name}-compute")

    @property
    def spark(self) -> Namespace:
        """The namespace of its Spark."""
        return Namespace(self.cluster, f"{self.namespace.name}-spark")

    @property
    def host(self) -> str:
        """The host name that users open."""
        return f"{self.namespace.name}.{self.cluster.settings['RC2_INGRESS_DOMAIN']}"

    @property
    def url(self) -> str:
        """The URL that users open."""
        return f"https://{self.host}"

    def install(self, *arguments: str) -> str:
        """Run `helm upgrade --install` and wait until all pods are ready; return the output of helm."""
        values = ["--set-json", f"ingress.host={json.dumps(self.host)}"]
        for key, value in {
            **self.values,
            "hub.config.JupyterHub.services": [{"name": "probe", "api_token": self.token}],
        }.items():
            values += ["--set-json", f"{key}={json.dumps(value)}"]
        return self.helm("upgrade", "--install", "rc2", str(CHART), "--wait", "--timeout=5m", *values, *arguments)

    def upgrade(self, *arguments: str) -> str:
        """Run `helm upgrade` with the current values and these arguments; wait until all pods are ready."""
        return self.helm("upgrade", "rc2", str(CHART), "--reuse-values", "--wait", "--timeout=5m", *arguments)

    def helm(self, *arguments: str) -> str:
        """Run helm in the release's namespace."""
        return self.cluster.helm(*arguments, f"--namespace={self.namespace.name}", timeout=400)

    def pods(self) -> dict[str, str]:
        """Component to the UID of its pod, except for Jobs, which each upgrade creates."""
        running = [pod["metadata"] for pod in self.namespace.get("pods") if pod["status"]["phase"] == "Running"]
        return {
            pod["labels"]["app.kubernetes.io/component"]: pod["uid"]
            for pod in running
            if "deletionTimestamp" not in pod and "batch.kubernetes.io/job-name" not in pod["labels"]
        }

    def servers(self, username: str) -> list[dict[str, Any]]:
        """The user's pods."""
        found: list[dict[str, Any]] = self.compute.get("pods", "", f"--selector=hub.jupyter.org/username={username}")
        return found

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """An external client that may start servers."""
        async with self._session(headers={"Authorization": f"token {self.token}"}) as session:
            yield Client(self, session)  # type: ignore[arg-type]

    @asynccontextmanager
    async def browser(self, username: str) -> AsyncIterator[aiohttp.ClientSession]:
        """A session with the cookies of a user who has logged in."""
        async with self._session() as session:
            async with session.get(f"{self.url}/hub/login") as page:
                form = {"username": username, "password": "any", "_xsrf": page.cookies["_xsrf"].value}
            async with session.post(f"{self.url}/hub/login?next=/hub/home", data=form) as page:
                assert (page.status, page.url.path) == (200, "/hub/home"), await page.text()
            yield session

    def _session(self, **options: Any) -> aiohttp.ClientSession:
        """Connections through the Ingress with TLS; the certificate is verified."""
        trust = ssl.create_default_context(cafile=self.cluster.settings["RC2_CLUSTER_CA"])
        connector = aiohttp.TCPConnector(ssl=trust, resolver=_Ingress(self.cluster.settings["RC2_INGRESS_IP"]))
        return aiohttp.ClientSession(connector=connector, **options)


class _Ingress(AbstractResolver):
    """Resolves every name to the Ingress."""

    def __init__(self, ip: str) -> None:
        self._ip = ip

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host=self._ip, port=port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        pass


async def wait_until_reachable(client: Client) -> None:
    """Wait until the hub answers through Ingress and proxy."""
    async with asyncio.timeout(HANG_TIMEOUT):
        while (await client.call("GET", "/hub/api/"))[0] != 200:
            await asyncio.sleep(0.5)


async def wait_for_services(client: Client, *names: str) -> None:
    """Wait until the broker answers through Ingress and proxy, and is connected to these services."""
    async with asyncio.timeout(HANG_TIMEOUT):
        while True:
            _, health = await client.call("GET", "/services/rc2/api/health")
            # the hub answers with a page until the proxy knows the way to the broker
            states = health.get("services", {}) if isinstance(health, dict) else {}
            if all(states.get(name) == "ready" for name in names):
                return
            await asyncio.sleep(0.5)


@asynccontextmanager
async def working(client: Client, **users: list[str]) -> AsyncIterator[list[Kernel]]:
    """The R kernels of these users, who have all grants, each with the requested services."""
    await asyncio.gather(*(client.create(user) for user in users))
    await client.call("POST", "/hub/api/groups/editors")
    await client.call("POST", "/hub/api/groups/editors/users", json={"users": list(users)})
    try:
        started = await asyncio.gather(*(client.start(name, services=services) for name, services in users.items()))
        assert {status for status, _ in started} == {201}, started
        async with AsyncExitStack() as kernels:
            yield [await kernels.enter_async_context(client.kernel(user)) for user in users]
    finally:
        await asyncio.gather(*(client.stop(user) for user in users))


async def count_cars_on_executors(release: Release, r: Kernel) -> None:
    """A user's R, with `store` and `con`, writes to the store; Spark reads that and writes the counts, on executors of its own."""
    await r.run('store$write_parquet(mtcars, "cars.parquet")')
    await r.run('by <- dplyr::count(store$tbl(con, "cars.parquet"), cyl); store$write_parquet(by, "by_cyl")')
    assert await r.run('cat(sort(store$read_parquet("by_cyl", bigint = "integer")$n))') == "7 11 14"
    assert {pod["metadata"]["labels"]["spark-role"] for pod in release.spark.get("pods")} == {"driver", "executor"}


@contextmanager
def released(cluster: Cluster, **values: Any) -> Iterator[Release]:
    """A release with small requests and the dummy authenticator; its namespaces are deleted at the end."""
    small = {"cpu": "10m", "memory": "64Mi"}
    prefix = {cluster.image(name).removesuffix(f"{name}:{__version__}") for name in IMAGES}.pop()
    common = {
        "images.prefix": prefix,
        "ingress.enabled": True,
        "ingress.className": "traefik",
        "hub.config.JupyterHub.authenticator_class": "dummy",
        "hub.config.Authenticator.allow_all": True,
        "hub.config.KubeSpawner.cpu_guarantee": 0.01,
        "hub.config.KubeSpawner.mem_guarantee": "100M",
        "compute.homes.storageClass": "rc2-homes",
        "compute.homes.size": "1Gi",
        **{f"{component}.resources.requests": small for component in ("hub", "proxy", "broker", "postgresql")},
        "test.enabled": True,
        "roles": [{"name": "probe", "services": ["probe"], "scopes": PROBE}],
    }
    with cluster.namespace(RESTRICTED) as namespace:
        release = Release(namespace, {**common, **values})
        cluster.namespaces.append(release.compute)
        try:
            yield release
        finally:
            cluster.namespaces.remove(release.compute)
            created = (release.compute.name, release.spark.name)
            cluster.kubectl("delete", "namespace", *created, "--wait=false", "--ignore-not-found")


COURSE_SERVICES = {
    "postgresql.enabled": True,
    "postgresql.sampleData": True,
    "postgresql.storage.size": "1Gi",
    "postgresql.databases": {"flights": {"display_name": "Flights from New York", "schemas": ["public", "dataexpo"]}},
    "spark.enabled": True,
    "spark.resources.requests": {"cpu": "10m", "memory": "64Mi"},
}
"""Values for the chart's own PostgreSQL with the data of the examples, and Spark."""
IMAGES = ("hub", "proxy", "postgresql", "r-compute")
