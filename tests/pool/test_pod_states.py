"""What Kubernetes says of pods whose machine is gone."""

from datetime import UTC, datetime
from typing import Any

import pytest

from rc2hub.pool.deployment import POOL
from rc2hub.pool.pod_states import is_cut_off, is_overdue, standbys_of

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("metadata", "overdue"),
    [
        ({}, False),
        ({"deletionTimestamp": "2026-01-01T12:00:01Z"}, False),
        ({"deletionTimestamp": "2026-01-01T11:59:51Z"}, False),
        ({"deletionTimestamp": "2026-01-01T11:59:49Z"}, True),
    ],
)
def test_a_pod_is_overdue_some_seconds_after_it_should_have_ended(metadata: dict[str, str], overdue: bool) -> None:
    assert is_overdue({"metadata": metadata}, NOON) is overdue


@pytest.mark.parametrize(
    ("condition", "cut_off"),
    [
        ({"type": "Ready", "status": "True"}, False),
        ({"type": "Ready", "status": "False", "reason": "ContainersNotReady"}, False),
        ({"type": "Ready", "status": "False", "reason": "PodCompleted"}, False),
        ({"type": "Ready", "status": "False"}, True),
        ({"type": "PodScheduled", "status": "False"}, False),
    ],
)
def test_a_pod_is_cut_off_when_it_is_not_ready_and_no_container_is_the_reason(
    condition: dict[str, Any], cut_off: bool
) -> None:
    assert is_cut_off({"metadata": {}, "status": {"conditions": [condition]}}) is cut_off


@pytest.mark.parametrize(
    ("phase", "counts"), [("Pending", True), ("Running", True), ("Failed", False), ("Succeeded", False)]
)
def test_a_standby_that_its_machine_has_ended_counts_no_more(phase: str, counts: bool) -> None:
    evicted = {"metadata": {"labels": {POOL: "r"}}, "status": {"phase": phase}}
    assert (standbys_of([evicted], "r") == [evicted]) is counts
