"""What a pod's description says: whether its container runs, why it does not, why it ended. And handing a pod its secret."""

from typing import Any

from rc2hub.cluster import Pod, Pods, open_exec
from rc2hub.errors import ServiceUnavailableError, StandbyError
from rc2hub.gateways.pod_specs import CONTAINER

HOPELESS = {
    **dict.fromkeys(("ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"), "its software is missing"),
    **dict.fromkeys(("CreateContainerConfigError", "CreateContainerError", "RunContainerError"), "its pod cannot be made"),
}
"""Reasons of a container that waits, for which waiting is no use."""
ENDED = frozenset({"Succeeded", "Failed"})
TAKE_SECRET = ["entrypoint", "take-secret"]


async def hand_over(pods: Pods, name: str, secret: str) -> None:
    """Give a pod its secret, as soon as its container runs; giving it again changes nothing.

    Over an exec stream it leaves no trace, in the pod's description or anywhere else in Kubernetes.

    Raises:
        ServiceUnavailableError: if the container does not come to run, or does not take it.
    """
    await pods.until(name, runs)
    try:
        stream = await open_exec(pods.namespace, name, CONTAINER, TAKE_SECRET)
        try:
            await stream.write(f"{secret}\n".encode())
            taken = await stream.readline()
        finally:
            await stream.close()
    except (StandbyError, OSError) as error:
        raise ServiceUnavailableError("its pod cannot be reached") from error
    if taken != b"taken\n":
        raise ServiceUnavailableError("its pod did not take its secret")


def runs(pod: Pod | None) -> bool:
    """Whether its container runs.

    Raises:
        ServiceUnavailableError: if it never will.
    """
    if why := end(pod):
        raise ServiceUnavailableError(why)
    state = container_state(pod)
    reason = state.get("waiting", {}).get("reason", "")
    if reason in HOPELESS:
        raise ServiceUnavailableError(f"{HOPELESS[reason]} ({state['waiting'].get('message', reason)})")
    return "running" in state


def end(pod: Pod | None) -> str:
    """Why it has ended, or is as good as ended; empty if it has not."""
    if pod is None or "deletionTimestamp" in pod["metadata"]:
        return "its pod was removed"
    terminated = container_state(pod).get("terminated")
    if pod.get("status", {}).get("phase") in ENDED or terminated:
        reason = pod["status"].get("reason") or (terminated or {}).get("reason", "")
        return "its memory was not enough" if reason == "OOMKilled" else f"its pod ended ({reason or 'without a reason'})"
    # without a probe, a container that runs is ready, until Kubernetes hears nothing of its machine any more
    lost = "running" in container_state(pod) and any(
        condition["type"] == "Ready" and condition["status"] != "True" and not condition.get("reason")
        for condition in pod["status"].get("conditions", ())
    )
    return "its machine is gone" if lost else ""


def delay(pod: Pod | None) -> str:
    """Why it does not run yet, as far as Kubernetes says; empty if it says nothing."""
    for condition in (pod or {}).get("status", {}).get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return f"there is no room for it ({condition.get('message', condition.get('reason', ''))})"
    waiting = container_state(pod).get("waiting", {})
    return str(waiting.get("message", ""))


def address(pod: Pod | None) -> str:
    """Where it is reached; empty if that is not known yet.

    Raises:
        ServiceUnavailableError: if it has ended.
    """
    if why := end(pod):
        raise ServiceUnavailableError(why)
    return str((pod or {}).get("status", {}).get("podIP", ""))


def container_state(pod: Pod | None) -> dict[str, Any]:
    """The state of its only container, in Kubernetes' words."""
    statuses = (pod or {}).get("status", {}).get("containerStatuses") or [{}]
    found: dict[str, Any] = statuses[0].get("state", {})
    return found
