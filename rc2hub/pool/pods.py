"""Compute servers as pods: the template every pod is born from, its activation, and the sweep of what is nobody's.

A pod is born without identity. What KubeSpawner would put into its environment goes over the control stream instead, so
no pod spec, and nothing else that Kubernetes stores, ever holds a credential.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from rc2hub.cluster import open_exec
from rc2hub.pool.activation import StreamedStandby
from rc2hub.pool.stream import Stream
from rc2hub.profiles import Profile

log = logging.getLogger("JupyterHub")

CONTAINER = "notebook"
"""KubeSpawner's name of the container that is the compute server."""
RUN = "/run/rc2"
CONTROL = f"{RUN}/control.sock"
COMMAND = ["python3", "-m", "rc2hub.compute.standby", CONTROL]
READY = f"{RUN}/ready"
CONNECT = ["socat", "-t0", "-", f"UNIX-CONNECT:{CONTROL},retry=200,interval=0.05"]
"""The socket is there some tenths of a second after the container."""
PORT = 8888
CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "SETGID", "SETUID"]
"""What it takes to become a person's account and to make her home."""
SWEEP = 15.0
"""Seconds between looks for pods that are nobody's."""


def constants(profile: Profile) -> dict[str, str]:
    """What a compute server knows from its birth and for life, whatever is attached to it when (design D12)."""
    threads, folder = str(max(1, int(profile.cpu))), f"{RUN}/attachments"
    return {
        "RC2_ATTACHMENTS": folder,
        "RC2_BIND_ADDRESS": "0.0.0.0",  # noqa: S104 - the pod's own, in a network of its own
        "RC2_PORT": str(PORT),
        "RC2_PROFILE": profile.name,
        "PGSERVICEFILE": f"{folder}/pg_service.conf",
        "PGPASSFILE": f"{folder}/pgpass",
        "JUPYTER_RUNTIME_DIR": f"{folder}/jupyter",
        "JUPYTER_DEFAULT_PROVISIONER_NAME": "rc2-standby",
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
    }


def without_identity(pod: Any, env: Mapping[str, str]) -> Any:
    """The pod as a standby: only constants in its environment, and Ready as soon as it could be somebody's.

    Variables that Kubernetes itself fills in (`valueFrom`) stay: they say nothing of a person.
    """
    container = next(container for container in pod.spec.containers if container.name == CONTAINER)
    filled = [variable for variable in container.env or [] if getattr(variable, "value_from", None)]
    container.env = [*filled, *({"name": name, "value": value} for name, value in sorted(env.items()))]
    container.startup_probe = container.startup_probe or {
        "exec": {"command": ["test", "-e", READY]},
        "periodSeconds": 1,
        "failureThreshold": 120,
    }
    container.volume_mounts = [*(container.volume_mounts or []), {"name": "rc2-run", "mountPath": RUN}]
    memory = {"name": "rc2-run", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}}
    pod.spec.volumes = [*(pod.spec.volumes or []), memory]
    pod.spec.share_process_namespace = True  # Kubernetes' own first process takes in what R leaves behind
    return pod


class PodStandby(StreamedStandby):
    """One pod that is ready to become somebody's compute server."""

    def __init__(self, url: str, stream: Stream) -> None:
        """Take the address, and the control stream; use `connect`."""
        self.url, self.stream = url, stream

    @classmethod
    async def connect(cls, url: str, namespace: str, pod: str) -> "PodStandby":
        """Open the control stream to a pod that is ready.

        Raises:
            StandbyError: if it is gone, or is somebody's already.
        """
        stream = Stream(await open_exec(namespace, pod, CONTAINER, CONNECT))
        await stream.receive()
        return cls(url, stream)

    async def discard(self) -> None:
        """Close the stream; JupyterHub has the spawner delete the pod of a start that failed."""
        await self.stream.close()


class PodPool:
    """The pods of this hub. Keeps none ready yet; takes away those that belong to no server."""

    def __init__(self, api: Any, namespace: str, selector: str) -> None:
        """Take KubeSpawner's client, where it makes pods, and the labels by which it knows them."""
        self._api, self._namespace, self._selector = api, namespace, selector

    async def run(self, in_use: Callable[[], set[str]]) -> None:
        """Sweep every 15 seconds until cancelled: a hub that was killed in a start knows nothing of its pod.

        Args:
            in_use: says which pods (`namespace/name`) are somebody's.
        """
        while True:
            pods = await self._api.list_namespaced_pod(self._namespace, label_selector=self._selector)
            for pod in pods.items:
                name = pod.metadata.name
                if f"{self._namespace}/{name}" not in in_use() and not pod.metadata.deletion_timestamp:
                    log.info("The pod %s belongs to no server, and is deleted.", name)
                    await self._api.delete_namespaced_pod(name, self._namespace, grace_period_seconds=1)
            await asyncio.sleep(SWEEP)
