"""The pool's metrics, and the log line of each claim."""

import logging
import time

import pytest
from prometheus_client import REGISTRY, generate_latest

from rc2hub.hub import metrics


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def test_gauges_of_a_pool_are_read_at_each_scrape():
    ready = [1, 2]
    metrics.register_pool("watched", desired=lambda: 5, ready=lambda: len(ready), starting=lambda: 1, broken=lambda: 0)
    assert value("rc2_pool_desired_standbys", profile="watched") == 5
    assert value("rc2_pool_standbys", profile="watched", state="ready") == 2
    ready.clear()
    assert value("rc2_pool_standbys", profile="watched", state="ready") == 0
    assert value("rc2_pool_standbys", profile="watched", state="starting") == 1
    assert value("rc2_pool_standbys", profile="watched", state="broken") == 0


def test_every_counter_starts_at_zero_so_that_increase_sees_the_first_event():
    metrics.register_pool("fresh", desired=lambda: 0, ready=lambda: 0, starting=lambda: 0, broken=lambda: 0)
    assert value("rc2_pool_claims_total", profile="fresh", result="warm", reason="") == 0
    assert value("rc2_pool_claims_total", profile="fresh", result="waited", reason="") == 0
    assert value("rc2_pool_claims_total", profile="fresh", result="failed", reason="") == 0
    for reason in ("no_pool", "template_differs", "pool_empty"):
        assert value("rc2_pool_claims_total", profile="fresh", result="cold", reason=reason) == 0
    assert value("rc2_pool_refill_duration_seconds_count", profile="fresh") == 0
    assert value("rc2_spawn_duration_seconds_count", profile="fresh") == 0


@pytest.mark.parametrize(
    ("result", "reason", "says"),
    [
        (metrics.WARM, "", "profile=lab standby=one result=warm reason=- seconds=0.0"),
        (metrics.COLD, metrics.TEMPLATE_DIFFERS, "profile=lab standby=one result=cold reason=template_differs seconds=0.0"),
    ],
)
def test_a_claim_is_counted_timed_and_logged_by_one_call(
    result: str, reason: str, says: str, caplog: pytest.LogCaptureFixture
):
    before = value("rc2_pool_claims_total", profile="lab", result=result, reason=reason) or 0
    with caplog.at_level(logging.INFO, "JupyterHub"):
        metrics.record_claim("lab", "one", time.monotonic(), result, reason)
    assert value("rc2_pool_claims_total", profile="lab", result=result, reason=reason) == before + 1
    assert value("rc2_pool_claim_duration_seconds_count", profile="lab", result=result) >= 1
    assert says in caplog.text
    assert "claim " in caplog.text


def test_every_metric_has_a_help_text():
    ours = [line for line in generate_latest().decode().splitlines() if line.startswith("# HELP rc2_")]
    names = {line.split()[2] for line in ours}
    assert {
        "rc2_pool_desired_standbys",
        "rc2_pool_standbys",
        "rc2_pool_claims_total",
        "rc2_pool_claim_duration_seconds",
    } <= names
    assert {"rc2_pool_refill_duration_seconds", "rc2_spawn_duration_seconds"} <= names
    assert all(len(line.split(maxsplit=3)[3]) > 20 for line in ours)
