"""What a person reads of what Kubernetes does."""

from typing import Any

import pytest

from rc2hub.spawners.progress import in_words, trouble


def event(reason: str, message: str = "") -> dict[str, Any]:
    return {"reason": reason, "message": message}


@pytest.mark.parametrize(
    ("reason", "words"),
    [("Scheduled", "Found a place"), ("Started", "Starting R"), ("FailedScheduling", "There is no room yet")],
)
def test_an_event_is_told_in_words(reason: str, words: str) -> None:
    assert in_words(event(reason)) == words


def test_what_says_nothing_to_a_person_is_not_told() -> None:
    assert not in_words(event("Created"))


def test_the_last_trouble_is_the_reason() -> None:
    events = [event("FailedScheduling", "0/2 nodes are available."), event("Scheduled"), event("Failed", "no such image")]
    assert trouble(events) == "R's container could not be started (no such image)"


def test_what_is_wrong_with_an_image_counts_more_than_that_it_is_tried_again() -> None:
    events = [event("Failed", "no such image"), event("Failed", "Error: ErrImagePull"), event("BackOff", "Back-off pulling")]
    assert trouble(events) == "R's container could not be started (no such image)"


def test_without_any_trouble_it_took_too_long() -> None:
    assert trouble([event("Scheduled")]) == "It took too long"
