"""What a user sees of Kubernetes' events."""

from typing import Any

import pytest

from rc2hub.hub.spawners.progress import describe_event, failure_reason


def event(reason: str, message: str = "") -> dict[str, Any]:
    return {"reason": reason, "message": message}


@pytest.mark.parametrize(
    ("reason", "description"),
    [("Scheduled", "A node has been found"), ("Started", "Starting R"), ("FailedScheduling", "There is no room yet")],
)
def test_an_event_is_described_in_a_sentence(reason: str, description: str) -> None:
    assert describe_event(event(reason)) == description


def test_an_event_that_tells_the_user_nothing_has_no_description() -> None:
    assert not describe_event(event("Created"))


def test_the_last_failure_is_the_reason() -> None:
    events = [event("FailedScheduling", "0/2 nodes are available."), event("Scheduled"), event("Failed", "no such image")]
    assert failure_reason(events) == "R's container could not be started (no such image)"


def test_the_problem_of_an_image_is_the_reason_and_not_that_kubernetes_tries_again() -> None:
    events = [event("Failed", "no such image"), event("Failed", "Error: ErrImagePull"), event("BackOff", "Back-off pulling")]
    assert failure_reason(events) == "R's container could not be started (no such image)"


def test_without_a_failure_it_took_too_long() -> None:
    assert failure_reason([event("Scheduled")]) == "It took too long"
