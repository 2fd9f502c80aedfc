"""The control stream to a pod whose container does not answer."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from rc2hub.errors import StandbyError
from rc2hub.hub.pool import pod_standby
from rc2hub.hub.pool.pod_standby import PodStandby
from tests.hub.pool.tested_pool import Lines


async def test_a_standby_that_takes_a_stream_and_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = Lines()

    async def open_exec(*_: Any) -> Lines:
        return lines

    monkeypatch.setattr(pod_standby, "open_exec", open_exec)
    api: Any = SimpleNamespace(namespace="ns")
    async with asyncio.timeout(5):
        with pytest.raises(StandbyError, match="could not be reached in its pod"):
            await PodStandby.connect(api, "a", within=0.05)
    assert lines.ended.is_set()
