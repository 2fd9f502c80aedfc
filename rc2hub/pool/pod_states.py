"""What a pod's status says, as far as a pool needs to know it."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from rc2hub.cluster import Pod
from rc2hub.pool.deployment import CONTAINER, POOL

LATE = timedelta(seconds=10)
"""After a pod should have ended."""
TROUBLE = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    }
)
"""What a container waits for that seldom goes away by itself."""


def standbys_of(pods: Iterable[Pod], profile: str) -> list[Pod]:
    """Those of these pods that are nobody's, of one profile, and are or will be ready."""
    own = (pod for pod in pods if pod["metadata"]["labels"].get(POOL) == profile)
    return [pod for pod in own if not is_going(pod) and not has_ended(pod)]


def is_going(pod: Pod) -> bool:
    """Whether it is being deleted."""
    return "deletionTimestamp" in pod["metadata"]


def has_ended(pod: Pod) -> bool:
    """Whether its machine has ended it for good, as it does when it runs short of something; Kubernetes keeps such pods."""
    return pod.get("status", {}).get("phase") in ("Failed", "Succeeded")


def is_overdue(pod: Pod, now: datetime) -> bool:
    """Whether it should have ended a while ago, and its machine does not say that it has."""
    return is_going(pod) and datetime.fromisoformat(pod["metadata"]["deletionTimestamp"]) + LATE < now


def is_cut_off(pod: Pod) -> bool:
    """Whether Kubernetes hears nothing of its machine any more; a container that is not ready has a reason."""
    conditions = pod.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] != "True" and not each.get("reason") for each in conditions)


def why_lost(pod: Pod) -> str:
    """Why a standby will never be somebody's, though Kubernetes would keep it; empty if it may be."""
    if has_ended(pod):
        return "has ended"
    return "its machine is silent" if is_cut_off(pod) else ""


def is_ready(pod: Pod) -> bool:
    """Whether it could be somebody's."""
    conditions = pod.get("status", {}).get("conditions", [])
    return not is_going(pod) and any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)


def trouble(pod: Pod) -> str:
    """Why it will not be ready soon, in Kubernetes' words: no machine has room for it, or its container does not start."""
    status = pod.get("status", {})
    for condition in status.get("conditions", []):
        if condition.get("reason") == "Unschedulable":
            return str(condition.get("message", "Unschedulable"))
    for each in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        waiting = each.get("state", {}).get("waiting", {})
        if waiting.get("reason") in TROUBLE:
            return f"{waiting['reason']}: {waiting.get('message', '')}"
    return ""


def no_room(pod: Pod) -> str:
    """Why its machine does not give it the resources it asked for while it ran, in Kubernetes' words; empty if it does."""
    pending = [each for each in pod["status"].get("conditions", []) if each["type"] == "PodResizePending"]
    return str(pending[0].get("message", pending[0].get("reason"))) if pending else ""


def given(pod: Pod) -> Mapping[str, str]:
    """What its compute server may count on, as its machine says."""
    containers = [each for each in pod["status"].get("containerStatuses", []) if each["name"] == CONTAINER]
    return next((each.get("resources", {}).get("requests", {}) for each in containers), {})


def restarts(pod: Pod) -> int:
    """How often Kubernetes has started its compute server again."""
    containers = pod.get("status", {}).get("containerStatuses", [])
    return next((int(each["restartCount"]) for each in containers if each["name"] == CONTAINER), 0)


def exit_code(pod: Pod) -> int:
    """How its compute server ended before it was started again; 1 if that is not known."""
    for each in pod["status"].get("containerStatuses", []):
        if each["name"] == CONTAINER and "terminated" in each.get("lastState", {}):
            return int(each["lastState"]["terminated"]["exitCode"])
    return 1
