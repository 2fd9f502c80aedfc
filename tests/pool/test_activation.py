"""The activation of a standby that does not answer."""

import asyncio

import pytest

from rc2hub.errors import LostStandbyError
from rc2hub.pool.activation import StreamedStandby
from rc2hub.pool.stream import Stream


class Nowhere:
    """Lines that go nowhere, as those to a machine without power do."""

    async def write(self, line: bytes) -> None:
        """Lose it."""

    async def readline(self) -> bytes:
        return await asyncio.Future()

    async def close(self) -> None:
        """There is nothing to close."""


async def test_a_standby_that_does_not_answer_in_time_is_lost() -> None:
    standby = StreamedStandby()
    standby.stream, standby.patience = Stream(Nowhere()), 0.05
    with pytest.raises(LostStandbyError, match="does not answer"):
        await standby.deliver([])
    await standby.stream.close()
