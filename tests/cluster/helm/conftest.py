"""Fixtures for tests of an installed chart; each module defines its own `release`."""

from collections.abc import AsyncIterator

import pytest

from tests.cluster.helm.release import Release, wait_until_reachable
from tests.fixtures.hub import Client


@pytest.fixture
async def outside(release: Release) -> AsyncIterator[Client]:
    """A client of the release's hub that uses the Ingress."""
    async with release.client() as client:
        await wait_until_reachable(client)
        yield client
