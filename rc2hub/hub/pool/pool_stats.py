"""Counts the claims and refills of one profile's pool, for `spare` by demand, the metrics and the pool's state."""

import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

from rc2hub.hub import metrics
from rc2hub.messages import PoolState
from rc2hub.profiles import Profile

MAX_CLAIMS = 1000
"""Claims that are remembered; with more in an hour, the last ones decide."""


class PoolStats:
    """Counts for one profile, whatever its standbys are."""

    def __init__(
        self,
        profile: Profile,
        *,
        ready: Callable[[], int],
        starting: Callable[[], int],
        broken: Callable[[], int],
        message: Callable[[], str],
    ) -> None:
        """Take the functions that count the standbys in each state and name their problems; show the metrics from now on."""
        self._profile = profile
        self._ready, self._starting, self._broken, self._message = ready, starting, broken, message
        self._claims: deque[float] = deque(maxlen=MAX_CLAIMS)
        self._refill_seconds = 0.0
        metrics.register_pool(profile.name, desired=self.desired, ready=ready, starting=starting, broken=broken)

    def desired(self) -> int:
        """How many standbys should be ready now."""
        return self._profile.spare.desired(datetime.now(UTC), self._claims, self._refill_seconds)

    def state(self) -> PoolState:
        """The state of the standbys now."""
        return PoolState(
            self._profile.name, self.desired(), self._ready(), self._starting(), self._broken(), self._message()
        )

    def record_request(self) -> float:
        """Count a request for a standby; returns the time, for `record_claim`."""
        self._claims.append(time.time())
        return time.monotonic()

    def record_claim(self, standby: str, requested_at: float, result: str, reason: str = "") -> None:
        """Count the result of the request; see `metrics.record_claim`."""
        metrics.record_claim(self._profile.name, standby, requested_at, result, reason)

    def record_refill(self, seconds: float, held_back: float = 0.0) -> None:
        """Count a standby that is ready.

        Args:
            seconds: how long it took from its start.
            held_back: for how many seconds its start was held back before.
        """
        metrics.REFILL_DURATION.labels(self._profile.name).observe(seconds)
        self._refill_seconds = held_back + seconds
