"""A Spark gateway on the machine of the tests, with the rights that the chart gives it; its drivers are pods.

Behind it a broker that believes everything: the token `of-alice` is one of alice's compute server.
"""

import asyncio
import hmac
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from rc2hub.gateways.control import GatewayClient
from tests.cluster.cluster import Namespace, eventually
from tests.cluster.hub import _free_port
from tests.fixtures.hub import ROOT
from tests.fixtures.spark import CLIENT

SQL = Path(__file__).with_name("spark_sql.py")
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
RULES = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch", "create", "delete"]},
    {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["get", "create"]},
    {"apiGroups": [""], "resources": ["serviceaccounts"], "resourceNames": ["spark-driver"], "verbs": ["get"]},
]
"""Those of the gateway in the chart's spark-rbac.yaml."""


class Broker(BaseHTTPRequestHandler):
    """Answers whose a token is."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps({"user": asked["token"].removeprefix("of-"), "server": ""}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def believing_broker() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Broker)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def give_rights(namespace: Namespace, kubeconfig: Path) -> None:
    """The accounts of gateway and drivers, and a configuration of kubectl that is the gateway's."""
    rbac, name = "rbac.authorization.k8s.io", "spark-gateway"
    role = {"apiGroup": rbac, "kind": "Role", "name": name}
    subject = {"kind": "ServiceAccount", "name": name, "namespace": namespace.name}
    of_rbac = {"apiVersion": f"{rbac}/v1", "metadata": {"name": name}}
    namespace.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "spark-driver"}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}},
        {**of_rbac, "kind": "Role", "rules": RULES},
        {**of_rbac, "kind": "RoleBinding", "roleRef": role, "subjects": [subject]},
    )
    config = json.loads(namespace.cluster.kubectl("config", "view", "--raw", "--flatten", "--minify", "--output=json"))
    config["users"] = [{"name": name, "user": {"token": namespace.kubectl("create", "token", name).strip()}}]
    config["contexts"] = [{"name": name, "context": {"cluster": config["clusters"][0]["name"], "user": name}}]
    kubeconfig.write_text(json.dumps({**config, "current-context": name}))


class SparkGateway:
    """One gateway in a folder of its own; its drivers are pods in a namespace of their own."""

    def __init__(self, folder: Path, namespace: Namespace, broker: str, **traits: Any) -> None:
        self.folder, self.namespace, self.secret = folder, namespace, secrets.token_hex(16)
        host = namespace.cluster.settings["RC2_HOST_IP"]
        self.address, self.executors_url = f"{host}:{_free_port(host)}", f"http://{host}:{_free_port(host)}"
        self.settings = {
            "service": "spark",
            "address": self.address,
            "broker_url": broker,
            "drivers_class": "rc2hub.gateways.driver_pods.PodDrivers",
            "drivers": {**drivers_of(namespace), "executors_url": self.executors_url, **traits},
        }

    def start(self) -> None:
        """Start it; callers wait for it by themselves."""
        environment = {
            **os.environ,
            "KUBECONFIG": str(self.folder / "kubeconfig"),
            "RC2_SPARK_GATEWAY": json.dumps(self.settings),
            "RC2_GATEWAY_SECRET": self.secret,
            "JUPYTERHUB_BASE_URL": "/",
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "-m", "rc2hub.gateways.spark"]
        with (self.folder / "gateway.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, cwd=self.folder, stdout=log, stderr=log)

    def end(self, signum: int = signal.SIGTERM) -> None:
        """End it; its drivers go on."""
        self.process.send_signal(signum)
        self.process.wait(20)

    def log(self) -> str:
        return (self.folder / "gateway.log").read_text()

    def secret_of(self, driver: str) -> str:
        """What opens the driver of this name."""
        return hmac.digest(self.secret.encode(), driver.encode(), "sha256").hex()

    async def announce(self, person: str) -> None:
        """Say, as the broker does, that the person's server may use Spark; ends when Spark answers."""
        await self._tell("Ensure", user=person, server="", level="use", until=time.time() + 600)

    async def release(self, person: str) -> None:
        """Say, as the broker does, that the person's server is gone."""
        await self._tell("Release", user=person, server="")

    async def _tell(self, method: str, **message: Any) -> None:
        client = GatewayClient(self.address, lambda: self.secret)
        try:
            await client.call(method, 60, **message)
        finally:
            await client.close()

    def pods(self, person: str, role: str = "driver") -> list[dict[str, Any]]:
        """The pods of a person's."""
        found: list[dict[str, Any]] = self.namespace.get(
            "pods", "", f"--selector=rc2hub.org/spark-key={person},spark-role={role}"
        )
        return found

    def driver(self, person: str) -> str:
        """The name of her driver."""
        (pod,) = self.pods(person)
        return str(pod["metadata"]["name"])

    def nothing_is_left(self, person: str) -> None:
        """Wait until no pod of hers is there."""
        eventually(lambda: not self.pods(person) and not self.pods(person, "executor"))


def drivers_of(namespace: Namespace) -> dict[str, Any]:
    """Traits of small drivers."""
    image = namespace.cluster.image("spark")
    return {"namespace": namespace.name, "image": image, "memory": "512m", "executor_memory": "512m"}


class Session:
    """A session of the stock client of Spark."""

    def __init__(self, gateway: SparkGateway, person: str) -> None:
        command = [str(CLIENT), str(SQL), gateway.address, f"of-{person}"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    async def ask(self, sql: str, seconds: float = 90) -> str:
        """The first value of the answer, or what was wrong."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{sql}\n")
        self.process.stdin.flush()
        line = await asyncio.wait_for(asyncio.to_thread(self.process.stdout.readline), seconds)
        return str(json.loads(line))

    def close(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


@asynccontextmanager
async def session(gateway: SparkGateway, person: str) -> AsyncIterator[Session]:
    """A session of somebody whose server was announced a moment ago."""
    announcing = asyncio.create_task(gateway.announce(person))
    opened = Session(gateway, person)
    try:
        yield opened
    finally:
        opened.close()
        announcing.cancel()
        await asyncio.wait([announcing])


@contextmanager
def running_gateway(namespace: Namespace, folder: Path, **traits: Any) -> Iterator[SparkGateway]:
    """A gateway, ended without a word in the end."""
    with believing_broker() as broker:
        give_rights(namespace, folder / "kubeconfig")
        gateway = SparkGateway(folder, namespace, broker, **traits)
        gateway.start()
        try:
            yield gateway
        finally:
            gateway.end(signal.SIGKILL)
