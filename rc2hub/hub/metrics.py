"""Metrics of the pool and the broker, on JupyterHub's own /hub/metrics; and one log line for each claim.

JupyterHub's metrics begin with `jupyterhub_`, ours with `rc2_`. Pools report through `pool/pool_stats.py`.
"""

import logging
import time
from collections.abc import Callable

from prometheus_client import Counter, Gauge, Histogram

log = logging.getLogger("JupyterHub")

WARM, WAITED, COLD, FAILED = "warm", "waited", "cold", "failed"
"""Results of a claim: a standby was ready; one became ready; a server was started for this user alone; none could be."""
NO_POOL, TEMPLATE_DIFFERS, POOL_EMPTY = "no_pool", "template_differs", "pool_empty"
"""Reasons of a cold claim: the profile keeps no standbys; the user's pod differs from them; none is ready or starting."""
BUCKETS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.45, 0.6, 0.8, 1, 2, 3, 5, 10, 20, 30, 60)

DESIRED_STANDBYS = Gauge("rc2_pool_desired_standbys", "Standbys that should be ready now.", ["profile"])
STANDBYS = Gauge("rc2_pool_standbys", "Standbys by state: ready, starting, or broken.", ["profile", "state"])
BROKER_UP = Gauge("rc2_broker_up", "1 if the broker accepted the hub's last desired state, which is sent every 15 s.")
CLAIMS = Counter(
    "rc2_pool_claims",
    "Claims of a standby by result (warm, waited, cold, failed), and the reason of a cold one.",
    ["profile", "result", "reason"],
)
CLAIM_DURATION = Histogram(
    "rc2_pool_claim_duration_seconds", "Seconds until a claim had its standby.", ["profile", "result"], buckets=BUCKETS
)
SPAWN_DURATION = Histogram(
    "rc2_spawn_duration_seconds",
    "Seconds from the request of a start until the server is the user's.",
    ["profile"],
    buckets=BUCKETS,
)
REFILL_DURATION = Histogram(
    "rc2_pool_refill_duration_seconds", "Seconds until a new standby was ready.", ["profile"], buckets=BUCKETS
)


def register_pool(
    profile: str,
    *,
    desired: Callable[[], float],
    ready: Callable[[], float],
    starting: Callable[[], float],
    broken: Callable[[], float],
) -> None:
    """Show the pool of a profile; the functions are called at each scrape.

    Counters start at 0: `increase()` of Prometheus does not count the first appearance of a series.
    """
    DESIRED_STANDBYS.labels(profile).set_function(desired)
    for state, count in (("ready", ready), ("starting", starting), ("broken", broken)):
        STANDBYS.labels(profile, state).set_function(count)
    for result in (WARM, WAITED, FAILED):
        CLAIMS.labels(profile, result, "")
    for reason in (NO_POOL, TEMPLATE_DIFFERS, POOL_EMPTY):
        CLAIMS.labels(profile, COLD, reason)
    for result in (WARM, WAITED, COLD):
        CLAIM_DURATION.labels(profile, result)
    SPAWN_DURATION.labels(profile)
    REFILL_DURATION.labels(profile)


def record_claim(profile: str, standby: str, began: float, result: str, reason: str = "") -> None:
    """Count a claim, and write its line in the log.

    Args:
        profile: the profile of the standby.
        standby: the standby's name; empty if there is none.
        began: when the standby was asked for, by the monotonic clock.
        result: WARM, WAITED, COLD or FAILED.
        reason: NO_POOL, TEMPLATE_DIFFERS or POOL_EMPTY, if the result is COLD.
    """
    seconds = time.monotonic() - began
    CLAIMS.labels(profile, result, reason).inc()
    CLAIM_DURATION.labels(profile, result).observe(seconds)
    log.info(
        "claim profile=%s standby=%s result=%s reason=%s seconds=%.3f",
        profile,
        standby or "-",
        result,
        reason or "-",
        seconds,
    )
