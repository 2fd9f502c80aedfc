"""What a pod's status says, as far as a pool needs to know it."""

from rc2hub.cluster import Pod
from rc2hub.pool.deployment import CONTAINER, container

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


def is_going(pod: Pod) -> bool:
    """Whether it is being deleted."""
    return "deletionTimestamp" in pod["metadata"]


def is_ready(pod: Pod) -> bool:
    """Whether it could be somebody's."""
    conditions = pod.get("status", {}).get("conditions", [])
    return not is_going(pod) and any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)


def has_trouble(pod: Pod) -> bool:
    """Whether it will not be ready soon: no machine has room for it, or its container does not start."""
    status = pod.get("status", {})
    if any(each.get("reason") == "Unschedulable" for each in status.get("conditions", [])):
        return True
    containers = [*status.get("containerStatuses", []), *status.get("initContainerStatuses", [])]
    return any(each.get("state", {}).get("waiting", {}).get("reason") in TROUBLE for each in containers)


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
