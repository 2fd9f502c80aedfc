"""What the pool of one profile has seen lately: how many standbys demand asks for, and what is shown of it."""

import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

from rc2hub import metrics
from rc2hub.profiles import PoolState, Profile

REMEMBERED = 1000
"""As many claims are worth remembering; with more in an hour the last ones decide."""


class Tally:
    """Keeps count for one profile, whatever its standbys are."""

    def __init__(
        self,
        profile: Profile,
        *,
        ready: Callable[[], int],
        starting: Callable[[], int],
        broken: Callable[[], int],
        why: Callable[[], str],
    ) -> None:
        """Take what says how many standbys there are in each state, and what hinders them; show it from now on."""
        self._profile = profile
        self._ready, self._starting, self._broken, self._why = ready, starting, broken, why
        self._claims: deque[float] = deque(maxlen=REMEMBERED)
        self._refill = 0.0
        metrics.watch(profile.name, wanted=self.wanted, ready=ready, starting=starting, broken=broken)

    def wanted(self) -> int:
        """How many standbys should be ready now."""
        return self._profile.spare.wanted(datetime.now(UTC), self._claims, self._refill)

    def state(self) -> PoolState:
        """How the standbys are now."""
        return PoolState(self._profile.name, self.wanted(), self._ready(), self._starting(), self._broken(), self._why())

    def asked(self) -> float:
        """Note that somebody asks for a standby; returns the moment, for `claimed`."""
        self._claims.append(time.time())
        return time.monotonic()

    def claimed(self, standby: str, asked: float, result: str, reason: str = "") -> None:
        """Note what came of it; see `metrics.claimed`."""
        metrics.claimed(self._profile.name, standby, asked, result, reason)

    def refilled(self, seconds: float, held_back: float = 0.0) -> None:
        """Note that a standby got ready in so many seconds, and for how many it was held back before that."""
        metrics.REFILL.labels(self._profile.name).observe(seconds)
        self._refill = held_back + seconds
