"""A Connect server as a pod. The API server decides which gateway may give a standby its user."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways.connect_server import POLL_INTERVAL, ConnectServer
from rc2hub.gateways.executors import Executors
from rc2hub.gateways.pod_specs import CONNECT_PORT, KEY, SERVICE_ACCOUNT, SparkPodSettings, claim_patch, driver_pod
from rc2hub.gateways.secret_transfer import run_in_pod, send_secret
from rc2hub.kubernetes import Pod, PodWatch
from rc2hub.kubernetes.pod_status import end_reason, is_running, pod_ip

CALL_TIMEOUT = 30.0
"""Seconds for the server's program to answer, on a busy node."""


class ConnectPod(ConnectServer):
    """A Java with a Connect server, and its program, in a pod. Without annotations of a `user` it is a standby."""

    def __init__(
        self,
        settings: SparkPodSettings,
        pods: PodWatch,
        forget: Callable[[str], bool],
        name: str,
        secret: str,
        user: Mapping[str, str],
    ) -> None:
        """Take the pod's name; `forget` is called with it at the end, and tells whether the pod is to be deleted then."""
        super().__init__(secret)
        self.name, self.port = name, CONNECT_PORT
        self._settings, self._pods, self._forget, self._user = settings, pods, forget, user
        self.executors = Executors(settings, pods, name, secret)

    async def _start(self) -> None:
        if self._pods.get(self.name) is None:  # else an earlier gateway has created it
            service_account_uid = await self._pods.service_account_uid(SERVICE_ACCOUNT)
            await self._pods.create(driver_pod(self._settings, self.name, service_account_uid, self._user))
        await send_secret(self._pods, self.name, self.secret)
        self.host = await self._pods.until(self.name, pod_ip)
        while not await self.is_reachable():
            self.check()
            await asyncio.sleep(POLL_INTERVAL)

    async def claim(self, user: Mapping[str, str]) -> Pod:
        """Take the pod for the user with these annotations, unless it is the user's; of several gateways one succeeds.

        Raises:
            ServiceUnavailableError: if the pod is taken, or the API server does not answer.
        """
        pod = self._pods.get(self.name)
        if pod is not None and pod["metadata"]["annotations"].get(KEY) == user[KEY]:
            return pod
        return await self._pods.patch(self.name, claim_patch(user))

    def check(self) -> None:
        """Check that the pod's container has not ended."""
        is_running(self._pods.get(self.name))

    async def wait_ended(self) -> str:
        """Wait until the pod has ended, and remove what it left."""
        reason = await self._pods.until(self.name, end_reason)
        await self.stop()
        return reason

    async def _call(self, name: str, **arguments: Any) -> None:
        line = json.dumps({"call": name, **arguments})
        await run_in_pod(self._pods, self.name, ["call", name], line, name, CALL_TIMEOUT)

    async def _run_first_queries(self, url: str) -> None:
        await run_in_pod(self._pods, self.name, ["warm-up"], url, "warm", None)

    async def _stop(self) -> None:
        """Delete the pod and its executors; a pod that cannot be deleted now is deleted by a later sweep."""
        if self._forget(self.name):
            with contextlib.suppress(ServiceUnavailableError):
                await self.executors.stop()
                await self._pods.delete(self.name)
