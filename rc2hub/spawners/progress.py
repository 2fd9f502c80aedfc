"""What Kubernetes says of a pod that starts, in words for the person who waits for it."""

from collections.abc import Mapping
from typing import Any

WORDS = {
    "Scheduled": "Found a place",
    "FailedScheduling": "There is no room yet",
    "TriggeredScaleUp": "A further machine is being started for you",
    "Pulling": "Fetching the software; the first time on a machine this takes minutes",
    "Started": "Starting R",
    "FailedMount": "A volume cannot be attached yet",
    "FailedAttachVolume": "A volume cannot be attached yet",
    "FailedBinding": "A volume cannot be provided yet",
    "Failed": "R's container could not be started",
    "BackOff": "R's container could not be started",
}
REPEATED = ("Error: ", "Back-off ")
TROUBLE = frozenset(WORDS) - {"Scheduled", "TriggeredScaleUp", "Pulling", "Started"}


def in_words(event: Mapping[str, Any]) -> str:
    """One sentence of what happened; empty for what says nothing to a person."""
    return WORDS.get(event["reason"], "")


def trouble(events: list[Mapping[str, Any]]) -> str:
    """Why a pod did not start, as far as its events tell; Kubernetes' own sentence is for the operator who is asked."""
    found = [event for event in events if event["reason"] in TROUBLE]
    if not found:
        return "It took too long"
    # of a missing image, Kubernetes first says what is wrong, and then only that it tries again
    last = next((event for event in reversed(found) if not event["message"].startswith(REPEATED)), found[-1])
    return f"{in_words(last)} ({last['message'].strip().rstrip('.')})"
