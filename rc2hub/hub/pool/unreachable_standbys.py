"""The standbys of one profile that are ready and cannot be reached: no claim waits for them, and they are replaced.

Kubernetes calls a pod ready while its node reports it. An exec goes another way, through the API server to the kubelet, and
may fail for one node only. While the API server itself is away, no standby is called unreachable.
"""

import logging
import time

from rc2hub.errors import StandbyError
from rc2hub.hub.pool.deployment import POOL
from rc2hub.kubernetes import Pod, StandbyApi, exec_failure
from rc2hub.kubernetes.pod_status import is_ready

log = logging.getLogger("JupyterHub")

REPLACE_AFTER, MAX_REPLACE_AFTER = 15.0, 300.0
"""Seconds for which a standby is out of reach until its pod is deleted. They double with each pod of the same node, because
its replacement may come to the same node."""


class UnreachableStandbys:
    """Knows the standbys that cannot be reached, and deletes their pods after a while."""

    def __init__(self, api: StandbyApi) -> None:
        """Start without one."""
        self._api = api
        self._since: dict[str, float] = {}
        self._replace_after: dict[str, float] = {}
        """By node."""
        self.message = ""
        """What is wrong with one of them; empty if all can be reached."""

    def __contains__(self, name: str) -> bool:
        """Whether this standby is one."""
        return name in self._since

    async def record_failure(self, name: str, error: StandbyError) -> None:
        """Note that a stream to a ready standby could not be opened; a standby that is out of reach for long is deleted."""
        try:
            pod = await self._api.pod(name)
            if pod is None or not is_ready(pod) or POOL not in pod["metadata"]["labels"]:
                self.forget(name)
                return
            if name not in self._since:
                self._since[name] = time.monotonic()
                self.message = f"A standby on the node {_node(pod)} cannot be reached: {exec_failure(error)}"
                log.warning("The standby %s on the node %s cannot be reached: %s", name, _node(pod), exec_failure(error))
            replace_after = self._replace_after.get(_node(pod), REPLACE_AFTER)
            if time.monotonic() >= self._since[name] + replace_after:
                log.error("The standby %s has been out of reach for %.0f s; it is replaced.", name, replace_after)
                await self._api.delete(name)
                self._replace_after[_node(pod)] = min(2 * replace_after, MAX_REPLACE_AFTER)
        except StandbyError as away:
            log.info("The standby %s cannot be checked: %s", name, away)
            self.forget(name)

    def record_success(self, pod: Pod) -> None:
        """Note that a stream to a standby is open, so exec works on its node."""
        self._replace_after.pop(_node(pod), None)
        self.forget(pod["metadata"]["name"])

    def forget(self, name: str) -> None:
        """Note that a standby can be reached, or is gone."""
        self._since.pop(name, None)
        if not self._since:
            self.message = ""


def _node(pod: Pod) -> str:
    return str(pod["spec"].get("nodeName", ""))
