"""Decides which claim gets which standby: the longest wait first, the oldest standby first."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

POLL_INTERVAL = 0.5
"""Seconds between two checks whether a claim should go on waiting."""
FIRST_ESTIMATE = 10.0
"""Seconds that a standby is assumed to take until it is ready, before one has."""
S = TypeVar("S")


class StandbyQueue(Generic[S]):
    """Ready standbys, and the claims that wait for one in the order in which they came."""

    def __init__(self) -> None:
        """Start without a standby and without a claim."""
        self._ready: deque[S] = deque()
        self._waiters: deque[asyncio.Future[S]] = deque()
        self.estimate = FIRST_ESTIMATE
        """Seconds that a standby takes until it is ready; the pool sets it whenever one is."""

    def __len__(self) -> int:
        """How many standbys are ready."""
        return len(self._ready)

    def __iter__(self) -> Iterator[S]:
        """The ready standbys, the oldest first; they may be removed meanwhile."""
        return iter(list(self._ready))

    @property
    def waiting(self) -> int:
        """How many claims wait."""
        return len(self._waiters)

    def put(self, standby: S) -> None:
        """Hand a ready standby over to the claim that has waited longest; without one, keep it ready."""
        if self._waiters:
            self._waiters.popleft().set_result(standby)
        else:
            self._ready.append(standby)

    def fail(self, error: Exception) -> None:
        """End the claim that has waited longest with an error."""
        if self._waiters:
            self._waiters.popleft().set_exception(error)

    def take(self, is_preferred: Callable[[S], bool] = lambda _: True) -> S | None:
        """The oldest ready standby, a preferred one first; None if none is ready."""
        if not self._ready:
            return None
        standby = next(filter(is_preferred, self._ready), self._ready[0])
        self._ready.remove(standby)
        return standby

    def take_newest(self) -> S:
        """The newest ready standby; there must be one."""
        return self._ready.pop()

    def remove(self, standby: S) -> bool:
        """Remove a standby if it is ready; whether it was."""
        if standby not in self._ready:
            return False
        self._ready.remove(standby)
        return True

    async def wait(self, goes_on: Callable[[int], bool] = lambda _: True) -> S | None:
        """Wait for the next standby; a claim that is cancelled gives back what it was handed at that moment.

        Args:
            goes_on: asked at once and every half second whether to go on waiting, with the number of claims before this one.

        Returns:
            The standby, or None if `goes_on` says no.

        Raises:
            Exception: the one that `fail` was called with.
        """
        waiter: asyncio.Future[S] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            while not waiter.done():
                if not goes_on(self._waiters.index(waiter)):
                    return None
                await asyncio.wait({waiter}, timeout=POLL_INTERVAL)
        except asyncio.CancelledError:
            if waiter.done() and not waiter.exception():
                self.put(waiter.result())
            raise
        finally:
            with contextlib.suppress(ValueError):
                self._waiters.remove(waiter)
        return waiter.result()
