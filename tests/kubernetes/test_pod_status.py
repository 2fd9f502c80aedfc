"""The status of pods that end, wait, or are on a node that does not answer."""

from typing import Any

import pytest

from rc2hub.errors import ServiceUnavailableError
from rc2hub.kubernetes.pod_status import (
    allocated_requests,
    end_reason,
    has_ended,
    is_given_up,
    is_node_unreachable,
    is_running,
    last_exit_code,
    restart_count,
    start_delay,
    startup_problem,
)


def pod_with(state: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "spark-alice"}, "status": {"containerStatuses": [{"state": state or {}}], **status}}


READY, NOT_READY = {"type": "Ready", "status": "True"}, {"type": "Ready", "status": "False"}
SLOW = {**NOT_READY, "reason": "ContainersNotReady"}
EVICTED = {"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager"}
PREEMPTED = {**EVICTED, "reason": "PreemptionByScheduler"}
LONG_AGO = "2026-01-01T11:00:00Z"


@pytest.mark.parametrize(
    ("conditions", "deleted_at", "given_up"),
    [
        ([NOT_READY, EVICTED], LONG_AGO, True),
        ([NOT_READY], LONG_AGO, False),
        ([SLOW, EVICTED], LONG_AGO, False),
        ([SLOW], LONG_AGO, False),
        ([READY], LONG_AGO, False),
        ([NOT_READY, PREEMPTED], LONG_AGO, False),
        ([NOT_READY, EVICTED], None, False),
    ],
    ids=["evicted", "not yet evicted", "slow eviction", "slow volume", "clock of the hub", "preempted", "not deleted"],
)
def test_a_pod_is_given_up_only_when_kubernetes_has_evicted_it_from_a_node_that_does_not_answer(
    conditions: list[dict[str, Any]], deleted_at: str | None, given_up: bool
) -> None:
    metadata = {"deletionTimestamp": deleted_at} if deleted_at else {}
    assert is_given_up({"metadata": metadata, "status": {"conditions": conditions}}) is given_up


@pytest.mark.parametrize(
    ("condition", "is_unreachable"),
    [
        ({"type": "Ready", "status": "True"}, False),
        ({"type": "Ready", "status": "False", "reason": "ContainersNotReady"}, False),
        ({"type": "Ready", "status": "False", "reason": "PodCompleted"}, False),
        ({"type": "Ready", "status": "False"}, True),
        ({"type": "PodScheduled", "status": "False"}, False),
    ],
)
def test_a_node_is_unreachable_when_its_pod_is_not_ready_without_a_reason(
    condition: dict[str, Any], is_unreachable: bool
) -> None:
    assert is_node_unreachable({"metadata": {}, "status": {"conditions": [condition]}}) is is_unreachable


@pytest.mark.parametrize(("phase", "ended"), [("Pending", False), ("Running", False), ("Failed", True), ("Succeeded", True)])
def test_a_pod_that_failed_or_succeeded_has_ended(phase: str, ended: bool) -> None:
    assert has_ended({"metadata": {}, "status": {"phase": phase}}) is ended


@pytest.mark.parametrize(
    ("pod", "problem"),
    [
        (pod_with(conditions=[{"type": "PodScheduled", "reason": "Unschedulable", "message": "no nodes"}]), "no nodes"),
        (pod_with({"waiting": {"reason": "ErrImagePull", "message": "not found"}}), "ErrImagePull: not found"),
        (pod_with({"waiting": {"reason": "ContainerCreating"}}), ""),
        (pod_with(initContainerStatuses=[{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]), "CrashLoopBackOff: "),
        ({"metadata": {}}, ""),
    ],
    ids=["no room", "no image", "waits", "init container", "new"],
)
def test_the_reason_why_a_pod_does_not_start_is_given(pod: dict[str, Any], problem: str) -> None:
    assert startup_problem(pod) == problem


def test_a_containers_resources_restarts_and_exit_code_are_read() -> None:
    statuses = [
        {"name": "other", "restartCount": 7},
        {
            "name": "notebook",
            "restartCount": 1,
            "lastState": {"terminated": {"exitCode": 137}},
            "resources": {"requests": {"cpu": "1"}},
        },
    ]
    pod = {"metadata": {}, "status": {"containerStatuses": statuses}}
    assert restart_count(pod, "notebook") == 1
    assert last_exit_code(pod, "notebook") == 137
    assert allocated_requests(pod, "notebook") == {"cpu": "1"}


def test_unknown_resources_restarts_and_exit_codes_have_defaults() -> None:
    new = {"metadata": {}}
    assert (restart_count(new, "notebook"), last_exit_code(new, "notebook")) == (0, 1)
    assert allocated_requests(new, "notebook") == {}


@pytest.mark.parametrize(
    ("pod", "reason"),
    [
        (None, "its pod was removed"),
        (pod_with({"terminated": {"reason": "OOMKilled"}}, phase="Failed"), "its memory was not enough"),
        (pod_with({"terminated": {"reason": "Error"}}, phase="Failed"), "its pod ended (Error)"),
        (pod_with(phase="Failed", reason="Evicted"), "its pod ended (Evicted)"),
        (pod_with({"running": {}}, conditions=[{"type": "Ready", "status": "False"}]), "its node does not answer"),
        (pod_with({"running": {}}, conditions=[{"type": "Ready", "status": "True"}]), ""),
        (pod_with({"waiting": {"reason": "ContainerCreating"}}, phase="Pending"), ""),
    ],
    ids=["removed", "memory", "error", "evicted", "node", "runs", "waits"],
)
def test_the_reason_of_an_end_is_given(pod: dict[str, Any] | None, reason: str):
    assert end_reason(pod) == reason


def test_a_container_that_waits_for_a_missing_image_never_runs():
    pod = pod_with({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image x"}}, phase="Pending")
    with pytest.raises(ServiceUnavailableError, match=r"its software is missing \(Back-off pulling image x\)"):
        is_running(pod)


def test_the_reason_of_a_delayed_start_is_given():
    condition = {"type": "PodScheduled", "status": "False", "message": "0/2 nodes are available"}
    assert start_delay(pod_with(conditions=[condition])) == "no node has room for it (0/2 nodes are available)"
    assert start_delay(None) == ""
