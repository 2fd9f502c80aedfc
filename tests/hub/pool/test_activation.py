"""The activation of a standby that does not answer."""

import asyncio

import pytest

from rc2hub.errors import LostStandbyError
from rc2hub.hub.pool.activation import ActivationRequest, Standby
from rc2hub.hub.pool.control_stream import Stream


class LostLines:
    """Lines to a node without power: they are lost, or wait for ever."""

    takes_lines = True

    async def write(self, line: bytes) -> None:
        if not self.takes_lines:
            await asyncio.Future()

    async def readline(self) -> bytes:
        return await asyncio.Future()

    async def close(self) -> None:
        """There is nothing to close."""


async def test_a_standby_that_does_not_answer_in_time_is_lost() -> None:
    standby = Standby()
    standby.stream, standby.activation_timeout = Stream(LostLines()), 0.05
    with pytest.raises(LostStandbyError, match="does not answer"):
        await standby.send_attachments([])
    await standby.stream.close()


async def test_a_standby_that_takes_no_request_in_time_is_lost() -> None:
    standby, lines = Standby(), LostLines()
    lines.takes_lines = False
    standby.stream, standby.activation_timeout = Stream(lines), 0.05
    async with asyncio.timeout(5):
        with pytest.raises(LostStandbyError, match="does not answer"):
            await standby.activate(ActivationRequest({}, "/home/alice"))
        with pytest.raises(LostStandbyError, match="does not answer"):
            await standby.send_attachments([])
