"""Reads the status of a pod, for the hub's pool and for the gateways. Nothing here calls the Kubernetes API.

A function that takes `Pod | None` reads None as a pod that was removed or is not known yet. The pods of gateways have one
container; the functions that take no container name read the first one.
"""

from collections.abc import Mapping
from typing import Any

from rc2hub.errors import ServiceUnavailableError
from rc2hub.kubernetes.pod_watch import Pod

EVICTION = ("DisruptionTarget", "True", "DeletionByTaintManager")
"""Type, status and reason of the condition of a pod that Kubernetes evicts from its node, such as one that has not answered
for longer than the pod tolerates (`tolerationSeconds`, 300 s by default)."""
NO_IMAGE, NO_CONTAINER, CRASHES = "its software is missing", "its pod cannot be made", "its container ends again and again"
STARTUP_PROBLEMS = {
    **dict.fromkeys(("ErrImageNeverPull", "ErrImagePull", "ImagePullBackOff", "InvalidImageName"), NO_IMAGE),
    **dict.fromkeys(("CreateContainerConfigError", "CreateContainerError", "RunContainerError"), NO_CONTAINER),
    "CrashLoopBackOff": CRASHES,
}
"""Reasons of a waiting container for which more waiting seldom helps, each with its meaning."""


def is_terminating(pod: Pod) -> bool:
    """Whether the pod is being deleted."""
    return "deletionTimestamp" in pod["metadata"]


def has_ended(pod: Pod) -> bool:
    """Whether the pod has ended for good, for example because its node evicted it; Kubernetes keeps such pods."""
    return pod.get("status", {}).get("phase") in ("Failed", "Succeeded")


def is_given_up(pod: Pod) -> bool:
    """Whether Kubernetes has evicted the pod from a node that does not answer, and waits for this node to report its end.

    The status tells it, by the clock of the cluster. A pod that ends slowly on a node that answers is not given up.
    """
    is_evicted = any((each["type"], each["status"], each.get("reason")) == EVICTION for each in _conditions(pod))
    return is_terminating(pod) and is_evicted and is_node_unreachable(pod)


def is_node_unreachable(pod: Pod) -> bool:
    """Whether Kubernetes no longer hears from the pod's node: only then is a pod not ready without a reason."""
    return any(each["type"] == "Ready" and each["status"] != "True" and not each.get("reason") for each in _conditions(pod))


def is_ready(pod: Pod) -> bool:
    """Whether the pod is ready and is not being deleted."""
    return not is_terminating(pod) and any((each["type"], each["status"]) == ("Ready", "True") for each in _conditions(pod))


def lost_reason(pod: Pod) -> str:
    """Why a standby will never be ready again although Kubernetes keeps its pod; empty if it may be."""
    if has_ended(pod):
        return "has ended"
    return "its node does not answer" if is_node_unreachable(pod) else ""


def startup_problem(pod: Pod) -> str:
    """Kubernetes' message about why the pod will not be ready soon; empty if it may be.

    Either no node has room for it, or one of its containers does not start.
    """
    for condition in _conditions(pod):
        if condition.get("reason") == "Unschedulable":
            return str(condition.get("message", "Unschedulable"))
    status = pod.get("status", {})
    for each in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        waiting = each.get("state", {}).get("waiting", {})
        if waiting.get("reason") in STARTUP_PROBLEMS:
            return f"{waiting['reason']}: {waiting.get('message', '')}"
    return ""


def resize_problem(pod: Pod) -> str:
    """Kubernetes' message about why the node cannot give the running pod the resources it requests; empty if it can."""
    pending = [each for each in _conditions(pod) if each["type"] == "PodResizePending"]
    return str(pending[0].get("message", pending[0].get("reason"))) if pending else ""


def allocated_requests(pod: Pod, container: str) -> Mapping[str, str]:
    """The resource requests that the node has allocated to a container; empty if it has not reported them."""
    found: Mapping[str, str] = _container_status(pod, container).get("resources", {}).get("requests", {})
    return found


def restart_count(pod: Pod, container: str) -> int:
    """How often Kubernetes has restarted a container."""
    return int(_container_status(pod, container).get("restartCount", 0))


def last_exit_code(pod: Pod, container: str) -> int:
    """The exit code of a container before its last restart; 1 if it is not known."""
    terminated = _container_status(pod, container).get("lastState", {}).get("terminated")
    return int(terminated["exitCode"]) if terminated is not None else 1


def container_state(pod: Pod | None) -> dict[str, Any]:
    """The state of the pod's first container, as the Kubernetes API describes it; empty if it is not known."""
    statuses = (pod or {}).get("status", {}).get("containerStatuses") or [{}]
    found: dict[str, Any] = statuses[0].get("state", {})
    return found


def end_reason(pod: Pod | None) -> str:
    """Why the pod has ended or does not answer any more; empty if it has not ended."""
    if pod is None or is_terminating(pod):
        return "its pod was removed"
    terminated = container_state(pod).get("terminated")
    if has_ended(pod) or terminated:
        reason = pod["status"].get("reason") or (terminated or {}).get("reason", "")
        return "its memory was not enough" if reason == "OOMKilled" else f"its pod ended ({reason or 'without a reason'})"
    # a container without a probe is ready while it runs, until its node does not answer any more
    return "its node does not answer" if "running" in container_state(pod) and is_node_unreachable(pod) else ""


def start_delay(pod: Pod | None) -> str:
    """Why the pod does not run yet, as far as Kubernetes reports it; empty if it reports nothing."""
    for condition in _conditions(pod):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return f"no node has room for it ({condition.get('message', condition.get('reason', ''))})"
    return str(container_state(pod).get("waiting", {}).get("message", ""))


def is_running(pod: Pod | None) -> bool:
    """Whether the pod's container runs.

    Raises:
        ServiceUnavailableError: with the reason, if it has ended or will never run.
    """
    _check_not_ended(pod)
    state = container_state(pod)
    reason = state.get("waiting", {}).get("reason", "")
    if reason in STARTUP_PROBLEMS:
        raise ServiceUnavailableError(f"{STARTUP_PROBLEMS[reason]} ({state['waiting'].get('message', reason)})")
    return "running" in state


def pod_ip(pod: Pod | None) -> str:
    """The pod's IP address; empty if it is not known yet.

    Raises:
        ServiceUnavailableError: with the reason, if the pod has ended.
    """
    _check_not_ended(pod)
    return str((pod or {}).get("status", {}).get("podIP", ""))


def _check_not_ended(pod: Pod | None) -> None:
    if reason := end_reason(pod):
        raise ServiceUnavailableError(reason)


def _conditions(pod: Pod | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (pod or {}).get("status", {}).get("conditions", [])
    return found


def _container_status(pod: Pod, container: str) -> dict[str, Any]:
    statuses = pod.get("status", {}).get("containerStatuses", [])
    return next((each for each in statuses if each["name"] == container), {})
