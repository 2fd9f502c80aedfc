"""What JupyterHub's own /hub/metrics shows of the pool, in the registry that it uses; and the log's line for each claim.

JupyterHub's metrics begin with `jupyterhub_`, ours with `rc2_`, and those of the pool have the label `profile`. Pools come
here through `pool/tally.py`.
"""

import logging
import time
from collections.abc import Callable

from prometheus_client import Counter, Gauge, Histogram

log = logging.getLogger("JupyterHub")

WARM, WAITED, COLD, FAILED = "warm", "waited", "cold", "failed"
"""A standby was ready; one came; something was started for this person alone; nothing could be."""
NO_POOL, DIFFERENT, EMPTY = "no_pool", "different", "empty"
"""Why it was cold: no standbys are kept; hers has to be another pod than they are; none is coming."""
BUCKETS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.45, 0.6, 0.8, 1, 2, 3, 5, 10, 20, 30, 60)

SPARE = Gauge("rc2_spare_wanted", "Standbys that should be ready now.", ["profile"])
STANDBYS = Gauge("rc2_standbys", "Standbys by state: ready, starting, or broken.", ["profile", "state"])
BROKER = Gauge("rc2_broker_up", "Whether the broker took the hub's last list, which goes there every 15 s.")
CLAIMS = Counter(
    "rc2_claims", "Claims by result (warm, waited, cold, failed), and why it was cold.", ["profile", "result", "reason"]
)
CLAIM = Histogram("rc2_claim_seconds", "Seconds until a claim had its standby.", ["profile", "result"], buckets=BUCKETS)
START = Histogram(
    "rc2_start_seconds",
    "Seconds from the request of a start until the server was the person's.",
    ["profile"],
    buckets=BUCKETS,
)
REFILL = Histogram("rc2_refill_seconds", "Seconds that a standby took to get ready.", ["profile"], buckets=BUCKETS)


def watch(
    profile: str,
    *,
    wanted: Callable[[], float],
    ready: Callable[[], float],
    starting: Callable[[], float],
    broken: Callable[[], float],
) -> None:
    """Show a pool; the functions are called whenever somebody looks.

    What has not happened yet is shown as 0: Prometheus takes the first appearance of a counter for no increase.
    """
    SPARE.labels(profile).set_function(wanted)
    for state, count in (("ready", ready), ("starting", starting), ("broken", broken)):
        STANDBYS.labels(profile, state).set_function(count)
    for result in (WARM, WAITED, FAILED):
        CLAIMS.labels(profile, result, "")
    for reason in (NO_POOL, DIFFERENT, EMPTY):
        CLAIMS.labels(profile, COLD, reason)
    for result in (WARM, WAITED, COLD):
        CLAIM.labels(profile, result)
    START.labels(profile)
    REFILL.labels(profile)


def claimed(profile: str, standby: str, began: float, result: str, reason: str = "") -> None:
    """Count a claim, and write its line in the log.

    Args:
        profile: whose standby it is.
        standby: its name; empty if there is none.
        began: when it was asked for, by the monotonic clock.
        result: WARM, WAITED, COLD or FAILED.
        reason: NO_POOL, DIFFERENT or EMPTY, if it was cold.
    """
    seconds = time.monotonic() - began
    CLAIMS.labels(profile, result, reason).inc()
    CLAIM.labels(profile, result).observe(seconds)
    log.info(
        "claim profile=%s standby=%s result=%s reason=%s seconds=%.3f",
        profile,
        standby or "-",
        result,
        reason or "-",
        seconds,
    )
