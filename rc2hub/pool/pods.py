"""Compute servers as pods: what every pod is born with, and the stream over which it becomes somebody's.

A pod is born without identity. What KubeSpawner would put into its environment goes over the control stream instead, so
no pod spec, and nothing else that Kubernetes stores, ever holds a credential.
"""

import logging
from collections.abc import Mapping
from typing import Any

from rc2hub.cluster import Pod, Standbys, open_exec
from rc2hub.errors import StandbyError
from rc2hub.pool.activation import StreamedStandby
from rc2hub.pool.deployment import CONTAINER
from rc2hub.pool.stream import Stream
from rc2hub.profiles import Profile

log = logging.getLogger("JupyterHub")

RUN = "/run/rc2"
CONTROL = f"{RUN}/control.sock"
COMMAND = ["python3", "-m", "rc2hub.compute.standby", CONTROL]
READY = f"{RUN}/ready"
CONNECT = ["socat", "-t0", "-", f"UNIX-CONNECT:{CONTROL},retry=2400,interval=0.05"]
"""The socket is there some tenths of a second after the container, but much later where Python comes from a slow disk; it is
waited for as long as the start-up probe does."""
PORT = 8888
CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "SETGID", "SETUID"]
"""What it takes to become a person's account and to make her home."""


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


def compute_container(pod: Any) -> Any:
    """The container that is the compute server, of a pod as KubeSpawner makes it."""
    return next(container for container in pod.spec.containers if container.name == CONTAINER)


def without_identity(pod: Any, env: Mapping[str, str]) -> Any:
    """The pod as a standby: only constants in its environment, and Ready as soon as it could be somebody's.

    Variables that Kubernetes itself fills in (`valueFrom`) stay: they say nothing of a person.
    """
    container = compute_container(pod)
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
    """One pod that is ready to become somebody's compute server, with the control stream to it."""

    url = ""
    """Where it serves once it is somebody's; KubeSpawner says so of the claimed pod."""

    def __init__(self, cluster: Standbys, name: str, stream: Stream) -> None:
        """Take the pod's name and the stream; use `connect`."""
        self.name, self.stream = name, stream
        self._cluster = cluster
        self.pod: Pod = {}

    @classmethod
    async def connect(cls, cluster: Standbys, name: str) -> "PodStandby":
        """Open the control stream to a pod.

        Raises:
            StandbyError: if it is gone, or is somebody's already.
        """
        stream = Stream(await open_exec(cluster.namespace, name, CONTAINER, CONNECT))
        try:
            await stream.receive()
        except BaseException:
            await stream.close()
            raise
        return cls(cluster, name, stream)

    async def discard(self) -> None:
        """End it; what fails here, the sweep does."""
        await self.stream.close()
        try:
            await self._cluster.delete(self.name)
        except StandbyError as error:
            log.warning("The pod %s could not be deleted: %s", self.name, error)
