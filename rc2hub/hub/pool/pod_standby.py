"""Compute servers as pods: what every pod contains, and the control stream over which it is activated.

A pod is made without a user. What KubeSpawner would put into its environment is sent over the control stream instead, so no
pod spec, and nothing else that Kubernetes stores, contains a credential.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from rc2hub.errors import StandbyError
from rc2hub.hub.pool.activation import Standby
from rc2hub.hub.pool.control_stream import Stream
from rc2hub.hub.pool.deployment import CONTAINER
from rc2hub.hub.pool.environment import server_environment
from rc2hub.kubernetes import UNREACHABLE, Pod, StandbyApi, open_exec
from rc2hub.profiles import Profile

log = logging.getLogger("JupyterHub")

RUN_DIR = "/run/rc2"
CONTROL_SOCKET = f"{RUN_DIR}/control.sock"
COMMAND = ["python3", "-m", "rc2hub.compute.standby_server", CONTROL_SOCKET]
READY_FILE = f"{RUN_DIR}/ready"
CONNECT = ["socat", "-t0", "-", f"UNIX-CONNECT:{CONTROL_SOCKET},retry=2400,interval=0.05"]
"""The socket exists some tenths of a second after the container, but much later if Python is read from a slow disk; socat
waits as long as the start-up probe does."""
CONNECT_TIMEOUT = 10.0
"""Seconds for a ready standby to answer on its control stream, which takes some hundredths of one."""
PORT = 8888
CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "SETGID", "SETUID"]
"""What a standby needs to take the account of its user and to make the user's home."""


def pod_environment(profile: Profile) -> dict[str, str]:
    """The variables of every pod of a profile."""
    return {
        **server_environment(profile, f"{RUN_DIR}/attachments"),
        "RC2_BIND_ADDRESS": "0.0.0.0",  # noqa: S104 - a pod has a network interface of its own
        "RC2_PORT": str(PORT),
    }


def compute_container(pod: Any) -> Any:
    """The container that is the compute server, of a pod as KubeSpawner makes it."""
    return next(container for container in pod.spec.containers if container.name == CONTAINER)


def remove_identity(pod: Any, env: Mapping[str, str]) -> Any:
    """The pod as a standby: its environment has constants only, and it is Ready as soon as it can be claimed.

    Variables whose value Kubernetes sets (`valueFrom`) stay: they do not depend on the user.
    """
    container = compute_container(pod)
    by_kubernetes = [variable for variable in container.env or [] if getattr(variable, "value_from", None)]
    container.env = [*by_kubernetes, *({"name": name, "value": value} for name, value in sorted(env.items()))]
    container.startup_probe = container.startup_probe or {
        "exec": {"command": ["test", "-e", READY_FILE]},
        "periodSeconds": 1,
        "failureThreshold": 120,
    }
    container.volume_mounts = [*(container.volume_mounts or []), {"name": "rc2-run", "mountPath": RUN_DIR}]
    memory = {"name": "rc2-run", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}}
    pod.spec.volumes = [*(pod.spec.volumes or []), memory]
    pod.spec.share_process_namespace = True  # the pod's first process then reaps the processes that R leaves
    return pod


class PodStandby(Standby):
    """One pod that can be claimed, with the control stream to it; KubeSpawner tells the URL of the claimed pod."""

    def __init__(self, api: StandbyApi, name: str, stream: Stream) -> None:
        """Take the pod's name and the stream; use `connect`."""
        self.name, self.stream = name, stream
        self._api = api
        self.pod: Pod = {}

    @classmethod
    async def connect(cls, api: StandbyApi, name: str, within: float = CONNECT_TIMEOUT) -> "PodStandby":
        """Open the control stream to a pod.

        Args:
            api: calls the API server.
            name: the pod.
            within: seconds for its first answer; a pod that has just started needs more than a standby.

        Raises:
            StandbyError: if it is gone, does not answer in time, or is already activated.
        """
        stream = Stream(await open_exec(api.namespace, name, CONTAINER, CONNECT))
        try:
            async with asyncio.timeout(within):
                await stream.receive()
        except BaseException as error:
            await stream.close()
            if isinstance(error, TimeoutError):
                raise StandbyError(UNREACHABLE) from error
            raise
        return cls(api, name, stream)

    async def discard(self) -> None:
        """Delete the pod; if that fails, the sweeper does."""
        await self.stream.close()
        try:
            await self._api.delete(self.name)
        except StandbyError as error:
            log.warning("The pod %s could not be deleted: %s", self.name, error)
