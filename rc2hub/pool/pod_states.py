"""What a pod's status says, as far as a pool needs to know it."""

from collections.abc import Iterable

from rc2hub.cluster import Pod
from rc2hub.pool.deployment import CONTAINER, POOL, STANDBY, STATE, container

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
    """Those of these pods that are nobody's, of one profile."""
    labels = {POOL: profile, STATE: STANDBY}
    return [pod for pod in pods if labels.items() <= pod["metadata"]["labels"].items() and not is_going(pod)]


def is_going(pod: Pod) -> bool:
    """Whether it is being deleted."""
    return "deletionTimestamp" in pod["metadata"]


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


def has_grown(pod: Pod, wanted: Pod) -> bool:
    """Whether its compute server has the requests that are wanted of it."""
    requests = container(wanted["spec"])["resources"].get("requests")
    given = [each for each in pod["status"].get("containerStatuses", []) if each["name"] == CONTAINER]
    return any(each.get("resources", {}).get("requests") == requests for each in given)


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
