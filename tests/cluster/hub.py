"""A hub that runs on the machine of the tests, so that tests can pause and kill it at each step; its servers are pods."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from rc2hub.processes import free_ports
from tests.cluster.cluster import Cluster, Namespace
from tests.cluster.pool_watcher import PoolWatcher
from tests.fixtures.hub import HANG_TIMEOUT, ROOT, Rc2

CONFIG = Path(__file__).with_name("jupyterhub_config.py")
HOMES = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "homes"},
    "spec": {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": "rc2-homes",
        "resources": {"requests": {"storage": "1Gi"}},
    },
}


@contextmanager
def namespace_of_hubs(cluster: Cluster) -> Iterator[Namespace]:
    """A namespace with the volume of the homes."""
    with cluster.namespace() as namespace:
        namespace.apply(HOMES)
        namespace.wait("jsonpath={.status.phase}=Bound", "pvc/homes")
        yield namespace


class KubeHub(Rc2):
    """One hub with its own folder and its own namespace of pods."""

    def __init__(self, folder: Path, namespace: Namespace, config: Path = CONFIG, **run: Any) -> None:
        self.home, self.namespace, self.config = folder, namespace, config
        host = namespace.cluster.settings["RC2_HOST_IP"]
        (public, api), (hub, broker) = free_ports(2), free_ports(2, host)
        ports = [public, hub, api, broker]
        self.url = f"http://127.0.0.1:{ports[0]}"
        self.token = secrets.token_hex(16)
        common = {"root": str(ROOT), "host": host, "ports": ports, "namespace": namespace.name}
        common["image"] = namespace.cluster.image("r-compute")
        self.run = {**common, "services": {}, **run}
        self.watcher: PoolWatcher
        """Records its pool."""
        self.downtimes: list[tuple[float, float]] = []
        """Start and end of each downtime, in wall-clock seconds."""
        self._stopped_at = 0.0

    def start(self) -> None:
        """Start the hub and wait until it answers."""
        self.home.mkdir(exist_ok=True)
        environment = {
            **os.environ,
            "KUBECONFIG": self.namespace.cluster.settings["KUBECONFIG"],
            "RC2_TEST_RUN": json.dumps(self.run),
            "RC2_TEST_TOKEN": self.token,
        }
        with (self.home / "hub.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", str(self.config)],
                env=environment,
                cwd=self.home,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + HANG_TIMEOUT
        while not self._answers():
            assert self.process.poll() is None, f"the hub ended:\n{self.log()[-3000:]}"
            assert time.monotonic() < deadline, f"the hub does not answer:\n{self.log()[-3000:]}"
            time.sleep(0.1)
        if self._stopped_at:
            self.downtimes.append((self._stopped_at, time.time()))

    def stop(self) -> int:
        """Stop the hub; the pods of running servers stay, as in a restart of the hub's pod."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(HANG_TIMEOUT)
        self._stopped_at = time.time()
        return self.process.returncode

    def kill(self) -> None:
        """Kill hub, proxy and broker at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._stopped_at = time.time()

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self.url}/hub/api/") as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False


def standbys(hub: KubeHub) -> list[str]:
    """The names of the ready standbys."""
    pods = hub.namespace.get("pods", "", "--selector=rc2hub.org/pool")
    return [pod["metadata"]["name"] for pod in pods if _is_ready(pod)]


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", [])
    return "deletionTimestamp" not in pod["metadata"] and any(
        (each["type"], each["status"]) == ("Ready", "True") for each in conditions
    )
