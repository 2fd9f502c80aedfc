"""A Spark gateway on the machine of the tests, with the permissions from the chart; its drivers are pods.

Its broker accepts every token: `of-alice` is a token of alice's compute server.
"""

import asyncio
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

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways.broker_rpc import GatewayClient
from rc2hub.gateways.driver_token import driver_token, pod_secret
from rc2hub.processes import free_ports
from tests.cluster.cluster import Namespace, eventually
from tests.fixtures.hub import HANG_TIMEOUT, ROOT
from tests.fixtures.spark import CLIENT

SQL = Path(__file__).with_name("spark_sql.py")
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
RULES = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch", "create", "patch", "delete"]},
    {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["get", "create"]},
    {"apiGroups": [""], "resources": ["serviceaccounts"], "resourceNames": ["spark-driver"], "verbs": ["get"]},
]
"""The same as for the gateway in the chart's spark-rbac.yaml."""


class Broker(BaseHTTPRequestHandler):
    """Returns the user, the server and the level of a token."""

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps({"user": request["token"].removeprefix("of-"), "server": "", "level": "use"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def fake_broker() -> Iterator[str]:
    """The URL of a broker that accepts every token."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Broker)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def create_accounts(namespace: Namespace, kubeconfig: Path) -> None:
    """Create the accounts of gateway and drivers; write a kubeconfig of the gateway's account."""
    rbac, name = "rbac.authorization.k8s.io", "spark-gateway"
    role = {"apiGroup": rbac, "kind": "Role", "name": name}
    subject = {"kind": "ServiceAccount", "name": name, "namespace": namespace.name}
    rbac_object = {"apiVersion": f"{rbac}/v1", "metadata": {"name": name}}
    namespace.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "spark-driver"}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}},
        {**rbac_object, "kind": "Role", "rules": RULES},
        {**rbac_object, "kind": "RoleBinding", "roleRef": role, "subjects": [subject]},
    )
    config = json.loads(namespace.cluster.kubectl("config", "view", "--raw", "--flatten", "--minify", "--output=json"))
    config["users"] = [{"name": name, "user": {"token": namespace.kubectl("create", "token", name).strip()}}]
    config["contexts"] = [{"name": name, "context": {"cluster": config["clusters"][0]["name"], "user": name}}]
    kubeconfig.write_text(json.dumps({**config, "current-context": name}))


class SparkGateway:
    """One gateway with its own folder and its own namespace of drivers."""

    def __init__(self, folder: Path, namespace: Namespace, broker: str, **traits: Any) -> None:
        self.folder, self.namespace, self.secret = folder, namespace, secrets.token_hex(16)
        host = namespace.cluster.settings["RC2_HOST_IP"]
        gateway, executors = free_ports(2, host)
        self.address, self.executors_url = f"{host}:{gateway}", f"http://{host}:{executors}"
        self.settings = {
            "service": "spark",
            "address": self.address,
            "broker_url": broker,
            "drivers_class": "rc2hub.gateways.pod_drivers.PodDrivers",
            "drivers": {**driver_traits(namespace), "executors_url": self.executors_url, **traits},
        }

    def start(self) -> None:
        """Start the gateway without waiting for it."""
        environment = {
            **os.environ,
            "KUBECONFIG": str(self.folder / "kubeconfig"),
            "RC2_SPARK_GATEWAY": json.dumps(self.settings),
            "RC2_GATEWAY_SECRET": self.secret,
            "JUPYTERHUB_BASE_URL": "/",
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "-m", "rc2hub.gateways.spark_gateway"]
        with (self.folder / "gateway.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, cwd=self.folder, stdout=log, stderr=log)

    def end(self, signum: int = signal.SIGTERM) -> None:
        """Stop the gateway; its drivers keep running."""
        self.process.send_signal(signum)
        self.process.wait(20)

    def log(self) -> str:
        return (self.folder / "gateway.log").read_text()

    def secret_of(self, username: str) -> str:
        """The secret of the user's driver."""
        return pod_secret(self.secret, self.driver(username))

    def token_of(self, username: str) -> str:
        """The token of the user's driver, which names the user."""
        return driver_token(self.secret, username, self.driver(username))

    async def announce(self, username: str) -> None:
        """Announce the user's server, like the broker, which tries again; returns when Spark is ready."""
        while True:
            try:
                return await self._call("Attach", user=username, server="", level="use", expires_at=time.time() + 600)
            except ServiceUnavailableError:  # the gateway has just been started
                await asyncio.sleep(0.2)

    async def release(self, username: str) -> None:
        """Release the user's server, like the broker after its stop."""
        await self._call("Detach", user=username, server="")

    async def _call(self, method: str, **message: Any) -> None:
        client = GatewayClient(self.address, lambda: self.secret)
        try:
            await client.call(method, 60, **message)
        finally:
            await client.close()

    def pods(self, username: str, role: str = "driver") -> list[dict[str, Any]]:
        """The user's pods."""
        found: list[dict[str, Any]] = self.namespace.get(
            "pods", "", f"--selector=rc2hub.org/spark-key={username},spark-role={role}"
        )
        return found

    def driver(self, username: str) -> str:
        """The name of the user's driver."""
        (pod,) = self.pods(username)
        return str(pod["metadata"]["name"])

    def wait_until_deleted(self, username: str) -> None:
        """Wait until the user has no pod."""
        eventually(lambda: not self.pods(username) and not self.pods(username, "executor"))


def driver_traits(namespace: Namespace) -> dict[str, Any]:
    """Traits of small drivers."""
    image = namespace.cluster.image("spark")
    return {"namespace": namespace.name, "image": image, "memory": "512m", "executor_memory": "512m"}


class Session:
    """A session of the stock client of Spark."""

    def __init__(self, gateway: SparkGateway, username: str) -> None:
        command = [str(CLIENT), str(SQL), gateway.address, f"of-{username}"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    async def ask(self, sql: str, seconds: float = HANG_TIMEOUT) -> str:
        """The first value of the result, or the error message."""
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
async def session(gateway: SparkGateway, username: str) -> AsyncIterator[Session]:
    """A session of a user whose server is being announced."""
    announcing = asyncio.create_task(gateway.announce(username))
    client = Session(gateway, username)
    try:
        yield client
    finally:
        client.close()
        announcing.cancel()
        await asyncio.wait([announcing])


@contextmanager
def running_gateway(namespace: Namespace, folder: Path, **traits: Any) -> Iterator[SparkGateway]:
    """A running gateway, killed at the end."""
    with fake_broker() as broker:
        create_accounts(namespace, folder / "kubeconfig")
        gateway = SparkGateway(folder, namespace, broker, **traits)
        gateway.start()
        try:
            yield gateway
        finally:
            gateway.end(signal.SIGKILL)
