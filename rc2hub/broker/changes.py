"""Wakes the requests that wait for a change of one server, and no others."""

import asyncio
from collections.abc import Callable, Hashable
from weakref import WeakValueDictionary


class Changes:
    """Waiting by key. A key without a waiting request costs nothing."""

    def __init__(self) -> None:
        """Start without a waiting request."""
        self._events: WeakValueDictionary[Hashable, asyncio.Event] = WeakValueDictionary()

    def notify(self, key: Hashable) -> None:
        """Have those who wait with this key check their condition again."""
        if event := self._events.pop(key, None):
            event.set()

    async def wait_for(self, key: Hashable, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait up to `seconds` until the condition is true; return whether it is."""
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    event = self._events.setdefault(key, asyncio.Event())
                    await event.wait()
        except TimeoutError:
            return condition()
        return True
