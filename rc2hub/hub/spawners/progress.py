"""What Kubernetes' events about a pod that starts mean for the user who waits for it."""

from collections.abc import Mapping
from typing import Any

DESCRIPTIONS = {
    "Scheduled": "A node has been found",
    "FailedScheduling": "There is no room yet",
    "TriggeredScaleUp": "A further node is being started for you",
    "Pulling": "Fetching the software; the first time on a node this takes minutes",
    "Started": "Starting R",
    "FailedMount": "A volume cannot be attached yet",
    "FailedAttachVolume": "A volume cannot be attached yet",
    "FailedBinding": "A volume cannot be provided yet",
    "Failed": "R's container could not be started",
    "BackOff": "R's container could not be started",
}
RETRIES = ("Error: ", "Back-off ")
FAILURES = frozenset(DESCRIPTIONS) - {"Scheduled", "TriggeredScaleUp", "Pulling", "Started"}


def describe_event(event: Mapping[str, Any]) -> str:
    """One sentence about the event; empty for an event that tells the user nothing."""
    return DESCRIPTIONS.get(event["reason"], "")


def failure_reason(events: list[Mapping[str, Any]]) -> str:
    """Why a pod did not start, as far as its events tell; Kubernetes' message is added for the operator."""
    failures = [event for event in events if event["reason"] in FAILURES]
    if not failures:
        return "It took too long"
    # for a missing image, Kubernetes first reports what is wrong, and then only that it tries again
    last = next((event for event in reversed(failures) if not event["message"].startswith(RETRIES)), failures[-1])
    return f"{describe_event(last)} ({last['message'].strip().rstrip('.')})"
