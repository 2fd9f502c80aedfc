"""What Prometheus reads of the pool, and the line that each claim leaves in the log."""

import logging
import time

import pytest
from prometheus_client import REGISTRY, generate_latest

from rc2hub import metrics


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def test_a_pool_is_read_at_the_moment_it_is_asked_for():
    ready = [1, 2]
    metrics.watch("watched", wanted=lambda: 5, ready=lambda: len(ready), starting=lambda: 1, broken=lambda: 0)
    assert value("rc2_spare_wanted", profile="watched") == 5
    assert value("rc2_standbys", profile="watched", state="ready") == 2
    ready.clear()
    assert value("rc2_standbys", profile="watched", state="ready") == 0
    assert value("rc2_standbys", profile="watched", state="starting") == 1
    assert value("rc2_standbys", profile="watched", state="broken") == 0


def test_every_result_is_there_before_it_first_happens_so_that_its_first_time_is_an_increase():
    metrics.watch("fresh", wanted=lambda: 0, ready=lambda: 0, starting=lambda: 0, broken=lambda: 0)
    assert value("rc2_claims_total", profile="fresh", result="warm", reason="") == 0
    assert value("rc2_claims_total", profile="fresh", result="waited", reason="") == 0
    assert value("rc2_claims_total", profile="fresh", result="failed", reason="") == 0
    for reason in ("no_pool", "different", "empty"):
        assert value("rc2_claims_total", profile="fresh", result="cold", reason=reason) == 0
    assert value("rc2_refill_seconds_count", profile="fresh") == 0
    assert value("rc2_start_seconds_count", profile="fresh") == 0


@pytest.mark.parametrize(
    ("result", "reason", "says"),
    [
        (metrics.WARM, "", "profile=lab standby=one result=warm reason=- seconds=0.0"),
        (metrics.COLD, metrics.DIFFERENT, "profile=lab standby=one result=cold reason=different seconds=0.0"),
    ],
)
def test_a_claim_is_counted_timed_and_logged_by_one_call(
    result: str, reason: str, says: str, caplog: pytest.LogCaptureFixture
):
    before = value("rc2_claims_total", profile="lab", result=result, reason=reason) or 0
    with caplog.at_level(logging.INFO, "JupyterHub"):
        metrics.claimed("lab", "one", time.monotonic(), result, reason)
    assert value("rc2_claims_total", profile="lab", result=result, reason=reason) == before + 1
    assert value("rc2_claim_seconds_count", profile="lab", result=result) >= 1
    assert says in caplog.text
    assert "claim " in caplog.text


def test_every_metric_of_ours_says_what_it_counts_and_in_what_unit():
    ours = [line for line in generate_latest().decode().splitlines() if line.startswith("# HELP rc2_")]
    names = {line.split()[2] for line in ours}
    assert {"rc2_spare_wanted", "rc2_standbys", "rc2_claims_total", "rc2_claim_seconds"} <= names
    assert {"rc2_refill_seconds", "rc2_start_seconds"} <= names
    assert all(len(line.split(maxsplit=3)[3]) > 20 for line in ours)
