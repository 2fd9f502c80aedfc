"""A running pool of pods without a cluster."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest

from rc2hub.hub.pool.pod_standby import PodStandby
from tests.hub.pool.tested_pool import TestedPool


@pytest.fixture
async def pool(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TestedPool]:
    made = TestedPool()
    monkeypatch.setattr(PodStandby, "connect", made.connect)
    running = asyncio.create_task(made.profile_pool.run())
    yield made
    running.cancel()
    for lines in itertools.chain(*made.streams.values()):
        lines.ended.set()
    await asyncio.wait({running})
